#include "faults/detect/library.h"

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include <sstream>

#include "faults/preload/list.h"

namespace ipcsuite::faults {

std::string FindLibrary() {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return "";
  std::string folder(self, static_cast<size_t>(n));
  folder.resize(folder.rfind('/'));
  for (const char* place : {"/libipcfaults.so", "/../faults/libipcfaults.so", "/../libipcfaults.so",
                            "/faults/libipcfaults.so"}) {
    const std::string path = folder + place;
    char whole[PATH_MAX];
    if (access(path.c_str(), R_OK) == 0 && realpath(path.c_str(), whole)) return whole;
  }
  return "";
}

std::vector<FaultInfo> LoadFaults(const std::string& path, std::string* error) {
  std::vector<FaultInfo> faults;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    *error = "can't load " + path + ": " + (why ? why : "unknown reason");
    return faults;
  }
  const auto get = reinterpret_cast<IpcFaultGetFn>(dlsym(library, kIpcFaultGetSymbol));
  if (!get) {
    *error = path + " is not the fault library: it has no " + kIpcFaultGetSymbol;
    return faults;
  }
  for (std::size_t i = 0; const IpcFaultInfo* info = get(i); ++i) {
    FaultInfo fault{info->name, info->family, info->difficulty, info->what, info->source, {}};
    std::istringstream words(info->breaks);
    for (std::string id; words >> id;) fault.breaks.push_back(id);
    faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace ipcsuite::faults
