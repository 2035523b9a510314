// What faults of semaphores share. A semaphore is known by its address, which is the same in all
// processes that inherited it.
#pragma once

#include <fcntl.h>
#include <semaphore.h>

#include <climits>

#include "faults/preload/state.h"

namespace faults {

inline uint64_t KeyOf(const sem_t* s) { return reinterpret_cast<uintptr_t>(s); }

inline int Value(sem_t* s) {
  int value = 0;
  real::sem_getvalue(s, &value);
  return value;
}

inline sem_t* OpenSem(const char* n, int f = 0, mode_t m = 0, unsigned v = 0) {
  return real::sem_open(n, f, m, v);
}

inline bool SemExists(const char* n) {
  const int saved = errno;
  sem_t* s = OpenSem(n);
  if (s != SEM_FAILED) real::sem_close(s);
  errno = saved;
  return s != SEM_FAILED;
}

inline void SetValue(sem_t* s, int value) {
  const int saved = errno;
  for (int now = Value(s); now > value && now < 100'000; now = Value(s)) {
    if (real::sem_trywait(s) != 0) break;
  }
  for (int now = Value(s); now < value && value < 100'000; now = Value(s)) {
    if (real::sem_post(s) != 0) break;
  }
  errno = saved;
}

// The same change to every way of waiting: F is given the semaphore and the real call with its
// clock and deadline (no meaning for sem_wait()).
template <auto F>
void EveryWait(Hooks& h) {
  h.sem_wait = [](sem_t* s) {
    return F(
        s, [](sem_t* of, clockid_t, const timespec*) { return real::sem_wait(of); }, 0, nullptr);
  };
  h.sem_timedwait = [](sem_t* s, const timespec* t) {
    return F(
        s,
        [](sem_t* of, clockid_t, const timespec* until) { return real::sem_timedwait(of, until); },
        CLOCK_REALTIME, t);
  };
  h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
    return F(
        s,
        [](sem_t* of, clockid_t clock, const timespec* until) {
          return real::sem_clockwait(of, clock, until);
        },
        c, t);
  };
}
using RealWait = int (*)(sem_t*, clockid_t, const timespec*);

}  // namespace faults
