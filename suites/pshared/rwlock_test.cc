// Read-write locks that processes or threads share.
#include <sched.h>

#include <memory>
#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

using Waiters = std::vector<std::unique_ptr<Worker>>;

class Rwlock {
 public:
  explicit Rwlock(Place place) : placed_(place) { InitRwlock(placed_.get()); }
  operator pthread_rwlock_t*() const { return placed_.get(); }  // NOLINT

 private:
  Placed<pthread_rwlock_t> placed_;
};

enum class Side { kRead, kWrite };
const char* ToString(Side side) { return side == Side::kRead ? "reader" : "writer"; }

CallResult LockUntil(Side side, Way way, pthread_rwlock_t* lock, const timespec& deadline) {
  return side == Side::kRead ? ReadLockUntil(way, lock, deadline)
                             : WriteLockUntil(way, lock, deadline);
}
CallResult LockBy(Side side, Way way, pthread_rwlock_t* lock, std::int64_t ms = 60'000) {
  return LockUntil(side, way, lock, ClockIn(ClockOf(way), ms));
}
CallResult Try(Side side, pthread_rwlock_t* lock) {
  if (side == Side::kRead) return CALL_ERRNO(pthread_rwlock_tryrdlock(lock));
  return CALL_ERRNO(pthread_rwlock_trywrlock(lock));
}
void Take(Side side, pthread_rwlock_t* lock) { Setup(LockBy(side, Way::kPlain, lock)); }
void Release(pthread_rwlock_t* lock) { Setup(CALL_ERRNO(pthread_rwlock_unlock(lock))); }
CallResult TakeAndRelease(Side side, Way way, pthread_rwlock_t* lock) {
  const CallResult taken = LockBy(side, way, lock);
  if (taken.ok()) Release(lock);
  return taken;
}
constexpr Side kSides[] = {Side::kRead, Side::kWrite};

// A clause, and what Issue 8 says in its place of the functions with a clock.
ClauseRef Of(Way way, ClauseRef clause) {
  return OfIssue8(way) ? clause::rwlock::pshared_clock_variants : clause;
}

class RwlockTest : public PlaceTest {
 protected:
  // Whether another takes it, without waiting, and gives it back.
  static CallResult TryElsewhere(Side side, const Rwlock& lock) {
    const Worker other = Work([&] {
      const CallResult taken = Try(side, lock);
      if (taken.ok()) Release(lock);
      return taken;
    });
    return other.result();
  }
};
INSTANTIATE_TEST_SUITE_P(Places, RwlockTest,
                         testing::Values(Place::kInherited, Place::kShm, Place::kFile,
                                         Place::kThreads),
                         PlaceName);

IPC_TEST_P(RwlockTest, ReadersShare, clause::rwlock::pshared_readers_share) {
  const Rwlock lock(GetParam());
  Take(Side::kRead, lock);
  Shared<StartLine> inside;
  Waiters readers;
  for (const Way way : AllWays()) {
    readers.push_back(std::make_unique<Worker>(Work([&, way] {
      const CallResult taken = LockBy(Side::kRead, way, lock);
      if (!taken.ok()) return taken;
      inside->Wait(static_cast<unsigned>(AllWays().size()));  // all of them are inside
      Release(lock);
      return taken;
    })));
  }
  for (const auto& reader : readers) EXPECT_THAT(ResultOf(reader->call()), SucceedsWith(0));
  EXPECT_THAT(TryElsewhere(Side::kRead, lock), SucceedsWith(0)) << "tryrdlock";
}

IPC_TEST_P(RwlockTest, WriterIsAlone, clause::rwlock::pshared_writer_excludes,
           clause::rwlock::pshared_tryrd_ebusy, clause::rwlock::pshared_trywr_ebusy) {
  const Rwlock lock(GetParam());
  Take(Side::kWrite, lock);
  {
    const ForClause scope(clause::rwlock::pshared_tryrd_ebusy);
    EXPECT_THAT(TryElsewhere(Side::kRead, lock), Fails(EBUSY)) << "a writer holds it";
  }
  {
    const ForClause scope(clause::rwlock::pshared_trywr_ebusy);
    EXPECT_THAT(TryElsewhere(Side::kWrite, lock), Fails(EBUSY)) << "a writer holds it";
  }
  for (const Side side : kSides) {
    const Worker waiter = Work([&] { return TakeAndRelease(side, Way::kPlain, lock); });
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(side);
    Release(lock);
    EXPECT_THAT(ResultOf(waiter.call()), SucceedsWith(0)) << ToString(side);
    Take(Side::kWrite, lock);
  }
  Release(lock);
  Take(Side::kRead, lock);
  {
    const ForClause scope(clause::rwlock::pshared_trywr_ebusy);
    EXPECT_THAT(TryElsewhere(Side::kWrite, lock), Fails(EBUSY)) << "a reader holds it";
    EXPECT_THAT(CALL_ERRNO(pthread_rwlock_trywrlock(lock)), Fails(EBUSY)) << "the caller itself";
  }
  Release(lock);
  EXPECT_THAT(TryElsewhere(Side::kWrite, lock), SucceedsWith(0));
}

