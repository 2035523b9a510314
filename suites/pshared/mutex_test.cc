// Locking and unlocking a mutex from several processes or threads, for every kind.
#include <sched.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

// A clause of pthread_mutex_lock() or timedlock(), and what Issue 8 says in its place of
// clocklock().
ClauseRef Of(Way way, ClauseRef clause) {
  return OfIssue8(way) ? clause::mutex::pshared_clocklock : clause;
}

// Locks that way and unlocks; the result is that of the lock.
CallResult LockAndUnlock(Way way, pthread_mutex_t* mutex) {
  const CallResult locked = LockBy(way, mutex);
  if (locked.ok()) Unlock(mutex);
  return locked;
}

IPC_FOR_ALL_MUTEXES(MutexLock);

IPC_TEST_P(MutexLock, TrylockFailsWhileAnotherHoldsIt, clause::mutex::pshared_trylock_busy) {
  const Mutex mutex(GetParam());
  Lock(mutex);
  const Worker refused = Work([&] { return CALL_ERRNO(pthread_mutex_trylock(mutex)); });
  EXPECT_THAT(refused.result(), Fails(EBUSY));
  Unlock(mutex);
  const Worker admitted = Work([&] {
    const CallResult locked = CALL_ERRNO(pthread_mutex_trylock(mutex));
    if (locked.ok()) Unlock(mutex);
    return locked;
  });
  EXPECT_THAT(admitted.result(), SucceedsWith(0));
}

IPC_TEST_P(MutexLock, WaitsForTheUnlock, clause::mutex::pshared_blocks_and_wakes,
           clause::mutex::pshared_clocklock) {
  for (const Way way : AllWays()) {
    const ForClause scope(Of(way, clause::mutex::pshared_blocks_and_wakes));
    const Mutex mutex(GetParam());
    Lock(mutex);
    const Worker waiter = Work([&] { return LockAndUnlock(way, mutex); });
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way);
    EXPECT_THAT(waiter.call(), StaysBlocked()) << ToString(way);
    Unlock(mutex);
    EXPECT_THAT(ResultOf(waiter.call(), mutex), SucceedsWith(0)) << ToString(way);
  }
}

// Several wait; each that gets it says so while it is inside.
IPC_TEST_P(MutexLock, EveryWaiterGetsItInTurn, clause::mutex::pshared_blocks_and_wakes,
           clause::mutex::pshared_exclusion, clause::mutex::pshared_wake_order) {
  struct Inside {
    std::atomic<int> now, overlaps, count, order[4];
  };
  const Mutex mutex(GetParam());
  Shared<Inside> inside;
  Lock(mutex);
  std::vector<std::unique_ptr<Worker>> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.push_back(std::make_unique<Worker>(Work([&, i] {
      const Way way = AllWays()[static_cast<std::size_t>(i) % AllWays().size()];
      const CallResult locked = LockBy(way, mutex);
      if (!locked.ok()) return locked;
      inside->overlaps += inside->now.fetch_add(1);
      inside->order[inside->count.fetch_add(1) % 4] = i;
      inside->now.fetch_sub(1);
      Unlock(mutex);
      return locked;
    })));
    EXPECT_THAT(waiters.back()->call(), Blocks());
  }
  EXPECT_EQ(inside->count, 0) << "inside while another holds it";
  Unlock(mutex);
  for (const auto& waiter : waiters) EXPECT_THAT(ResultOf(waiter->call(), mutex), SucceedsWith(0));
  std::string order;
  for (const auto& i : inside->order) order += std::to_string(i);
  Observe(clause::mutex::pshared_wake_order, "order of four waiters", order);
  const ForClause scope(clause::mutex::pshared_exclusion);
  NoteChecks();
  EXPECT_EQ(inside->overlaps, 0);
}

struct Guarded {
  pthread_mutex_t mutex;
  int first, second;  // plain: the mutex alone makes them visible
};

