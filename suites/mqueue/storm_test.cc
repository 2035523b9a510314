// Signals in a storm over a sender and a receiver of one queue: a call that was interrupted has
// done nothing, one that succeeded has done all. Messages are numbers; each comes once, in order.
#include <signal.h>

#include <atomic>

#include "harness/core/patience.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

constexpr int kNumbers = 1000;

struct Storm {
  std::atomic<int> received, ended;  // `ended`: waits that ended without a message
};

using Send = CallResult (*)(mqd_t q, const char* data, std::size_t length);
using Receive = CallResult (*)(mqd_t q, char* data, std::size_t length);

bool EndedInVain(const CallResult& call, Storm& storm) {
  const bool ended = call.failed_with(EINTR) || call.failed_with(ETIMEDOUT);
  if (ended) storm.ended.fetch_add(1);
  return ended;
}

// The last call; kNumbers when all were sent.
CallResult SendAll(mqd_t q, Send send, Storm& storm) {
  for (int number = 0; number < kNumbers;) {
    const CallResult sent = send(q, reinterpret_cast<const char*>(&number), sizeof number);
    if (sent.ok()) {
      ++number;
    } else if (!EndedInVain(sent, storm)) {
      return sent;
    }
  }
  return CALL(kNumbers);
}

CallResult ReceiveAll(mqd_t q, Receive receive, Storm& storm) {
  for (int expected = 0; expected < kNumbers;) {
    int number = -1;
    const CallResult got = receive(q, reinterpret_cast<char*>(&number), sizeof number);
    if (!got.ok() && EndedInVain(got, storm)) continue;
    EXPECT_THAT(got, SucceedsWith(sizeof number));
    EXPECT_EQ(number, expected) << (number > expected ? "a message was lost" : "it came twice");
    if (number != expected) return got;
    storm.received.store(++expected);
  }
  return CALL(kNumbers);
}

struct StormRow {
  const char* name;
  Send send;
  Receive receive;
  Claims claims;
};
const StormRow kStorms[] = {
    {.name = "MqSendAndMqReceive",
     .send = [](mqd_t q, const char* data, std::size_t n) { return CALL(mq_send(q, data, n, 0)); },
     .receive = [](mqd_t q, char* data,
                   std::size_t n) { return CALL(mq_receive(q, data, n, nullptr)); },
     .claims = {clause::threads::safety_no_loss_no_duplication}},
    {.name = "TimedCalls",
     .send = [](mqd_t q, const char* data,
                std::size_t n) { return SendBy(Way::kTimed, q, data, n); },
     .receive = [](mqd_t q, char* data,
                   std::size_t n) { return ReceiveBy(Way::kTimed, q, data, n); },
     .claims = {clause::threads::safety_no_loss_no_duplication}},
    {.name = "DeadlinesThatPass",
     .send =
         [](mqd_t q, const char* data, std::size_t n) {
           const timespec soon = RealtimeIn(1);
           return CALL(mq_timedsend(q, data, n, 0, &soon));
         },
     .receive =
         [](mqd_t q, char* data, std::size_t n) {
           const timespec soon = RealtimeIn(1);
           return CALL(mq_timedreceive(q, data, n, nullptr, &soon));
         },
     .claims = {clause::threads::safety_no_loss_no_duplication}},
};
IPC_TABLE_TEST(MqStorm, StormRow, kStorms) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  Queue q(1, sizeof(int));
  Shared<Storm> storm;
  Peer sender, receiver;
  const mqd_t mqd = q.get();
  const Call sending = sender.start([&] { return SendAll(mqd, row.send, *storm); });
  const Call receiving = receiver.start([&] { return ReceiveAll(mqd, row.receive, *storm); });
  int received = 0;
  Patience patience(2s);
  for (; !receiving.returned(); Backoff().Pause()) {
    sender.Signal(SIGUSR1);
    receiver.Signal(SIGUSR1);
    if (storm->received != received) {
      received = storm->received;
      patience = Patience(2s);
    } else if (patience.over()) {
      break;  // no progress: the rest without signals
    }
  }
  EXPECT_THAT(receiving.result(), SucceedsWith(kNumbers));
  EXPECT_THAT(sending.result(), SucceedsWith(kNumbers));
  EXPECT_EQ(CountOf(q), 0) << "a message came twice";
  Evidence(std::to_string(storm->ended.load()) + " waits ended without a message");
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
