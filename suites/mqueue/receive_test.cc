// mq_receive() and what it shares with mq_timedreceive(): length, priority, order, errors.
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <type_traits>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

struct WayRow {
  const char* name;
  Claims claims;
  Way way;
};

const WayRow kLength[] = {
    {"ReturnsTheLengthAndRemovesTheMessage",
     {clause::mq_receive::basic_length_and_removal},
     Way::kPlain},
    {"TimedReturnsTheLengthAndRemovesTheMessage",
     {clause::mq_timedreceive::basic_like_mq_receive, regression::glibc_bz29304},
     Way::kTimed},
};
IPC_TABLE_TEST(MqReceive, WayRow, kLength) {
  Queue q(4, 32, O_RDWR | O_NONBLOCK);
  for (std::size_t size : {32, 33, 320}) {
    for (const bool at_end : {false, true}) {
      GuardedBuffer buffer(size, at_end);
      for (std::size_t length : {0, 1, 31, 32}) Put(q, std::string(length, 'm'));
      long left = 4;
      for (std::size_t length : {0, 1, 31, 32}) {
        EXPECT_THAT(ReceiveBy(row.way, q, buffer.data(), buffer.size()), SucceedsWith(length));
        EXPECT_EQ(std::string(buffer.data(), length), std::string(length, 'm'));
        EXPECT_EQ(CountOf(q), --left);
      }
      EXPECT_TRUE(buffer.Intact()) << "bytes outside of the buffer were changed";
      EXPECT_THAT(ReceiveBy(row.way, q, buffer.data(), buffer.size()), Fails(EAGAIN));
    }
  }
}

IPC_TEST(MqReceive, StoresThePriorityUnlessNull, clause::mq_receive::prio_stored_unless_null) {
  Queue q;
  char buffer[64];
  for (unsigned priority : {0u, 1u, PriorityCount() - 1}) {
    Put(q, "m", priority);
    unsigned stored = 12345678;
    EXPECT_THAT(CALL(mq_receive(q, buffer, sizeof buffer, &stored)), SucceedsWith(1));
    EXPECT_EQ(stored, priority);
    Put(q, "m", priority);
    EXPECT_THAT(CALL(mq_receive(q, buffer, sizeof buffer, nullptr)), SucceedsWith(1));
  }
}

IPC_TEST(MqReceive, StoresThePriorityOfAMessageHandedOver,
         clause::mq_receive::prio_stored_unless_null) {
  for (Way way : {Way::kPlain, Way::kTimed}) {
    for (unsigned priority : {0u, 7u, PriorityCount() - 1}) {
      Queue q;
      Receiver waiting(q, way);
      EXPECT_THAT(waiting.call(), Blocks());
      Put(q, "over", priority);
      const CallResult got = waiting.call().result();
      EXPECT_THAT(got, SucceedsWith(4));
      EXPECT_EQ(waiting.text(got), "over");
      EXPECT_EQ(waiting.priority(), priority);
    }
  }
}

// A reference model: a stable sort by priority, kept up to date.
class Model {
 public:
  void Add(const Message& message) {
    const auto at = std::find_if(queued_.begin(), queued_.end(),
                                 [&](const Message& m) { return m.priority < message.priority; });
    queued_.insert(at, message);
  }
  Message Take() {
    const Message first = queued_.front();
    queued_.erase(queued_.begin());
    return first;
  }
  std::size_t size() const { return queued_.size(); }
  const Messages& all() const { return queued_; }

 private:
  Messages queued_;
};

IPC_TEST(MqSend, PlacesByPriorityThenAge, clause::mq_send::prio_placement) {
  Queue q;
  std::vector<unsigned> order{0, 1, 2, PriorityCount() - 1};
  do {  // all permutations
    Model model;
    for (unsigned priority : order) {
      Put(q, std::to_string(priority), priority);
      model.Add({std::to_string(priority), priority});
    }
    ASSERT_EQ(Drain(q), model.all());
    NoteChecks();
  } while (std::next_permutation(order.begin(), order.end()));
}

