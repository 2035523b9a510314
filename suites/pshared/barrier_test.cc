// Barriers that processes or threads share.
#include <sched.h>

#include <memory>
#include <string>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

using Waiters = std::vector<std::unique_ptr<Worker>>;

// 0 and PTHREAD_BARRIER_SERIAL_THREAD are successes.
CallResult Arrive(pthread_barrier_t* barrier) { return CALL(pthread_barrier_wait(barrier)); }
bool Passed(const CallResult& result) {
  return result.returned() && (result.value == 0 || result.value == PTHREAD_BARRIER_SERIAL_THREAD);
}
MATCHER(PassesTheBarrier, "returns 0 or PTHREAD_BARRIER_SERIAL_THREAD") {
  NoteChecks();
  *result_listener << Describe(arg);
  return Passed(arg);
}

class PlacedBarrier {
 public:
  PlacedBarrier(Place place, unsigned count) : placed_(place) { InitBarrier(placed_.get(), count); }
  operator pthread_barrier_t*() const { return placed_.get(); }  // NOLINT

 private:
  Placed<pthread_barrier_t> placed_;
};

IPC_FOR_ALL_PLACES(BarrierWait);

IPC_TEST_P(BarrierWait, NobodyPassesBeforeTheLast, clause::barrier::pshared_blocks_until_count,
           clause::barrier::pshared_one_serial) {
  constexpr unsigned kCount = 4;
  const PlacedBarrier barrier(GetParam(), kCount);
  for (int cycle = 0; cycle < 2; ++cycle) {
    Waiters waiters;
    for (unsigned i = 1; i < kCount; ++i) {
      waiters.push_back(std::make_unique<Worker>(Work([&] { return Arrive(barrier); })));
      EXPECT_THAT(waiters.back()->call(), Blocks()) << i << " of " << kCount;
    }
    for (const auto& waiter : waiters) EXPECT_THAT(waiter->call(), StaysBlocked());
    const CallResult last = Arrive(barrier);
    EXPECT_THAT(last, PassesTheBarrier());
    int serial = last.value == PTHREAD_BARRIER_SERIAL_THREAD;
    for (const auto& waiter : waiters) {
      const CallResult result = ResultOf(waiter->call());
      EXPECT_THAT(result, PassesTheBarrier());
      serial += result.value == PTHREAD_BARRIER_SERIAL_THREAD;
    }
    const ForClause scope(clause::barrier::pshared_one_serial);
    NoteChecks();
    EXPECT_EQ(serial, 1) << "of " << kCount << " in cycle " << cycle;
  }
}

// Who is fast is in the next cycle before others have left the last.
IPC_TEST_P(BarrierWait, ManyCycles, clause::barrier::pshared_reset,
           clause::barrier::pshared_one_serial, clause::barrier::pshared_blocks_until_count,
           clause::pshared::memory_sync) {
  constexpr int kCount = 3, kCycles = 300;
  const PlacedBarrier barrier(GetParam(), kCount);
  struct Board {
    int arrived[kCount];  // cycles in which each arrived: plain, the barrier makes them visible
    std::atomic<int> serial, wrong;
  };
  Shared<Board> board;
  Waiters waiters;
  for (int i = 0; i < kCount; ++i) {
    waiters.push_back(std::make_unique<Worker>(Work([&, i] {
      pthread_barrier_t* const own = barrier;
      for (int cycle = 1; cycle <= kCycles; ++cycle) {
        board->arrived[i] = cycle;
        const int result = pthread_barrier_wait(own);
        if (result == PTHREAD_BARRIER_SERIAL_THREAD) {
          board->serial += 1;
        } else if (result != 0) {
          return CALL(result);
        }
        for (const int of : board->arrived) board->wrong += of != cycle && of != cycle + 1;
        if ((cycle + i) % 8 == 0) sched_yield();
      }
      return CALL(0);
    })));
  }
  for (const auto& waiter : waiters) EXPECT_THAT(waiter->result(), SucceedsWith(0));
  EXPECT_EQ(board->serial, kCycles);
  NoteChecksOf(clause::barrier::pshared_one_serial);
  const ForClause scope(clause::barrier::pshared_blocks_until_count);
  NoteChecks();
  NoteChecksOf(clause::pshared::memory_sync);
  EXPECT_EQ(board->wrong, 0) << "times that one passed without another of its cycle";
}

IPC_TEST_P(BarrierWait, CountOfOne, clause::barrier::pshared_count_one) {
  const PlacedBarrier barrier(GetParam(), 1);
  for (int i = 0; i < 3; ++i) {
    const Worker alone = Work([&] { return Arrive(barrier); });
    const CallResult result = ResultOf(alone.call());
    EXPECT_THAT(result, PassesTheBarrier());
    EXPECT_EQ(result.value, PTHREAD_BARRIER_SERIAL_THREAD);
  }
}

