// Clocks. The entries for a 32-bit time_t stay real: their timespec is another type.
#include "faults/preload/wrap.h"

using namespace faults;

#if __SIZEOF_POINTER__ == 8
#define IPC_CLOCK_GETTIME clock_gettime
#define IPC_CLOCK_GETRES clock_getres
#else
#define IPC_CLOCK_GETTIME __clock_gettime64
#define IPC_CLOCK_GETRES __clock_getres_time64
#endif

#define IPC_WRAP_CLOCK(symbol, call)                               \
  IPC_WRAP(int, symbol, clockid_t clock, timespec* t) {            \
    return Active() ? hooks.call(clock, t) : real::call(clock, t); \
  }
IPC_WRAP_CLOCK(IPC_CLOCK_GETTIME, clock_gettime)
IPC_WRAP_CLOCK(IPC_CLOCK_GETRES, clock_getres)
