// A send that races with what ends its wait: a signal, its deadline, a cancellation request. Either
// it is reported as done, or its message never comes. Messages are numbers, and one that was not
// reported as sent is sent again: a number that is missing or comes twice is a violation.
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "harness/objects/cancel.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

constexpr int kMessages = 300;

// What the sending process reports.
struct Tally {
  std::atomic<int> sent, ended, done;  // `ended`: waits that ended without a send
};

// Sends numbers until `done`; `send` is one attempt, which may end without a send by `error`.
CallResult SendNumbers(const char* name, Tally& tally, int error,
                       const std::function<CallResult(mqd_t q, int number)>& send) {
  CallResult opened;  // signals come already, and may interrupt this call too
  do opened = CALL(mq_open(name, O_WRONLY));
  while (opened.failed_with(EINTR));
  const Mqd own(Setup(opened));
  CallResult last;
  while (tally.done.load() == 0) {
    last = send(own, tally.sent.load());
    if (last.ok()) {
      tally.sent.fetch_add(1);
    } else if (last.failed_with(error)) {
      tally.ended.fetch_add(1);
    } else {
      return last;
    }
  }
  return CALL(0);
}

// The next message is that number.
void ExpectNumber(mqd_t q, int expected) {
  int number = -1;
  const timespec patience = RealtimeIn(10'000);
  ASSERT_THAT(
      CALL(mq_timedreceive(q, reinterpret_cast<char*>(&number), sizeof number, nullptr, &patience)),
      SucceedsWith(sizeof number));
  ASSERT_EQ(number, expected) << "a message that was not reported as sent came, or one is lost";
}

// What is queued when the sender has ended: the numbers that are left, each once.
void ExpectTheRest(mqd_t q, int received, const Tally& tally) {
  for (const Message& message : Drain(q)) {
    int number = -1;
    ASSERT_EQ(message.text.size(), sizeof number);
    std::memcpy(&number, message.text.data(), sizeof number);
    EXPECT_EQ(number, received++);
  }
  EXPECT_EQ(received, tally.sent.load());
  Evidence(std::to_string(tally.ended.load()) + " waits ended without a send, of " +
           std::to_string(tally.ended.load() + tally.sent.load()));
}

IPC_TEST(MqSend, InterruptedSendQueuesNothing, clause::mq_send::eintr_caught_signal) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  Queue q(1, sizeof(int));
  const char* name = q.name();
  Shared<Tally> tally;
  Peer sender;
  const Call call = sender.start([&] {
    return SendNumbers(name, *tally, EINTR, [](mqd_t own, int number) {
      return CALL(mq_send(own, reinterpret_cast<const char*>(&number), sizeof number, 0));
    });
  });
  for (int i = 0; i < kMessages; ++i) {
    // Once in a while surely in the wait, so that some are interrupted on every machine.
    if (i % 30 == 0) {
      const int before = tally->ended;
      ASSERT_THAT(call, Blocks());
      Setup(CALL(sender.Signal(SIGUSR1)));
      Backoff backoff;
      for (const Deadline end(5s); tally->ended == before && !end.passed();) backoff.Pause();
    }
    if (i % 2) Setup(CALL(sender.Signal(SIGUSR1)));
    ExpectNumber(q, i);
    if (i % 2 == 0) Setup(CALL(sender.Signal(SIGUSR1)));
  }
  tally->done.store(1);
  EXPECT_THAT(Interrupt(sender, call, SIGUSR1), SucceedsWith(0));
  EXPECT_GT(tally->ended.load(), 0);
  ExpectTheRest(q, kMessages, *tally);
}

IPC_TEST(MqTimedsend, TimedOutSendQueuesNothing,
         clause::mq_timedsend::timeout_etimedout_when_full) {
  Queue q(1, sizeof(int));
  const char* name = q.name();
  Shared<Tally> tally;
  Peer sender;
  const Call call = sender.start([&] {
    unsigned round = 0;
    return SendNumbers(name, *tally, ETIMEDOUT, [&](mqd_t own, int number) {
      timespec deadline = RealtimeIn(0);
      deadline.tv_nsec += 1000 * static_cast<long>(20 + ++round % 97);
      if (deadline.tv_nsec >= 1'000'000'000) deadline.tv_nsec -= 1'000'000'000, ++deadline.tv_sec;
      return CALL(
          mq_timedsend(own, reinterpret_cast<const char*>(&number), sizeof number, 0, &deadline));
    });
  });
  for (int i = 0; i < kMessages; ++i) {
    ExpectNumber(q, i);
    // Spread the receives over the deadlines; nothing is waited for.
    for (const std::int64_t end = NowNs() + 1000 * (i * 37 % 120); NowNs() < end;) {
    }
  }
  tally->done.store(1);
  EXPECT_THAT(call.result(10s), SucceedsWith(0));
  if (tally->ended == 0) Unresolved("no deadline came before there was room");
  ExpectTheRest(q, kMessages, *tally);
}

// Which of request and room comes first is open.
IPC_TEST(MqCancellation, CancelledSendQueuesNothing, clause::threads::cancel_queues_nothing,
         clause::threads::cancel_race_with_arrival) {
  int cancelled = 0, completed = 0, queued = 0;
  for (int round = 0; round < 30; ++round) {
    Queue q(1);
    Put(q, "filler");
    ThreadSender waiting(q, "m");
    EXPECT_THAT(waiting.call(), Blocks());
    if (round % 2) ReceiveOne(q);
    RequestCancellation(waiting.peer().handle());
    if (round % 2 == 0) ReceiveOne(q);
    const CallResult end = waiting.call().result();
    waiting.peer().Join();
    if (end.fate == Fate::kCancelled) {
      ++cancelled;
      queued += CountOf(q) != 0;
    } else {
      ++completed;
      EXPECT_THAT(end, SucceedsWith(0));
      EXPECT_EQ(CountOf(q), 1);
    }
  }
  NoteChecks();
  EXPECT_EQ(queued, 0) << "messages queued by cancelled sends, of " << cancelled;
  Observe(clause::threads::cancel_race_with_arrival, "outcomes of sends",
          cancelled && completed ? "both"
          : cancelled            ? "cancelled"
                                 : "completed");
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
