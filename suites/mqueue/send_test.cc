// mq_send(): what is queued, and when nothing is.
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <type_traits>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

// Bytes of every value, different for each seed.
std::string Pattern(std::size_t length, unsigned seed) {
  std::string bytes(length, '\0');
  for (std::size_t i = 0; i < length; ++i)
    bytes[i] = static_cast<char>(i * 7 + i / 256 + seed * 31);
  return bytes;
}

struct WayRow {
  const char* name;
  Claims claims;
  Way way;
};

const WayRow kContent[] = {
    {"PreservesEveryByte",
     {clause::mq_send::content_bytes_preserved, regression::gvisor_only_open_and_unlink},
     Way::kPlain},
    {"TimedPreservesEveryByte", {clause::mq_timedsend::basic_like_mq_send}, Way::kTimed},
};
IPC_TABLE_TEST(MqSend, WayRow, kContent) {
  Queue q(4, 300);
  for (std::size_t length : {0, 1, 2, 255, 256, 257, 299, 300}) {
    const std::string sent = Pattern(length, static_cast<unsigned>(length));
    EXPECT_THAT(SendBy(row.way, q, sent.data(), sent.size()), SucceedsWith(0));
    const Receipt got = ReceiveOne(q);
    EXPECT_THAT(got.call, SucceedsWith(length));
    EXPECT_EQ(got.text, sent);
  }
  // Several in a row are neither merged nor split.
  for (std::size_t length : {3, 0, 300, 1}) {
    const std::string sent = Pattern(length, 5);
    EXPECT_THAT(SendBy(row.way, q, sent.data(), sent.size()), SucceedsWith(0));
  }
  for (std::size_t length : {3, 0, 300, 1}) EXPECT_EQ(ReceiveOne(q).text, Pattern(length, 5));
  EXPECT_EQ(CountOf(q), 0);
}

// Kernels keep long messages in pieces (Linux: pages less a header).
IPC_TEST(MqSend, PreservesMessagesAroundThePageSize, clause::mq_send::content_bytes_preserved) {
  const std::size_t page = PageSize();
  const UniqueName name = UniqueName::Mq();
  mq_attr attr = Sized(1, 8192);
  const CallResult opened = Patiently(
      [&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
  const Mqd q(opened);
  if (!opened.ok())
    Unsupported("messages of 8192 bytes are beyond a limit here: " + Describe(opened));
  for (std::size_t base : {std::size_t{4096}, page, page - 48, page - 32, std::size_t{8191}}) {
    for (std::size_t length = base - 2; length <= base + 1 && length <= 8192; ++length) {
      const std::string sent = Pattern(length, static_cast<unsigned>(length % 97));
      EXPECT_THAT(CALL(mq_send(q, sent.data(), sent.size(), 0)), SucceedsWith(0));
      EXPECT_TRUE(ReceiveOne(q).text == sent) << "a message of " << length << " bytes was changed";
    }
  }
}

IPC_TEST(MqSend, CopiesTheMessage, clause::mq_send::content_copied_at_send) {
  Queue q;
  auto buffer = std::make_unique<char[]>(32);
  std::memset(buffer.get(), 'a', 32);
  EXPECT_THAT(CALL(mq_send(q, buffer.get(), 32, 0)), SucceedsWith(0));
  std::memset(buffer.get(), 'b', 32);
  EXPECT_THAT(CALL(mq_send(q, buffer.get(), 32, 0)), SucceedsWith(0));
  std::memset(buffer.get(), 'c', 32);
  buffer.reset();
  EXPECT_EQ(ReceiveOne(q).text, std::string(32, 'a'));
  EXPECT_EQ(ReceiveOne(q).text, std::string(32, 'b'));
}

IPC_TEST(MqSend, AcceptsAnEmptyMessage, clause::mq_send::len_zero_accepted) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 5));
  EXPECT_THAT(CALL(mq_send(q, "", 0, 3)), SucceedsWith(0));
  EXPECT_THAT(signal.Await(), CarriesValue(5));
  EXPECT_EQ(CountOf(q), 1);
  const Receipt got = ReceiveOne(q);
  EXPECT_THAT(got.call, SucceedsWith(0));
  EXPECT_EQ(got.priority, 3u);
  EXPECT_EQ(CountOf(q), 0);
  Put(q, "before", 2), Put(q, "", 2), Put(q, "after", 2), Put(q, "", 4);
  EXPECT_EQ(Drain(q), (Messages{{"", 4}, {"before", 2}, {"", 2}, {"after", 2}}));
}

