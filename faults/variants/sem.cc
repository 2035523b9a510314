// Variants of semaphores: what waits and posts may do, and which waiter is served.
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#include "faults/preload/sems.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

enum Use : uint32_t { kWaiters };

// A semaphore of the running test. (Tests that run beside it may have theirs at the same address.)
uint64_t MineOf(const sem_t* s) { return KeyOf(s) ^ static_cast<uint64_t>(getpgrp()) << 40; }

// A wait that is counted while it lasts.
int Counted(sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
  const Waiting w(MineOf(s), kWaiters);
  return wait(s, c, t);
}

// Waits again after each caught signal for which that is left open.
template <bool (*Such)()>
void TimedWaitsGoOn(Hooks& h) {
  h.sem_timedwait = [](sem_t* s, const timespec* t) {
    for (;;) {
      const int r = real::sem_timedwait(s, t);
      if (r == 0 || errno != EINTR || !Such()) return r;
      Differ();
    }
  };
  h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
    for (;;) {
      const int r = real::sem_clockwait(s, c, t);
      if (r == 0 || errno != EINTR || !Such()) return r;
      Differ();
    }
  };
}
bool Always() { return true; }

// A wait that is made of short sleeps, and looks at signals in between.
class Dozing {
 public:
  Dozing() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~Dozing() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Dozing(const Dozing&) = delete;
  Dozing& operator=(const Dozing&) = delete;

  // Sleeps for a moment as a wait for a semaphore would be seen to sleep. Lets the handlers run
  // that are due; false when one of them ends the wait.
  bool Doze() const {
    static uint32_t word = 0;
    long moment[2] = {0, 200'000};
    syscall(SYS_futex, &word, FUTEX_WAIT, 0, moment, nullptr, 0);
    sigset_t pending, all;
    sigpending(&pending);
    bool any = false, ends = false;
    for (int s = 1; s <= 64; ++s) {
      struct sigaction action;
      if (sigismember(&pending, s) != 1 || sigismember(&before_, s) == 1) continue;
      any = true;
      if (sigaction(s, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
      ends |= action.sa_handler != SIG_DFL && !(action.sa_flags & SA_RESTART);
    }
    if (!any) return true;
    pthread_sigmask(SIG_SETMASK, &before_, &all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    return !ends;
  }

 private:
  sigset_t before_;
};

// A stack of waiters in place of a queue.
int NewestFirst(sem_t* s, RealWait wait, clockid_t c, const timespec* t) {
  const bool realtime = sched_getscheduler(0) != SCHED_OTHER;
  const bool unknown = c != CLOCK_REALTIME && c != CLOCK_MONOTONIC;
  if (realtime || (t && (unknown || !Valid(*t)))) return wait(s, c, t);
  const Waiting w(MineOf(s), kWaiters);
  const Dozing dozing;
  for (bool waited = false;; waited = true) {
    pthread_testcancel();
    if (w.Newest() && real::sem_trywait(s) == 0) {
      if (waited && WaiterCount(MineOf(s), kWaiters) > 1) Differ();
      return 0;
    }
    if (t && Passed(*t, c)) return Fail(ETIMEDOUT);
    if (!dozing.Doze()) return Fail(EINTR);
  }
}

const Row kVariants[] = {
    {.name = "sem_getvalue_counts_waiters",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_getvalue.locked"},
     .observed = "sem_getvalue() with two waiters",
     .what = "sem_getvalue() of a locked semaphore is minus the number of those that wait.",
     .source = "the alternative that the page of sem_getvalue() names",
     .arm =
         [](Hooks& h) {
           EveryWait<Counted>(h);
           h.sem_getvalue = [](sem_t* s, int* v) {
             const int r = real::sem_getvalue(s, v);
             const int waiters = *v == 0 ? WaiterCount(MineOf(s), kWaiters) : 0;
             if (waiters > 0) *v = Instead(-waiters);
             return r;
           };
         }},
    {.name = "sem_post_hands_over",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_post.hands_over"},
     .observed = "a poster takes the token of a blocked waiter back",
     .what = "sem_post() with waiters returns when one of them has gone on.",
     .arm =
         [](Hooks& h) {
           EveryWait<Counted>(h);
           h.sem_post = [](sem_t* s) {
             const uint64_t key = MineOf(s);
             const int before = WaiterCount(key, kWaiters);
             const int r = real::sem_post(s);
             // The semaphore may be gone now. A handler that interrupted the wait can't see it end.
             const int64_t end = NowNs(CLOCK_MONOTONIC) + 5'000'000;
             if (before > 0) Differ();
             while (WaiterCount(key, kWaiters) >= before && before > 0 &&
                    NowNs(CLOCK_MONOTONIC) < end) {
               sched_yield();
             }
             return r;
           };
         }},
    {.name = "sem_wakes_newest_first",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_post.unblock_choice_without_ps"},
     .observed = "order of three waiters",
     .what = "Without realtime scheduling, who came last is served first.",
     .arm = EveryWait<NewestFirst>},
    {.name = "sem_timedwait_not_interrupted",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_timedwait.eintr"},
     .observed = "sem_timedwait() and a caught signal",
     .what = "Signals do not end waits with a deadline.",
     .source = "musl 1.1.7 to 1.1.20",
     .arm = TimedWaitsGoOn<Always>},
    {.name = "sem_timedwait_restarts",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_timedwait.sa_restart"},
     .what = "Handlers with SA_RESTART do not end waits with a deadline.",
     .source = "musl 1.2.3",
     .arm = TimedWaitsGoOn<AllHandlersRestart>},
    {.name = "sem_timedwait_token_first",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_timedwait.abstime_unchecked"},
     .observed = "invalid nanoseconds while a token is there",
     .what = "The deadline is looked at only when there is no token.",
     .source = "musl",
     .arm =
         [](Hooks& h) {
           h.sem_timedwait = [](sem_t* s, const timespec* t) {
             const bool free = !Valid(*t) && Value(s) > 0 && real::sem_trywait(s) == 0;
             return free ? Instead(0) : real::sem_timedwait(s, t);
           };
         }},
    {.name = "sem_clockwait_cpu_clock",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_clockwait.err.einval_clock"},
     .observed = "a clock of processor time",
     .what = "sem_clockwait() supports clocks of processor time.",
     .arm =
         [](Hooks& h) {
           h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
             if (c != CLOCK_PROCESS_CPUTIME_ID || !Valid(*t)) return real::sem_clockwait(s, c, t);
             // A process that sleeps uses no time of this clock: it would wait for a post only.
             if (real::sem_trywait(s) == 0) return 0;
             return Passed(*t, c) ? Refuse(ETIMEDOUT) : real::sem_wait(s);
           };
         }},
    {.name = "sem_init_needs_descriptor",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_init.err.emfile_enfile"},
     .observed = "sem_init() with a full descriptor table",
     .what = "sem_init() needs a free descriptor for a moment.",
     .arm =
         [](Hooks& h) {
           h.sem_init = [](sem_t* s, int p, unsigned v) {
             const int fd = real::dup(2);
             if (fd < 0 && errno == EMFILE) return Refuse(EMFILE);
             if (fd >= 0) syscall(SYS_close, fd);  // close() of libc is a cancellation point
             return real::sem_init(s, p, v);
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
