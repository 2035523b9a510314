// Signals that meet a wait: EINTR, SA_RESTART, ignored and blocked ones, stop and continue; posts
// by handlers.
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <string>

#include "spec/clauses/sem.h"
#include "suites/sem/sem.h"

namespace ipcsuite::sem_suite {
namespace {

IPC_FOR_ALL_SEMAPHORES(SemSignal);

// Sends one signal and waits until its handler has run.
void SignalHandled(Worker& worker) {
  const int before = SignalCount();
  worker.Signal(SIGUSR1);
  if (!AwaitSignalCount(before + 1)) Unresolved("the handler did not run");
}

IPC_TEST_P(SemSignal, CaughtSignalInterruptsSemWait, clause::sem_wait::eintr,
           clause::sem_wait::failure_state) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  const Semaphore sem = Make();
  Worker waiter(GetParam(), [&] { return CALL(sem_wait(sem)); });
  EXPECT_THAT(waiter.call(), Blocks());
  SignalHandled(waiter);
  {
    const ForClause scope(clause::sem_wait::eintr);
    EXPECT_THAT(waiter.result(), Fails(EINTR));
  }
  const ForClause scope(clause::sem_wait::failure_state);
  NoteChecks();
  EXPECT_EQ(ValueOf(sem), 0);
  Post(sem);
  EXPECT_EQ(Drain(sem), 1);
}

// Many interrupted waits leave nothing behind: no token is gone, no waiter stays registered.
IPC_TEST_P(SemSignal, InterruptedWaitsLeaveNothing, clause::sem_wait::failure_state) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  const Semaphore sem = Make();
  Shared<std::atomic<int>> interrupted;
  Worker waiter(GetParam(), [&] {
    while (interrupted->load() < 20) {
      const CallResult result = CALL(sem_wait(sem));
      if (!result.failed_with(EINTR)) return result;
      interrupted->fetch_add(1);
    }
    return CALL(sem_wait(sem));
  });
  for (int i = 1; i <= 20; ++i) {
    EXPECT_THAT(waiter.call(), Blocks());
    SignalHandled(waiter);
    Backoff backoff;
    for (const Deadline end(5s); interrupted->load() < i && !end.passed();) backoff.Pause();
    ASSERT_EQ(interrupted->load(), i) << "the wait was not interrupted";
  }
  EXPECT_THAT(waiter.call(), Blocks());
  Post(sem);
  EXPECT_THAT(waiter.result(), SucceedsWith(0));
  EXPECT_EQ(ValueOf(sem), 0);
  Post(sem);
  EXPECT_EQ(Drain(sem), 1);
}

IPC_TEST_P(SemSignal, CaughtSignalAndTimedWaits, clause::sem_timedwait::eintr,
           clause::sem_timedwait::timeout_state) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  for (const Way way : TimedWays()) {
    const Semaphore sem = Make();
    Worker waiter(GetParam(), [&] { return WaitBy(way, sem); });
    EXPECT_THAT(waiter.call(), Blocks());
    SignalHandled(waiter);
    Backoff backoff;  // it may go on waiting: then it returns for a post
    for (const Deadline end(50ms); !waiter.call().returned() && !end.passed();) backoff.Pause();
    const bool went_on = !waiter.call().returned();
    if (went_on) Post(sem);
    const CallResult result = waiter.result();
    if (went_on && result.ok()) {
      EXPECT_EQ(ValueOf(sem), 0);
    } else {
      EXPECT_THAT(result, Fails(EINTR)) << ToString(way);
      Post(sem, went_on ? 0 : 1);
      const ForClause scope(clause::sem_timedwait::timeout_state);
      NoteChecks();
      EXPECT_EQ(Drain(sem), 1) << "the interrupted call took nothing";
    }
    Observe(clause::sem_timedwait::eintr, ToString(way) + " and a caught signal", result);
  }
}

// With SA_RESTART the wait goes on; three signals, and a post that ends it.
void ExpectRestarted(const Setting& setting, Way way) {
  const ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  const Semaphore sem(setting.kind);
  Worker waiter(setting, [&] { return WaitBy(way, sem); });
  EXPECT_THAT(waiter.call(), Blocks()) << ToString(way);
  for (int i = 0; i < 3; ++i) {
    SignalHandled(waiter);
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way) << " after signal " << i + 1;
    if (waiter.call().returned()) break;
  }
  Post(sem);
  EXPECT_THAT(waiter.result(), SucceedsWith(0)) << ToString(way);
}
IPC_TEST_P(SemSignal, SaRestartRestartsSemWait, clause::sem_wait::sa_restart) {
  ExpectRestarted(GetParam(), Way::kWait);
}
IPC_TEST_P(SemSignal, SaRestartRestartsSemTimedwait, clause::sem_timedwait::sa_restart) {
  ExpectRestarted(GetParam(), Way::kTimed);
}