IPC_TEST(MqSend, AcceptsTheWholeRangeOfPriorities, clause::mq_send::prio_whole_range_accepted) {
  Queue q;
  const unsigned count = PriorityCount();
  std::vector<unsigned> priorities{0, 1, 2, 15, 30, 31, count / 2, count - 2, count - 1};
  std::uint64_t random = TestSeed();
  for (int i = 0; i < 50; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    priorities.push_back(static_cast<unsigned>((random >> 33) % count));
  }
  for (unsigned priority : priorities) {
    ASSERT_THAT(CALL(mq_send(q, "p", 1, priority)), SucceedsWith(0)) << "priority " << priority;
    ASSERT_EQ(ReceiveOne(q).priority, priority);
  }
}

IPC_TEST(MqSend, BlocksOnAFullQueueUntilThereIsRoom, clause::mq_send::full_blocks_until_space,
         regression::rtthread_send_does_not_block) {
  for (long maxmsg : {1L, 3L}) {
    Queue q(maxmsg);
    Messages expected = Fill(q);
    Sender waiting(q, "late");
    EXPECT_THAT(waiting.call(), Blocks());
    EXPECT_EQ(CountOf(q), maxmsg);
    EXPECT_THAT(waiting.call(), StaysBlocked());
    EXPECT_EQ(ReceiveOne(q).text, expected.front().text);
    EXPECT_THAT(waiting.call().result(), SucceedsWith(0));
    expected.erase(expected.begin());
    expected.push_back({"late", 0});
    EXPECT_EQ(Drain(q), expected);
  }
}

const WayRow kEagain[] = {
    {"FailsWithEagainWhenFullAndNonblocking", {clause::mq_send::full_eagain}, Way::kPlain},
    {"TimedFailsWithEagainWhenFullAndNonblocking",
     {clause::mq_timedsend::basic_like_mq_send},
     Way::kTimed},
};
IPC_TABLE_TEST(MqSendFull, WayRow, kEagain) {
  for (long maxmsg : {1L, 4L}) {
    Queue q(maxmsg);
    const Messages before = Fill(q);
    const Mqd nonblocking(q.OpenAgain(O_WRONLY | O_NONBLOCK));
    EXPECT_THAT(SendBy(row.way, nonblocking, "same", 4, 0), Fails(EAGAIN));
    EXPECT_THAT(SendBy(row.way, nonblocking, "urgent", 6, 5), Fails(EAGAIN));
    EXPECT_EQ(Drain(q), before);
  }
}

const WayRow kTooLong[] = {
    {"FailsWithEmsgsizeBeyondMsgsize", {clause::mq_send::error_emsgsize}, Way::kPlain},
    {"TimedFailsWithEmsgsizeBeyondMsgsize",
     {clause::mq_timedsend::basic_like_mq_send},
     Way::kTimed},
};
IPC_TABLE_TEST(MqSendSize, WayRow, kTooLong) {
  Queue q(4, 16);
  Put(q, "kept");
  const std::string big(1000, 'b');
  for (std::size_t length : {17, 18, 1000})
    EXPECT_THAT(SendBy(row.way, q, big.data(), length), Fails(EMSGSIZE)) << length;
  EXPECT_THAT(SendBy(row.way, q, big.data(), 16), SucceedsWith(0))
      << "exactly mq_msgsize is not too long";
  EXPECT_EQ(Drain(q), (Messages{{"kept", 0}, {std::string(16, 'b'), 0}}));
}

IPC_TEST(MqSend, FailsWithEmsgsizeForALengthOfSizeMax, clause::mq_send::error_emsgsize) {
  Queue q(4, 16);
  std::size_t length = SIZE_MAX;
  const char byte = 'x';
  EXPECT_THAT(CALL(mq_send(q, &byte, length, 0)), Fails(EMSGSIZE));
  EXPECT_EQ(CountOf(q), 0);
}

const WayRow kTooLongFull[] = {
    {"FailsWithEmsgsizeInsteadOfWaiting",
     {clause::mq_send::error_emsgsize_on_full_queue},
     Way::kPlain},
    {"TimedFailsWithEmsgsizeInsteadOfWaiting",
     {clause::mq_timedsend::basic_like_mq_send},
     Way::kTimed},
};
IPC_TABLE_TEST(MqSendSizeFull, WayRow, kTooLongFull) {
  Queue q(2, 16);
  const Messages before = Fill(q);
  const mqd_t mqd = q.get();
  Peer sender;
  EXPECT_THAT(sender.start([=] { return SendBy(row.way, mqd, "seventeen bytes!!", 17); }).result(),
              Fails(EMSGSIZE));
  EXPECT_EQ(Drain(q), before);
}

