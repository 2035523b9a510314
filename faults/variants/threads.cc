// Variants of mutexes, condition variables and read-write locks that processes share.
#include "faults/preload/threads.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

// A setter that takes values which the system below refuses with EINVAL.
template <auto Member>
struct Lenient;
template <class... A, int (*Hooks::*Member)(A...)>
struct Lenient<Member> {
  static void Arm(Hooks& h) {
    h.*Member = [](A... a) {
      const int error = (DefaultHooks().*Member)(a...);
      return error == EINVAL ? Instead(0) : error;
    };
  }
};

const Row kVariants[] = {
    {.name = "mutexattr_pshared_unchecked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"mutexattr.pshared.err.einval"},
     .observed = "an invalid value",
     .what = "pthread_mutexattr_setpshared() takes any value.",
     .arm = Lenient<&Hooks::pthread_mutexattr_setpshared>::Arm},
    {.name = "condattr_pshared_unchecked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"condattr.pshared.err.einval"},
     .observed = "an invalid value",
     .what = "pthread_condattr_setpshared() takes any value.",
     .arm = Lenient<&Hooks::pthread_condattr_setpshared>::Arm},
    {.name = "barrierattr_pshared_unchecked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"barrierattr.pshared.err.einval"},
     .observed = "an invalid value",
     .what = "pthread_barrierattr_setpshared() takes any value.",
     .arm = Lenient<&Hooks::pthread_barrierattr_setpshared>::Arm},
    {.name = "rwlockattr_pshared_unchecked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"rwlockattr.pshared.err.einval"},
     .observed = "an invalid value",
     .what = "pthread_rwlockattr_setpshared() takes any value.",
     .arm = Lenient<&Hooks::pthread_rwlockattr_setpshared>::Arm},
    {.name = "mutexattr_prioceiling_unchecked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"mutexattr.prioceiling.err.einval"},
     .observed = "a ceiling above the highest priority",
     .what = "pthread_mutexattr_setprioceiling() takes any number.",
     .arm = Lenient<&Hooks::pthread_mutexattr_setprioceiling>::Arm},
    {.name = "condattr_unknown_clock_taken",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"condattr.clock.err.unknown"},
     .observed = "an unknown clock",
     .what = "pthread_condattr_setclock() takes unknown clocks.",
     .source = "musl",
     .arm =
         [](Hooks& h) {
           h.pthread_condattr_setclock = [](pthread_condattr_t* a, clockid_t k) {
             return k == 12345 ? Instead(0) : real::pthread_condattr_setclock(a, k);
           };
         }},
    {.name = "mutex_robust_private_refused",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"mutex_init.err.robust_private"},
     .observed = "robust without process-shared",
     .what = "pthread_mutex_init() refuses robust mutexes that are private.",
     .arm =
         [](Hooks& h) {
           h.pthread_mutex_init = [](pthread_mutex_t* m, const pthread_mutexattr_t* a) {
             int robust = PTHREAD_MUTEX_STALLED, shared = PTHREAD_PROCESS_PRIVATE;
             if (a) real::pthread_mutexattr_getrobust(a, &robust);
             if (a) real::pthread_mutexattr_getpshared(a, &shared);
             if (robust == PTHREAD_MUTEX_ROBUST && shared == PTHREAD_PROCESS_PRIVATE)
               return Instead(EINVAL);
             return real::pthread_mutex_init(m, a);
           };
         }},
    {.name = "mutex_abstime_always_checked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"mutex.pshared.timedlock_immediate"},
     .what = "Invalid nanoseconds are refused before a free mutex is tried.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             if (!Valid(*t) && !Held(m)) return Instead(EINVAL);
             return real::pthread_mutex_timedlock(m, t);
           }>(h);
         }},
    {.name = "mutex_normal_relock_detected",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"mutex.pshared.normal_relock", "robust.normal_type_relock"},
     .what = "A timed relock of a normal mutex by its owner reports the deadlock.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             const bool own = Mine(m);
             const int error = real::pthread_mutex_timedlock(m, t);
             return own && error == ETIMEDOUT ? Instead(EDEADLK) : error;
           }>(h);
         }},
    {.name = "robust_consistent_by_owner_alone",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"robust.consistent.not_owner"},
     .observed = "pthread_mutex_consistent() by another",
     .what = "pthread_mutex_consistent() by a thread that does not own the mutex fails with EPERM.",
     .source = "musl",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_consistent>::With<[](pthread_mutex_t* m) {
             if (IsRobust(m) && Held(m) && (WordOf(m) & 0x3fff'ffff) != ThisThread())
               return Instead(EPERM);
             return real::pthread_mutex_consistent(m);
           }>(h);
         }},
    {.name = "robust_inner_unlock_succeeds",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"robust.recursive_inner_unlock"},
     .observed = "the inner of two unlocks",
     .what = "An inner unlock of an inconsistent recursive mutex returns 0.",
     .source = "musl",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_unlock>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_unlock(m);
             return error == ENOTRECOVERABLE && Held(m) ? Instead(0) : error;
           }>(h);
         }},
    {.name = "cond_spurious_returns",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"cond.pshared.signal_without_waiters"},
     .what = "Every second condition wait returns 0 by itself.",
     .arm =
         [](Hooks& h) {
           EveryCondWait<[](pthread_cond_t* c, pthread_mutex_t* m, RealCondWait call, clockid_t k,
                            const timespec* t) {
             static thread_local bool again = false;
             again = !again;
             const bool may =
                 Mine(m) && (!t || (Valid(*t) && (k == CLOCK_REALTIME || KnownClock(k))));
             if (!again || !may) return call(c, m, k, t);
             pthread_testcancel();
             return Instead(0);
           }>(h);
         }},
    {.name = "rwlock_prefers_writers",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"rwlock.pshared.preference"},
     .observed = "tryrdlock while a writer waits",
     .what = "A reader does not get in while a writer waits.",
     .arm =
         [](Hooks& h) {
           h.pthread_rwlock_init = [](pthread_rwlock_t* l, const pthread_rwlockattr_t* a) {
             const int error = real::pthread_rwlock_init(l, a);
             if (Shared(l)) PreferWriters(l);
             return error;
           };
           OnShared<&Hooks::pthread_rwlock_tryrdlock>::With<[](pthread_rwlock_t* l) {
             const int error = real::pthread_rwlock_tryrdlock(l);
             return error == EBUSY && !WriterHolds(l) ? Instead(EBUSY) : error;
           }>(h);
         }},
    {.name = "rwlock_deadlock_undetected",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"rwlock.pshared.self_deadlock"},
     .observed = "writer that asks as writer",
     .what = "A writer that asks again waits until its deadline.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_timedwrlock>::With<[](pthread_rwlock_t* l,
                                                                 const timespec* t) {
             const int error = real::pthread_rwlock_timedwrlock(l, t);
             return error == EDEADLK && Valid(*t) && Passed(*t, CLOCK_REALTIME) ? Instead(ETIMEDOUT)
                                                                                : error;
           }>(h);
         }},
    {.name = "rwlock_nsec_unchecked",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"rwlock.pshared.timed_einval"},
     .observed = "invalid nanoseconds, reader",
     .what = "A reader's invalid nanoseconds are taken as part of the time.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_timedrdlock>::With<[](pthread_rwlock_t* l,
                                                                 const timespec* t) {
             const int error = real::pthread_rwlock_timedrdlock(l, t);
             return error == EINVAL && t->tv_nsec >= 0 && Passed({t->tv_sec + 1, 0}, CLOCK_REALTIME)
                        ? Instead(ETIMEDOUT)
                        : error;
           }>(h);
         }},
    {.name = "rwlock_reader_cancellable",
     .role = Role::variant,
     .family = Family::pshared,
     .clauses = {"rwlock.pshared.cancellation_points"},
     .observed = "a blocked reader",
     .what = "pthread_rwlock_rdlock() is a cancellation point.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_rdlock>::With<[](pthread_rwlock_t* l) {
             if (real::pthread_rwlock_tryrdlock(l) == 0) return 0;
             Differ();
             for (;;) {
               timespec slice;
               real::clock_gettime(CLOCK_MONOTONIC, &slice);
               slice = Later(slice, 2'000'000);
               const int error = real::pthread_rwlock_clockrdlock(l, CLOCK_MONOTONIC, &slice);
               if (error != ETIMEDOUT) return error;
               pthread_testcancel();
             }
           }>(h);
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
