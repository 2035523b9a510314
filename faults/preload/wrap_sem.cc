// Semaphores: the calls that calls.h can't hold.
#include <fcntl.h>

#include <cstdarg>

#include "faults/preload/wrap.h"

using namespace faults;

IPC_WRAP(sem_t*, sem_open, const char* name, int flags, ...) {
  mode_t mode = 0;
  unsigned value = 0;
  if (flags & O_CREAT) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    value = va_arg(list, unsigned);
    va_end(list);
  }
  return Active() ? hooks.sem_open(name, flags, mode, value)
                  : real::sem_open(name, flags, mode, value);
}

namespace {
int DoTimed(sem_t* s, const timespec* t) {
  return Active() ? hooks.sem_timedwait(s, t) : real::sem_timedwait(s, t);
}
int DoClock(sem_t* s, clockid_t clock, const timespec* t) {
  return Active() ? hooks.sem_clockwait(s, clock, t) : real::sem_clockwait(s, clock, t);
}
}  // namespace

// Programs with 32-bit time_t keep the real entries.
#if __SIZEOF_POINTER__ == 8
IPC_WRAP(int, sem_timedwait, sem_t* s, const timespec* t) { return DoTimed(s, t); }
IPC_WRAP(int, sem_clockwait, sem_t* s, clockid_t c, const timespec* t) { return DoClock(s, c, t); }
#else
IPC_WRAP(int, __sem_timedwait64, sem_t* s, const timespec* t) { return DoTimed(s, t); }
IPC_WRAP(int, __sem_clockwait64, sem_t* s, clockid_t c, const timespec* t) {
  return DoClock(s, c, t);
}
#endif