const WayRow kPriority[] = {
    {"FailsWithEinvalForAPriorityBeyondTheRange",
     {clause::mq_send::error_einval_priority},
     Way::kPlain},
    {"TimedFailsWithEinvalForAPriorityBeyondTheRange",
     {clause::mq_timedsend::basic_like_mq_send},
     Way::kTimed},
};
IPC_TABLE_TEST(MqSendPriority, WayRow, kPriority) {
  const long count = sysconf(_SC_MQ_PRIO_MAX);
  if (count <= 0 || static_cast<unsigned long>(count) > UINT_MAX)
    Unsupported("every priority is in range: no {MQ_PRIO_MAX} here");
  const unsigned limit = static_cast<unsigned>(count);
  Queue q(2);
  for (unsigned priority : {limit, limit + 1, UINT_MAX}) {
    EXPECT_THAT(SendBy(row.way, q, "x", 1, priority), Fails(EINVAL)) << priority;
  }
  EXPECT_EQ(CountOf(q), 0);
  // The priority is no reason to wait either.
  const Messages before = Fill(q);
  const mqd_t mqd = q.get();
  Peer sender;
  EXPECT_THAT(sender.start([=] { return SendBy(row.way, mqd, "x", 1, limit); }).result(),
              Fails(EINVAL));
  EXPECT_EQ(Drain(q), before);
}

IPC_TEST(MqSend, FailuresQueueNothing, clause::mq_send::error_failure_queues_nothing) {
  Queue q(3, 16);
  const Mqd nonblocking(q.OpenAgain(O_WRONLY | O_NONBLOCK)), reader(q.OpenAgain(O_RDONLY));
  Put(q, "a", 3), Put(q, "b", 1);
  EXPECT_EQ(CALL(mq_send(nonblocking, "seventeen bytes!!", 17, 9)).value, -1);
  EXPECT_EQ(CALL(mq_send(reader, "x", 1, 9)).value, -1);
  const long limit = sysconf(_SC_MQ_PRIO_MAX);
  if (limit > 0) {
    EXPECT_EQ(CALL(mq_send(nonblocking, "x", 1, static_cast<unsigned>(limit))).value, -1);
  }
  EXPECT_EQ(CountOf(q), 2);
  Put(q, "c", 2);
  EXPECT_EQ(CALL(mq_send(nonblocking, "x", 1, 9)).value, -1);
  EXPECT_EQ(Drain(q), (Messages{{"a", 3}, {"c", 2}, {"b", 1}}));
  NoteChecks();
}

const WayRow kReadOnly[] = {
    {"FailsWithEbadfThroughAReadOnlyDescriptor",
     {clause::mq_send::error_ebadf, regression::freebsd_compat32_access_swapped},
     Way::kPlain},
    {"TimedFailsWithEbadfThroughAReadOnlyDescriptor",
     {clause::mq_timedsend::basic_like_mq_send},
     Way::kTimed},
};
IPC_TABLE_TEST(MqSendAccess, WayRow, kReadOnly) {
  Queue q(2);
  const Mqd reader(q.OpenAgain(O_RDONLY));
  EXPECT_THAT(SendBy(row.way, reader, "x", 1), Fails(EBADF)) << "on an empty queue";
  EXPECT_EQ(CountOf(q), 0);
  const Messages before = Fill(q);
  const mqd_t mqd = reader.get();
  Peer sender;
  EXPECT_THAT(sender.start([=] { return SendBy(row.way, mqd, "x", 1); }).result(), Fails(EBADF))
      << "on a full queue";
  EXPECT_EQ(Drain(q), before);
}

const WayRow kNoDescriptor[] = {
    {"FailsWithEbadfForNoDescriptor",
     {clause::mq_send::error_ebadf, regression::freebsd_invalid_descriptor_crash},
     Way::kPlain},
    {"TimedFailsWithEbadfForNoDescriptor", {clause::mq_timedsend::basic_like_mq_send}, Way::kTimed},
};
IPC_TABLE_TEST(MqSendDescriptor, WayRow, kNoDescriptor) {
  Peer child;
  EXPECT_THAT(child.start([&] { return SendBy(row.way, kNoQueue, "x", 1); }).result(), Fails(EBADF))
      << "(mqd_t)-1";
  if constexpr (std::is_integral_v<mqd_t>) {
    Pipe pipe;
    const int end = pipe.wr();
    Peer unused, other;
    EXPECT_THAT(unused.start([&] { return SendBy(row.way, (mqd_t)4000, "x", 1); }).result(),
                Fails(EBADF))
        << "an unused number";
    EXPECT_THAT(other.start([&] { return SendBy(row.way, (mqd_t)end, "x", 1); }).result(),
                Fails(EBADF))
        << "a pipe's write end";
    EXPECT_EQ(DrainPipe(pipe.rd()), "");
  }
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