IPC_TEST_P(MutexLock, OnlyOneIsInside, clause::mutex::pshared_exclusion,
           clause::pshared::memory_sync) {
  constexpr int kWorkers = 3, kEach = 400;
  const Placed<Guarded> guarded(GetParam().place);
  InitMutex(&guarded->mutex, GetParam());
  Shared<StartLine> start;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.push_back(std::make_unique<Worker>(Work([&, i] {
      Guarded* const own = guarded.get();
      start->Wait(kWorkers);
      int torn = 0;
      for (int k = 0; k < kEach; ++k) {
        if ((i + k) % 3 == 0) {
          while (pthread_mutex_trylock(&own->mutex) != 0) sched_yield();
        } else if (LockBy(AllWays()[static_cast<std::size_t>(k) % AllWays().size()], &own->mutex)
                       .failed) {
          return CALL(-1);
        }
        torn += own->first != own->second;
        const int next = own->first + 1;
        own->first = next;
        if (k % 16 == 0) sched_yield();
        own->second = next;
        pthread_mutex_unlock(&own->mutex);
      }
      return CALL(torn);
    })));
  }
  for (const auto& worker : workers)
    EXPECT_THAT(worker->result(20s), SucceedsWith(0)) << "times that one saw another's half";
  EXPECT_EQ(guarded->first, kWorkers * kEach);
  NoteChecksOf(clause::pshared::memory_sync);  // an update that was not seen would be lost
}

IPC_TEST_P(MutexLock, HandlersDoNotEndTheWait, clause::mutex::pshared_no_eintr) {
  for (const int flags : {0, SA_RESTART}) {
    const ScopedSignal handler(SIGUSR1, CountSignal, flags);
    for (const Way way : AllWays()) {
      const Mutex mutex(GetParam());
      Lock(mutex);
      Worker waiter = Work([&] { return LockAndUnlock(way, mutex); });
      EXPECT_THAT(waiter.call(), Blocks());
      for (int i = 0; i < 3 && !waiter.call().returned(); ++i) {
        const int before = SignalCount();
        waiter.Signal(SIGUSR1);
        if (!AwaitSignalCount(before + 1)) Unresolved("the handler did not run");
        EXPECT_THAT(waiter.call(), Blocks()) << ToString(way) << " after a handler";
      }
      Unlock(mutex);
      EXPECT_THAT(ResultOf(waiter.call(), mutex), SucceedsWith(0)) << ToString(way);
    }
  }
}

// ---- Deadlines

IPC_FOR_ALL_MUTEXES(MutexTimedlock);

// sleep-ok: waits for deadlines of 3 ms, which is what it tests.
IPC_TEST_P(MutexTimedlock, TimesOutAndNotEarly, clause::mutex::pshared_timedlock_timeout,
           clause::mutex::pshared_clocklock) {
  const Mutex mutex(GetParam());
  Lock(mutex);
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::mutex::pshared_timedlock_timeout));
    const clockid_t clock = ClockOf(way);
    const Worker late = Work([&] {
      EXPECT_THAT(LockUntil(way, mutex, {1, 0}), Fails(ETIMEDOUT)) << ToString(way);
      EXPECT_THAT(LockBy(way, mutex, -1), Fails(ETIMEDOUT)) << ToString(way);
      for (int i = 0; i < 3; ++i) {
        const timespec start = ClockIn(clock, 0), deadline = ClockIn(clock, 3);
        const CallResult result = LockUntil(way, mutex, deadline);
        const timespec end = ClockIn(clock, 0);
        EXPECT_THAT(result, Fails(ETIMEDOUT)) << ToString(way);
        if (clock == CLOCK_REALTIME && Before(end, start)) continue;  // it was stepped back
        EXPECT_FALSE(Before(end, deadline)) << ToString(way) << " returned before its deadline";
      }
      return CALL(0);
    });
    EXPECT_THAT(late.result(), SucceedsWith(0));
  }
  // Those that gave up left nothing behind: the owner is still it, and the next gets it.
  const Worker waiter = Work([&] { return LockAndUnlock(Way::kPlain, mutex); });
  EXPECT_THAT(waiter.call(), Blocks());
  Unlock(mutex);
  EXPECT_THAT(ResultOf(waiter.call(), mutex), SucceedsWith(0));
}

