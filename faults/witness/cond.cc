// Witnesses for bank/cond.cc and the condition variables of bank/mutex_time.cc.
#include <signal.h>
#include <sys/wait.h>

#include "faults/witness/threads.h"

namespace witness {
namespace {

constexpr int kErrorcheck = PTHREAD_MUTEX_ERRORCHECK;

WITNESS(cond_signal_wakes_nobody) {
  const Cond c;
  Child waiter([&] { return c.Take(); });
  Nap(200);
  c.Give();
  pthread_cond_signal(&c->cond);
  return waiter.Exit() == -1;
}
WITNESS(cond_broadcast_wakes_one) {
  const Cond c;
  Child a([&] { return c.Take(); }), b([&] { return c.Take(); });
  Nap(200);
  c.Give(2);
  pthread_cond_broadcast(&c->cond);
  return (a.Exit() == -1) != (b.Exit() == -1);
}
WITNESS(cond_broadcast_leaves_last) {
  const Cond c;
  const auto take = [&] { return c.Take(); };
  Child w1(take), w2(take), w3(take), w4(take);
  Nap(300);
  c.Give(4);
  pthread_cond_broadcast(&c->cond);
  int left = 0;
  for (Child* w : {&w1, &w2, &w3, &w4}) left += w->Exit(500) == -1;
  return left == 1;
}
WITNESS(cond_pshared_ignored) {
  const Cond c;
  Child waiter([&] { return c.Take(); });
  Nap(200);
  c.Give();
  pthread_cond_broadcast(&c->cond);
  return waiter.Exit() == -1;
}
WITNESS(condattr_default_shared) {
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  int value = -1;
  pthread_condattr_getpshared(&a, &value);
  return value == PTHREAD_PROCESS_SHARED;
}
WITNESS(cond_signal_kept) {
  const Cond c;
  for (int i = 0; i < 5; ++i) pthread_cond_signal(&c->cond);
  pthread_mutex_lock(&c->mutex);
  const timespec t = InMs(300);
  int early = 0;
  while (early < 5 && pthread_cond_timedwait(&c->cond, &c->mutex, &t) == 0) ++early;
  return early == 5;
}
// Two that take turns come to a standstill.
bool TurnsStop(int rounds) {
  const Cond c;
  const Cond back;
  Child other([&] {
    for (int i = 0; i < rounds; ++i) {
      if (c.Take() != 0) return 1;
      back.Give();
      pthread_cond_signal(&back->cond);
    }
    return 0;
  });
  Child one([&] {
    for (int i = 0; i < rounds; ++i) {
      c.Give();
      pthread_cond_signal(&c->cond);
      if (back.Take() != 0) return 1;
    }
    return 0;
  });
  return one.Exit(4000) == -1;
}
WITNESS(cond_signal_lost_before_wait) {
  for (const int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    if (TurnsStop(500)) return true;
  }
  return false;
}
WITNESS(cond_wakeup_seldom_lost) { return TurnsStop(2000); }
WITNESS(cond_signaller_takes_its_own) {
  const Cond c;
  pthread_mutex_lock(&c->mutex);
  pthread_cond_signal(&c->cond);
  const timespec t = InMs(300);
  return pthread_cond_timedwait(&c->cond, &c->mutex, &t) == 0;
}
WITNESS(cond_wait_returns_unlocked) {
  const Cond c(kErrorcheck);
  pthread_mutex_lock(&c->mutex);
  const timespec past{1, 0};
  pthread_cond_timedwait(&c->cond, &c->mutex, &past);
  return pthread_mutex_unlock(&c->mutex) == EPERM;
}
WITNESS(cond_woken_returns_unlocked) {
  const Cond c(kErrorcheck);
  Child waiter([&] {
    pthread_mutex_lock(&c->mutex);
    const int error = pthread_cond_wait(&c->cond, &c->mutex);
    return error == 0 ? pthread_mutex_unlock(&c->mutex) : 99;
  });
  Nap(200);
  pthread_cond_signal(&c->cond);
  return waiter.Exit() == EPERM;
}
WITNESS(cond_wait_without_mutex) {
  const Cond c(kErrorcheck);
  const timespec past{1, 0};
  return pthread_cond_timedwait(&c->cond, &c->mutex, &past) == 0;
}
WITNESS(cond_wait_without_mutex_einval) {
  const Cond c(kErrorcheck);
  const timespec past{1, 0};
  return pthread_cond_timedwait(&c->cond, &c->mutex, &past) == EINVAL;
}

// A thread that waits and is cancelled.
struct CancelledWait {
  explicit CancelledWait(const Cond& of) : c(of) {
    pthread_create(
        &thread, nullptr,
        [](void* p) -> void* {
          auto* const self = static_cast<CancelledWait*>(p);
          pthread_mutex_lock(&self->c->mutex);
          pthread_cleanup_push(
              [](void* q) {
                auto* const own = static_cast<CancelledWait*>(q);
                own->unlock = pthread_mutex_unlock(&own->c->mutex);
              },
              p);
          const timespec t = InMs(1200);
          while (pthread_cond_timedwait(&self->c->cond, &self->c->mutex, &t) == 0) {
          }
          pthread_cleanup_pop(0);
          pthread_mutex_unlock(&self->c->mutex);
          pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
          return nullptr;
        },
        this);
    Nap(200);
    pthread_cancel(thread);
    pthread_join(thread, &end);
  }
  const Cond& c;
  pthread_t thread;
  void* end = nullptr;
  int unlock = -1;
};
WITNESS(cond_cancel_ignored) {
  const Cond c(kErrorcheck);
  return CancelledWait(c).end != PTHREAD_CANCELED;
}
WITNESS(cond_cancel_without_mutex) {
  const Cond c(kErrorcheck);
  return CancelledWait(c).unlock == EPERM;
}
WITNESS(cond_cancel_takes_signal) {
  const Cond c(kErrorcheck);
  const CancelledWait gone(c);
  Child waiter([&] { return c.Take(); });
  Nap(200);
  c.Give();
  pthread_cond_signal(&c->cond);
  return waiter.Exit() == -1;
}
WITNESS(cond_signal_cancellation_point) {
  static const Cond c;
  return Cancelled([] { pthread_cond_signal(&c->cond); });
}
WITNESS(cond_wait_eintr) {
  const Cond c;
  Child waiter([&] {
    Handle(SIGUSR1);
    return c.Take();
  });
  Nap(200);
  return waiter.Pester(SIGUSR1) == EINTR;
}
// A waiter that is stopped is on its way out until it goes on: glibc counts it off before it locks
// the mutex.
WITNESS(cond_destroy_ebusy) {
  const Cond c;
  Child waiter([&] { return c.Take(); });
  c.LockWhenOneWaits();
  kill(waiter.pid(), SIGSTOP);
  int status = 0;
  waitpid(waiter.pid(), &status, WUNTRACED);
  c->tokens = 1;
  pthread_cond_broadcast(&c->cond);
  pthread_mutex_unlock(&c->mutex);
  return Child([&] { return pthread_cond_destroy(&c->cond); }).Exit() == EBUSY;
}

// ---- Deadlines

// The error of a timed wait.
int TimedWait(timespec t) {
  const Cond c;
  pthread_mutex_lock(&c->mutex);
  return pthread_cond_timedwait(&c->cond, &c->mutex, &t);
}
WITNESS(cond_timedwait_early) {
  for (int i = 0; i < 20; ++i) {
    const timespec t = InMs(10);
    TimedWait(t);
    if (NowNs(CLOCK_REALTIME) < t.tv_sec * 1000000000LL + t.tv_nsec) return true;
  }
  return false;
}
WITNESS(cond_timeout_is_success) { return TimedWait({1, 0}) == 0; }
WITNESS(cond_timedwait_nsec_unchecked) {
  timespec t = InMs(60000);
  t.tv_nsec = -1;
  return TimedWait(t) == ETIMEDOUT;
}
WITNESS(cond_timedwait_einval_unlocks) {
  const Cond c(kErrorcheck);
  pthread_mutex_lock(&c->mutex);
  timespec t = InMs(60000);
  t.tv_nsec = -1;
  pthread_cond_timedwait(&c->cond, &c->mutex, &t);
  return pthread_mutex_unlock(&c->mutex) == EPERM;
}
WITNESS(cond_clock_attribute_ignored) {
  const Cond c(PTHREAD_MUTEX_NORMAL, false, CLOCK_MONOTONIC);
  const timespec t = InMs(60000, CLOCK_MONOTONIC);
  return Elsewhere([&] {
           pthread_mutex_lock(&c->mutex);
           return pthread_cond_timedwait(&c->cond, &c->mutex, &t);
         }) == ETIMEDOUT;
}
WITNESS(cond_clockwait_ignores_clock) {
  const Cond c;
  const timespec t = InMs(60000, CLOCK_MONOTONIC);
  return Elsewhere([&] {
           pthread_mutex_lock(&c->mutex);
           return pthread_cond_clockwait(&c->cond, &c->mutex, CLOCK_MONOTONIC, &t);
         }) == ETIMEDOUT;
}
WITNESS(cond_clockwait_any_clock) {
  const Cond c;
  pthread_mutex_lock(&c->mutex);
  const timespec t = InMs(60000);
  return pthread_cond_clockwait(&c->cond, &c->mutex, 123456, &t) == ETIMEDOUT;
}
clockid_t ClockAfter(clockid_t set) {
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  if (set >= 0) pthread_condattr_setclock(&a, set);
  clockid_t clock = -1;
  pthread_condattr_getclock(&a, &clock);
  return clock;
}
WITNESS(condattr_default_monotonic) { return ClockAfter(-1) == CLOCK_MONOTONIC; }
WITNESS(condattr_setclock_ignored) { return ClockAfter(CLOCK_MONOTONIC) == CLOCK_REALTIME; }
WITNESS(condattr_cpu_clock_accepted) {
  pthread_condattr_t a;
  pthread_condattr_init(&a);
  return pthread_condattr_setclock(&a, CLOCK_PROCESS_CPUTIME_ID) == 0;
}

}  // namespace
}  // namespace witness
