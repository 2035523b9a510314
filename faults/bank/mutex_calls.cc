// Faults of process-shared mutexes: owners, waiters and wake-ups.
#include <sched.h>

#include "faults/preload/threads.h"

namespace faults {
namespace {

// Releases the mutex as its owner would, without waking anybody.
void ReleaseSilently(pthread_mutex_t* m) {
  OwnerOf(m) = 0;
  __atomic_store_n(&WordOf(m), 0, __ATOMIC_SEQ_CST);
}

const Row kFaults[] = {
    {.name = "mutex_init_keeps_word",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex_init.unlocked"},
     .what = "pthread_mutex_init() leaves the lock word as the memory had it.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutex_init = [](pthread_mutex_t* m, const pthread_mutexattr_t* a) {
             const int word = WordOf(m);
             const int error = real::pthread_mutex_init(m, a);
             if (Shared(m)) WordOf(m) = word;
             return error;
           };
         }},
    {.name = "mutex_pshared_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"pshared.other_address", "pshared.unrelated_process"},
     .what = "Every mutex is private to its process: others that wait are not woken.",
     .source = "waits keyed by virtual address",
     .arm =
         [](Hooks& h) {
           h.pthread_mutex_init = [](pthread_mutex_t* m, const pthread_mutexattr_t* a) {
             const int error = real::pthread_mutex_init(m, a);
             if (Shared(m) && !IsRobust(m) && !IsInherit(m)) MakePrivate(m);
             return error;
           };
         }},
    {.name = "mutex_trylock_two_owners",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.trylock_busy", "mutex.pshared.exclusion"},
     .what = "pthread_mutex_trylock() succeeds on a mutex that another holds.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_mutex_trylock>::Error<EBUSY, 0>(h); }},
    {.name = "mutex_trylock_eagain",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.trylock_busy"},
     .what = "pthread_mutex_trylock() fails with EAGAIN.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_mutex_trylock>::Error<EBUSY, EAGAIN>(h); }},
    {.name = "mutex_trylock_own_edeadlk",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.trylock_own"},
     .what = "pthread_mutex_trylock() by the owner fails with EDEADLK.",
     .source = "glibc, robust error checking mutexes",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
             const bool mine = Mine(m);
             const int error = real::pthread_mutex_trylock(m);
             return mine && error == EBUSY ? EDEADLK : error;
           }>(h);
         }},
    {.name = "mutex_trylock_waits",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.trylock_busy"},
     .what = "pthread_mutex_trylock() waits for the mutex.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
             const timespec end = StuckUntil();
             return real::pthread_mutex_timedlock(m, &end);
           }>(h);
         }},
    {.name = "mutex_lock_does_not_wait",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.blocks_and_wakes", "mutex.pshared.exclusion"},
     .what = "A lock of a mutex that another holds returns 0 without it.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = real::pthread_mutex_trylock(m);
             return error == EBUSY && !Mine(m) ? 0 : error == EBUSY ? call(m, k, t) : error;
           }>(h);
         }},
    {.name = "mutex_unlock_wakes_nobody",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.blocks_and_wakes"},
     .what = "An unlock of a normal mutex wakes nobody.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             if (TypeOf(m) != 0 || IsRobust(m) || IsInherit(m))
               return real::pthread_mutex_unlock(m);
             ReleaseSilently(m);
             return 0;
           }>(h);
         }},
    {.name = "mutex_unlock_does_nothing",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"mutex.pshared.blocks_and_wakes"},
     .what = "An unlock returns 0 and the mutex stays locked.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_mutex_unlock>::Nothing<0>(h); }},
    {.name = "mutex_unlock_stranger_releases",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.unlock_not_owner", "robust.unlock_eperm"},
     .what = "Anybody can unlock every mutex.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_unlock(m);
             if (error != EPERM) return error;
             if (!IsRobust(m)) ReleaseSilently(m);
             return 0;
           }>(h);
         }},
    {.name = "mutex_unlock_stranger_einval",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.unlock_not_owner"},
     .what = "An unlock by a thread that does not own the mutex fails with EINVAL.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_mutex_unlock>::Error<EPERM, EINVAL>(h); }},
    {.name = "mutex_errorcheck_counts",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.errorcheck"},
     .what = "Relocking an error checking mutex returns 0.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             return error == EDEADLK && TypeOf(m) == 2 ? 0 : error;
           }>(h);
         }},
    {.name = "mutex_errorcheck_deadlocks",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.errorcheck"},
     .what = "Relocking an error checking mutex hangs.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error == EDEADLK) SleepOn();
             return error;
           }>(h);
         }},
    {.name = "mutex_recursive_one_unlock",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.recursive"},
     .what = "One unlock releases a recursive mutex, however often it is locked.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             if (TypeOf(m) == 1 && Mine(m) && 1 < CountOf(m)) CountOf(m) = 1;
             const int error = real::pthread_mutex_unlock(m);
             return TypeOf(m) == 1 && !Held(m) ? 0 : error;
           }>(h);
         }},
    {.name = "mutex_recursive_trylock_busy",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.recursive"},
     .what = "pthread_mutex_trylock() of a recursive mutex by its owner fails with EBUSY.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
             return Mine(m) ? EBUSY : real::pthread_mutex_trylock(m);
           }>(h);
         }},
    {.name = "mutex_normal_relock_counts",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.normal_relock"},
     .what = "A timed relock of a normal mutex by its owner returns 0.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             const bool mine = Mine(m);
             const int error = real::pthread_mutex_timedlock(m, t);
             return mine && error == ETIMEDOUT ? 0 : error;
           }>(h);
         }},
    {.name = "mutex_lock_cancellation_point",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"pshared.not_cancellation_points"},
     .what = "Locking a mutex acts on cancellation requests.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             pthread_testcancel();
             return call(m, k, t);
           }>(h);
         }},
    {.name = "mutex_lock_eintr",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.no_eintr"},
     .what = "A handler ends a wait for a mutex with EINTR.",
     .source = "sem_wait()",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             if (!Held(m) || Mine(m) || IsInherit(m)) return call(m, k, t);
             if (t && (!Valid(*t) || !KnownClock(k) || Passed(*t, k))) return call(m, k, t);
             return InSlices(
                 k, t,
                 [=](const timespec* slice) {
                   return real::pthread_mutex_clocklock(m, CLOCK_MONOTONIC, slice);
                 },
                 [](const sigset_t& mask) { return AnyPending(mask) ? EINTR : 0; });
           }>(h);
         }},
    {.name = "mutex_unlock_writes_late",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"mutex.pshared.destroy_when_unlocked"},
     .what = "An unlock still writes to the mutex after it has released it.",
     .source = "glibc before 2.23 (BZ 13690)",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_unlock(m);
             for (int i = 0; i < 30; ++i) sched_yield();
             reinterpret_cast<volatile char*>(m)[20] = 0;  // the spin counts, which nobody uses
             return error;
           }>(h);
         }},
    {.name = "mutex_exclusion_seldom_broken",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"mutex.pshared.exclusion"},
     .what = "Now and then a lock that has to wait returns 0 without the mutex.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             static std::atomic<unsigned> waits{0};
             const int error = real::pthread_mutex_trylock(m);
             if (error != EBUSY || Mine(m)) {
               return error == EBUSY ? call(m, k, t) : error;
             }
             return waits.fetch_add(1) % 3 == 2 ? 0 : call(m, k, t);
           }>(h);
         }},
    {.name = "mutex_wakeup_seldom_lost",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"mutex.pshared.blocks_and_wakes"},
     .what = "Every third unlock of a normal mutex with waiters wakes nobody.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             if (TypeOf(m) != 0 || IsRobust(m) || IsInherit(m) || WordOf(m) != 2 ||
                 Cell(KeyIn(m), 0).fetch_add(1) % 3 != 2) {
               return real::pthread_mutex_unlock(m);
             }
             ReleaseSilently(m);
             return 0;
           }>(h);
         }},
    {.name = "mutex_waiters_share_a_wakeup",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"mutex.pshared.blocks_and_wakes"},
     .what = "Who was woken forgets that others wait: only the first of several is ever woken.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const bool waits = Held(m);
             const int error = call(m, k, t);
             if (error == 0 && waits && TypeOf(m) == 0 && !IsRobust(m) && !IsInherit(m))
               WordOf(m) = 1;
             return error;
           }>(h);
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
