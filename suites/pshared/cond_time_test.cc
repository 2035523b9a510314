// Deadlines and clocks of condition waits, and the mutex that a wait gives back: owned, with a dead
// owner, or unrecoverable.
#include <memory>
#include <string>

#include "spec/clauses/pshared.h"
#include "suites/pshared/monitor.h"

namespace ipcsuite::pshared_suite {
namespace {

ClauseRef Of(Way way, ClauseRef clause) {
  return OfIssue8(way) ? clause::cond::pshared_clockwait : clause;
}

// Waits with a deadline of the past; a wait may end by itself, now and then.
CallResult WaitInVain(Way way, Monitor* own, const timespec& past = {1, 0}) {
  CallResult result = CALL(0);
  for (int i = 0; i < 10 && result.ok(); ++i)
    result = WaitUntil(way, &own->cond, &own->mutex, past);
  return result;
}

// Whether another process finds the mutex locked.
void ExpectHeld(Monitor* monitor, const std::string& when) {
  Peer other;
  EXPECT_THAT(
      other.start([&] { return CALL_ERRNO(pthread_mutex_trylock(&monitor->mutex)); }).result(),
      Fails(EBUSY))
      << when;
}

IPC_FOR_ALL_PLACES(CondTimedwait);

// sleep-ok: waits for deadlines of 3 ms, which is what it tests.
IPC_TEST_P(CondTimedwait, TimesOutAndNotEarly, clause::cond::pshared_timedwait_etimedout,
           clause::cond::pshared_clockwait, clause::cond::pshared_mutex_owned_on_return) {
  const PlacedMonitor monitor(GetParam(), {.type = PTHREAD_MUTEX_ERRORCHECK});
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::cond::pshared_timedwait_etimedout));
    const clockid_t clock = ClockOf(way);
    Monitor* const own = monitor.get();
    Lock(&own->mutex);
    EXPECT_THAT(WaitInVain(way, own), Fails(ETIMEDOUT)) << ToString(way);
    for (int i = 0; i < 3; ++i) {
      const timespec start = ClockIn(clock, 0), deadline = ClockIn(clock, 3);
      CallResult result = CALL(0);
      while (result.ok()) result = WaitUntil(way, &own->cond, &own->mutex, deadline);
      const timespec end = ClockIn(clock, 0);
      EXPECT_THAT(result, Fails(ETIMEDOUT)) << ToString(way);
      if (clock == CLOCK_REALTIME && Before(end, start)) continue;  // it was stepped back
      EXPECT_FALSE(Before(end, deadline)) << ToString(way) << " returned before its deadline";
    }
    const ForClause owned(clause::cond::pshared_mutex_owned_on_return);
    ExpectHeld(own, "after ETIMEDOUT");
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(&own->mutex)), SucceedsWith(0));
  }
}

// While it waits the mutex is free, and it must get it back before it may return.
IPC_TEST_P(CondTimedwait, TimeoutReturnsWithTheMutex, clause::cond::pshared_timedwait_etimedout,
           clause::cond::pshared_clockwait) {
  for (const Way way : TimedWays()) {
    const ForClause scope(Of(way, clause::cond::pshared_timedwait_etimedout));
    const PlacedMonitor monitor(GetParam());
    Lock(&monitor->mutex);
    const Worker waiter = Work([&] {
      Monitor* const own = monitor.get();
      Lock(&own->mutex);
      const CallResult result = WaitInVain(way, own);
      Unlock(&own->mutex);
      return result;
    });
    EXPECT_THAT(waiter.call(), Blocks()) << "for the mutex";
    Unlock(&monitor->mutex);
    EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), Fails(ETIMEDOUT)) << ToString(way);
  }
}

IPC_TEST_P(CondTimedwait, InvalidNanoseconds, clause::cond::pshared_timedwait_einval,
           clause::cond::pshared_clockwait_einval) {
  const PlacedMonitor monitor(GetParam(), {.type = PTHREAD_MUTEX_ERRORCHECK});
  Monitor* const own = monitor.get();
  for (const Way way : TimedWays()) {
    const ForClause scope(OfIssue8(way) ? clause::cond::pshared_clockwait_einval
                                        : clause::cond::pshared_timedwait_einval);
    Lock(&own->mutex);
    for (const long nsec : {-1L, 1'000'000'000L}) {
      timespec deadline = ClockIn(ClockOf(way), 60'000);
      deadline.tv_nsec = nsec;
      EXPECT_THAT(WaitUntil(way, &own->cond, &own->mutex, deadline), Fails(EINVAL))
          << ToString(way) << " " << nsec;
      ExpectHeld(own, "after EINVAL");
    }
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(&own->mutex)), SucceedsWith(0));
  }
}

