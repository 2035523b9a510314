// Faults of the deadlines of process-shared mutexes, condition variables and read-write locks.
#include "faults/preload/threads.h"

namespace faults {
namespace {

const Row kFaults[] = {
    {.name = "mutex_timedlock_early",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.timedlock_timeout"},
     .what = "pthread_mutex_timedlock() gives up 2 ms early.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             const timespec early = Earlier(*t, 2'000'000);
             return real::pthread_mutex_timedlock(m, Valid(*t) ? &early : t);
           }>(h);
         }},
    {.name = "mutex_timedlock_deadline_first",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.timedlock_immediate"},
     .what = "A deadline that has passed is noticed before the mutex is tried.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             return Valid(*t) && Passed(*t, CLOCK_REALTIME) ? ETIMEDOUT
                                                            : real::pthread_mutex_timedlock(m, t);
           }>(h);
         }},
    {.name = "mutex_timedlock_eagain",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.timedlock_timeout"},
     .what = "A time-out is reported as EAGAIN.",
     .source = "glibc 2.32 (BZ 26964)",
     .arm =
         [](Hooks& h) { OnShared<&Hooks::pthread_mutex_timedlock>::Error<ETIMEDOUT, EAGAIN>(h); }},
    {.name = "mutex_timedlock_nsec_unchecked",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.timedlock_einval"},
     .what = "Invalid nanoseconds are taken as a deadline that has passed.",
     .arm =
         [](Hooks& h) { OnShared<&Hooks::pthread_mutex_timedlock>::Error<EINVAL, ETIMEDOUT>(h); }},
    {.name = "mutex_timedlock_nsec_limit",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.timedlock_einval"},
     .what = "Nanoseconds of exactly 1000 million are accepted.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             const int error = real::pthread_mutex_timedlock(m, t);
             return error == EINVAL && t->tv_nsec == 1'000'000'000 ? ETIMEDOUT : error;
           }>(h);
         }},
    {.name = "mutex_timedlock_takes_at_timeout",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"mutex.pshared.timedlock_timeout"},
     .what = "Who timed out is handed the mutex all the same at the next unlock.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             const int error = real::pthread_mutex_timedlock(m, t);
             if (error == ETIMEDOUT && !Mine(m)) Cell(KeyIn(m), 0) = 1;
             return error;
           }>(h);
           OnShared<&Hooks::pthread_mutex_init>::With<[](pthread_mutex_t* m,
                                                         const pthread_mutexattr_t* a) {
             Cell(KeyIn(m), 0) = 0;
             return real::pthread_mutex_init(m, a);
           }>(h);
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             return Cell(KeyIn(m), 0).exchange(0) ? 0 : real::pthread_mutex_unlock(m);
           }>(h);
         }},
    {.name = "mutex_clocklock_wrong_clock",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.clocklock"},
     .what = "pthread_mutex_clocklock() measures on CLOCK_REALTIME always.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_clocklock>::With<[](pthread_mutex_t* m, clockid_t k,
                                                              const timespec* t) {
             return real::pthread_mutex_clocklock(m, KnownClock(k) ? CLOCK_REALTIME : k, t);
           }>(h);
         }},
    {.name = "mutex_clocklock_any_clock",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.clocklock_einval"},
     .what = "pthread_mutex_clocklock() takes an unknown clock as one that has passed.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_clocklock>::With<[](pthread_mutex_t* m, clockid_t k,
                                                              const timespec* t) {
             return KnownClock(k) ? real::pthread_mutex_clocklock(m, k, t) : ETIMEDOUT;
           }>(h);
         }},
    {.name = "cond_timedwait_early",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.timedwait_etimedout"},
     .what = "pthread_cond_timedwait() gives up 2 ms early.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_timedwait>::With<[](pthread_cond_t* c, pthread_mutex_t* m,
                                                             const timespec* t) {
             const timespec early = Earlier(*t, 2'000'000);
             return real::pthread_cond_timedwait(c, m, Valid(*t) ? &early : t);
           }>(h);
         }},
    {.name = "cond_timeout_is_success",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"cond.pshared.timedwait_etimedout"},
     .what = "A wait with a deadline that has passed returns 0.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_timedwait>::With<[](pthread_cond_t* c, pthread_mutex_t* m,
                                                             const timespec* t) {
             const bool passed = Valid(*t) && t->tv_sec == 1;
             const int error = real::pthread_cond_timedwait(c, m, t);
             return passed && error == ETIMEDOUT ? 0 : error;
           }>(h);
         }},
    {.name = "cond_timedwait_nsec_unchecked",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"cond.pshared.timedwait_einval"},
     .what = "Invalid nanoseconds are taken as a deadline that has passed.",
     .arm =
         [](Hooks& h) { OnShared<&Hooks::pthread_cond_timedwait>::Error<EINVAL, ETIMEDOUT>(h); }},
    {.name = "cond_timedwait_einval_unlocks",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.timedwait_einval"},
     .what = "A wait that fails with EINVAL has released the mutex.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_timedwait>::With<[](pthread_cond_t* c, pthread_mutex_t* m,
                                                             const timespec* t) {
             const int error = real::pthread_cond_timedwait(c, m, t);
             if (error == EINVAL) real::pthread_mutex_unlock(m);
             return error;
           }>(h);
         }},
    {.name = "cond_clock_attribute_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.timedwait_clock"},
     .what = "pthread_cond_timedwait() measures on CLOCK_REALTIME always.",
     .arm =
         [](Hooks& h) {
           h.pthread_cond_init = [](pthread_cond_t* c, const pthread_condattr_t* a) {
             const int error = real::pthread_cond_init(c, a);
             if (Shared(c)) ForgetClock(c);
             return error;
           };
         }},
    {.name = "cond_clockwait_ignores_clock",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"cond.pshared.clockwait"},
     .what = "pthread_cond_clockwait() measures on the clock of the variable.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_cond_clockwait>::With<[](pthread_cond_t* c, pthread_mutex_t* m,
                                                             clockid_t k, const timespec* t) {
             return KnownClock(k) ? real::pthread_cond_timedwait(c, m, t)
                                  : real::pthread_cond_clockwait(c, m, k, t);
           }>(h);
         }},
    {.name = "cond_clockwait_any_clock",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"cond.pshared.clockwait_einval"},
     .what = "pthread_cond_clockwait() takes an unknown clock as one that has passed.",
     .arm =
         [](Hooks& h) { OnShared<&Hooks::pthread_cond_clockwait>::Error<EINVAL, ETIMEDOUT>(h); }},
    {.name = "condattr_default_monotonic",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"condattr.clock.default"},
     .what = "The clock attribute is CLOCK_MONOTONIC by default.",
     .arm =
         [](Hooks& h) {
           h.pthread_condattr_init = [](pthread_condattr_t* a) {
             const int error = real::pthread_condattr_init(a);
             real::pthread_condattr_setclock(a, CLOCK_MONOTONIC);
             return error;
           };
         }},
    {.name = "condattr_setclock_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"condattr.clock.roundtrip"},
     .what = "pthread_condattr_setclock() changes nothing.",
     .arm =
         [](Hooks& h) {
           h.pthread_condattr_setclock = [](pthread_condattr_t* a, clockid_t k) {
             return KnownClock(k) ? 0 : real::pthread_condattr_setclock(a, k);
           };
         }},
    {.name = "condattr_cpu_clock_accepted",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"condattr.clock.err.cputime"},
     .what = "pthread_condattr_setclock() takes a CPU-time clock.",
     .arm = [](Hooks& h) { OnAny<&Hooks::pthread_condattr_setclock>::Error<EINVAL, 0>(h); }},
    {.name = "rwlock_timedwrlock_early",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.timed_etimedout"},
     .what = "pthread_rwlock_timedwrlock() gives up 3 ms early.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_timedwrlock>::With<[](pthread_rwlock_t* l,
                                                                 const timespec* t) {
             const timespec early = Earlier(*t, 3'000'000);
             return real::pthread_rwlock_timedwrlock(l, Valid(*t) ? &early : t);
           }>(h);
         }},
    {.name = "rwlock_timedrdlock_deadline_first",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.timed_immediate"},
     .what = "A reader's deadline that has passed is noticed before the lock is tried.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_timedrdlock>::With<[](pthread_rwlock_t* l,
                                                                 const timespec* t) {
             return Valid(*t) && Passed(*t, CLOCK_REALTIME)
                        ? ETIMEDOUT
                        : real::pthread_rwlock_timedrdlock(l, t);
           }>(h);
         }},
    {.name = "rwlock_timeout_ebusy",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.timed_etimedout"},
     .what = "A reader's time-out is reported as EBUSY.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_timedrdlock>::Error<ETIMEDOUT, EBUSY>(h);
         }},
    {.name = "rwlock_clock_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.clock_variants"},
     .what = "pthread_rwlock_clockwrlock() measures on CLOCK_REALTIME always.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_clockwrlock>::With<[](pthread_rwlock_t* l, clockid_t,
                                                                 const timespec* t) {
             return real::pthread_rwlock_timedwrlock(l, t);
           }>(h);
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
