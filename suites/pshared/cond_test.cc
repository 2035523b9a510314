// Waking the waiters of a condition variable that processes or threads share.
#include <memory>
#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/monitor.h"

namespace ipcsuite::pshared_suite {
namespace {

using Waiters = std::vector<std::unique_ptr<Worker>>;

IPC_FOR_ALL_PLACES(CondWait);

// A waiter that is shown to sleep in its wait.
std::unique_ptr<Worker> Park(const PlacedMonitor& monitor, bool process, Way way = Way::kPlain) {
  auto waiter =
      std::make_unique<Worker>(process, [&, way] { return TakeToken(way, monitor.get()); });
  EXPECT_THAT(waiter->call(), Blocks()) << ToString(way);
  return waiter;
}
std::vector<Call> CallsOf(const Waiters& waiters) {
  std::vector<Call> calls;
  for (const auto& waiter : waiters) calls.push_back(waiter->call());
  return calls;
}

IPC_TEST_P(CondWait, SignalWakesAWaiter, clause::cond::pshared_signal,
           clause::cond::pshared_clockwait, clause::cond::pshared_mutex_owned_on_return) {
  for (const Way way : AllWays()) {
    const ForClause scope(OfIssue8(way) ? clause::cond::pshared_clockwait
                                        : clause::cond::pshared_signal);
    // With the mutex held by who signals, and without.
    for (const bool held : {false, true}) {
      const PlacedMonitor monitor(GetParam());
      const auto waiter = Park(monitor, UsedByProcesses(GetParam()), way);
      EXPECT_THAT(waiter->call(), StaysBlocked()) << ToString(way);
      if (held) {
        Lock(&monitor->mutex);
        ++monitor->tokens;
        EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&monitor->cond)), SucceedsWith(0));
        EXPECT_THAT(waiter->call(), Blocks()) << "it needs the mutex to return";
        Unlock(&monitor->mutex);
      } else {
        monitor.Give(1);
        EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&monitor->cond)), SucceedsWith(0));
      }
      EXPECT_THAT(ResultOf(waiter->call(), &monitor->mutex), SucceedsWith(0)) << ToString(way);
      NoteChecksOf(clause::cond::pshared_mutex_owned_on_return);  // it took a token under it
      EXPECT_EQ(monitor.Tokens(), 0);
    }
  }
}

IPC_TEST_P(CondWait, SignalledWaiterOwnsTheMutex, clause::cond::pshared_mutex_owned_on_return) {
  for (const Way way : AllWays()) {
    const PlacedMonitor monitor(GetParam(), {.type = PTHREAD_MUTEX_ERRORCHECK});
    Shared<std::atomic<int>> end;
    const Worker waiter = Work([&] {
      Monitor* const own = monitor.get();
      Lock(&own->mutex);
      CallResult result = CALL(0);
      while (own->tokens == 0 && result.ok()) result = WaitBy(way, &own->cond, &own->mutex);
      end->store(1);
      Backoff backoff;
      while (end->load() != 2) backoff.Pause();
      return result.ok() ? CALL_ERRNO(pthread_mutex_unlock(&own->mutex)) : result;
    });
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way);
    monitor.Give(1);
    Setup(CALL_ERRNO(pthread_cond_signal(&monitor->cond)));
    Backoff backoff;
    for (const Deadline late(3s); end->load() == 0 && !late.passed();) backoff.Pause();
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(&monitor->mutex)), Fails(EBUSY)) << ToString(way);
    end->store(2);
    EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), SucceedsWith(0)) << ToString(way);
  }
}

IPC_TEST_P(CondWait, EachSignalWakesOneMore, clause::cond::pshared_signal,
           clause::cond::pshared_wake_order) {
  const PlacedMonitor monitor(GetParam());
  Waiters waiters;
  for (int i = 0; i < 3; ++i) waiters.push_back(Park(monitor, UsedByProcesses(GetParam())));
  std::string order;
  std::vector<bool> seen(3);
  for (std::size_t i = 1; i <= 3; ++i) {
    monitor.Give(1);
    EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&monitor->cond)), SucceedsWith(0));
    const std::vector<std::size_t> done = Returned(CallsOf(waiters), i);
    ASSERT_EQ(done.size(), i) << "after " << i << " signals";
    for (const std::size_t k : done) {
      if (!seen[k]) order += std::to_string(k);
      seen[k] = true;
    }
  }
  for (const auto& waiter : waiters) EXPECT_THAT(waiter->result(), SucceedsWith(0));
  Observe(clause::cond::pshared_wake_order, "order of three waiters", order);
}