IPC_TEST_P(SemSignal, IgnoredAndBlockedSignals, clause::sem_wait::ignored_signal) {
  const ScopedSignal ignored(SIGUSR1, SIG_IGN);
  const ScopedSignal handler(SIGUSR2, CountSignal);
  const ScopedSigmask blocked({SIGUSR2});
  for (const Way way : AllWays()) {
    const Semaphore sem = Make();
    Worker waiter(GetParam(), [&] { return WaitBy(way, sem); });
    EXPECT_THAT(waiter.call(), Blocks());
    waiter.Signal(SIGUSR1);
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way) << ", ignored";
    waiter.Signal(SIGUSR2);
    EXPECT_THAT(waiter.call(), Blocks()) << ToString(way) << ", blocked";
    Post(sem);
    EXPECT_THAT(waiter.result(), SucceedsWith(0)) << ToString(way);
  }
}

// sleep-ok: the deadline must pass.
IPC_TEST_P(SemSignal, StormDoesNotPutTheDeadlineOff, clause::sem_timedwait::storm_keeps_deadline) {
  const ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  for (const Way way : TimedWays()) {
    const Semaphore sem = Make();
    Worker waiter(GetParam(), [&] {
      const timespec deadline = ClockIn(ClockOf(way), 10);
      CallResult result;
      do {
        result = WaitUntil(way, sem, deadline);
      } while (result.failed_with(EINTR));
      return result;
    });
    EXPECT_THAT(waiter.Interrupt(SIGUSR1), Fails(ETIMEDOUT)) << ToString(way);
    EXPECT_EQ(ValueOf(sem), 0);
  }
}

// ---- Posts by handlers

std::atomic<sem_t*> handlers_semaphore{nullptr};
void PostFromHandler(int signal) {
  const int saved = errno;
  sem_post(handlers_semaphore.load());
  errno = saved;
  CountSignal(signal);
}

// What the handler posts is there: the wait takes it, or fails with EINTR and leaves it.
IPC_TEST_P(SemSignal, HandlersPostIsNotLostOnItsOwnWait, clause::sem_post::handler_wakes_own_wait,
           clause::sem_post::async_signal_safe) {
  SignalCount();  // makes the counter before the handler and other processes use it
  for (const int flags : {0, SA_RESTART}) {
    const ScopedSignal handler(SIGUSR1, PostFromHandler, flags);
    for (const Way way : AllWays()) {
      const Semaphore sem = Make();
      handlers_semaphore = sem.get();
      Worker waiter(GetParam(), [&] { return WaitBy(way, sem); });
      EXPECT_THAT(waiter.call(), Blocks());
      SignalHandled(waiter);
      const CallResult result = waiter.result();
      EXPECT_THAT(result, SucceedsOrFailsWith(EINTR)) << ToString(way);
      NoteChecksOf(clause::sem_post::async_signal_safe);  // the handler's post took effect
      EXPECT_EQ(Drain(sem), result.ok() ? 0 : 1) << ToString(way);
    }
  }
}

// Handlers that post while the same thread posts and takes: all tokens are accounted for.
IPC_TEST_P(SemSignal, PostInterruptsAnyFunction, clause::sem_post::async_signal_safe) {
  const ScopedSignal handler(SIGUSR1, PostFromHandler, SA_RESTART);
  const int before = SignalCount();
  const Semaphore sem = Make();
  handlers_semaphore = sem.get();
  struct Tally {
    std::atomic<int> posted, taken;
    std::atomic<bool> stop;
  };
  Shared<Tally> tally;
  Worker worker(GetParam(), [&] {
    while (!tally->stop.load()) {
      if (sem_post(sem) == 0) tally->posted.fetch_add(1);
      if (sem_trywait(sem) == 0) tally->taken.fetch_add(1);
      const timespec past{1, 0};
      if (sem_timedwait(sem, &past) == 0) tally->taken.fetch_add(1);
    }
    return CALL(0);
  });
  constexpr int kSignals = 60;
  for (int i = 0; i < kSignals; ++i) SignalHandled(worker);
  tally->stop.store(true);
  EXPECT_THAT(worker.result(), SucceedsWith(0));
  EXPECT_EQ(SignalCount() - before, kSignals);
  EXPECT_EQ(tally->posted + kSignals - tally->taken, Drain(sem));
}

// ---- Stop and continue

IPC_FOR_PROCESSES(SemStop);

IPC_TEST_P(SemStop, StoppedWaiterGoesOnWaiting, clause::sem_wait::stop_and_continue) {
  for (const Way way : AllWays()) {
    const Semaphore sem = Make();
    Peer peer;
    const Call call = peer.start([&] { return WaitBy(way, sem); });
    EXPECT_THAT(call, Blocks());
    peer.Stop();
    peer.Continue();
    EXPECT_THAT(call, Blocks()) << ToString(way);
    // A post that comes while it is stopped is there when it goes on.
    peer.Stop();
    Post(sem);
    peer.Continue();
    EXPECT_THAT(call.result(), SucceedsWith(0)) << ToString(way);
    EXPECT_EQ(ValueOf(sem), 0);
  }
}

}  // namespace
}  // namespace ipcsuite::sem_suite