IPC_TEST_P(RwlockTest, WriterWaitsForTheLastReader, clause::rwlock::pshared_blocked_wakes,
           clause::rwlock::pshared_writer_excludes, clause::rwlock::pshared_clock_variants) {
  for (const Way way : AllWays()) {
    const ForClause scope(Of(way, clause::rwlock::pshared_blocked_wakes));
    const Rwlock lock(GetParam());
    Take(Side::kRead, lock);
    Take(Side::kRead, lock);
    const Worker writer = Work([&] { return TakeAndRelease(Side::kWrite, way, lock); });
    EXPECT_THAT(writer.call(), Blocks()) << ToString(way);
    Release(lock);
    EXPECT_THAT(writer.call(), StaysBlocked()) << "another read lock is held";
    NoteChecksOf(clause::rwlock::pshared_writer_excludes);
    Release(lock);
    EXPECT_THAT(ResultOf(writer.call()), SucceedsWith(0)) << ToString(way);
  }
}

IPC_TEST_P(RwlockTest, AllReadersAreReleasedByTheWriter, clause::rwlock::pshared_blocked_wakes,
           clause::rwlock::pshared_clock_variants) {
  const Rwlock lock(GetParam());
  Take(Side::kWrite, lock);
  Waiters readers;
  for (const Way way : AllWays()) {
    readers.push_back(std::make_unique<Worker>(
        Work([&, way] { return TakeAndRelease(Side::kRead, way, lock); })));
    EXPECT_THAT(readers.back()->call(), Blocks()) << ToString(way);
  }
  Release(lock);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    const ForClause scope(Of(AllWays()[i], clause::rwlock::pshared_blocked_wakes));
    EXPECT_THAT(ResultOf(readers[i]->call()), SucceedsWith(0)) << ToString(AllWays()[i]);
  }
}

// Readers and writers of every way, and attempts that fail in between: nobody is left asleep.
IPC_TEST_P(RwlockTest, NobodySeesAHalf, clause::rwlock::pshared_writer_excludes,
           clause::rwlock::pshared_blocked_wakes, clause::pshared::memory_sync) {
  constexpr int kEach = 250;
  struct Guarded {
    pthread_rwlock_t lock;
    int first, second;
  };
  const Placed<Guarded> guarded(GetParam());
  InitRwlock(&guarded->lock);
  Waiters workers;
  for (int i = 0; i < 4; ++i) {
    workers.push_back(std::make_unique<Worker>(Work([&, i] {
      Guarded* const own = guarded.get();
      int torn = 0;
      for (int k = 0; k < kEach; ++k) {
        const Way way = AllWays()[static_cast<std::size_t>(k) % AllWays().size()];
        const Side side = (i + k) % 2 ? Side::kRead : Side::kWrite;
        if (Try(side == Side::kRead ? Side::kWrite : Side::kRead, &own->lock).ok())
          pthread_rwlock_unlock(&own->lock);
        if (const CallResult taken = LockBy(side, way, &own->lock, 20'000); !taken.ok())
          return CALL(-1);
        torn += own->first != own->second;
        if (side == Side::kWrite) {
          const int next = own->first + 1;
          own->first = next;
          if (k % 16 == 0) sched_yield();
          own->second = next;
        }
        pthread_rwlock_unlock(&own->lock);
      }
      return CALL(torn);
    })));
  }
  for (const auto& worker : workers)
    EXPECT_THAT(worker->result(), SucceedsWith(0)) << "halves seen; -1: a lock failed";
  EXPECT_EQ(guarded->first, 2 * kEach);
  NoteChecksOf(clause::rwlock::pshared_blocked_wakes);
  NoteChecksOf(clause::pshared::memory_sync);
}

IPC_TEST_P(RwlockTest, OneThreadHasSeveralReadLocks, clause::rwlock::pshared_read_recursion) {
  const Rwlock lock(GetParam());
  for (int i = 0; i < 3; ++i) EXPECT_THAT(CALL_ERRNO(pthread_rwlock_rdlock(lock)), SucceedsWith(0));
  for (int left = 3; left > 0; --left) {
    EXPECT_THAT(TryElsewhere(Side::kWrite, lock), Fails(EBUSY)) << left << " read locks are left";
    EXPECT_THAT(CALL_ERRNO(pthread_rwlock_unlock(lock)), SucceedsWith(0));
  }
  EXPECT_THAT(TryElsewhere(Side::kWrite, lock), SucceedsWith(0));
}

// ---- Deadlines

// sleep-ok: waits for deadlines of 3 ms, which is what it tests.
IPC_TEST_P(RwlockTest, TimesOutAndNotEarly, clause::rwlock::pshared_timed_etimedout,
           clause::rwlock::pshared_clock_variants) {
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::rwlock::pshared_timed_etimedout));
    for (const Side side : kSides) {
      const Rwlock lock(GetParam());
      // Readers wait for a writer, writers for a reader.
      Take(side == Side::kRead ? Side::kWrite : Side::kRead, lock);
      const clockid_t clock = ClockOf(way);
      const Worker late = Work([&] {
        EXPECT_THAT(LockUntil(side, way, lock, {1, 0}), Fails(ETIMEDOUT)) << ToString(way);
        for (int i = 0; i < 3; ++i) {
          const timespec start = ClockIn(clock, 0), deadline = ClockIn(clock, 3);
          const CallResult result = LockUntil(side, way, lock, deadline);
          const timespec end = ClockIn(clock, 0);
          EXPECT_THAT(result, Fails(ETIMEDOUT)) << ToString(side) << " " << ToString(way);
          if (clock == CLOCK_REALTIME && Before(end, start)) continue;  // it was stepped back
          EXPECT_FALSE(Before(end, deadline)) << ToString(way) << " returned before its deadline";
        }
        return CALL(0);
      });
      EXPECT_THAT(late.result(), SucceedsWith(0));
      if (side == Side::kWrite) {
        EXPECT_THAT(TryElsewhere(Side::kRead, lock), SucceedsWith(0))
            << "a writer that gave up keeps readers out";
      }
      Release(lock);
      EXPECT_THAT(TryElsewhere(Side::kWrite, lock), SucceedsWith(0));
    }
  }
}