IPC_TEST_P(MutexTimedlock, TakesAFreeMutexWhateverTheDeadline,
           clause::mutex::pshared_timedlock_immediate, clause::mutex::pshared_clocklock) {
  const Mutex mutex(GetParam());
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::mutex::pshared_timedlock_immediate));
    for (const timespec& deadline : {timespec{1, 0}, timespec{0, 0}, ClockIn(ClockOf(way), -1),
                                     ClockIn(ClockOf(way), 60'000)}) {
      EXPECT_THAT(LockUntil(way, mutex, deadline), SucceedsWith(0)) << ToString(way);
      Unlock(mutex);
    }
    timespec invalid = ClockIn(ClockOf(way), 60'000);
    invalid.tv_nsec = -1;
    const CallResult unchecked = LockUntil(way, mutex, invalid);
    EXPECT_THAT(unchecked, SucceedsOrFailsWith(EINVAL)) << ToString(way);
    if (unchecked.ok()) Unlock(mutex);
  }
}

IPC_TEST_P(MutexTimedlock, InvalidNanoseconds, clause::mutex::pshared_timedlock_einval,
           clause::mutex::pshared_clocklock) {
  const Mutex mutex(GetParam());
  Lock(mutex);
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::mutex::pshared_timedlock_einval));
    const Worker refused = Work([&] {
      for (const long nsec : {-1L, 1'000'000'000L}) {
        timespec deadline = ClockIn(ClockOf(way), 60'000);  // ahead: ETIMEDOUT does not apply
        deadline.tv_nsec = nsec;
        EXPECT_THAT(LockUntil(way, mutex, deadline), Fails(EINVAL)) << ToString(way) << " " << nsec;
      }
      return CALL(0);
    });
    EXPECT_THAT(refused.result(), SucceedsWith(0));
  }
  Unlock(mutex);
  const Worker next = Work([&] { return LockAndUnlock(Way::kPlain, mutex); });
  EXPECT_THAT(ResultOf(next.call(), mutex), SucceedsWith(0));
}

IPC_TEST_P(MutexTimedlock, UnsupportedClock, clause::mutex::pshared_clocklock_einval) {
  NeedClockWays();
  const Mutex mutex(GetParam());
  Lock(mutex);
  const Worker refused = Work([&] {
    EXPECT_THAT(ClockLock(mutex, 123456, RealtimeIn(60'000)), Fails(EINVAL));
    EXPECT_THAT(ClockLock(mutex, 123456, {1, 0}), FailsWithAnyOf(EINVAL, ETIMEDOUT));
    return CALL(0);
  });
  EXPECT_THAT(refused.result(), SucceedsWith(0));
  Unlock(mutex);
}

// A deadline of the other clock would be long past, or decades away.
IPC_TEST_P(MutexTimedlock, MeasuresOnItsOwnClock, clause::mutex::pshared_clocklock) {
  NeedClockWays();
  const Mutex mutex(GetParam());
  Lock(mutex);
  const Worker past = Work([&] { return LockBy(Way::kClockMonotonic, mutex, -1); });
  EXPECT_THAT(past.result(), Fails(ETIMEDOUT)) << "decades before now on CLOCK_REALTIME alone";
  const Worker ahead = Work([&] { return LockAndUnlock(Way::kClockMonotonic, mutex); });
  EXPECT_THAT(ahead.call(), Blocks()) << "a minute ahead on CLOCK_MONOTONIC";
  Unlock(mutex);
  EXPECT_THAT(ResultOf(ahead.call(), mutex), SucceedsWith(0));
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
