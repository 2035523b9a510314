// Faults of process-shared condition variables: wake-ups, the mutex at the return, cancellation.
#include <sched.h>

#include <utility>

#include "faults/preload/threads.h"

namespace faults {
namespace {

enum Use : uint32_t { kKept, kOwed };

// What the calling thread holds, and the condition variable that its next unlock signals.
thread_local int mutexes_held = 0;
thread_local pthread_cond_t* to_signal = nullptr;

void ResetCells(Hooks& h) {
  h.pthread_cond_init = [](pthread_cond_t* c, const pthread_condattr_t* a) {
    for (const Use use : {kKept, kOwed}) Cell(KeyIn(c), use) = 0;
    return real::pthread_cond_init(c, a);
  };
}

const Row kFaults[] = {
    {.name = "cond_signal_wakes_nobody",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"cond.pshared.signal"},
     .what = "pthread_cond_signal() does nothing.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_cond_signal>::Nothing<0>(h); }},
    {.name = "cond_broadcast_wakes_one",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"cond.pshared.broadcast"},
     .what = "pthread_cond_broadcast() wakes one waiter.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_broadcast>::With<[](pthread_cond_t* c) {
             return real::pthread_cond_signal(c);
           }>(h);
         }},
    {.name = "cond_broadcast_leaves_last",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.broadcast"},
     .what = "pthread_cond_broadcast() wakes all waiters but one of four and more.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_broadcast>::With<[](pthread_cond_t* c) {
             const unsigned waiters = WaitersOf(c);
             if (waiters < 4) return real::pthread_cond_broadcast(c);
             for (unsigned i = 1; i < waiters; ++i) real::pthread_cond_signal(c);
             return 0;
           }>(h);
         }},
    {.name = "cond_pshared_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.signal", "pshared.unrelated_process"},
     .what = "Every condition variable is private to its process.",
     .source = "waits keyed by virtual address",
     .arm =
         [](Hooks& h) {
           h.pthread_cond_init = [](pthread_cond_t* c, const pthread_condattr_t* a) {
             const int error = real::pthread_cond_init(c, a);
             if (Shared(c)) MakePrivate(c);
             return error;
           };
         }},
    {.name = "condattr_default_shared",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"condattr.pshared.default"},
     .what = "Attributes of condition variables are process-shared by default.",
     .arm =
         [](Hooks& h) {
           h.pthread_condattr_init = [](pthread_condattr_t* a) {
             const int error = real::pthread_condattr_init(a);
             real::pthread_condattr_setpshared(a, PTHREAD_PROCESS_SHARED);
             return error;
           };
         }},
    {.name = "cond_signal_kept",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.signal_without_waiters"},
     .what = "A signal that nobody waits for ends a later wait.",
     .arm =
         [](Hooks& h) {
           ResetCells(h);
           OnShared<&Hooks::pthread_cond_signal>::With<[](pthread_cond_t* c) {
             if (WaitersOf(c) == 0) Cell(KeyIn(c), kKept).fetch_add(1);
             return real::pthread_cond_signal(c);
           }>(h);
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             auto& kept = Cell(KeyIn(c), kKept);
             if (kept == 0) return call(c, m, k, t);
             kept.fetch_sub(1);
             return 0;
           }>(h);
         }},
    {.name = "cond_signal_lost_before_wait",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"cond.pshared.no_lost_wakeup"},
     .what = "The mutex is released for a moment before the wait begins.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             static std::atomic<unsigned> waits{0};
             if (TypeOf(m) == 0 && !IsRobust(m) && waits.fetch_add(1) % 8 == 7) {
               real::pthread_mutex_unlock(m);
               sched_yield();
               real::pthread_mutex_lock(m);
             }
             return call(c, m, k, t);
           }>(h);
         }},
    {.name = "cond_wakeup_seldom_lost",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"cond.pshared.signal", "cond.pshared.no_lost_wakeup"},
     .what = "Every 128th signal is lost.",
     .source = "glibc 2.25 to 2.40 (BZ 25847)",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_signal>::With<[](pthread_cond_t* c) {
             static std::atomic<unsigned> signals{0};
             return signals.fetch_add(1) % 128 == 127 ? 0 : real::pthread_cond_signal(c);
           }>(h);
         }},
    {.name = "cond_signaller_takes_its_own",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"cond.pshared.signal_atomic"},
     .what = "Who waits after it has signalled is woken in place of who waited before.",
     .source = "glibc before 2.25 (BZ 13165)",
     .arm =
         [](Hooks& h) {
           EveryAcquire<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             mutexes_held += error == 0;
             return error;
           }>(h);
           OnShared<&Hooks::pthread_cond_signal>::With<[](pthread_cond_t* c) {
             if (mutexes_held == 0) return real::pthread_cond_signal(c);
             to_signal = c;
             return 0;
           }>(h);
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_unlock(m);
             mutexes_held -= error == 0;
             if (to_signal) real::pthread_cond_signal(std::exchange(to_signal, nullptr));
             return error;
           }>(h);
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             if (to_signal == c && std::exchange(to_signal, nullptr)) return 0;
             return call(c, m, k, t);
           }>(h);
         }},
    {.name = "cond_wait_returns_unlocked",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.mutex_owned_on_return", "cond.pshared.timedwait_etimedout"},
     .what = "A wait that timed out returns without its mutex.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             const int error = call(c, m, k, t);
             if (error == ETIMEDOUT) real::pthread_mutex_unlock(m);
             return error;
           }>(h);
         }},
    {.name = "cond_woken_returns_unlocked",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.mutex_owned_on_return", "cond.pshared.signal"},
     .what = "A wait returns while who signalled still holds the mutex.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             const int error = call(c, m, k, t);
             if (error == 0) real::pthread_mutex_unlock(m);
             return error;
           }>(h);
         }},
    {.name = "cond_wait_without_mutex",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.eperm"},
     .what = "A wait with an error checking mutex that is not owned returns 0.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             const int error = call(c, m, k, t);
             return error == EPERM ? 0 : error;
           }>(h);
         }},
    {.name = "cond_wait_without_mutex_einval",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.eperm"},
     .what = "A wait with a mutex that is not owned fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             const int error = call(c, m, k, t);
             return error == EPERM ? EINVAL : error;
           }>(h);
         }},
    {.name = "cond_cancel_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"cond.pshared.cancel"},
     .what = "A condition wait is not a cancellation point.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             int old;
             pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
             const int error = call(c, m, k, t);
             pthread_setcancelstate(old, nullptr);
             return error;
           }>(h);
         }},
    {.name = "cond_cancel_without_mutex",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.cancel"},
     .what = "Clean-up handlers of a cancelled wait run without the mutex.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             struct Left {
               pthread_mutex_t* mutex;
               bool returned = false;
               ~Left() {
                 if (!returned) real::pthread_mutex_unlock(mutex);
               }
             } left{m};
             const int error = call(c, m, k, t);
             left.returned = true;
             return error;
           }>(h);
         }},
    {.name = "cond_cancel_takes_signal",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"cond.pshared.cancel"},
     .what = "The signal after a cancelled wait is lost.",
     .arm =
         [](Hooks& h) {
           ResetCells(h);
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             struct Left {
               pthread_cond_t* cond;
               bool returned = false;
               ~Left() {
                 if (!returned) Cell(KeyIn(cond), kOwed) = 1;
               }
             } left{c};
             const int error = call(c, m, k, t);
             left.returned = true;
             return error;
           }>(h);
           OnShared<&Hooks::pthread_cond_signal>::With<[](pthread_cond_t* c) {
             PauseMs(2);
             return Cell(KeyIn(c), kOwed).exchange(0) ? 0 : real::pthread_cond_signal(c);
           }>(h);
         }},
    {.name = "cond_signal_cancellation_point",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"pshared.not_cancellation_points"},
     .what = "pthread_cond_signal() acts on cancellation requests.",
     .arm =
         [](Hooks& h) {
           h.pthread_cond_signal = [](pthread_cond_t* c) {
             pthread_testcancel();
             return real::pthread_cond_signal(c);
           };
         }},
    {.name = "cond_wait_eintr",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.no_eintr"},
     .what = "A handler ends a condition wait with EINTR.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             if (t && (!Valid(*t) || !KnownClock(k) || Passed(*t, k))) return call(c, m, k, t);
             return InSlices(
                 k, t,
                 [=](const timespec* slice) {
                   return real::pthread_cond_clockwait(c, m, CLOCK_MONOTONIC, slice);
                 },
                 [](const sigset_t& mask) { return AnyPending(mask) ? EINTR : 0; });
           }>(h);
         }},
    {.name = "cond_destroy_ebusy",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.destroy"},
     .what = "pthread_cond_destroy() fails with EBUSY while released waiters are on their way out.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_destroy>::With<[](pthread_cond_t* c) {
             return WaitersOf(c) != 0 ? EBUSY : real::pthread_cond_destroy(c);
           }>(h);
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
