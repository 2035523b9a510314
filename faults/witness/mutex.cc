// Witnesses for bank/mutex_attr.cc, bank/mutex_calls.cc and the mutexes of bank/mutex_time.cc.
#include "faults/witness/threads.h"

namespace witness {
namespace {

WITNESS(mutexattr_setpshared_ignored) {
  const MutexAttr attr;
  int value = PTHREAD_PROCESS_SHARED;
  pthread_mutexattr_getpshared(&attr.a, &value);
  return value != PTHREAD_PROCESS_SHARED;
}
// The default of an attribute.
template <int (*Get)(const pthread_mutexattr_t*, int*)>
int Default() {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  int value = -1;
  Get(&a, &value);
  return value;
}
WITNESS(mutexattr_default_shared) {
  return Default<&pthread_mutexattr_getpshared>() == PTHREAD_PROCESS_SHARED;
}
WITNESS(mutexattr_default_robust) {
  return Default<&pthread_mutexattr_getrobust>() == PTHREAD_MUTEX_ROBUST;
}
WITNESS(mutexattr_robust_any_value) {
  MutexAttr attr;
  return pthread_mutexattr_setrobust(&attr.a, 77) == 0;
}
WITNESS(mutexattr_robust_needs_shared) {
  MutexAttr attr(PTHREAD_MUTEX_NORMAL, kRobust);
  pthread_mutexattr_setpshared(&attr.a, PTHREAD_PROCESS_SHARED);
  int value = -1;
  pthread_mutexattr_getrobust(&attr.a, &value);
  return value == PTHREAD_MUTEX_STALLED;
}
WITNESS(mutexattr_default_errorcheck) {
  return Default<&pthread_mutexattr_gettype>() == PTHREAD_MUTEX_ERRORCHECK;
}
WITNESS(mutexattr_type_any_value) {
  MutexAttr attr;
  return pthread_mutexattr_settype(&attr.a, 77) == 0;
}
WITNESS(mutexattr_type_resets_robust) {
  MutexAttr attr(PTHREAD_MUTEX_NORMAL, kRobust);
  pthread_mutexattr_settype(&attr.a, PTHREAD_MUTEX_RECURSIVE);
  int value = -1;
  pthread_mutexattr_getrobust(&attr.a, &value);
  return value == PTHREAD_MUTEX_STALLED;
}
WITNESS(mutexattr_protocol_ignored) {
  const MutexAttr attr(PTHREAD_MUTEX_NORMAL, false, PTHREAD_PRIO_INHERIT);
  int value = -1;
  pthread_mutexattr_getprotocol(&attr.a, &value);
  return value == PTHREAD_PRIO_NONE;
}
WITNESS(mutexattr_default_inherit) {
  return Default<&pthread_mutexattr_getprotocol>() == PTHREAD_PRIO_INHERIT;
}
WITNESS(mutexattr_prioceiling_ignored) {
  MutexAttr attr;
  const int most = sched_get_priority_max(SCHED_FIFO);
  int value = -1;
  pthread_mutexattr_setprioceiling(&attr.a, most);
  pthread_mutexattr_getprioceiling(&attr.a, &value);
  return value != most;
}

WITNESS(mutex_init_keeps_word) {
  const Placed<pthread_mutex_t> m;
  std::memset(m.at, 0xa5, sizeof(pthread_mutex_t));
  const MutexAttr attr;
  pthread_mutex_init(m, &attr.a);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(mutex_pshared_ignored) {
  const Mutex m;
  pthread_mutex_lock(m);
  Child waiter([&] { return pthread_mutex_lock(m); });
  Nap(200);
  pthread_mutex_unlock(m);
  return waiter.Exit() == -1;
}
WITNESS(mutex_trylock_two_owners) {
  const Mutex m;
  pthread_mutex_lock(m);
  return Elsewhere([&] { return pthread_mutex_trylock(m); }) == 0;
}
WITNESS(mutex_trylock_eagain) {
  const Mutex m;
  pthread_mutex_lock(m);
  return pthread_mutex_trylock(m) == EAGAIN;
}
WITNESS(mutex_trylock_own_edeadlk) {
  const Mutex m;
  pthread_mutex_lock(m);
  return pthread_mutex_trylock(m) == EDEADLK;
}
WITNESS(mutex_trylock_waits) {
  const Mutex m;
  pthread_mutex_lock(m);
  return Elsewhere([&] { return pthread_mutex_trylock(m); }) == -1;
}
WITNESS(mutex_lock_does_not_wait) {
  const Mutex m;
  pthread_mutex_lock(m);
  return Elsewhere([&] { return pthread_mutex_lock(m); }) == 0;
}
WITNESS(mutex_unlock_wakes_nobody) {
  const Mutex m;
  pthread_mutex_lock(m);
  Child waiter([&] { return pthread_mutex_lock(m); });
  Nap(200);
  pthread_mutex_unlock(m);
  return waiter.Exit() == -1 && pthread_mutex_trylock(m) == 0;
}
WITNESS(mutex_unlock_does_nothing) {
  const Mutex m;
  pthread_mutex_lock(m);
  pthread_mutex_unlock(m);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(mutex_unlock_stranger_releases) {
  const Mutex m(PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_lock(m);
  return Elsewhere([&] { return pthread_mutex_unlock(m); }) == 0;
}
WITNESS(mutex_unlock_stranger_einval) {
  const Mutex m(PTHREAD_MUTEX_ERRORCHECK);
  return pthread_mutex_unlock(m) == EINVAL;
}
WITNESS(mutex_errorcheck_counts) {
  const Mutex m(PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_lock(m);
  return pthread_mutex_lock(m) == 0;
}
WITNESS(mutex_errorcheck_deadlocks) {
  const Mutex m(PTHREAD_MUTEX_ERRORCHECK);
  return Hangs([&] {
    pthread_mutex_lock(m);
    pthread_mutex_lock(m);
  });
}
WITNESS(mutex_recursive_one_unlock) {
  const Mutex m(PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_lock(m);
  pthread_mutex_lock(m);
  pthread_mutex_unlock(m);
  return Elsewhere([&] { return pthread_mutex_trylock(m); }) == 0;
}
WITNESS(mutex_recursive_trylock_busy) {
  const Mutex m(PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_lock(m);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(mutex_normal_relock_counts) {
  const Mutex m;
  pthread_mutex_lock(m);
  const timespec past{1, 0};
  return pthread_mutex_timedlock(m, &past) == 0;
}
WITNESS(mutex_lock_cancellation_point) {
  static const Mutex m;
  return Cancelled([] { pthread_mutex_lock(m); });
}
WITNESS(mutex_lock_eintr) {
  const Mutex m;
  pthread_mutex_lock(m);
  Child waiter([&] {
    Handle(SIGUSR1);
    return pthread_mutex_lock(m);
  });
  Nap(100);
  return waiter.Pester(SIGUSR1) == EINTR;
}
WITNESS(mutex_unlock_writes_late) {
  const Mutex m;
  for (const int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    pthread_mutex_lock(m);
    Child other([&] {
      pthread_mutex_unlock(m);
      return 0;
    });
    while (pthread_mutex_trylock(m) != 0) sched_yield();
    auto* const spins = reinterpret_cast<char*>(m.at) + 20;
    *spins = 7;
    other.Exit();
    if (*spins == 0) return true;
    pthread_mutex_unlock(m);
  }
  return false;
}
WITNESS(mutex_exclusion_seldom_broken) {
  const Mutex m;
  pthread_mutex_lock(m);
  return Elsewhere([&] {
           timespec soon = InMs(1);
           for (int i = 0; i < 8; ++i) {
             if (pthread_mutex_timedlock(m, &soon) == 0) return 1;
           }
           return 0;
         }) == 1;
}
WITNESS(mutex_wakeup_seldom_lost) {
  const Mutex m;
  for (int i = 0; i < 8; ++i) {
    pthread_mutex_lock(m);
    Child waiter([&] { return pthread_mutex_lock(m) + pthread_mutex_unlock(m); });
    Nap(50);
    pthread_mutex_unlock(m);
    if (waiter.Exit() == -1) return true;
  }
  return false;
}
WITNESS(mutex_waiters_share_a_wakeup) {
  const Mutex m;
  pthread_mutex_lock(m);
  const auto pass = [&] { return pthread_mutex_lock(m) + pthread_mutex_unlock(m); };
  Child a(pass), b(pass);
  Nap(200);
  pthread_mutex_unlock(m);
  return (a.Exit() == -1) != (b.Exit() == -1);
}

// ---- Deadlines

// The error of a timed lock, by another process, of a mutex that is held.
int TimedElsewhere(timespec deadline) {
  const Mutex m;
  pthread_mutex_lock(m);
  return Elsewhere([&] { return pthread_mutex_timedlock(m, &deadline); });
}
WITNESS(mutex_timedlock_early) {
  const Mutex m;
  pthread_mutex_lock(m);
  for (int i = 0; i < 20; ++i) {
    const timespec t = InMs(10);
    pthread_mutex_timedlock(m, &t);
    if (NowNs(CLOCK_REALTIME) < t.tv_sec * 1000000000LL + t.tv_nsec) return true;
  }
  return false;
}
WITNESS(mutex_timedlock_deadline_first) {
  const Mutex m;
  const timespec past{1, 0};
  return pthread_mutex_timedlock(m, &past) == ETIMEDOUT;
}
WITNESS(mutex_timedlock_eagain) { return TimedElsewhere({1, 0}) == EAGAIN; }
WITNESS(mutex_timedlock_nsec_unchecked) {
  timespec t = InMs(60000);
  t.tv_nsec = -1;
  return TimedElsewhere(t) == ETIMEDOUT;
}
WITNESS(mutex_timedlock_nsec_limit) {
  timespec t = InMs(60000);
  t.tv_nsec = 1000000000;
  return TimedElsewhere(t) == ETIMEDOUT;
}
WITNESS(mutex_timedlock_takes_at_timeout) {
  const Mutex m;
  pthread_mutex_lock(m);
  const timespec past{1, 0};
  Elsewhere([&] { return pthread_mutex_timedlock(m, &past); });
  pthread_mutex_unlock(m);
  return pthread_mutex_trylock(m) == EBUSY;
}
WITNESS(mutex_clocklock_wrong_clock) {
  const Mutex m;
  pthread_mutex_lock(m);
  const timespec t = InMs(60000, CLOCK_MONOTONIC);
  return Elsewhere([&] { return pthread_mutex_clocklock(m, CLOCK_MONOTONIC, &t); }) == ETIMEDOUT;
}
WITNESS(mutex_clocklock_any_clock) {
  const Mutex m;
  pthread_mutex_lock(m);
  const timespec t = InMs(60000);
  return pthread_mutex_clocklock(m, 123456, &t) == ETIMEDOUT;
}

}  // namespace
}  // namespace witness
