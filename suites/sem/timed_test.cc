// sem_timedwait() and sem_clockwait(): deadlines past, near, far and invalid; clocks.
#include <limits.h>

#include <algorithm>
#include <limits>
#include <string>

#include "harness/peers/start_line.h"
#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

// A clause of sem_timedwait() and what Issue 8 says in its place of sem_clockwait().
ClauseRef Of(Way way, ClauseRef timed, ClauseRef clock) {
  return way == Way::kTimed ? timed : clock;
}

IPC_FOR_ALL_SEMAPHORES(SemTimedwait);

IPC_TEST_P(SemTimedwait, TakesWhatIsThereWhateverTheDeadline, clause::sem_timedwait::immediate,
           clause::sem_clockwait::immediate) {
  for (const Way way : TimedWays()) {
    const ForClause scope(
        Of(way, clause::sem_timedwait::immediate, clause::sem_clockwait::immediate));
    const Semaphore sem = Make(4);
    const timespec epoch{1, 0};
    EXPECT_THAT(WaitUntil(way, sem, epoch), SucceedsWith(0)) << ToString(way);
    EXPECT_THAT(WaitUntil(way, sem, {0, 0}), SucceedsWith(0)) << ToString(way);
    EXPECT_THAT(WaitBy(way, sem, -1), SucceedsWith(0)) << ToString(way);
    EXPECT_THAT(WaitBy(way, sem), SucceedsWith(0)) << ToString(way);
    EXPECT_EQ(ValueOf(sem), 0);
  }
}

IPC_TEST_P(SemTimedwait, PastDeadlineAtZero, clause::sem_timedwait::past_deadline,
           clause::sem_clockwait::err_etimedout) {
  for (const Way way : TimedWays()) {
    const ForClause scope(
        Of(way, clause::sem_timedwait::past_deadline, clause::sem_clockwait::err_etimedout));
    const Semaphore sem = Make();
    EXPECT_THAT(WaitUntil(way, sem, {1, 0}), Fails(ETIMEDOUT)) << ToString(way);
    EXPECT_THAT(WaitUntil(way, sem, {0, 0}), Fails(ETIMEDOUT)) << ToString(way);
    EXPECT_THAT(WaitBy(way, sem, -1), Fails(ETIMEDOUT)) << ToString(way);
    EXPECT_EQ(ValueOf(sem), 0);
    Post(sem);
    EXPECT_EQ(Drain(sem), 1);
  }
}

// sleep-ok: waits for deadlines of 3 ms, which is what it tests. Three times, since a machine that
// is busy wakes the waiter late and hides a time-out that is early.
IPC_TEST_P(SemTimedwait, NeverTimesOutEarly, clause::sem_timedwait::not_early,
           clause::sem_clockwait::clocks) {
  std::int64_t late_ns = 0;
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::sem_timedwait::not_early, clause::sem_clockwait::clocks));
    const Semaphore sem = Make();
    const clockid_t clock = ClockOf(way);
    for (int i = 0; i < 3; ++i) {
      const timespec start = ClockIn(clock, 0), deadline = ClockIn(clock, 3);
      const CallResult result = WaitUntil(way, sem, deadline);
      const timespec end = ClockIn(clock, 0);
      EXPECT_THAT(result, Fails(ETIMEDOUT)) << ToString(way);
      if (clock == CLOCK_REALTIME && Before(end, start)) continue;  // it was stepped back
      EXPECT_FALSE(Before(end, deadline)) << ToString(way) << " returned before its deadline";
      late_ns = std::max<std::int64_t>(late_ns, (end.tv_sec - deadline.tv_sec) * 1'000'000'000LL +
                                                    end.tv_nsec - deadline.tv_nsec);
    }
  }
  // However late, it is not a violation: for a reader who compares.
  RecordMetric("timeout_lateness_ns_max", static_cast<double>(late_ns));
}

IPC_TEST_P(SemTimedwait, PostBeforeTheDeadlineWins, clause::sem_timedwait::post_wins,
           clause::sem_clockwait::clocks) {
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::sem_timedwait::post_wins, clause::sem_clockwait::clocks));
    const Semaphore sem = Make();
    const Worker waiter(GetParam(), [&] { return WaitBy(way, sem); });
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way);
    Post(sem);
    EXPECT_THAT(waiter.result(), SucceedsWith(0)) << ToString(way);
    EXPECT_EQ(ValueOf(sem), 0);
  }
}

