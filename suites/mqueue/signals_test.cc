// Signals that meet a blocked call: EINTR, SA_RESTART, ignored and blocked ones, stop and continue.
// One body over the four calls that may wait.
#include <fcntl.h>
#include <signal.h>

#include <optional>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

struct Row {
  const char* name;
  Claims claims;
  bool send;
  Way way;
};

// A queue on which the row's call waits, and a peer in that call.
class Waiting {
 public:
  explicit Waiting(const Row& row) : send_(row.send), queue_(2) {
    if (send_) {
      Fill(queue_);
      sender_.emplace(queue_, "late", 0, row.way);
    } else {
      receiver_.emplace(queue_, row.way);
    }
  }
  const Call& call() const { return send_ ? sender_->call() : receiver_->call(); }
  Peer& peer() { return send_ ? sender_->peer() : receiver_->peer(); }
  void Serve() {
    if (send_) {
      ReceiveOne(queue_);
    } else {
      Put(queue_, "late");
    }
  }
  void ExpectServed() {
    EXPECT_THAT(call().result(), SucceedsWith(send_ ? 0 : 4));
    const Messages of_sender{{"f1", 0}, {"late", 0}}, of_receiver;
    EXPECT_EQ(Drain(queue_), send_ ? of_sender : of_receiver);
  }
  // What a call that failed must have left, now and once it could have been served.
  void ExpectUntouched() {
    EXPECT_EQ(CountOf(queue_), send_ ? 2 : 0);
    Serve();
    const Messages of_sender{{"f1", 0}}, of_receiver{{"late", 0}};
    EXPECT_EQ(Drain(queue_), send_ ? of_sender : of_receiver);
  }

 private:
  bool send_;
  Queue queue_;
  std::optional<Sender> sender_;
  std::optional<Receiver> receiver_;
};

#define IPC_FOUR(name, send_clause, receive_clause, timedsend_clause, timedreceive_clause) \
  const Row name[] = {                                                                     \
      {"MqSend", {send_clause}, true, Way::kPlain},                                        \
      {"MqReceive", {receive_clause}, false, Way::kPlain},                                 \
      {"MqTimedsend", {timedsend_clause}, true, Way::kTimed},                              \
      {"MqTimedreceive", {timedreceive_clause}, false, Way::kTimed},                       \
  }

IPC_FOUR(kCaught, clause::mq_send::eintr_caught_signal, clause::mq_receive::eintr_caught_signal,
         clause::mq_timedsend::eintr_caught_signal, clause::mq_timedreceive::eintr_caught_signal);
IPC_TABLE_TEST(MqCaughtSignalInterrupts, Row, kCaught) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  Waiting waiting(row);
  EXPECT_THAT(waiting.call(), Blocks());
  const int before = SignalCount();
  Setup(CALL(waiting.peer().Signal(SIGUSR1)));
  EXPECT_THAT(waiting.call().result(), Fails(EINTR));
  EXPECT_EQ(SignalCount(), before + 1);
  waiting.ExpectUntouched();
}

IPC_FOUR(kRestart, clause::mq_send::eintr_sa_restart_resumes,
         clause::mq_receive::eintr_sa_restart_resumes,
         clause::mq_timedsend::eintr_sa_restart_keeps_deadline,
         clause::mq_timedreceive::eintr_sa_restart_keeps_deadline);
IPC_TABLE_TEST(MqSaRestartResumes, Row, kRestart) {
  const ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  Waiting waiting(row);
  EXPECT_THAT(waiting.call(), Blocks());
  for (int i = 0; i < 3; ++i) {
    const int before = SignalCount();
    Setup(CALL(waiting.peer().Signal(SIGUSR1)));
    Backoff backoff;
    for (const Deadline end(5s); SignalCount() == before && !end.passed();) backoff.Pause();
    ASSERT_EQ(SignalCount(), before + 1) << "the handler did not run";
    EXPECT_THAT(waiting.call(), StaysBlocked());
  }
  waiting.Serve();
  waiting.ExpectServed();
}

