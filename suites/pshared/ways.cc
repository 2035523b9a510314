// The ways to wait, with the functions of Issue 8 where they are declared.
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

// Templates, so that a function that is not declared is looked up when they are instantiated.
template <typename M>
concept HasClockWays = requires(M* mutex, const timespec* deadline) {
  pthread_mutex_clocklock(mutex, clockid_t{}, deadline);
};

template <typename M>
int MutexIfDeclared(M* mutex, clockid_t clock, const timespec* deadline) {
  if constexpr (HasClockWays<M>) {
    return pthread_mutex_clocklock(mutex, clock, deadline);
  } else {
    return ENOSYS;
  }
}
template <typename C, typename M>
int CondIfDeclared(C* cond, M* mutex, clockid_t clock, const timespec* deadline) {
  if constexpr (HasClockWays<M>) {
    return pthread_cond_clockwait(cond, mutex, clock, deadline);
  } else {
    return ENOSYS;
  }
}
template <typename L, typename M = pthread_mutex_t>
int ReadIfDeclared(L* lock, clockid_t clock, const timespec* deadline) {
  if constexpr (HasClockWays<M>) {
    return pthread_rwlock_clockrdlock(lock, clock, deadline);
  } else {
    return ENOSYS;
  }
}
template <typename L, typename M = pthread_mutex_t>
int WriteIfDeclared(L* lock, clockid_t clock, const timespec* deadline) {
  if constexpr (HasClockWays<M>) {
    return pthread_rwlock_clockwrlock(lock, clock, deadline);
  } else {
    return ENOSYS;
  }
}

template <typename F>
CallResult InvokeClock(const char* text, F call) {
  return internal::Invoke(text, internal::Convention::kErrorNumber, call);
}

}  // namespace

std::string ToString(Way way) {
  switch (way) {
    case Way::kPlain: return "without a deadline";
    case Way::kTimed: return "timed";
    case Way::kClockRealtime: return "on CLOCK_REALTIME";
    case Way::kClockMonotonic: return "on CLOCK_MONOTONIC";
  }
  return "?";
}

std::vector<Way> TimedWays() {
  if (HasClockWays<pthread_mutex_t>)
    return {Way::kTimed, Way::kClockRealtime, Way::kClockMonotonic};
  return {Way::kTimed};
}

std::vector<Way> AllWays() {
  std::vector<Way> ways = TimedWays();
  ways.insert(ways.begin(), Way::kPlain);
  return ways;
}

clockid_t ClockOf(Way way) {
  return way == Way::kClockMonotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

void NeedClockWays() {
  if (!HasClockWays<pthread_mutex_t>)
    Unsupported("pthread_mutex_clocklock() and its kin (of Issue 8) are not declared");
}

CallResult ClockLock(pthread_mutex_t* mutex, clockid_t clock, const timespec& deadline) {
  return InvokeClock("pthread_mutex_clocklock(mutex, clock, &deadline)",
                     [&] { return MutexIfDeclared(mutex, clock, &deadline); });
}

CallResult ClockWait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                     const timespec& deadline) {
  return InvokeClock("pthread_cond_clockwait(cond, mutex, clock, &deadline)",
                     [&] { return CondIfDeclared(cond, mutex, clock, &deadline); });
}

CallResult LockUntil(Way way, pthread_mutex_t* mutex, const timespec& deadline) {
  switch (way) {
    case Way::kPlain: return CALL_ERRNO(pthread_mutex_lock(mutex));
    case Way::kTimed: return CALL_ERRNO(pthread_mutex_timedlock(mutex, &deadline));
    default: return ClockLock(mutex, ClockOf(way), deadline);
  }
}

CallResult WaitUntil(Way way, pthread_cond_t* cond, pthread_mutex_t* mutex,
                     const timespec& deadline) {
  switch (way) {
    case Way::kPlain: return CALL_ERRNO(pthread_cond_wait(cond, mutex));
    case Way::kTimed: return CALL_ERRNO(pthread_cond_timedwait(cond, mutex, &deadline));
    default: return ClockWait(cond, mutex, ClockOf(way), deadline);
  }
}

CallResult ReadLockUntil(Way way, pthread_rwlock_t* lock, const timespec& deadline) {
  switch (way) {
    case Way::kPlain: return CALL_ERRNO(pthread_rwlock_rdlock(lock));
    case Way::kTimed: return CALL_ERRNO(pthread_rwlock_timedrdlock(lock, &deadline));
    default:
      return InvokeClock("pthread_rwlock_clockrdlock(lock, clock, &deadline)",
                         [&] { return ReadIfDeclared(lock, ClockOf(way), &deadline); });
  }
}

CallResult WriteLockUntil(Way way, pthread_rwlock_t* lock, const timespec& deadline) {
  switch (way) {
    case Way::kPlain: return CALL_ERRNO(pthread_rwlock_wrlock(lock));
    case Way::kTimed: return CALL_ERRNO(pthread_rwlock_timedwrlock(lock, &deadline));
    default:
      return InvokeClock("pthread_rwlock_clockwrlock(lock, clock, &deadline)",
                         [&] { return WriteIfDeclared(lock, ClockOf(way), &deadline); });
  }
}

CallResult LockBy(Way way, pthread_mutex_t* mutex, std::int64_t ms) {
  return LockUntil(way, mutex, ClockIn(ClockOf(way), ms));
}

CallResult WaitBy(Way way, pthread_cond_t* cond, pthread_mutex_t* mutex, std::int64_t ms) {
  return WaitUntil(way, cond, mutex, ClockIn(ClockOf(way), ms));
}

}  // namespace ipcsuite::pshared_suite