IPC_TEST_P(BarrierWait, HandlersDoNotEndTheWait, clause::barrier::pshared_signal_handler) {
  for (const int flags : {0, SA_RESTART}) {
    const ScopedSignal handler(SIGUSR1, CountSignal, flags);
    const PlacedBarrier barrier(GetParam(), 2);
    Worker waiter = Work([&] { return Arrive(barrier); });
    EXPECT_THAT(waiter.call(), Blocks());
    for (int i = 0; i < 3 && !waiter.call().returned(); ++i) {
      const int before = SignalCount();
      waiter.Signal(SIGUSR1);
      if (!AwaitSignalCount(before + 1)) Unresolved("the handler did not run");
      EXPECT_THAT(waiter.call(), Blocks()) << "after a handler";
    }
    EXPECT_THAT(Arrive(barrier), PassesTheBarrier());
    EXPECT_THAT(ResultOf(waiter.call()), PassesTheBarrier());
  }
}

IPC_TEST_P(BarrierWait, SerialThreadDestroysIt, clause::barrier::pshared_destroy_by_serial) {
  constexpr int kRounds = 100;
  const Placed<pthread_barrier_t> barrier(GetParam());
  Shared<StartLine> start;
  const auto use = [&](bool makes) {
    pthread_barrier_t* const own = barrier.get();
    int wrong = 0;
    for (int round = 0; round < kRounds; ++round) {
      if (makes) InitBarrier(own, 2);
      start->Wait(2);
      const int result = pthread_barrier_wait(own);
      if (result == PTHREAD_BARRIER_SERIAL_THREAD) {
        wrong += pthread_barrier_destroy(own) != 0;
      } else {
        wrong += result != 0;
      }
      start->Wait(2);
    }
    return CALL(wrong);
  };
  const Worker one = Work([&] { return use(true); });
  const Worker two = Work([&] { return use(false); });
  EXPECT_THAT(one.result(), SucceedsWith(0));
  EXPECT_THAT(two.result(), SucceedsWith(0));
}

IPC_TEST(BarrierInit, CountOfZero, clause::barrier_init::err_einval_zero) {
  const Placed<pthread_barrier_t> barrier(Place::kShm);
  EXPECT_THAT(CALL_ERRNO(pthread_barrier_init(barrier.get(), nullptr, 0)), Fails(EINVAL));
  pthread_barrierattr_t attributes;
  Setup(CALL_ERRNO(pthread_barrierattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)));
  EXPECT_THAT(CALL_ERRNO(pthread_barrier_init(barrier.get(), &attributes, 0)), Fails(EINVAL));
  pthread_barrierattr_destroy(&attributes);
}

// ---- A process that is killed while it waits

// A process that waits at the barrier and is killed there.
void KillOneAt(const PlacedBarrier& barrier) {
  Peer killed;
  const Call call = killed.start([&] { return Arrive(barrier); });
  EXPECT_THAT(call, Blocks());
  killed.Kill();
}

bool Waits(const Worker& worker) {
  const ProbeResult probe = worker.call().probe();
  return probe.what == Blocking::kShown || probe.what == Blocking::kInferred;
}

IPC_TEST(BarrierKilledWaiter, ItsArrivalCountsOrNot, clause::barrier::pshared_dead_waiter) {
  const PlacedBarrier barrier(Place::kShm, 2);
  KillOneAt(barrier);
  const Worker other(true, [&] { return Arrive(barrier); });
  const auto observe = [](const char* what) {
    Observe(clause::barrier::pshared_dead_waiter, "arrival of a killed process", what);
  };
  if (!Waits(other)) {
    observe("counts");
    EXPECT_THAT(other.result(), PassesTheBarrier());
    return;
  }
  const Worker third(true, [&] { return Arrive(barrier); });
  // musl: the second is the last to arrive, and waits for the dead one to leave.
  if (Waits(third)) return observe("counts, and nobody leaves the barrier any more");
  observe("does not count");
  EXPECT_THAT(third.result(), PassesTheBarrier());
  EXPECT_THAT(ResultOf(other.call()), PassesTheBarrier());
}

IPC_TEST(BarrierKilledWaiter, DestroyReturns, clause::barrier::pshared_dead_waiter_destroy) {
  for (const bool after_a_cycle : {false, true}) {
    const PlacedBarrier barrier(Place::kShm, 2);
    KillOneAt(barrier);
    if (after_a_cycle) {
      const Worker other(true, [&] { return Arrive(barrier); });
      if (Waits(other)) {  // the dead one did not count, or the cycle never ends
        const Worker third(true, [&] { return Arrive(barrier); });
        if (Waits(third)) break;
        third.result();
      }
      other.result();
    }
    const Worker destroyer(true, [&] { return CALL_ERRNO(pthread_barrier_destroy(barrier)); });
    ASSERT_THAT(ResultOf(destroyer.call(), nullptr, kHang), SucceedsWith(0))
        << (after_a_cycle ? "after a cycle" : "immediately");
  }
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
