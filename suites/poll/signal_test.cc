// Signals and cancellation in poll(), ppoll(), select() and pselect(); the mask that two of them
// exchange.
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/select.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "harness/objects/cancel.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe_poll.h"
#include "suites/poll/bits.h"
#include "suites/poll/waiters.h"

namespace ipcsuite::poll_suite {
namespace {

struct WaiterRow {
  std::string name;
  const Waiter* waiter;
  Claims claims;
};

std::vector<WaiterRow> InterruptedRows() {
  std::vector<WaiterRow> rows;
  for (const Waiter& waiter : Waiters()) {
    Claims claims = {waiter.eintr};
    if (waiter.selects) claims.push_back(clause::select::failure_keeps_sets);
    if (!waiter.selects) claims.push_back(clause::poll::fd_events_unmodified);
    rows.push_back({waiter.name, &waiter, claims});
  }
  return rows;
}
const std::vector<WaiterRow> kInterrupted = InterruptedRows();

IPC_TABLE_TEST(PollInterrupted, WaiterRow, kInterrupted) {
  ScopedSignal handler(SIGUSR1, CountSignal);
  Pipe pipe;
  Shared<Answer> answer;
  const int before = SignalCount();
  Peer peer;
  const Call call = peer.start([&] {
    *answer = row.waiter->wait(pipe.rd(), For::kReading, nullptr, nullptr);
    return answer->result;
  });
  EXPECT_THAT(call, Blocks());
  {
    ForClause charged(row.waiter->eintr);
    EXPECT_THAT(Interrupt(peer, call, SIGUSR1), Fails(EINTR));
    EXPECT_GT(SignalCount(), before);
  }
  if (row.waiter->selects) {
    ForClause charged(clause::select::failure_keeps_sets);
    NoteChecks();
    EXPECT_EQ(BitNames(answer->bits), "POLLIN") << "the bit in the set for reading must stay";
  } else {
    ForClause charged(clause::poll::fd_events_unmodified);
    NoteChecks();
    EXPECT_TRUE(answer->entry_kept);
  }
  EXPECT_TRUE(answer->timeout_kept);
}

// A signal with no handler to run does not end the wait.
IPC_TEST(PollIgnoresSignal, ThatIsIgnoredOrBlocked, clause::poll::timeout_infinite,
         clause::select::timeouts, clause::ppoll::timespec) {
  ScopedSignal ignored(SIGUSR1, SIG_IGN);
  ScopedSignal handler(SIGUSR2, CountSignal);
  ScopedSigmask blocked({SIGUSR2});
  const int before = SignalCount();
  for (const Waiter& waiter : Waiters()) {
    if (waiter.first_issue > JudgedIssue()) continue;
    SCOPED_TRACE(waiter.name);
    ForClause charged(waiter.waits);
    Pipe pipe;
    Peer peer;
    const Call call =
        peer.start([&] { return waiter.wait(pipe.rd(), For::kReading, nullptr, nullptr).result; });
    EXPECT_THAT(call, Blocks());
    peer.Signal(SIGUSR1);
    peer.Signal(SIGUSR2);
    EXPECT_THAT(call, StaysBlocked());
    EXPECT_THAT(CALL(write(pipe.wr(), "x", 1)), SucceedsWith(1));
    EXPECT_THAT(call.result(), SucceedsWith(1));
  }
  EXPECT_EQ(SignalCount(), before);
}

// Stopped and continued, the call goes on where it was (XSH 2.4.4); what comes while it is stopped
// counts.
ClauseRef StopClause(const Waiter& waiter) {
  return waiter.first_issue >= 8 ? clause::ppoll::stop_and_continue
                                 : clause::poll::stop_and_continue;
}
std::vector<WaiterRow> StoppedRows() {
  std::vector<WaiterRow> rows;
  for (const Waiter& waiter : Waiters())
    rows.push_back({waiter.name, &waiter, {StopClause(waiter)}});
  return rows;
}
const std::vector<WaiterRow> kStopped = StoppedRows();
IPC_TABLE_TEST(PollStopped, WaiterRow, kStopped) {
  Pipe pipe;
  const timespec day{86'400, 0};
  for (const timespec* timeout : {static_cast<const timespec*>(nullptr), &day}) {
    SCOPED_TRACE(timeout ? "with a time-out" : "without a time-out");
    Peer peer;
    const Call call = peer.start(
        [&] { return row.waiter->wait(pipe.rd(), For::kReading, timeout, nullptr).result; });
    EXPECT_THAT(call, Blocks());
    for (int i = 0; i < 2; ++i) {
      peer.Stop();
      peer.Continue();
      EXPECT_THAT(call, StaysBlocked());
    }
    peer.Stop();
    EXPECT_THAT(CALL(write(pipe.wr(), "x", 1)), SucceedsWith(1));
    peer.Continue();
    EXPECT_THAT(call.result(), SucceedsWith(1));
    DrainPipe(pipe.rd());
  }
}

// A time-out that was stopped still ends the wait, and not before its time.
IPC_TABLE_TEST(PollStoppedTimesOut, WaiterRow, kStopped) {
  Pipe pipe;
  bool stopped = false;
  // Longer where the machine was so busy that the time-out came before the stop.
  for (long ms = 100; ms <= 3200 && !stopped; ms *= 2) {
    SCOPED_TRACE(std::to_string(ms) + " ms");
    const timespec timeout{ms / 1000, ms % 1000 * 1'000'000};
    Shared<std::atomic<std::int64_t>> took_ns;
    Peer peer;
    const Call call = peer.start([&] {
      const std::int64_t start = NowNs();
      const Answer answer = row.waiter->wait(pipe.rd(), For::kReading, &timeout, nullptr);
      took_ns->store(NowNs() - start);
      return answer.result;
    });
    const Blocking seen = call.probe().what;
    peer.Stop();
    stopped = (seen == Blocking::kShown || seen == Blocking::kInferred) && !call.returned();
    peer.Continue();
    EXPECT_THAT(call.result(20s), SucceedsWith(0));
    if (!call.returned()) return;
    EXPECT_GE(took_ns->load(), ms * 1'000'000) << "the time-out was cut short";
  }
  if (!stopped) Unresolved("each time-out came before the stop: the machine is too busy");
}

// Only select() and pselect() leave the choice to the system.
ClauseRef RestartClause(const Waiter& waiter) {
  if (waiter.selects) return clause::select::sa_restart;
  return waiter.first_issue >= 8 ? clause::ppoll::sa_restart : clause::poll::sa_restart;
}
std::vector<WaiterRow> RestartRows() {
  std::vector<WaiterRow> rows;
  for (const Waiter& waiter : Waiters())
    rows.push_back({waiter.name, &waiter, {RestartClause(waiter)}});
  return rows;
}
const std::vector<WaiterRow> kRestart = RestartRows();
IPC_TABLE_TEST(PollRestart, WaiterRow, kRestart) {
  ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  Pipe pipe;
  Peer peer;
  const Call call = peer.start(
      [&] { return row.waiter->wait(pipe.rd(), For::kReading, nullptr, nullptr).result; });
  EXPECT_THAT(call, Blocks());
  const int before = SignalCount();
  peer.Signal(SIGUSR1);
  EXPECT_TRUE(AwaitSignalCount(before + 1));
  const bool restarted = call.probe().what != Blocking::kReturned;
  if (restarted) Setup(CALL(write(pipe.wr(), "x", 1)));
  const CallResult result = call.result();
  if (row.waiter->selects) {
    EXPECT_THAT(result, SucceedsOrFailsWith(EINTR));
  } else {
    EXPECT_THAT(result, SucceedsWith(1));
  }
  Observe(RestartClause(*row.waiter), row.name + "_interrupted_with_sa_restart",
          result.ok() ? std::string("restarts") : ErrnoName(result.error));
}

// ---- The mask ----------------------------------------------------------------------------------

struct MaskRow {
  std::string name;
  const Waiter* waiter;
  ClauseRef clause;
  Claims claims = {clause};
};
std::vector<MaskRow> MaskRows() {
  std::vector<MaskRow> rows;
  for (const Waiter& waiter : Waiters()) {
    if (waiter.has_mask)
      rows.push_back({waiter.name, &waiter,
                      waiter.selects ? clause::pselect::sigmask : clause::ppoll::sigmask});
  }
  return rows;
}
const std::vector<MaskRow> kMask = MaskRows();

sigset_t CurrentMask() {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}

sigset_t MaskWith(int signal, bool blocked) {
  sigset_t mask = CurrentMask();
  blocked ? sigaddset(&mask, signal) : sigdelset(&mask, signal);
  return mask;
}

bool Blocked(int signal) {
  const sigset_t mask = CurrentMask();
  return sigismember(&mask, signal) == 1;
}

IPC_TABLE_TEST(PollMaskOpensPendingSignal, MaskRow, kMask) {
  ScopedSignal handler(SIGUSR1, CountSignal);
  ScopedSigmask blocked({SIGUSR1});
  const sigset_t open = MaskWith(SIGUSR1, false);
  Pipe pipe;
  const int before = SignalCount();
  for (int round = 1; round <= 3; ++round) {
    Setup(CALL_ERRNO(pthread_kill(pthread_self(), SIGUSR1)));
    EXPECT_EQ(SignalCount(), before + round - 1) << "blocked: pending";
    EXPECT_THAT(row.waiter->wait(pipe.rd(), For::kReading, nullptr, &open).result, Fails(EINTR));
    EXPECT_EQ(SignalCount(), before + round) << "the handler runs once";
    EXPECT_TRUE(Blocked(SIGUSR1)) << "the mask is as before";
  }
}

// The other direction: a signal that is open outside waits until the call has returned.
IPC_TABLE_TEST(PollMaskHoldsSignalBack, MaskRow, kMask) {
  ScopedSignal handler(SIGUSR1, CountSignal);
  const sigset_t closed = MaskWith(SIGUSR1, true);
  Pipe pipe;
  Shared<bool> blocked_after;
  Peer peer([&](Peer::Self& self) {
    self.step([&] { return row.waiter->wait(pipe.rd(), For::kReading, nullptr, &closed).result; });
    *blocked_after = Blocked(SIGUSR1);
    self.step([&] { return CALL(getpid()); });
  });
  const Call call = peer.next();
  EXPECT_THAT(call, Blocks());
  const int before = SignalCount();
  peer.Signal(SIGUSR1);
  EXPECT_THAT(call, StaysBlocked());
  EXPECT_EQ(SignalCount(), before);
  EXPECT_THAT(CALL(write(pipe.wr(), "x", 1)), SucceedsWith(1));
  EXPECT_THAT(call.result(), SucceedsWith(1));
  EXPECT_THAT(peer.next().result(), Succeeds());
  EXPECT_EQ(SignalCount(), before + 1) << "delivered once the mask is restored";
  EXPECT_FALSE(*blocked_after);
}

IPC_TABLE_TEST(PollMaskIsRestored, MaskRow, kMask) {
  ScopedSigmask blocked({SIGUSR2});
  const sigset_t open = MaskWith(SIGUSR2, false);
  const timespec none{}, little{0, 1'000'000};
  Pipe pipe;
  EXPECT_THAT(row.waiter->wait(pipe.rd(), For::kReading, &none, &open).result, SucceedsWith(0));
  EXPECT_TRUE(Blocked(SIGUSR2)) << "after a zero time-out";
  EXPECT_THAT(row.waiter->wait(pipe.rd(), For::kReading, &little, &open).result, SucceedsWith(0));
  EXPECT_TRUE(Blocked(SIGUSR2)) << "after a time-out";
  EXPECT_THAT(row.waiter->wait(pipe.wr(), For::kWriting, nullptr, &open).result, SucceedsWith(1));
  EXPECT_TRUE(Blocked(SIGUSR2)) << "after success";
  const timespec wrong{0, -1};
  EXPECT_THAT(row.waiter->wait(pipe.rd(), For::kReading, &wrong, &open).result, Fails(EINVAL));
  EXPECT_TRUE(Blocked(SIGUSR2)) << "after an error";
  EXPECT_FALSE(Blocked(SIGUSR1)) << "nothing else was added";
}

IPC_TABLE_TEST(PollWithoutMask, MaskRow, kMask) {
  ScopedSignal handler(SIGUSR1, CountSignal);
  ScopedSigmask blocked({SIGUSR1});
  const timespec little{0, 1'000'000};
  Pipe pipe;
  const int before = SignalCount();
  Setup(CALL_ERRNO(pthread_kill(pthread_self(), SIGUSR1)));
  EXPECT_THAT(row.waiter->wait(pipe.rd(), For::kReading, &little, nullptr).result, SucceedsWith(0))
      << "a null mask changes nothing";
  EXPECT_EQ(SignalCount(), before);
  EXPECT_TRUE(Blocked(SIGUSR1));
}

// ---- Cancellation ------------------------------------------------------------------------------

std::vector<WaiterRow> CancelledRows() {
  std::vector<WaiterRow> rows;
  for (const Waiter& waiter : Waiters()) {
    rows.push_back({waiter.name,
                    &waiter,
                    {waiter.first_issue >= 8 ? clause::ppoll::cancellation_point
                                             : clause::poll::cancellation_points}});
  }
  return rows;
}
const std::vector<WaiterRow> kCancelled = CancelledRows();
IPC_TABLE_TEST(PollCancelled, WaiterRow, kCancelled) {
  Pipe pipe;
  ThreadPeer waiting;
  const Call call = waiting.start(
      [&] { return row.waiter->wait(pipe.rd(), For::kReading, nullptr, nullptr).result; });
  EXPECT_THAT(call, Blocks());
  RequestCancellation(waiting.handle());
  EXPECT_THAT(call.result(), IsCancelled());

  // A request that is pending acts at the call, though it would not wait.
  ThreadPeer pending;
  const Call never = pending.start([&] {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    return row.waiter->wait(pipe.wr(), For::kWriting, nullptr, nullptr).result;
  });
  EXPECT_THAT(never.result(), IsCancelled());
}

}  // namespace
}  // namespace ipcsuite::poll_suite
