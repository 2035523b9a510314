// open() of a FIFO that waits for the other side, and what ends the wait.
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

// Both sides of one rule: who waits, and for whom.
struct WaitCase {
  const char* name;
  Side waits;
  bool thread;  // the waiting opener is a thread of this process instead of another process
  Claims claims = {waits.waits_clause()};
};
const WaitCase kWaits[] = {
    {"ReaderProcess", kReading, false},
    {"ReaderThread", kReading, true},
    {"WriterProcess", kWriting, false},
    {"WriterThread", kWriting, true},
};

// The waiting opener opens and, being asked, closes.
template <typename P>
void WaitsForTheOtherSide(const Side& side) {
  FifoNode fifo;
  P peer([&](PeerBase::Self& self) {
    Fd own;
    self.step([&] { return Kept(CALL(open(fifo.path(), side.flags | O_CLOEXEC)), own); });
    self.step([&] { return CALL(close(own.release())); });
  });
  const Call call = peer.next();
  EXPECT_THAT(call, Blocks());
  // The same side does not help: a non-blocking reader is no writer for a reader, and so on.
  Fd same;
  if (side.flags == O_RDONLY) {
    same.reset(Setup(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC))).fd());
    EXPECT_THAT(call, StaysBlocked());
    same.reset();
  }
  const CallResult other = CALL(open(fifo.path(), side.other_flags() | O_CLOEXEC));
  EXPECT_THAT(other, Succeeds());
  const Fd owner(other.ok() ? other.fd() : -1);
  EXPECT_THAT(call.result(), Succeeds());
  EXPECT_THAT(peer.next().result(), SucceedsWith(0));
}
IPC_TABLE_TEST(FifoOpenWaits, WaitCase, kWaits) {
  row.thread ? WaitsForTheOtherSide<ThreadPeer>(row.waits) : WaitsForTheOtherSide<Peer>(row.waits);
}