// Random sends and receives on a small queue, from this process and another, against the model.
void CompareWithModel(unsigned priorities) {
  Queue q(8, 16);
  const char* name = q.name();
  Shared<std::atomic<unsigned>> priority;
  SharedBuffer text(16);
  constexpr int kOther = 20;
  Peer other([&](Peer::Self& self) {
    const Mqd own(CALL(mq_open(name, O_WRONLY)));
    for (int i = 0; i < kOther; ++i) {
      self.step([&] {
        return CALL(mq_send(own, text.data(), std::strlen(text.data()), priority->load()));
      });
    }
  });
  Model model;
  std::uint64_t random = TestSeed();
  int by_other = 0;
  for (int i = 0; i < 600; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const unsigned dice = static_cast<unsigned>(random >> 40);
    if (model.size() < 8 && (model.size() == 0 || dice % 2)) {
      const Message message{std::to_string(i), (dice >> 2) % priorities};
      if (i % 25 == 0 && by_other < kOther) {
        ++by_other;
        priority->store(message.priority);
        std::strcpy(text.data(), message.text.c_str());
        ASSERT_THAT(other.next().result(), SucceedsWith(0));
      } else {
        ASSERT_THAT(CALL(mq_send(q, message.text.data(), message.text.size(), message.priority)),
                    SucceedsWith(0));
      }
      model.Add(message);
    } else {
      const Receipt got = ReceiveOne(q);
      ASSERT_THAT(got.call, Succeeds());
      ASSERT_EQ((Message{got.text, got.priority}), model.Take()) << "after " << i << " operations";
    }
  }
  ASSERT_EQ(Drain(q), model.all());
}

IPC_TEST(MqReceive, TakesTheHighestPriorityFirst, clause::mq_receive::order_highest_priority_first,
         regression::linux_priority_tree_rewrite) {
  CompareWithModel(std::min(PriorityCount(), 64u));
}

IPC_TEST(MqReceive, TakesTheOldestOfOnePriority, clause::mq_receive::order_oldest_within_priority,
         regression::linux_priority_tree_rewrite) {
  CompareWithModel(1);
  CompareWithModel(3);
}

IPC_TEST(MqTimedreceive, TakesTheOldestOfTheHighestPriority,
         clause::mq_timedreceive::basic_like_mq_receive) {
  Queue q;
  Put(q, "low", 1), Put(q, "high", 9), Put(q, "low too", 1), Put(q, "high too", 9);
  for (const Message& expected :
       Messages{{"high", 9}, {"high too", 9}, {"low", 1}, {"low too", 1}}) {
    char buffer[64];
    unsigned priority = 77;
    EXPECT_THAT(ReceiveBy(Way::kTimed, q, buffer, sizeof buffer, &priority),
                SucceedsWith(expected.text.size()));
    EXPECT_EQ((Message{std::string(buffer, expected.text.size()), priority}), expected);
  }
}

IPC_TEST(MqTimedsend, PlacesByPriorityThenAge, clause::mq_timedsend::basic_like_mq_send) {
  Queue q;
  std::string buffer = "b";
  EXPECT_THAT(SendBy(Way::kTimed, q, buffer.data(), 1, 1), SucceedsWith(0));
  buffer = "d";
  EXPECT_THAT(SendBy(Way::kTimed, q, buffer.data(), 1, 0), SucceedsWith(0));
  buffer = "a";
  EXPECT_THAT(SendBy(Way::kTimed, q, buffer.data(), 1, 8), SucceedsWith(0));
  buffer = "c";
  EXPECT_THAT(SendBy(Way::kTimed, q, buffer.data(), 1, 1), SucceedsWith(0));
  EXPECT_EQ(Drain(q), (Messages{{"a", 8}, {"b", 1}, {"c", 1}, {"d", 0}}));
}

const WayRow kTooSmall[] = {
    {"FailsWithEmsgsizeForATooSmallBuffer",
     {clause::mq_receive::len_buffer_too_small},
     Way::kPlain},
    {"TimedFailsWithEmsgsizeForATooSmallBuffer",
     {clause::mq_timedreceive::basic_like_mq_receive},
     Way::kTimed},
};
IPC_TABLE_TEST(MqReceiveSize, WayRow, kTooSmall) {
  Queue q(4, 16);
  Put(q, "1", 4), Put(q, "2", 2);
  char buffer[16];
  for (std::size_t length : {15, 1, 0})
    EXPECT_THAT(ReceiveBy(row.way, q, buffer, length), Fails(EMSGSIZE)) << length;
  EXPECT_EQ(Drain(q), (Messages{{"1", 4}, {"2", 2}}));
}

