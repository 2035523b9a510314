// sem_clockwait() is of Issue 8: used where the system's header declares it.
#pragma once

#include <semaphore.h>
#include <time.h>

#include <cerrno>

#include "harness/core/call.h"

namespace ipcsuite {
namespace internal {

template <typename S>
concept HasClockwait = requires(S* sem, const timespec* deadline) {
  sem_clockwait(sem, clockid_t{}, deadline);
};

template <typename S>
int ClockwaitIfDeclared(S* sem, clockid_t clock, const timespec* deadline) {
  using namespace calls;
  if constexpr (HasClockwait<S>) {
    return sem_clockwait(sem, clock, deadline);
  } else {
    errno = ENOSYS;
    return -1;
  }
}

}  // namespace internal

inline constexpr bool kHasClockwait = internal::HasClockwait<sem_t>;

// sem_clockwait() where it is declared; ENOSYS elsewhere.
inline CallResult ClockWait(sem_t* sem, clockid_t clock, const timespec& deadline) {
  return internal::Invoke("sem_clockwait(sem, clock, &deadline)", internal::Convention::kMinusOne,
                          [&] { return internal::ClockwaitIfDeclared(sem, clock, &deadline); });
}

}  // namespace ipcsuite