// A deadline of its own for the restarted call would never be reached while signals keep coming.
const Row kDeadline[] = {
    {"OfMqTimedsend", {clause::mq_timedsend::eintr_sa_restart_keeps_deadline}, true, Way::kTimed},
    {"OfMqTimedreceive",
     {clause::mq_timedreceive::eintr_sa_restart_keeps_deadline},
     false,
     Way::kTimed},
};
IPC_TABLE_TEST(MqSaRestartKeepsTheDeadline, Row, kDeadline) {
  const ScopedSignal handler(SIGUSR1, CountSignal, SA_RESTART);
  Queue q(1);
  if (row.send) Put(q, "filler");
  const mqd_t mqd = q.get();
  const int before = SignalCount();
  Shared<std::atomic<std::int64_t>> late_ns;
  // Again where the machine was so busy that the deadline came before the first signal.
  for (int attempt = 0; attempt < 20 && SignalCount() == before; ++attempt) {
    Peer peer;
    const Call waiting = peer.start([&] {
      const timespec deadline = RealtimeIn(50);
      char buffer[64];
      const CallResult end = row.send ? CALL(mq_timedsend(mqd, "x", 1, 0, &deadline))
                                      : CALL(mq_timedreceive(mqd, buffer, 64, nullptr, &deadline));
      const timespec now = RealtimeIn(0);
      late_ns->store((now.tv_sec - deadline.tv_sec) * std::int64_t{1'000'000'000} + now.tv_nsec -
                     deadline.tv_nsec);
      return end;
    });
    // One signal at a time, each once the last has been handled, until the call ends.
    Backoff backoff;
    for (const Deadline end(20s); !waiting.returned() && !end.passed();) {
      const int handled = SignalCount();
      if (peer.Signal(SIGUSR1) != 0) break;
      while (SignalCount() == handled && !waiting.returned() && !end.passed()) backoff.Pause();
    }
    EXPECT_THAT(waiting.result(), Fails(ETIMEDOUT));
  }
  // How long a restarted call may still wait is open, up to the original time-out.
  Evidence("ended " + std::to_string(late_ns->load() / 1'000'000) +
           " ms after the deadline, after " + std::to_string(SignalCount() - before) + " signals");
  if (SignalCount() == before)
    Unresolved("no signal came before the deadline in 20 attempts: the machine is too busy");
}

// For the plain send a clause of its own says so; for the others the rule of all functions holds.
IPC_FOUR(kIgnored, clause::mq_send::eintr_ignored_and_blocked_signals,
         clause::mq_receive::empty_blocks_until_message, clause::mq_timedsend::basic_like_mq_send,
         clause::mq_timedreceive::basic_like_mq_receive);
IPC_TABLE_TEST(MqIgnoredAndBlockedSignals, Row, kIgnored) {
  const ScopedSignal ignored(SIGUSR1, SIG_IGN);
  const ScopedSignal handler(SIGUSR2, CountSignal);
  const ScopedSigmask blocked({SIGUSR2});
  Waiting waiting(row);
  EXPECT_THAT(waiting.call(), Blocks());
  Setup(CALL(waiting.peer().Signal(SIGUSR1)));
  EXPECT_THAT(waiting.call(), StaysBlocked());
  Setup(CALL(waiting.peer().Signal(SIGUSR2)));
  EXPECT_THAT(waiting.call(), StaysBlocked());
  waiting.Serve();
  waiting.ExpectServed();
}

IPC_FOUR(kStopped, clause::mq_receive::eintr_stop_and_continue,
         clause::mq_receive::eintr_stop_and_continue, clause::mq_receive::eintr_stop_and_continue,
         clause::mq_receive::eintr_stop_and_continue);
IPC_TABLE_TEST(MqStopAndContinue, Row, kStopped) {
  Waiting waiting(row);
  EXPECT_THAT(waiting.call(), Blocks());
  waiting.peer().Stop();
  waiting.peer().Continue();
  EXPECT_THAT(waiting.call(), StaysBlocked());
  waiting.Serve();
  waiting.ExpectServed();
}

// A message that races with the signal: it is returned or still queued, never gone.
IPC_TEST(MqReceive, InterruptedReceiveRemovesNothing, clause::mq_receive::eintr_nothing_removed) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  Queue q(4, 16);
  const char* name = q.name();
  struct Tally {
    std::atomic<int> received, interrupted, done;
  };
  Shared<Tally> tally;
  Peer receiver;
  const Call call = receiver.start([&] {
    CallResult opened;  // signals come already, and may interrupt this call too
    do opened = CALL(mq_open(name, O_RDONLY));
    while (opened.failed_with(EINTR));
    const Mqd own(Setup(opened));
    char buffer[16];
    while (tally->done.load() == 0) {
      const CallResult got = CALL(mq_receive(own, buffer, sizeof buffer, nullptr));
      if (got.ok()) {
        tally->received.fetch_add(1);
      } else if (got.failed_with(EINTR)) {
        tally->interrupted.fetch_add(1);
      } else {
        EXPECT_THAT(got, Fails(EINTR));
        return;
      }
    }
  });
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) {
    const timespec patience = RealtimeIn(10'000);
    if (i % 2) Setup(CALL(receiver.Signal(SIGUSR1)));
    ASSERT_THAT(CALL(mq_timedsend(q, "m", 1, 0, &patience)), SucceedsWith(0));
    if (i % 2 == 0) Setup(CALL(receiver.Signal(SIGUSR1)));
    if (i % 30 != 0) continue;
    // Once in a while surely in the wait, so that some are interrupted on every machine.
    const int before = tally->interrupted;
    ASSERT_THAT(call, Blocks());
    Setup(CALL(receiver.Signal(SIGUSR1)));
    Backoff backoff;
    for (const Deadline end(5s); tally->interrupted == before && !end.passed();) backoff.Pause();
  }
  tally->done.store(1);
  Backoff backoff;
  for (const Deadline end(10s); !call.returned() && !end.passed(); backoff.Pause())
    receiver.Signal(SIGUSR1);
  ASSERT_EQ(call.result().fate, Fate::kReturned);
  const int left = static_cast<int>(Drain(q).size());
  EXPECT_EQ(tally->received + left, kMessages) << tally->interrupted << " interruptions";
  EXPECT_GT(tally->interrupted.load(), 0);
  NoteChecks();
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