IPC_TEST_P(CondTimedwait, UnsupportedClock, clause::cond::pshared_clockwait_einval) {
  NeedClockWays();
  const PlacedMonitor monitor(GetParam());
  Monitor* const own = monitor.get();
  Lock(&own->mutex);
  EXPECT_THAT(ClockWait(&own->cond, &own->mutex, 123456, RealtimeIn(60'000)), Fails(EINVAL));
  ExpectHeld(own, "after EINVAL");
  Unlock(&own->mutex);
}

// The clock of the variable decides, whoever waits: a deadline of the other clock would be long
// past, or decades away.
IPC_TEST_P(CondTimedwait, MeasuresOnTheClockOfTheVariable, clause::cond::pshared_timedwait_clock) {
  const PlacedMonitor monitor(GetParam(), {}, CLOCK_MONOTONIC);
  const Worker waiter = Work([&] {
    Monitor* const own = monitor.get();
    const timespec ahead = ClockIn(CLOCK_MONOTONIC, 60'000);  // in the past on CLOCK_REALTIME
    Lock(&own->mutex);
    CallResult result = CALL(0);
    while (own->tokens == 0 && result.ok())
      result = CALL_ERRNO(pthread_cond_timedwait(&own->cond, &own->mutex, &ahead));
    Unlock(&own->mutex);
    return result;
  });
  EXPECT_THAT(waiter.call(), Blocks());
  const Worker late = Work([&] {
    Monitor* const own = monitor.get();
    const timespec past = ClockIn(CLOCK_MONOTONIC, -1);
    Lock(&own->mutex);
    const CallResult result = WaitInVain(Way::kTimed, own, past);
    Unlock(&own->mutex);
    return result;
  });
  EXPECT_THAT(ResultOf(late.call()), Fails(ETIMEDOUT));
  monitor.Give(1);
  Setup(CALL_ERRNO(pthread_cond_broadcast(&monitor->cond)));
  EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), SucceedsWith(0));
}

// The argument decides, whatever the clock of the variable is.
IPC_TEST_P(CondTimedwait, ClockwaitMeasuresOnItsArgument, clause::cond::pshared_clockwait) {
  NeedClockWays();
  for (const clockid_t attribute : {CLOCK_REALTIME, CLOCK_MONOTONIC}) {
    const PlacedMonitor monitor(GetParam(), {}, attribute);
    const Worker waiter = Work([&] { return TakeToken(Way::kClockMonotonic, monitor.get()); });
    EXPECT_THAT(waiter.call(), Blocks()) << "a minute ahead on CLOCK_MONOTONIC";
    Lock(&monitor->mutex);
    for (const Way way : {Way::kClockRealtime, Way::kClockMonotonic}) {
      EXPECT_THAT(WaitInVain(way, monitor.get(), ClockIn(ClockOf(way), -1)), Fails(ETIMEDOUT))
          << ToString(way);
    }
    ++monitor->tokens;
    Unlock(&monitor->mutex);
    Setup(CALL_ERRNO(pthread_cond_broadcast(&monitor->cond)));
    EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), SucceedsWith(0));
  }
}

// ---- Signals

IPC_TEST_P(CondTimedwait, HandlersEndNoWaitWithEintr, clause::cond::pshared_no_eintr) {
  for (const int flags : {0, SA_RESTART}) {
    const ScopedSignal handler(SIGUSR1, CountSignal, flags);
    for (const Way way : AllWays()) {
      const PlacedMonitor monitor(GetParam());
      Worker waiter = Work([&] { return TakeToken(way, monitor.get()); });
      EXPECT_THAT(waiter.call(), Blocks());
      for (int i = 0; i < 3 && !waiter.call().returned(); ++i) {
        const int before = SignalCount();
        waiter.Signal(SIGUSR1);
        if (!AwaitSignalCount(before + 1)) Unresolved("the handler did not run");
        EXPECT_THAT(waiter.call(), Blocks()) << ToString(way) << ", or waits anew";
      }
      monitor.Give(1);
      Setup(CALL_ERRNO(pthread_cond_signal(&monitor->cond)));
      EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), SucceedsWith(0)) << ToString(way);
    }
  }
}

// ---- The mutex of the wait

struct OwnedRow {
  const char* name;
  Claims claims;
  MutexKind kind;
};
const OwnedRow kOwned[] = {
    {"Errorcheck", {clause::cond::pshared_eperm}, {.type = PTHREAD_MUTEX_ERRORCHECK}},
    {"Robust", {clause::cond::pshared_eperm}, {.robust = true}},
    {"RobustErrorcheck",
     {clause::cond::pshared_eperm},
     {.type = PTHREAD_MUTEX_ERRORCHECK, .robust = true}},
};
// With a far deadline, so that a wait that begins all the same is seen, and not ETIMEDOUT.
IPC_TABLE_TEST(CondNotOwner, OwnedRow, kOwned) {
  const PlacedMonitor monitor(Place::kShm, row.kind);
  for (const bool held : {false, true}) {
    if (held) Lock(&monitor->mutex);
    for (const Way way : AllWays()) {
      const Worker waiter(true, [&] {
        Monitor* const own = monitor.get();
        return WaitBy(way, &own->cond, &own->mutex);
      });
      EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), Fails(EPERM))
          << ToString(way) << (held ? ", locked by another" : ", unlocked");
    }
  }
  Unlock(&monitor->mutex);
}

