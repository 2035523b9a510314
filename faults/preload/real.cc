#include "faults/preload/real.h"

#include <dlfcn.h>

#include <cstdio>
#include <initializer_list>

namespace faults::real {

#define IPC_DEFINE(name, result, parameters) result(*name) parameters = nullptr;
IPC_REAL_CALLS(IPC_DEFINE)
#undef IPC_DEFINE
#define IPC_DEFINE(result, name, parameters, arguments) result(*name) parameters = nullptr;
IPC_PLAIN_CALLS(IPC_DEFINE)
#undef IPC_DEFINE

namespace {

// On a libc with 32-bit off_t or time_t by default, the wide entry has another name.
void* Find(const char* name) {
  if constexpr (sizeof(void*) == 4) {
    for (const char* pattern : {"__%s64_time64", "__%s_time64", "__%s64", "%s64"}) {
      char wide[64];
      std::snprintf(wide, sizeof wide, pattern, name);
      if (void* found = dlsym(RTLD_NEXT, wide)) return found;
    }
  }
  return dlsym(RTLD_NEXT, name);
}

}  // namespace

void Resolve() {
#define IPC_FIND(name, result, parameters) \
  name = reinterpret_cast<result(*) parameters>(Find(#name));
  IPC_REAL_CALLS(IPC_FIND)
#undef IPC_FIND
#define IPC_FIND(result, name, parameters, arguments) \
  name = reinterpret_cast<result(*) parameters>(Find(#name));
  IPC_PLAIN_CALLS(IPC_FIND)
#undef IPC_FIND
}

}  // namespace faults::real