// So far away that a product or a sum of the seconds overflows.
IPC_TEST_P(SemTimedwait, DeadlineInTheFarFuture, clause::sem_timedwait::post_wins,
           clause::sem_clockwait::clocks) {
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::sem_timedwait::post_wins, clause::sem_clockwait::clocks));
    for (const time_t seconds : {time_t{INT_MAX} - 1, std::numeric_limits<time_t>::max()}) {
      const Semaphore sem = Make();
      const timespec far{seconds, 999'999'999};
      const Worker waiter(GetParam(), [&] { return WaitUntil(way, sem, far); });
      EXPECT_THAT(waiter.call(), Blocks()) << ToString(way) << ", second " << seconds;
      Post(sem);
      EXPECT_THAT(waiter.result(), SucceedsWith(0));
    }
  }
}

IPC_TEST_P(SemTimedwait, InvalidNanoseconds, clause::sem_timedwait::err_einval_nsec,
           clause::sem_clockwait::err_einval_nsec) {
  for (const Way way : TimedWays()) {
    const ForClause scope(
        Of(way, clause::sem_timedwait::err_einval_nsec, clause::sem_clockwait::err_einval_nsec));
    const Semaphore sem = Make();
    for (const long nsec : {-1L, 1'000'000'000L, LONG_MAX, LONG_MIN}) {
      // In the future, so that the deadline has not passed: ETIMEDOUT does not apply.
      timespec deadline = ClockIn(ClockOf(way), 60'000);
      deadline.tv_nsec = nsec;
      EXPECT_THAT(WaitUntil(way, sem, deadline), Fails(EINVAL)) << ToString(way) << ", " << nsec;
    }
    EXPECT_EQ(ValueOf(sem), 0);
    Post(sem);
    EXPECT_EQ(Drain(sem), 1) << "failures took nothing";
  }
}

IPC_TEST_P(SemTimedwait, InvalidNanosecondsNeedNotBeSeen,
           clause::sem_timedwait::abstime_unchecked) {
  const Semaphore sem = Make(1);
  timespec deadline = RealtimeIn(60'000);
  deadline.tv_nsec = -1;
  const CallResult result = CALL(sem_timedwait(sem, &deadline));
  EXPECT_THAT(result, SucceedsOrFailsWith(EINVAL));
  EXPECT_EQ(ValueOf(sem), result.ok() ? 0 : 1);
  Observe(clause::sem_timedwait::abstime_unchecked, "invalid nanoseconds while a token is there",
          result);
}

IPC_TEST_P(SemTimedwait, NegativeSecondsAreInThePast, clause::sem_timedwait::negative_seconds) {
  const Semaphore sem = Make(1);
  EXPECT_THAT(WaitUntil(Way::kTimed, sem, {-1, 0}), SucceedsWith(0));
  for (const time_t seconds : {time_t{-1}, std::numeric_limits<time_t>::min()}) {
    const Worker late(GetParam(), [&] { return WaitUntil(Way::kTimed, sem, {seconds, 0}); });
    EXPECT_THAT(late.result(), Fails(ETIMEDOUT)) << seconds;
  }
}

// sleep-ok: the deadlines must pass.
IPC_TEST_P(SemTimedwait, TimedOutWaitersTakeNothing, clause::sem_timedwait::timeout_state,
           clause::sem_clockwait::err_etimedout) {
  const Semaphore sem = Make();
  std::vector<std::unique_ptr<Worker>> waiters;
  for (int i = 0; i < 3; ++i) {
    const Way way = TimedWays()[static_cast<std::size_t>(i) % TimedWays().size()];
    waiters.push_back(
        std::make_unique<Worker>(GetParam(), [&, way] { return WaitBy(way, sem, 3); }));
  }
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    EXPECT_THAT(waiters[i]->result(), Fails(ETIMEDOUT));
    if (TimedWays()[i % TimedWays().size()] != Way::kTimed)
      NoteChecksOf(clause::sem_clockwait::err_etimedout);
  }
  EXPECT_EQ(ValueOf(sem), 0);
  Post(sem);
  EXPECT_EQ(Drain(sem), 1) << "a post that nobody waits for";
  // And it wakes the one that still waits.
  const Worker other(GetParam(), [&] { return CALL(sem_wait(sem)); });
  EXPECT_THAT(other.call(), Blocks());
  EXPECT_THAT(WaitBy(Way::kTimed, sem, 1), Fails(ETIMEDOUT));
  Post(sem);
  EXPECT_THAT(other.result(), SucceedsWith(0));
}

// The post comes about when the deadline does: the token is the waiter's, or is left.
IPC_TEST_P(SemTimedwait, PostRacesWithTheDeadline, clause::sem_timedwait::timeout_state) {
  constexpr int kRounds = 60;
  const Semaphore sem = Make();
  Shared<StartLine> start;
  Shared<std::atomic<int>> taken;
  const Worker waiter(GetParam(), [&] {
    for (int round = 0; round < kRounds; ++round) {
      const Way way = TimedWays()[static_cast<std::size_t>(round) % TimedWays().size()];
      start->Wait(2);
      timespec deadline = ClockIn(ClockOf(way), 0);
      deadline.tv_nsec += 20'000 + 5'000 * (round % 20);
      if (deadline.tv_nsec >= 1'000'000'000) ++deadline.tv_sec, deadline.tv_nsec -= 1'000'000'000;
      const CallResult result = WaitUntil(way, sem, deadline);
      EXPECT_THAT(result, SucceedsOrFailsWith(ETIMEDOUT));
      if (result.ok()) taken->fetch_add(1);
      start->Wait(2);
    }
    return CALL(0);
  });
  int left = 0;
  for (int round = 0; round < kRounds; ++round) {
    start->Wait(2);
    const std::int64_t begun = NowNs();
    while (NowNs() - begun < 20'000 + 6'000 * (round % 17)) {
    }
    Post(sem);
    start->Wait(2);
    left += Drain(sem);
  }
  EXPECT_THAT(waiter.result(20s), SucceedsWith(0));
  Evidence(std::to_string(taken->load()) + " of " + std::to_string(kRounds) + " taken");
  EXPECT_EQ(taken->load() + left, kRounds);
}

// ---- sem_clockwait() alone

IPC_TEST(SemClockwait, UnsupportedClock, clause::sem_clockwait::err_einval_clock) {
  NeedClockwait();
  const Semaphore sem(SemKind::kPrivate);
  EXPECT_THAT(ClockWait(sem, 123456, {1, 0}), FailsWithAnyOf(EINVAL, ETIMEDOUT));
  timespec far = ClockIn(CLOCK_REALTIME, 60'000);
  EXPECT_THAT(ClockWait(sem, 123456, far), Fails(EINVAL));
  const CallResult cpu = ClockWait(sem, CLOCK_PROCESS_CPUTIME_ID, {0, 0});
  EXPECT_THAT(cpu, FailsWithAnyOf(EINVAL, ETIMEDOUT));
  Observe(clause::sem_clockwait::err_einval_clock, "a clock of processor time", cpu);
  EXPECT_EQ(ValueOf(sem), 0);
}

// A deadline of the other clock would be long past, or decades away.
IPC_TEST(SemClockwait, MeasuresOnItsOwnClock, clause::sem_clockwait::clocks) {
  NeedClockwait();
  const Semaphore sem(SemKind::kPrivate);
  const timespec now_monotonic = ClockIn(CLOCK_MONOTONIC, -1);
  EXPECT_THAT(ClockWait(sem, CLOCK_MONOTONIC, now_monotonic), Fails(ETIMEDOUT));
  ThreadPeer peer;
  const Call call = peer.start([&] { return WaitBy(Way::kClockMonotonic, sem, 60'000); });
  EXPECT_THAT(call, Blocks()) << "a minute ahead on CLOCK_MONOTONIC, decades ago on the other";
  Post(sem);
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

// ---- The clock is set

// Steps CLOCK_REALTIME by that many seconds and back at the end.
class SteppedClock {
 public:
  explicit SteppedClock(long seconds) : seconds_(seconds) {
    if (!Step(seconds))
      Unsupported("CLOCK_REALTIME can't be set: needs CAP_SYS_TIME or a superuser");
  }
  ~SteppedClock() { Step(-seconds_); }

 private:
  static bool Step(long seconds) {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += seconds;
    return clock_settime(CLOCK_REALTIME, &now) == 0;
  }
  long seconds_;
};

IPC_TEST(SemTimedwaitClock, IsCutShortWhenTheClockIsSet, clause::sem_timedwait::clock_realtime,
         exclusive, dangerous("sets CLOCK_REALTIME for a moment")) {
  const Semaphore sem(SemKind::kShared);
  Peer peer;
  const Call call = peer.start([&] { return WaitBy(Way::kTimed, sem, 3'600'000); });
  EXPECT_THAT(call, Blocks());
  const SteppedClock stepped(7200);
  EXPECT_THAT(call.result(), Fails(ETIMEDOUT));
}

IPC_TEST(SemTimedwaitClock, MonotonicDeadlineStandsWhenTheClockIsSet,
         clause::sem_clockwait::monotonic_independent, exclusive,
         dangerous("sets CLOCK_REALTIME for a moment")) {
  NeedClockwait();
  const Semaphore sem(SemKind::kShared);
  Peer peer;
  const Call call = peer.start([&] { return WaitBy(Way::kClockMonotonic, sem, 3'600'000); });
  EXPECT_THAT(call, Blocks());
  const SteppedClock stepped(7200);
  EXPECT_THAT(call, StaysBlocked());
  Post(sem);
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

}  // namespace
}  // namespace ipcsuite::sem_suite
