// Faults of robust mutexes: who learns of a death.
#include "faults/preload/threads.h"

namespace faults {
namespace {

enum Use : uint32_t { kTold, kWaitingPid, kLastPid, kDeaths };

// Whether this lock takes the mutex.
bool Took(int error) { return error == 0 || error == EOWNERDEAD; }

void ResetCells(Hooks& h) {
  h.pthread_mutex_init = [](pthread_mutex_t* m, const pthread_mutexattr_t* a) {
    for (const Use use : {kTold, kWaitingPid, kLastPid, kDeaths}) Cell(KeyIn(m), use) = 0;
    return real::pthread_mutex_init(m, a);
  };
}

// The list of robust mutexes that the kernel walks when the thread ends.
struct RobustNode {
  RobustNode* next;
};
struct RobustHead {
  RobustNode list;
  long offset;
  void* pending;
};

// The kernel no longer knows which ones the calling thread holds.
void ForgetRobustList() {
  static thread_local RobustHead empty;
  empty = {{&empty.list}, 0, nullptr};
  syscall(SYS_set_robust_list, &empty, sizeof empty);
}

// It knows the one that was locked last.
void KeepNewest() {
  RobustHead* head = nullptr;
  size_t size = 0;
  if (syscall(SYS_get_robust_list, 0, &head, &size) != 0 || head == nullptr) return;
  if (head->list.next != &head->list) head->list.next->next = &head->list;
}

const Row kFaults[] = {
    {.name = "robust_death_not_reported",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.exit.eownerdead", "robust.kill.eownerdead", "robust.trylock"},
     .what = "Who locks after a death gets 0 and a consistent mutex.",
     .arm =
         [](Hooks& h) {
           EveryAcquire<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error != EOWNERDEAD) return error;
             real::pthread_mutex_consistent(m);
             return 0;
           }>(h);
         }},
    {.name = "robust_trylock_busy",
     .family = Family::pshared,
     .difficulty = Difficulty::easy,
     .clauses = {"robust.trylock"},
     .what = "pthread_mutex_trylock() finds a mutex of a dead owner busy.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
             return IsRobust(m) && OwnerDied(m) ? EBUSY : real::pthread_mutex_trylock(m);
           }>(h);
         }},
    {.name = "robust_timedlock_times_out",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.timedlock"},
     .what = "With a deadline that has passed the mutex of a dead owner can't be taken.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_timedlock>::With<[](pthread_mutex_t* m,
                                                              const timespec* t) {
             if (IsRobust(m) && OwnerDied(m) && Valid(*t) && Passed(*t, CLOCK_REALTIME))
               return ETIMEDOUT;
             return real::pthread_mutex_timedlock(m, t);
           }>(h);
         }},
    {.name = "robust_told_but_not_locked",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.trylock"},
     .what = "pthread_mutex_trylock() reports EOWNERDEAD and leaves the mutex as it was.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
             return IsRobust(m) && OwnerDied(m) ? EOWNERDEAD : real::pthread_mutex_trylock(m);
           }>(h);
         }},
    {.name = "robust_waiter_sleeps_on",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.waiter_woken"},
     .what = "Who waits when the owner dies goes on sleeping.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const bool waits = Held(m) && !Mine(m);
             const int error = call(m, k, t);
             if (waits && error == EOWNERDEAD) SleepOn();
             return error;
           }>(h);
         }},
    {.name = "robust_every_waiter_told",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.one_waiter_notified", "robust.consistent.ok"},
     .what = "All that lock after a death get EOWNERDEAD, recovery or not.",
     .arm =
         [](Hooks& h) {
           ResetCells(h);
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error == EOWNERDEAD) Cell(KeyIn(m), kTold) = 1;
             return error == 0 && IsRobust(m) && Cell(KeyIn(m), kTold) ? EOWNERDEAD : error;
           }>(h);
         }},
    {.name = "robust_second_death_forgotten",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.owner_dies_again"},
     .what = "The death of a notified owner is not reported.",
     .arm =
         [](Hooks& h) {
           ResetCells(h);
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error != EOWNERDEAD || Cell(KeyIn(m), kDeaths).fetch_add(1) == 0) return error;
             real::pthread_mutex_consistent(m);
             return 0;
           }>(h);
         }},
    {.name = "robust_death_after_consistent_forgotten",
     .family = Family::pshared,
     .difficulty = Difficulty::hard,
     .clauses = {"robust.owner_dies_after_consistent"},
     .what = "After pthread_mutex_consistent() the owner is no longer watched.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_consistent>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_consistent(m);
             if (error == 0) ForgetRobustList();
             return error;
           }>(h);
         }},
    {.name = "robust_exit_not_noticed",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.exit.eownerdead"},
     .what = "Only a process that is killed counts as dead, not one that exits.",
     .arm = [](Hooks& h) { h.before_exit = [] { ForgetRobustList(); }; }},
    {.name = "robust_other_threads_not_noticed",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.kill.eownerdead"},
     .what = "Only the main thread of a process counts as an owner that can die.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             if (IsRobust(m) && ThisThread() != getpid()) ForgetRobustList();
             return call(m, k, t);
           }>(h);
         }},
    {.name = "robust_killed_waiter_counts",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.not_holding"},
     .what = "The death of a process that only waited is reported too.",
     .arm =
         [](Hooks& h) {
           ResetCells(h);
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             auto& cell = Cell(KeyIn(m), kWaitingPid);
             const bool waits = IsRobust(m) && Held(m);
             if (waits) cell = static_cast<uint64_t>(getpid());
             const int error = call(m, k, t);
             const bool died = cell != 0 && Gone(static_cast<pid_t>(cell.load()));
             if (waits || died) cell = 0;
             return error == 0 && IsRobust(m) && died ? EOWNERDEAD : error;
           }>(h);
         }},
    {.name = "robust_past_owner_counts",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.not_holding"},
     .what = "The death of a process that had unlocked before is reported too.",
     .arm =
         [](Hooks& h) {
           ResetCells(h);
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (!Took(error) || !IsRobust(m)) return error;
             const uint64_t last =
                 Cell(KeyIn(m), kLastPid).exchange(static_cast<uint64_t>(getpid()));
             return error == 0 && Gone(static_cast<pid_t>(last)) ? EOWNERDEAD : error;
           }>(h);
         }},
    {.name = "robust_last_lock_alone_marked",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.several_mutexes"},
     .what = "Of several mutexes that a process holds at its end only the last is marked.",
     .arm =
         [](Hooks& h) {
           EveryLock<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error == 0 && IsRobust(m) && !IsInherit(m)) KeepNewest();
             return error;
           }>(h);
         }},
    {.name = "robust_recursive_count_kept",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.recursive_count"},
     .what = "The next owner of a recursive mutex has to unlock it as often as the dead one.",
     .source = "musl in 2011",
     .arm =
         [](Hooks& h) {
           EveryAcquire<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error == EOWNERDEAD && TypeOf(m) == 1) CountOf(m) = 3;
             return error;
           }>(h);
         }},
    {.name = "robust_stalled_reports_death",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.stalled.no_action"},
     .what = "The death of the owner of a stalled mutex is reported.",
     .arm =
         [](Hooks& h) {
           OnShared<&Hooks::pthread_mutex_trylock>::With<[](pthread_mutex_t* m) {
             const int error = real::pthread_mutex_trylock(m);
             return error == EBUSY && !IsRobust(m) && Gone(OwnerOf(m)) ? EOWNERDEAD : error;
           }>(h);
         }},
    {.name = "robust_inherit_forgets_death",
     .family = Family::pshared,
     .difficulty = Difficulty::medium,
     .clauses = {"robust.prio_inherit"},
     .what = "Mutexes that inherit priorities are not robust.",
     .arm =
         [](Hooks& h) {
           EveryAcquire<[](pthread_mutex_t* m, RealLock call, clockid_t k, const timespec* t) {
             const int error = call(m, k, t);
             if (error != EOWNERDEAD || !IsInherit(m)) return error;
             real::pthread_mutex_consistent(m);
             return 0;
           }>(h);
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