// A writer that gives up lets in the readers that waited behind it.
// sleep-ok: the deadline of the writer must pass.
IPC_TEST_P(RwlockTest, WriterThatGaveUpHoldsUpNobody, clause::rwlock::pshared_timed_etimedout) {
  const Rwlock lock(GetParam());
  Take(Side::kRead, lock);
  const Worker writer = Work([&] { return LockBy(Side::kWrite, Way::kTimed, lock, 15); });
  const Worker reader = Work([&] { return TakeAndRelease(Side::kRead, Way::kPlain, lock); });
  EXPECT_THAT(writer.result(), Fails(ETIMEDOUT));
  EXPECT_THAT(ResultOf(reader.call()), SucceedsWith(0));
  Release(lock);
}

IPC_TEST_P(RwlockTest, TakesAFreeLockWhateverTheDeadline, clause::rwlock::pshared_timed_immediate,
           clause::rwlock::pshared_clock_variants) {
  const Rwlock lock(GetParam());
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::rwlock::pshared_timed_immediate));
    for (const Side side : kSides) {
      for (const timespec& deadline : {timespec{1, 0}, ClockIn(ClockOf(way), 60'000)}) {
        EXPECT_THAT(LockUntil(side, way, lock, deadline), SucceedsWith(0))
            << ToString(side) << " " << ToString(way);
        Release(lock);
      }
    }
  }
}

// A deadline of the other clock would be long past, or decades away.
IPC_TEST_P(RwlockTest, MeasuresOnItsOwnClock, clause::rwlock::pshared_clock_variants) {
  NeedClockWays();
  for (const Side side : kSides) {
    const Rwlock lock(GetParam());
    Take(Side::kWrite, lock);
    const Worker past = Work([&] { return LockBy(side, Way::kClockMonotonic, lock, -1); });
    EXPECT_THAT(ResultOf(past.call()), Fails(ETIMEDOUT)) << "in the past on CLOCK_MONOTONIC";
    const Worker ahead = Work([&] { return TakeAndRelease(side, Way::kClockMonotonic, lock); });
    EXPECT_THAT(ahead.call(), Blocks()) << "a minute ahead on CLOCK_MONOTONIC";
    Release(lock);
    EXPECT_THAT(ResultOf(ahead.call()), SucceedsWith(0));
  }
}