const WayRow kTooSmallEmpty[] = {
    {"FailsWithEmsgsizeInsteadOfWaiting",
     {clause::mq_receive::len_too_small_on_empty_blocking},
     Way::kPlain},
    {"TimedFailsWithEmsgsizeInsteadOfWaiting",
     {clause::mq_timedreceive::basic_like_mq_receive},
     Way::kTimed},
};
IPC_TABLE_TEST(MqReceiveSizeEmpty, WayRow, kTooSmallEmpty) {
  Queue q(4, 16);
  const mqd_t mqd = q.get();
  SharedBuffer buffer(16);
  Peer receiver;
  EXPECT_THAT(receiver.start([&] { return ReceiveBy(row.way, mqd, buffer.data(), 15); }).result(),
              Fails(EMSGSIZE));
  // With O_NONBLOCK the queue is empty as well, which is an error of its own.
  const Mqd nonblocking(q.OpenAgain(O_RDONLY | O_NONBLOCK));
  EXPECT_THAT(ReceiveBy(row.way, nonblocking, buffer.data(), 15), FailsWithAnyOf(EMSGSIZE, EAGAIN));
}

IPC_TEST(MqReceive, LengthBeyondSsizeMax, clause::mq_receive::len_above_ssize_max) {
  Queue q(4, 16);
  Put(q, "m");
  char buffer[16];
  std::size_t length = static_cast<std::size_t>(SSIZE_MAX) + 1;
  const CallResult got = CALL(mq_receive(q, buffer, length, nullptr));
  Observe(clause::mq_receive::len_above_ssize_max, "msg_len of SSIZE_MAX+1 with a message queued",
          got);
}

