// The calls of calls.h.
#include "faults/preload/wrap.h"

using namespace faults;

#if __SIZEOF_POINTER__ == 8
#define IPC_TIMED_SYMBOL(name) name
#else
#define IPC_TIMED_SYMBOL(name) "__" name "64"
#endif

#define IPC_WRAP_AS(symbol, result, name, parameters, arguments)   \
  extern "C" __attribute__((visibility("default")))                \
  result ipcfaults_##name parameters __asm__(symbol);              \
  extern "C" result ipcfaults_##name parameters {                  \
    return Active() ? hooks.name arguments : real::name arguments; \
  }
#define IPC_WRAP_PLAIN(result, name, parameters, arguments) \
  IPC_WRAP_AS(#name, result, name, parameters, arguments)
#define IPC_WRAP_TIMED(result, name, parameters, arguments) \
  IPC_WRAP_AS(IPC_TIMED_SYMBOL(#name), result, name, parameters, arguments)
IPC_UNTIMED_CALLS(IPC_WRAP_PLAIN)
IPC_TIMED_CALLS(IPC_WRAP_TIMED)
