// Several waiters on one queue: who is served, and that those who are gone take nothing.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "harness/peers/worker.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

IPC_TEST(MqWaiters, OneFreeSlotReleasesOneSender, clause::mq_send::waiters_one_slot_one_sender) {
  Queue q(1);
  Put(q, "filler");
  Sender a(q, "a"), b(q, "b"), c(q, "c");
  const std::vector<Call> calls{a.call(), b.call(), c.call()};
  for (const Call& call : calls) EXPECT_THAT(call, Blocks());
  std::string received;
  for (std::size_t round = 1; round <= 3; ++round) {
    received += ReceiveOne(q).text;
    const std::vector<std::size_t> done = Returned(calls, round);
    EXPECT_EQ(done.size(), round);
    EXPECT_EQ(CountOf(q), 1);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (std::count(done.begin(), done.end(), i) > 0) continue;
      EXPECT_THAT(calls[i], StaysBlocked());
    }
  }
  received += ReceiveOne(q).text;
  for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(0));
  EXPECT_EQ(received.substr(0, 6), "filler");
  std::sort(received.begin() + 6, received.end());
  EXPECT_EQ(received.substr(6), "abc");
}

IPC_TEST(MqWaiters, OneMessageServesOneReceiver,
         clause::mq_receive::waiters_one_message_one_receiver) {
  Queue q;
  Receiver a(q), b(q), c(q);
  const std::vector<Call> calls{a.call(), b.call(), c.call()};
  for (const Call& call : calls) EXPECT_THAT(call, Blocks());
  for (std::size_t round = 1; round <= 3; ++round) {
    Put(q, std::string(round, 'm'));
    const std::vector<std::size_t> done = Returned(calls, round);
    EXPECT_EQ(done.size(), round);
    EXPECT_EQ(CountOf(q), 0);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (std::count(done.begin(), done.end(), i) > 0) continue;
      EXPECT_THAT(calls[i], StaysBlocked());
    }
  }
  std::vector<std::int64_t> lengths;
  for (const Call& call : calls) lengths.push_back(call.result().value);
  std::sort(lengths.begin(), lengths.end());
  EXPECT_EQ(lengths, (std::vector<std::int64_t>{1, 2, 3})) << "each message is received once";
}

// Without Priority Scheduling any order will do: seen is who was served in which place.
IPC_TEST(MqWaiters, OrderWithoutThePrioritySchedulingOption,
         clause::general::waiters_unspecified_without_ps) {
  const auto order = [](bool send) {
    Queue q(1);
    if (send) Put(q, "filler");
    std::vector<std::unique_ptr<Sender>> senders;
    std::vector<std::unique_ptr<Receiver>> receivers;
    std::vector<Call> calls;
    for (int i = 0; i < 4; ++i) {
      if (send) {
        senders.push_back(std::make_unique<Sender>(q, std::to_string(i)));
        calls.push_back(senders.back()->call());
      } else {
        receivers.push_back(std::make_unique<Receiver>(q));
        calls.push_back(receivers.back()->call());
      }
      EXPECT_THAT(calls.back(), Blocks());
    }
    std::string served;
    std::vector<bool> before(4);
    for (std::size_t round = 1; round <= 4; ++round) {
      if (send) {
        ReceiveOne(q);
      } else {
        Put(q, "m");
      }
      for (std::size_t i : Returned(calls, round)) {
        if (!before[i]) served += (served.empty() ? "" : " ") + std::to_string(i + 1);
        before[i] = true;
      }
    }
    for (const Call& call : calls)
      EXPECT_THAT(call.result(), Succeeds()) << "every waiter is served in the end";
    return served;
  };
  Observe(clause::general::waiters_unspecified_without_ps, "sysconf(_SC_PRIORITY_SCHEDULING)",
          sysconf(_SC_PRIORITY_SCHEDULING));
  Observe(clause::general::waiters_unspecified_without_ps,
          "order in which waiting senders were released", order(true));
  Observe(clause::general::waiters_unspecified_without_ps,
          "order in which waiting receivers were served", order(false));
}