IPC_TEST_P(RwlockTest, InvalidNanoseconds, clause::rwlock::pshared_timed_einval) {
  for (const Side side : kSides) {
    const Rwlock lock(GetParam());
    Take(Side::kWrite, lock);
    const Worker waiter = Work([&] {
      timespec deadline = ClockIn(CLOCK_REALTIME, -1);
      deadline.tv_nsec = 1'000'000'000;
      deadline.tv_sec -= 2;  // past all the same: ETIMEDOUT applies
      return LockUntil(side, Way::kTimed, lock, deadline);
    });
    const CallResult result = ResultOf(waiter.call());
    EXPECT_THAT(result, FailsWithAnyOf(EINVAL, ETIMEDOUT));
    Observe(clause::rwlock::pshared_timed_einval,
            std::string("invalid nanoseconds, ") + ToString(side), result);
    Release(lock);
  }
}

// ---- Signals, and what is open

IPC_TEST_P(RwlockTest, HandlersDoNotEndTheWait, clause::rwlock::pshared_no_eintr) {
  for (const int flags : {0, SA_RESTART}) {
    const ScopedSignal handler(SIGUSR1, CountSignal, flags);
    for (const Side side : kSides) {
      for (const Way way : AllWays()) {
        const Rwlock lock(GetParam());
        Take(Side::kWrite, lock);
        Worker waiter = Work([&] { return TakeAndRelease(side, way, lock); });
        EXPECT_THAT(waiter.call(), Blocks());
        for (int i = 0; i < 2 && !waiter.call().returned(); ++i) {
          const int before = SignalCount();
          waiter.Signal(SIGUSR1);
          if (!AwaitSignalCount(before + 1)) Unresolved("the handler did not run");
          EXPECT_THAT(waiter.call(), Blocks()) << "after a handler";
        }
        Release(lock);
        EXPECT_THAT(ResultOf(waiter.call()), SucceedsWith(0)) << ToString(side) << ToString(way);
      }
    }
  }
}

IPC_TEST(RwlockOpen, LockingItTwice, clause::rwlock::pshared_self_deadlock) {
  const Rwlock lock(Place::kShm);
  for (const Side held : kSides) {
    for (const Side asked : kSides) {
      if (held == Side::kRead && asked == Side::kRead) continue;
      Take(held, lock);
      const CallResult again = LockUntil(asked, Way::kTimed, lock, {1, 0});
      EXPECT_THAT(again, FailsWithAnyOf(EDEADLK, ETIMEDOUT));
      Observe(clause::rwlock::pshared_self_deadlock,
              std::string(ToString(held)) + " that asks as " + ToString(asked), again);
      Release(lock);
    }
  }
}

IPC_TEST(RwlockOpen, ReaderWhileAWriterWaits, clause::rwlock::pshared_preference) {
  const Rwlock lock(Place::kShm);
  Take(Side::kRead, lock);
  const Worker writer(true, [&] { return TakeAndRelease(Side::kWrite, Way::kPlain, lock); });
  EXPECT_THAT(writer.call(), Blocks());
  const Worker reader(true, [&] {
    const CallResult taken = Try(Side::kRead, lock);
    if (taken.ok()) Release(lock);
    return taken;
  });
  const CallResult tried = reader.result();
  EXPECT_THAT(tried, SucceedsOrFailsWith(EBUSY));
  Observe(clause::rwlock::pshared_preference, "tryrdlock while a writer waits", tried);
  Release(lock);
  EXPECT_THAT(ResultOf(writer.call()), SucceedsWith(0));
}

IPC_TEST(RwlockKilledWaiter, HoldsNothing, clause::rwlock::pshared_killed_waiter) {
  for (const Side held : kSides) {
    for (const Side asked : kSides) {
      if (held == Side::kRead && asked == Side::kRead) continue;
      const Rwlock lock(Place::kShm);
      Take(held, lock);
      Peer killed;
      const Call call = killed.start([&] { return LockBy(asked, Way::kPlain, lock); });
      EXPECT_THAT(call, Blocks());
      killed.Kill();
      Release(lock);
      EXPECT_THAT(Try(Side::kWrite, lock), SucceedsWith(0))
          << "a " << ToString(asked) << " was killed that waited for a " << ToString(held);
    }
  }
}

IPC_TEST(RwlockOpen, HolderEnds, clause::rwlock::pshared_owner_death) {
  for (const Side side : kSides) {
    const Rwlock lock(Place::kShm);
    Peer holder;
    Setup(holder.start([&] { return LockBy(side, Way::kPlain, lock); }).result());
    const CallResult next = Try(Side::kWrite, lock);
    EXPECT_THAT(next, SucceedsOrFailsWith(EBUSY));
    Observe(clause::rwlock::pshared_owner_death,
            std::string("trywrlock after the end of a ") + ToString(side), next);
  }
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