IPC_TEST(FifoOpenWaits, NonblockingReaderEndsTheWaitOfAWriter,
         clause::fifo::open_wronly_waits_for_reader) {
  FifoNode fifo;
  Peer writer;
  const Call call = writer.start([&] { return CALL(open(fifo.path(), O_WRONLY)); });
  EXPECT_THAT(call, Blocks());
  const Fd reader(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  EXPECT_THAT(call.result(), Succeeds());
}

IPC_TEST(FifoOpenWaits, AnotherWaitingWriterDoesNotEndTheWait,
         clause::fifo::open_wronly_waits_for_reader) {
  FifoNode fifo;
  Peer first, second;
  const Call one = first.start([&] { return CALL(open(fifo.path(), O_WRONLY)); });
  EXPECT_THAT(one, Blocks());
  const Call two = second.start([&] { return CALL(open(fifo.path(), O_WRONLY)); });
  EXPECT_THAT(two, Blocks());
  EXPECT_THAT(one, StaysBlocked());
  const Fd reader(CALL(open(fifo.path(), O_RDONLY | O_CLOEXEC)));
  EXPECT_THAT(one.result(), Succeeds());
  EXPECT_THAT(two.result(), Succeeds());
}

IPC_TEST(FifoOpenWaits, OpenerOfAnotherFifoDoesNotEndTheWait,
         clause::fifo::open_rdonly_waits_for_writer) {
  FifoNode fifo, other;
  const Fd other_reader(CALL(open(other.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  Peer reader;
  const Call call = reader.start([&] { return CALL(open(fifo.path(), O_RDONLY)); });
  EXPECT_THAT(call, Blocks());
  const Fd other_writer(CALL(open(other.path(), O_WRONLY | O_CLOEXEC)));
  EXPECT_THAT(call, StaysBlocked());
  const Fd writer(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
  EXPECT_THAT(call.result(), Succeeds());
}

// What was written before the reader's open returned is not lost: the two opens meet.
IPC_TEST(FifoOpenWaits, DataWrittenRightAfterTheOpenArrives,
         clause::fifo::open_rdonly_waits_for_writer) {
  FifoNode fifo;
  SharedBuffer buffer(8);
  Peer reader([&](Peer::Self& self) {
    Fd own;
    self.step([&] { return Kept(CALL(open(fifo.path(), O_RDONLY | O_CLOEXEC)), own); });
    self.step([&] { return CALL(read(own, buffer.data(), buffer.size())); });
  });
  const Call opens = reader.next();
  EXPECT_THAT(opens, Blocks());
  {
    const Fd writer(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
    EXPECT_THAT(CALL(write(writer, "early", 5)), SucceedsWith(5));
    EXPECT_THAT(opens.result(), Succeeds());
  }
  EXPECT_THAT(reader.next().result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "early");
}

IPC_TEST(FifoOpen, DoesNotWaitWhenTheOtherSideIsOpen, clause::fifo::open_peer_present) {
  FifoNode fifo;
  const Fd first(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  const CallResult writer = CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC));
  EXPECT_THAT(writer, Succeeds());
  const Fd wr(writer.fd());
  const CallResult reader = CALL(open(fifo.path(), O_RDONLY | O_CLOEXEC));
  EXPECT_THAT(reader, Succeeds());
  const Fd rd(reader.fd());
  const CallResult second = CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC));
  EXPECT_THAT(second, Succeeds());
  const Fd wr2(second.fd());
}

struct ReleaseCase {
  const char* name;
  Side waits;
  Claims claims = {clause::fifo::open_all_waiters_released};
};
const ReleaseCase kReleases[] = {{"AllReaders", kReading}, {"AllWriters", kWriting}};
IPC_TABLE_TEST(FifoOpenReleases, ReleaseCase, kReleases) {
  FifoNode fifo;
  constexpr int kOpeners = 4;
  std::vector<Peer> peers(kOpeners);
  std::vector<ThreadPeer> threads(kOpeners);
  std::vector<Call> calls;
  for (Peer& peer : peers)
    calls.push_back(peer.start([&] { return CALL(open(fifo.path(), row.waits.flags)); }));
  for (ThreadPeer& thread : threads) {
    calls.push_back(
        thread.start([&] { return CALL(open(fifo.path(), row.waits.flags | O_CLOEXEC)); }));
  }
  for (const Call& call : calls) EXPECT_THAT(call, Blocks());
  const Fd other(CALL(open(fifo.path(), row.waits.other_flags() | O_CLOEXEC)));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const CallResult result = calls[i].result();
    EXPECT_THAT(result, Succeeds()) << "opener " << i;
    if (i >= peers.size() && result.ok()) close(result.fd());
  }
}

struct FleetingCase {
  const char* name;
  Side waits;
  bool dies;  // the peer ends without closing
  Claims claims = {clause::fifo::open_fleeting_peer};
};
const FleetingCase kFleeting[] = {
    {"WriterMeetsReaderThatCloses", kWriting, false},
    {"WriterMeetsReaderThatExits", kWriting, true},
    {"ReaderMeetsWriterThatCloses", kReading, false},
    {"ReaderMeetsWriterThatExits", kReading, true},
};
// The other side opens and is gone at once. A writer opens without O_NONBLOCK, in a peer: whether a
// waiting reader counts as a reader is open for O_NONBLOCK.
IPC_TABLE_TEST(FifoOpenFleeting, FleetingCase, kFleeting) {
  FifoNode fifo;
  const int flags = row.waits.flags == O_WRONLY ? O_RDONLY | O_NONBLOCK : O_WRONLY;
  Peer waits;
  const Call call = waits.start([&] {
    // On one CPU it runs when the other is gone.
    [[maybe_unused]] const int lowered = nice(19);
    return CALL(open(fifo.path(), row.waits.flags));
  });
  const bool shown = call.probe().what == Blocking::kShown;
  EXPECT_THAT(call, Blocks());
  // Once is enough for an opener that waits; in many attempts one that is forgotten may meet a peer
  // by chance. One that is seen asleep, but not where, may sleep for another reason: ten looks.
  const bool asleep = CurrentRun()->probe_mode == static_cast<std::uint32_t>(ProbeMode::kStat);
  for (int look = 0; asleep && look < 10; ++look) EXPECT_THAT(call, Blocks());
  const int most = shown || asleep ? 1 : 200;
  for (int i = 0; i < most && (i == 0 || !call.returned()); ++i) {
    Peer fleeting;
    const Call opened = fleeting.start([&] {
      const CallResult result = CALL(open(fifo.path(), flags | O_CLOEXEC));
      if (result.ok() && !row.dies) close(result.fd());
      return result;
    });
    EXPECT_THAT(opened.result(), Succeeds());
  }
  EXPECT_THAT(call.result(), Succeeds());
}

IPC_TEST(FifoOpen, NonblockingWriterMeetsWaitingReader,
         clause::fifo::open_nonblock_writer_meets_blocked_reader) {
  FifoNode fifo;
  Peer reader;
  const Call call = reader.start([&] { return CALL(open(fifo.path(), O_RDONLY)); });
  EXPECT_THAT(call, Blocks());
  const CallResult writer = CALL(open(fifo.path(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_THAT(writer, SucceedsOrFailsWith(ENXIO));
  Observe(clause::fifo::open_nonblock_writer_meets_blocked_reader,
          "nonblocking_writer_while_a_reader_waits_in_open", writer);
  Fd own(writer.ok() ? writer.fd() : -1);
  if (!writer.ok()) own.reset(Setup(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC))).fd());
  EXPECT_THAT(call.result(), Succeeds());
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