struct DeathRow {
  const char* name;
  Claims claims;
  MutexKind kind;
  Way way;
};
const DeathRow kDeaths[] = {
    {"Wait", {clause::robust::cond_wait}, {.robust = true}, Way::kPlain},
    {"Timedwait", {clause::robust::cond_wait}, {.robust = true}, Way::kTimed},
    {"ErrorcheckWait",
     {clause::robust::cond_wait},
     {.type = PTHREAD_MUTEX_ERRORCHECK, .robust = true},
     Way::kPlain},
    {"InheritWait",
     {clause::robust::cond_wait},
     {.robust = true, .protocol = PTHREAD_PRIO_INHERIT},
     Way::kPlain},
};
IPC_TABLE_TEST(CondOwnerDead, DeathRow, kDeaths) {
  const PlacedMonitor monitor(Place::kShm, row.kind);
  Peer waiter([&](Peer::Self& self) {
    Monitor* const own = monitor.get();
    self.step([&] {
      Lock(&own->mutex);
      CallResult result = CALL(0);
      while (own->tokens == 0 && result.ok()) result = WaitBy(row.way, &own->cond, &own->mutex);
      return result;
    });
    self.step([&] { return CALL_ERRNO(pthread_mutex_consistent(&own->mutex)); });
    self.step([&] { return CALL_ERRNO(pthread_mutex_unlock(&own->mutex)); });
  });
  const Call waits = waiter.next();
  EXPECT_THAT(waits, Blocks());
  Owner owner([&] {
    Monitor* const own = monitor.get();
    Lock(&own->mutex);
    ++own->tokens;
    pthread_cond_signal(&own->cond);
  });
  owner.Kill();
  EXPECT_THAT(ResultOf(waits, &monitor->mutex), Fails(EOWNERDEAD));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(&monitor->mutex)), Fails(EBUSY)) << "it was locked";
  EXPECT_THAT(waiter.next().result(), SucceedsWith(0));
  EXPECT_THAT(waiter.next().result(), SucceedsWith(0));
  EXPECT_THAT(LockBy(Way::kTimed, &monitor->mutex), SucceedsWith(0));
}

// Another takes the mutex while the waiter sleeps, and dies with it when the deadline has passed.
// False if the deadline was too near for that.
bool ExpectDeathReportedAtTimeout(std::int64_t ms) {
  const PlacedMonitor monitor(Place::kShm, {.robust = true});
  const timespec deadline = RealtimeIn(ms);
  const Worker waiter(true, [&] {
    Monitor* const own = monitor.get();
    Lock(&own->mutex);
    CallResult result = CALL(0);
    while (result.ok()) result = WaitUntil(Way::kTimed, &own->cond, &own->mutex, deadline);
    if (result.failed_with(ETIMEDOUT)) Unlock(&own->mutex);
    return result;
  });
  if (waiter.call().probe().what == Blocking::kReturned) return false;
  Owner owner([&] { Lock(&monitor->mutex); });
  if (Before(deadline, RealtimeIn(0))) return false;
  Backoff backoff;
  while (Before(RealtimeIn(-1), deadline)) backoff.Pause();
  EXPECT_THAT(waiter.call(), Blocks()) << "for the mutex";
  owner.Kill();
  EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), Fails(EOWNERDEAD));
  return true;
}

// sleep-ok: the deadline must pass while the owner holds the mutex.
IPC_TEST(CondOwnerDeadAtTimeout, IsReported, clause::robust::cond_timedwait) {
  for (const std::int64_t ms : {40, 200, 1000, 5000}) {
    if (ExpectDeathReportedAtTimeout(ms)) return;
  }
  Untested("the deadline passed before another had taken the mutex");
}

IPC_TEST(CondNotRecoverable, IsReported, clause::robust::notrecoverable_cond) {
  const PlacedMonitor monitor(Place::kShm, {.robust = true});
  const Worker waiter(true, [&] {
    Monitor* const own = monitor.get();
    Lock(&own->mutex);
    CallResult result = CALL(0);
    while (result.ok()) result = CALL_ERRNO(pthread_cond_wait(&own->cond, &own->mutex));
    return result;
  });
  EXPECT_THAT(waiter.call(), Blocks());
  {
    Owner owner([&] { Lock(&monitor->mutex); });
  }
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(&monitor->mutex)), Fails(EOWNERDEAD));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(&monitor->mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&monitor->cond)), SucceedsWith(0));
  EXPECT_THAT(ResultOf(waiter.call(), &monitor->mutex), Fails(ENOTRECOVERABLE));
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