IPC_TEST_P(CondWait, BroadcastWakesAll, clause::cond::pshared_broadcast) {
  const PlacedMonitor monitor(GetParam());
  for (int round = 0; round < 2; ++round) {
    Waiters waiters;
    for (int i = 0; i < 5; ++i) {
      const Way way = AllWays()[static_cast<std::size_t>(i) % AllWays().size()];
      waiters.push_back(Park(monitor, UsedByProcesses(GetParam()), way));
    }
    monitor.Give(5);
    EXPECT_THAT(CALL_ERRNO(pthread_cond_broadcast(&monitor->cond)), SucceedsWith(0));
    for (const auto& waiter : waiters)
      EXPECT_THAT(ResultOf(waiter->call(), &monitor->mutex), SucceedsWith(0));
    EXPECT_EQ(monitor.Tokens(), 0);
  }
}

// sleep-ok: waits for a deadline of 5 ms, since a wait must not end before.
IPC_TEST_P(CondWait, SignalsWithoutWaitersAreNotKept,
           clause::cond::pshared_signal_without_waiters) {
  const PlacedMonitor monitor(GetParam());
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&monitor->cond)), SucceedsWith(0));
    EXPECT_THAT(CALL_ERRNO(pthread_cond_broadcast(&monitor->cond)), SucceedsWith(0));
  }
  // A wait may end by itself, now and then: ten times in a row would be the signals.
  Lock(&monitor->mutex);
  int early = 0;
  while (early < 10 && WaitBy(Way::kTimed, &monitor->cond, &monitor->mutex, 5).ok()) ++early;
  NoteChecks();
  EXPECT_LT(early, 10) << "waits that ended by signals of the past";
  Unlock(&monitor->mutex);
}

// A signal is for those who waited when it came: who signals and then waits does not take it.
IPC_TEST_P(CondWait, LaterWaiterDoesNotTakeTheSignal, clause::cond::pshared_signal_atomic) {
  constexpr int kRounds = 12;
  const PlacedMonitor monitor(GetParam());
  for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
    Shared<std::atomic<int>> signalled, woken;
    const Worker first(UsedByProcesses(GetParam()), [&] {
      Monitor* const own = monitor.get();
      Lock(&own->mutex);
      CallResult result = CALL(0);
      while (signalled->load() == 0 && result.ok())
        result = CALL_ERRNO(pthread_cond_wait(&own->cond, &own->mutex));
      woken->store(1);
      Unlock(&own->mutex);
      return result;
    });
    EXPECT_THAT(first.call(), Blocks());
    const Worker second(UsedByProcesses(GetParam()), [&] {
      Monitor* const own = monitor.get();
      Lock(&own->mutex);
      signalled->store(1);
      pthread_cond_signal(&own->cond);
      CallResult result = CALL(0);
      while (woken->load() == 0 && result.ok())
        result = CALL_ERRNO(pthread_cond_wait(&own->cond, &own->mutex));
      Unlock(&own->mutex);
      return result;
    });
    EXPECT_THAT(ResultOf(first.call(), &monitor->mutex), SucceedsWith(0)) << "round " << round;
    Lock(&monitor->mutex);
    EXPECT_THAT(CALL_ERRNO(pthread_cond_broadcast(&monitor->cond)), SucceedsWith(0));
    Unlock(&monitor->mutex);
    EXPECT_THAT(ResultOf(second.call(), &monitor->mutex), SucceedsWith(0)) << "round " << round;
  }
}