IPC_ROLE(mq_timedsend_by_name) {
  const mqd_t q = mq_open(args[0].c_str(), O_WRONLY);
  const timespec minute = RealtimeIn(60'000);
  return q != kNoQueue && mq_timedsend(q, "unrelated", 9, 3, &minute) == 0 ? 0 : 1;
}

const WayRow kBlocks[] = {
    {"BlocksOnAnEmptyQueueUntilAMessageComes",
     {clause::mq_receive::empty_blocks_until_message},
     Way::kPlain},
    {"TimedBlocksOnAnEmptyQueueUntilAMessageComes",
     {clause::mq_timedreceive::basic_like_mq_receive},
     Way::kTimed},
};
IPC_TABLE_TEST(MqReceiveEmpty, WayRow, kBlocks) {
  Queue q;
  const Mqd writer(q.OpenAgain(O_WRONLY));
  const auto expect_served = [&](const char* text, unsigned priority,
                                 const std::function<void()>& send) {
    Receiver waiting(q, row.way);
    EXPECT_THAT(waiting.call(), Blocks());
    EXPECT_THAT(waiting.call(), StaysBlocked());
    send();
    const CallResult got = waiting.call().result();
    EXPECT_THAT(got, SucceedsWith(std::strlen(text)));
    EXPECT_EQ(waiting.text(got), text);
    EXPECT_EQ(waiting.priority(), priority);
    EXPECT_EQ(CountOf(q), 0);
  };
  expect_served("same", 1, [&] { Setup(SendBy(Way::kPlain, q, "same", 4, 1)); });
  expect_served("other", 2, [&] { Setup(SendBy(Way::kTimed, writer, "other", 5, 2)); });
  expect_served("unrelated", 3, [&] { ExecSelf("mq_timedsend_by_name", {q.name()}).Wait(); });
}

IPC_TEST(MqReceive, FailsWithEagainWhenEmptyAndNonblocking, clause::mq_receive::empty_eagain) {
  Queue q(4, 64, O_RDWR | O_NONBLOCK);
  char buffer[64];
  unsigned priority = 4711;
  EXPECT_THAT(CALL(mq_receive(q, buffer, sizeof buffer, &priority)), Fails(EAGAIN))
      << "on a new queue";
  Observe(clause::mq_receive::empty_eagain, "msg_prio after EAGAIN",
          priority == 4711 ? "left alone" : "changed");
  Put(q, "m");
  Drain(q);
  EXPECT_THAT(CALL(mq_receive(q, buffer, sizeof buffer, nullptr)), Fails(EAGAIN))
      << "on a drained queue";
}

// No case of the suite may see EBADMSG: nobody corrupts messages here.
IPC_TEST(MqReceive, NeverSeesCorruptedMessages, clause::mq_receive::error_ebadmsg) {
  Queue q;
  int seen = 0;
  for (int i = 0; i < 200; ++i) {
    Put(q, std::string(static_cast<std::size_t>(i % 65), 'm'), static_cast<unsigned>(i % 7));
    seen += ReceiveOne(q).call.failed_with(EBADMSG);
  }
  Observe(clause::mq_receive::error_ebadmsg, "EBADMSG in 200 sound messages", seen);
}

IPC_TEST(MqReceive, FailuresRemoveNothing, clause::mq_receive::error_failure_removes_nothing) {
  Queue q(4, 16);
  const Mqd writer(q.OpenAgain(O_WRONLY)), nonblocking(q.OpenAgain(O_RDONLY | O_NONBLOCK));
  char buffer[16];
  EXPECT_EQ(CALL(mq_receive(nonblocking, buffer, sizeof buffer, nullptr)).value, -1);
  Put(q, "a", 3), Put(q, "b", 1);
  EXPECT_EQ(CALL(mq_receive(q, buffer, 15, nullptr)).value, -1);
  EXPECT_EQ(CALL(mq_receive(writer, buffer, sizeof buffer, nullptr)).value, -1);
  EXPECT_EQ(CountOf(q), 2);
  EXPECT_EQ(Drain(q), (Messages{{"a", 3}, {"b", 1}}));
  NoteChecks();
}

const WayRow kWriteOnly[] = {
    {"FailsWithEbadfThroughAWriteOnlyDescriptor",
     {clause::mq_receive::error_ebadf, regression::freebsd_compat32_access_swapped},
     Way::kPlain},
    {"TimedFailsWithEbadfThroughAWriteOnlyDescriptor",
     {clause::mq_timedreceive::basic_like_mq_receive},
     Way::kTimed},
};
IPC_TABLE_TEST(MqReceiveAccess, WayRow, kWriteOnly) {
  Queue q;
  const Mqd writer(q.OpenAgain(O_WRONLY));
  const mqd_t mqd = writer.get();
  SharedBuffer buffer(64);
  Peer receiver;
  EXPECT_THAT(receiver.start([&] { return ReceiveBy(row.way, mqd, buffer.data(), 64); }).result(),
              Fails(EBADF))
      << "on an empty queue";
  Put(q, "kept");
  EXPECT_THAT(ReceiveBy(row.way, writer, buffer.data(), 64), Fails(EBADF))
      << "with a message queued";
  EXPECT_EQ(Drain(q), (Messages{{"kept", 0}}));
}

const WayRow kNoDescriptor[] = {
    {"FailsWithEbadfForNoDescriptor",
     {clause::mq_receive::error_ebadf, regression::freebsd_invalid_descriptor_crash},
     Way::kPlain},
    {"TimedFailsWithEbadfForNoDescriptor",
     {clause::mq_timedreceive::basic_like_mq_receive},
     Way::kTimed},
};
IPC_TABLE_TEST(MqReceiveDescriptor, WayRow, kNoDescriptor) {
  SharedBuffer buffer(64);
  Peer child;
  EXPECT_THAT(child.start([&] { return ReceiveBy(row.way, kNoQueue, buffer.data(), 64); }).result(),
              Fails(EBADF))
      << "(mqd_t)-1";
  if constexpr (std::is_integral_v<mqd_t>) {
    Pipe pipe;
    Setup(CALL(write(pipe.wr(), "data", 4)));
    const int end = pipe.rd();
    Peer unused, other;
    EXPECT_THAT(
        unused.start([&] { return ReceiveBy(row.way, (mqd_t)4000, buffer.data(), 64); }).result(),
        Fails(EBADF))
        << "an unused number";
    EXPECT_THAT(
        other.start([&] { return ReceiveBy(row.way, (mqd_t)end, buffer.data(), 64); }).result(),
        Fails(EBADF))
        << "a pipe's read end";
    EXPECT_EQ(DrainPipe(pipe.rd()), "data");
  }
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