// Without the option the order is unspecified; among threads another one decides as well.
void NeedRealtime(bool threads = true) {
  if (sysconf(_SC_PRIORITY_SCHEDULING) <= 0)
    Unsupported("no Priority Scheduling option: sysconf(_SC_PRIORITY_SCHEDULING) is not positive");
  if (threads && sysconf(_SC_THREAD_PRIORITY_SCHEDULING) <= 0)
    Unsupported(
        "no priority scheduling of threads: sysconf(_SC_THREAD_PRIORITY_SCHEDULING) is not "
        "positive");
  if (!CanUseRealtime())
    Unsupported("SCHED_FIFO is not available: needs CAP_SYS_NICE or RLIMIT_RTPRIO");
}

// Priority number `level` (0, 1, 2, ...) of SCHED_FIFO, from its lowest upwards.
int FifoPriority(int level) { return sched_get_priority_min(SCHED_FIFO) + 1 + level; }

void SetFifo(pthread_t thread, int level) {
  sched_param param{};
  param.sched_priority = FifoPriority(level);
  NoteTrace(TraceEntry::Kind::kOther, {}, "changes how it is scheduled");
  const int error = pthread_setschedparam(thread, SCHED_FIFO, &param);
  if (error != 0) Unresolved("set-up failed: pthread_setschedparam: " + ErrnoName(error));
}

// A thread or process that takes a scheduling priority and then waits on the queue.
template <typename P>
class FifoWaiter {
 public:
  FifoWaiter(mqd_t q, bool send, int level, std::string text, unsigned priority)
      : text_(std::move(text)) {
    call_ = peer_.start([this, q, send, level, priority] {
      SetFifo(pthread_self(), level);
      return send ? CALL(mq_send(q, text_.data(), text_.size(), priority))
                  : CALL(mq_receive(q, buffer_, sizeof buffer_, nullptr));
    });
    EXPECT_THAT(call_, Blocks());
  }
  const Call& call() const { return call_; }
  P& peer() { return peer_; }

 private:
  std::string text_;
  char buffer_[64];
  P peer_;
  Call call_;
};

struct FifoRow {
  const char* name;
  Claims claims;
  bool send;
  unsigned priorities[4];  // of the messages sent: no part in the choice
};
const FifoRow kFifo[] = {
    {"ReleaseTheSenderOfHighestPriorityThenLongestWait",
     {clause::mq_send::waiters_highest_priority_longest_waiting},
     true,
     {0, 0, 0, 0}},
    {"ChooseSendersWithoutRegardToMessagePriority",
     {clause::mq_send::waiters_highest_priority_longest_waiting},
     true,
     {9, 1, 7, 3}},
    {"ServeTheReceiverOfHighestPriorityThenLongestWait",
     {clause::mq_receive::waiters_highest_priority_longest_waiting},
     false,
     {0, 0, 0, 0}},
};
template <typename P>
void ExpectOrder(const FifoRow& row) {
  Queue q(1);
  if (row.send) Put(q, "filler");
  std::vector<std::unique_ptr<FifoWaiter<P>>> waiters;
  std::vector<Call> calls;
  const int kLevels[] = {1, 3, 2, 3};
  for (std::size_t i = 0; i < 4; ++i) {
    waiters.push_back(std::make_unique<FifoWaiter<P>>(q, row.send, kLevels[i], std::to_string(i),
                                                      row.priorities[i]));
    calls.push_back(waiters.back()->call());
  }
  std::vector<std::size_t> order;
  for (std::size_t round = 1; round <= 4; ++round) {
    if (row.send) {
      ReceiveOne(q);
    } else {
      Put(q, "m");
    }
    for (std::size_t i : Returned(calls, round)) {
      if (std::count(order.begin(), order.end(), i) == 0) order.push_back(i);
    }
  }
  EXPECT_EQ(order, (std::vector<std::size_t>{1, 3, 2, 0})) << "of waiters at priorities 1, 3, 2, 3";
  for (const Call& call : calls) EXPECT_THAT(call.result(), Succeeds());
}

IPC_TABLE_TEST(MqWaitersByPriority, FifoRow, kFifo) {
  NeedRealtime();
  ExpectOrder<ThreadPeer>(row);
}