// Two that take turns, each waiting for the other: one wake-up that is lost stops both.
IPC_TEST_P(CondWait, NoWakeUpIsLostBetweenUnlockAndWait, clause::cond::pshared_no_lost_wakeup,
           clause::pshared::memory_sync) {
  constexpr int kRounds = 1500;
  struct Turns {
    pthread_mutex_t mutex;
    pthread_cond_t cond[2];
    int turn, sum;
  };
  const Placed<Turns> turns(GetParam());
  InitMutex(&turns->mutex, {});
  for (auto& cond : turns->cond) InitCond(&cond);
  const auto play = [&](int side) {
    Turns* const own = turns.get();
    for (int round = 0; round < kRounds; ++round) {
      const Way way = AllWays()[static_cast<std::size_t>(round) % AllWays().size()];
      Lock(&own->mutex);
      while (own->turn % 2 != side) {
        if (const CallResult waited = WaitBy(way, &own->cond[side], &own->mutex, 20'000);
            !waited.ok())
          return waited;
      }
      ++own->turn;
      own->sum += round;
      // Under the mutex and after it, in turns.
      if (round % 2) pthread_cond_signal(&own->cond[1 - side]);
      Unlock(&own->mutex);
      if (round % 2 == 0) pthread_cond_signal(&own->cond[1 - side]);
    }
    return CALL(0);
  };
  const Worker one = Work([&] { return play(0); });
  const Worker two = Work([&] { return play(1); });
  EXPECT_THAT(one.result(), SucceedsWith(0)) << "turn " << turns->turn;
  EXPECT_THAT(two.result(), SucceedsWith(0)) << "turn " << turns->turn;
  EXPECT_EQ(turns->sum, kRounds * (kRounds - 1));
  NoteChecksOf(clause::pshared::memory_sync);
}

// Producers and consumers of every way: each token is taken once, and nobody is left asleep.
IPC_TEST_P(CondWait, TokensAreAccountedFor, clause::cond::pshared_no_lost_wakeup,
           clause::cond::pshared_signal) {
  constexpr int kPairs = 2, kEach = 300;
  const PlacedMonitor monitor(GetParam());
  Waiters workers;
  for (int i = 0; i < kPairs; ++i) {
    workers.push_back(std::make_unique<Worker>(Work([&, i] {
      Monitor* const own = monitor.get();
      for (int k = 0; k < kEach; ++k) {
        const CallResult taken =
            TakeToken(AllWays()[static_cast<std::size_t>(i + k) % AllWays().size()], own);
        if (!taken.ok()) return taken;
      }
      return CALL(0);
    })));
    workers.push_back(std::make_unique<Worker>(Work([&] {
      for (int k = 0; k < kEach; ++k) {
        monitor.Give(1);
        pthread_cond_signal(&monitor->cond);
      }
      return CALL(0);
    })));
  }
  for (const auto& worker : workers) EXPECT_THAT(worker->result(), SucceedsWith(0));
  NoteChecksOf(clause::cond::pshared_signal);
  EXPECT_EQ(monitor.Tokens(), 0);
}

// ---- Ends of waiters

IPC_TEST_P(CondWait, DestroyedRightAfterTheBroadcast, clause::cond::pshared_destroy) {
  constexpr int kRounds = 25;
  const PlacedMonitor monitor(GetParam());
  for (int round = 0; round < kRounds; ++round) {
    Waiters waiters;
    for (int i = 0; i < 2; ++i) waiters.push_back(Park(monitor, UsedByProcesses(GetParam())));
    monitor.Give(2);
    EXPECT_THAT(CALL_ERRNO(pthread_cond_broadcast(&monitor->cond)), SucceedsWith(0));
    EXPECT_THAT(CALL_ERRNO(pthread_cond_destroy(&monitor->cond)), SucceedsWith(0));
    InitCond(&monitor->cond);
    for (const auto& waiter : waiters)
      EXPECT_THAT(ResultOf(waiter->call(), &monitor->mutex), SucceedsWith(0)) << "round " << round;
  }
}

// A killed waiter waits no more: what comes later is for the others.
IPC_TEST(CondKilledWaiter, LaterSignalsAreForTheLiving, clause::cond::pshared_killed_waiter) {
  const PlacedMonitor monitor(Place::kShm);
  {
    Peer killed;
    const Call call = killed.start([&] { return TakeToken(Way::kPlain, monitor.get()); });
    EXPECT_THAT(call, Blocks());
    killed.Kill();
  }
  for (int i = 0; i < 3; ++i) {
    const auto waiter = Park(monitor, true);
    monitor.Give(1);
    const Worker signaller(true, [&] { return CALL_ERRNO(pthread_cond_signal(&monitor->cond)); });
    EXPECT_THAT(ResultOf(signaller.call(), nullptr, kHang), SucceedsWith(0)) << "signal " << i + 1;
    ASSERT_THAT(ResultOf(waiter->call(), &monitor->mutex, kHang), SucceedsWith(0))
        << "the waiter of signal " << i + 1 << " after the kill";
  }
}

IPC_TEST(CondKilledWaiter, DestroyReturns, clause::cond::pshared_killed_waiter) {
  const PlacedMonitor monitor(Place::kShm);
  {
    Peer killed;
    const Call call = killed.start([&] { return TakeToken(Way::kPlain, monitor.get()); });
    EXPECT_THAT(call, Blocks());
    killed.Kill();
  }
  const Worker destroyer(true, [&] { return CALL_ERRNO(pthread_cond_destroy(&monitor->cond)); });
  EXPECT_THAT(ResultOf(destroyer.call(), nullptr, kHang), SucceedsWith(0));
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
