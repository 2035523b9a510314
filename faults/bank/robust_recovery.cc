// Faults of robust mutexes after a death: recovery, and what is left without it.
#include "faults/preload/threads.h"

namespace faults {
namespace {

enum Use : uint32_t { kTold };

const Row kFaults[] = {
    {.name = "robust_consistent_does_nothing",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.consistent.ok"},
     .what = "pthread_mutex_consistent() returns 0 and changes nothing.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_consistent>::With<[](pthread_mutex_t* m) {
             return IsRobust(m) && OwnerOf(m) == INT_MAX ? 0 : EINVAL;
           }>(h);
         }},
    {.name = "robust_consistent_twice_succeeds",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.consistent.twice", "robust.consistent.err_not_inconsistent"},
     .what = "pthread_mutex_consistent() succeeds for a consistent mutex.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_consistent>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_consistent(m);
             return error == EINVAL && IsRobust(m) ? 0 : error;
           }>(h);
         }},
    {.name = "robust_consistent_for_stalled",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.consistent.err_not_robust"},
     .what = "pthread_mutex_consistent() succeeds for a mutex that is not robust.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_consistent>::With<[](pthread_mutex_t* m) {
             return IsRobust(m) ? real::pthread_mutex_consistent(m) : 0;
           }>(h);
         }},
    {.name = "robust_consistent_eperm",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.consistent.twice"},
     .what = "pthread_mutex_consistent() fails with EPERM instead of EINVAL.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_mutex_consistent>::Error<EINVAL, EPERM>(h); }},
    {.name = "robust_unlock_recovers",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.lock"},
     .what = "An unlock without pthread_mutex_consistent() makes the mutex consistent.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             if (IsRobust(m) && OwnerOf(m) == INT_MAX) real::pthread_mutex_consistent(m);
             return real::pthread_mutex_unlock(m);
           }>(h);
         }},
    {.name = "robust_unlock_without_consistent_fails",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.unlock_without_consistent"},
     .what = "An unlock of an inconsistent mutex reports ENOTRECOVERABLE.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             const bool inconsistent = IsRobust(m) && OwnerOf(m) == INT_MAX;
             const int error = real::pthread_mutex_unlock(m);
             return inconsistent && error == 0 ? ENOTRECOVERABLE : error;
           }>(h);
         }},
    {.name = "robust_notrecoverable_once",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.lock"},
     .what = "ENOTRECOVERABLE is reported once; later locks succeed.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutex_init = [](pthread_mutex_t* m, const pthread_mutexattr_t* a) {
             Cell(KeyIn(m), kTold) = 0;
             return real::pthread_mutex_init(m, a);
           };
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error != ENOTRECOVERABLE) return error;
             return Cell(KeyIn(m), kTold).exchange(1) ? 0 : error;
           }>(h);
         }},
    {.name = "robust_notrecoverable_einval",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.notrecoverable.lock"},
     .what = "An unrecoverable mutex can't be locked: EINVAL.",
     .arm =
         [](Hooks& h) { OnShared<&Hooks::pthread_mutex_lock>::Error<ENOTRECOVERABLE, EINVAL>(h); }},
    {.name = "robust_notrecoverable_times_out",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.timedlock"},
     .what = "A timed lock of an unrecoverable mutex ends with ETIMEDOUT.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::Error<ENOTRECOVERABLE, ETIMEDOUT>(h);
         }},
    {.name = "robust_notrecoverable_trylock_busy",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.trylock"},
     .what = "pthread_mutex_trylock() finds an unrecoverable mutex busy.",
     .source = "glibc, from the second attempt on",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::Error<ENOTRECOVERABLE, EBUSY>(h);
         }},
    {.name = "robust_notrecoverable_waiter_sleeps",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.blocked_waiters"},
     .what = "Who waits when the notified owner gives up goes on sleeping.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const bool waits = Held(m);
             const int error = call(m, k, t);
             if (waits && error == ENOTRECOVERABLE) SleepOn();
             return error;
           }>(h);
         }},
    {.name = "robust_notrecoverable_not_destroyed",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.destroy"},
     .what = "pthread_mutex_destroy() of an unrecoverable mutex fails with EBUSY.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_destroy>::With<[](pthread_mutex_t* m) {
             return IsRobust(m) && OwnerOf(m) == INT_MAX - 1 ? EBUSY
                                                             : real::pthread_mutex_destroy(m);
           }>(h);
         }},
    {.name = "robust_cond_wait_hides_death",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.cond_wait"},
     .what = "A condition wait that takes the mutex of a dead owner returns 0.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             const int error = call(c, m, k, t);
             return error == EOWNERDEAD ? 0 : error;
           }>(h);
         }},
    {.name = "robust_cond_wait_hides_unrecoverable",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.notrecoverable.cond"},
     .what = "A condition wait that can't take its mutex again returns 0.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             const int error = call(c, m, k, t);
             return error == ENOTRECOVERABLE ? 0 : error;
           }>(h);
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
