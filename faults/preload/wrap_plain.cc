// The calls of calls.h.
#include "faults/preload/wrap.h"

using namespace faults;

#define IPC_WRAP_PLAIN(result, name, parameters, arguments)        \
  extern "C" __attribute__((visibility("default")))                \
  result ipcfaults_##name parameters __asm__(#name);               \
  extern "C" result ipcfaults_##name parameters {                  \
    return Active() ? hooks.name arguments : real::name arguments; \
  }
IPC_PLAIN_CALLS(IPC_WRAP_PLAIN)
