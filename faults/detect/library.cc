#include "faults/detect/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/os/os.h"

namespace ipcsuite::detect {

std::string FindLibrary() {
  std::string folder = os::OwnPath();
  if (folder.empty()) return "";
  folder.resize(folder.rfind('/'));
  for (const char* place : {"/libipcfaults.so", "/../faults/libipcfaults.so", "/../libipcfaults.so",
                            "/faults/libipcfaults.so"}) {
    const std::string path = folder + place;
    char whole[PATH_MAX];
    if (access(path.c_str(), R_OK) == 0 && realpath(path.c_str(), whole)) return whole;
  }
  return "";
}

std::vector<Implementation> LoadLibrary(const std::string& path, std::string* error) {
  std::vector<Implementation> all;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    *error = "can't load " + path + ": " + (why ? why : "unknown reason");
    return all;
  }
  const auto row_at = reinterpret_cast<IpcFaultRowFn>(dlsym(library, kIpcFaultRowSymbol));
  if (!row_at) {
    *error = path + " is not the fault library of this program: it has no " + kIpcFaultRowSymbol;
    return all;
  }
  for (std::size_t i = 0; const faults::Row* row = row_at(i); ++i) {
    if (!row->name || !row->observed || !row->what || !row->source || !row->file) {
      *error =
          path + " is of another version: build the program and the library from the same sources";
      return {};
    }
    Implementation one{row->name,     row->role, row->family, row->difficulty, {},
                       row->observed, row->what, row->source, row->file,       row->line};
    for (const char* const* id = row->clauses; *id; ++id) {
      const Clause* clause = Find(*id);
      if (!clause) {
        *error = path + ": " + row->name + " names the unknown clause " + *id +
                 ": build the program and the library from the same sources";
        return {};
      }
      one.clauses.push_back(RefOf(*clause));
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace ipcsuite::detect