IPC_TABLE_TEST(MqWaitingProcessesByPriority, FifoRow, kFifo) {
  NeedRealtime(false);
  ExpectOrder<Peer>(row);
}

const FifoRow kRaised[] = {
    {"OvertakesAsReceiver",
     {clause::mq_receive::waiters_priority_raised_while_waiting,
      regression::linux_waiter_priority_frozen},
     false,
     {}},
    {"OvertakesAsSender",
     {clause::mq_receive::waiters_priority_raised_while_waiting,
      regression::linux_waiter_priority_frozen},
     true,
     {}},
};
IPC_TABLE_TEST(MqWaiterRaisedWhileItWaits, FifoRow, kRaised) {
  NeedRealtime();
  Queue q(1);
  if (row.send) Put(q, "filler");
  FifoWaiter<ThreadPeer> first(q, row.send, 2, "first", 0), second(q, row.send, 1, "second", 0);
  const std::vector<Call> calls{first.call(), second.call()};
  SetFifo(second.peer().handle(), 4);
  EXPECT_THAT(second.call(), StaysBlocked());
  const auto serve = [&] {
    if (row.send) {
      ReceiveOne(q);
    } else {
      Put(q, "m");
    }
  };
  serve();
  EXPECT_EQ(Returned(calls, 1), (std::vector<std::size_t>{1}))
      << "the second now has the higher scheduling priority";
  serve();
  for (const Call& call : calls) EXPECT_THAT(call.result(), Succeeds());
}

struct GoneRow {
  const char* name;
  Claims claims;
  Gone how;
};
const GoneRow kGone[] = {
    {"InterruptedReceiverTakesNothing",
     {clause::mq_receive::waiters_gone_waiter_takes_nothing},
     Gone::kSignal},
    {"TimedOutReceiverTakesNothing",
     {clause::mq_receive::waiters_gone_waiter_takes_nothing},
     Gone::kTimeout},
    {"CancelledReceiverTakesNothing",
     {clause::mq_receive::waiters_gone_waiter_takes_nothing},
     Gone::kCancel},
    {"KilledReceiverTakesNothing",
     {clause::mq_receive::waiters_gone_waiter_takes_nothing},
     Gone::kKill},
};

IPC_TABLE_TEST(MqWaiterThatIsGone, GoneRow, kGone) {
  Queue q;
  WaitInVain(q, row.how);
  Put(q, "first");
  EXPECT_EQ(CountOf(q), 1);
  EXPECT_EQ(ReceiveOne(q).text, "first");
  // Behind it another waits: the message is his.
  WaitInVain(q, row.how);
  Receiver other(q);
  EXPECT_THAT(other.call(), Blocks());
  Put(q, "second");
  const CallResult got = other.call().result();
  EXPECT_THAT(got, SucceedsWith(6));
  EXPECT_EQ(other.text(got), "second");
}

// While another is waiting already, which one would be served first.
IPC_TABLE_TEST(MqWaiterThatIsGoneBehindAnother, GoneRow, kGone) {
  Queue q;
  Receiver other(q);
  EXPECT_THAT(other.call(), Blocks());
  WaitInVain(q, row.how);
  EXPECT_THAT(other.call(), StaysBlocked());
  Put(q, "message");
  EXPECT_THAT(other.call().result(), SucceedsWith(7));
  EXPECT_EQ(CountOf(q), 0);
  Put(q, "next");
  EXPECT_EQ(CountOf(q), 1);
}

IPC_TEST(MqWaiters, KilledSenderQueuesNothing, clause::exit::waiter_killed_sender_queues_nothing) {
  for (Way way : {Way::kPlain, Way::kTimed}) {
    Queue q(2);
    const Messages before = Fill(q);
    Sender killed(q, "dead", 9, way);
    EXPECT_THAT(killed.call(), Blocks());
    killed.peer().Kill();
    EXPECT_THAT(killed.call().result(), DiesBy(SIGKILL));
    EXPECT_EQ(CountOf(q), 2);
    EXPECT_EQ(Drain(q), before);
    EXPECT_EQ(CountOf(q), 0);
    Put(q, "alive");
    EXPECT_EQ(ReceiveOne(q).text, "alive");
  }
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
