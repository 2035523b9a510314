// Faults of process-shared read-write locks.
#include <utility>

#include "faults/preload/threads.h"

namespace faults {
namespace {

enum Use : uint32_t { kGaveUp };

// Read-write locks that the calling thread was let into without holding them.
thread_local int phantoms = 0;

// Unlocking takes away what was not there first.
void UnlockPhantomsFirst(Hooks& h) {
  OnShared<&Hooks::pthread_rwlock_unlock>::With<[](pthread_rwlock_t* l) {
    if (phantoms == 0) return real::pthread_rwlock_unlock(l);
    --phantoms;
    return 0;
  }>(h);
}

template <int (*&Try)(pthread_rwlock_t*), auto Member>
void WaitsUntilStuck(Hooks& h) {
  OnShared<Member>::template With<[](pthread_rwlock_t* l) {
    if (const int error = Try(l); error != EBUSY) return error;
    SleepOn();
    return (DefaultHooks().*Member)(l);
  }>(h);
}

const Row kFaults[] = {
    {.name = "rwlockattr_default_shared",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlockattr.pshared.default"},
     .what = "Attributes of read-write locks are process-shared by default.",
     .arm =
         [](Hooks& h) {
           h.pthread_rwlockattr_init = [](pthread_rwlockattr_t* a) {
             const int error = real::pthread_rwlockattr_init(a);
             real::pthread_rwlockattr_setpshared(a, PTHREAD_PROCESS_SHARED);
             return error;
           };
         }},
    {.name = "rwlock_pshared_ignored",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.blocked_wakes", "pshared.other_address"},
     .what = "Every read-write lock is private to its process.",
     .arm =
         [](Hooks& h) {
           h.pthread_rwlock_init = [](pthread_rwlock_t* l, const pthread_rwlockattr_t* a) {
             const int error = real::pthread_rwlock_init(l, a);
             if (Shared(l)) MakePrivate(l);
             return error;
           };
         }},
    {.name = "rwlock_readers_exclude",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.readers_share"},
     .what = "A reader keeps other readers out.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_rdlock>::With<[](pthread_rwlock_t* l) {
             return real::pthread_rwlock_wrlock(l);
           }>(h);
         }},
    {.name = "rwlock_writer_beside_reader",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.writer_excludes"},
     .what = "A writer does not wait for readers.",
     .arm =
         [](Hooks& h) {
           UnlockPhantomsFirst(h);
           OnShared<&Hooks::pthread_rwlock_wrlock>::With<[](pthread_rwlock_t* l) {
             const int error = real::pthread_rwlock_trywrlock(l);
             if (error != EBUSY || WriterHolds(l)) return real::pthread_rwlock_wrlock(l);
             ++phantoms;
             return 0;
           }>(h);
         }},
    {.name = "rwlock_reader_beside_writer",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.writer_excludes"},
     .what = "A reader does not wait for a writer.",
     .arm =
         [](Hooks& h) {
           UnlockPhantomsFirst(h);
           OnShared<&Hooks::pthread_rwlock_rdlock>::With<[](pthread_rwlock_t* l) {
             if (!WriterHolds(l)) return real::pthread_rwlock_rdlock(l);
             ++phantoms;
             return 0;
           }>(h);
         }},
    {.name = "rwlock_tryrd_beside_writer",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.tryrd_ebusy"},
     .what = "pthread_rwlock_tryrdlock() succeeds beside a writer.",
     .arm =
         [](Hooks& h) {
           UnlockPhantomsFirst(h);
           OnShared<&Hooks::pthread_rwlock_tryrdlock>::With<[](pthread_rwlock_t* l) {
             const int error = real::pthread_rwlock_tryrdlock(l);
             phantoms += error == EBUSY;
             return error == EBUSY ? 0 : error;
           }>(h);
         }},
    {.name = "rwlock_trywr_eagain",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.trywr_ebusy"},
     .what = "pthread_rwlock_trywrlock() fails with EAGAIN.",
     .arm = [](Hooks& h) { OnShared<&Hooks::pthread_rwlock_trywrlock>::Error<EBUSY, EAGAIN>(h); }},
    {.name = "rwlock_trywr_own_edeadlk",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.trywr_ebusy"},
     .what = "pthread_rwlock_trywrlock() beside readers fails with EDEADLK.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_trywrlock>::With<[](pthread_rwlock_t* l) {
             const int error = real::pthread_rwlock_trywrlock(l);
             return error == EBUSY && !WriterHolds(l) ? EDEADLK : error;
           }>(h);
         }},
    {.name = "rwlock_blocked_writer_sleeps",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.blocked_wakes"},
     .what = "A writer that had to wait is not woken.",
     .source = "glibc 2.25 to 2.29 (BZ 23844)",
     .arm =
         [](Hooks& h) {
           WaitsUntilStuck<real::pthread_rwlock_trywrlock, &Hooks::pthread_rwlock_wrlock>(h);
         }},
    {.name = "rwlock_blocked_reader_sleeps",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"rwlock.pshared.blocked_wakes"},
     .what = "A reader that had to wait is not woken.",
     .arm =
         [](Hooks& h) {
           WaitsUntilStuck<real::pthread_rwlock_tryrdlock, &Hooks::pthread_rwlock_rdlock>(h);
         }},
    {.name = "rwlock_one_unlock_for_all",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.read_recursion"},
     .what = "One unlock gives back all read locks of a thread.",
     .arm =
         [](Hooks& h) {
           static thread_local int reads = 0;
           OnShared<&Hooks::pthread_rwlock_rdlock>::With<[](pthread_rwlock_t* l) {
             const int error = real::pthread_rwlock_rdlock(l);
             reads += error == 0;
             return error;
           }>(h);
           OnShared<&Hooks::pthread_rwlock_unlock>::With<[](pthread_rwlock_t* l) {
             if (WriterHolds(l)) return real::pthread_rwlock_unlock(l);
             if (reads < 0) return ++reads, 0;
             const int held = std::exchange(reads, reads > 1 ? 1 - reads : 0);
             for (int i = 1; i < held; ++i) real::pthread_rwlock_unlock(l);
             return real::pthread_rwlock_unlock(l);
           }>(h);
         }},
    {.name = "rwlock_timed_writer_leaves_trace",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.timed_etimedout"},
     .what = "A writer that timed out keeps readers out.",
     .arm =
         [](Hooks& h) {
           h.pthread_rwlock_init = [](pthread_rwlock_t* l, const pthread_rwlockattr_t* a) {
             Cell(KeyIn(l), kGaveUp) = 0;
             return real::pthread_rwlock_init(l, a);
           };
           OnShared<&Hooks::pthread_rwlock_timedwrlock>::With<[](pthread_rwlock_t* l,
                                                                 const timespec* t) {
             const int error = real::pthread_rwlock_timedwrlock(l, t);
             if (error == ETIMEDOUT) Cell(KeyIn(l), kGaveUp) = 1;
             return error;
           }>(h);
           OnShared<&Hooks::pthread_rwlock_tryrdlock>::With<[](pthread_rwlock_t* l) {
             return Cell(KeyIn(l), kGaveUp) ? EBUSY : real::pthread_rwlock_tryrdlock(l);
           }>(h);
         }},
    {.name = "rwlock_rdlock_eintr",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"rwlock.pshared.no_eintr"},
     .what = "A handler ends a reader's wait with EINTR.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_rwlock_rdlock>::With<[](pthread_rwlock_t* l) {
             return InSlices(
                 0, nullptr,
                 [=](const timespec* slice) {
                   return real::pthread_rwlock_clockrdlock(l, CLOCK_MONOTONIC, slice);
                 },
                 [](const sigset_t& mask) { return AnyPending(mask) ? EINTR : 0; });
           }>(h);
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
