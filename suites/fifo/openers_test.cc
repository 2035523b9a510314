// Several openers of one FIFO: each order of arrival, waits that end by a signal beside waits that
// go on, and O_RDWR. Whoever is left must see the right counts: end-of-file and EPIPE say how many
// readers and writers there are.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

// An opener that opens, and closes when told.
struct Opener {
  Opener(const FifoNode& fifo, int flags)
      : peer([&fifo, flags](Peer::Self& self) {
          Fd own;
          self.step([&] { return Kept(CALL(open(fifo.path(), flags | O_CLOEXEC)), own); });
          self.step([&] { return CALL(close(own.release())); });
        }),
        opening(peer.next()) {}
  void Close() { EXPECT_THAT(peer.next().result(), SucceedsWith(0)); }
  Peer peer;
  Call opening;
};

// ---- every order of arrival ----

struct OrderRow {
  const char* name;
  std::string order;  // r and w, in the order in which they come
  Claims claims = {clause::fifo::open_all_waiters_released, clause::fifo::io_eof_after_all_writers};
};
const OrderRow kOrders[] = {
    {"ReaderWriter", "rw"},
    {"WriterReader", "wr"},
    {"TwoReadersWriter", "rrw"},
    {"TwoWritersReader", "wwr"},
    {"ReaderWriterTwice", "rwrw"},
    {"WriterReaderTwice", "wrwr"},
    {"ReadersBeforeWriters", "rrrrwwww"},
    {"WritersBeforeReaders", "wwwwrrrr"},
    {"Mixed", "rwwrrwrw"},
};
// Until one of each side is there, openers wait; from then on nobody does. Then the writers close
// one by one: a reader sees end-of-file after the last, and not before.
IPC_TABLE_TEST(FifoOpenOrder, OrderRow, kOrders) {
  const FifoNode fifo;
  std::vector<std::unique_ptr<Opener>> openers;
  const std::size_t meets = row.order.find(row.order[0] == 'r' ? 'w' : 'r');
  for (std::size_t i = 0; i < row.order.size(); ++i) {
    openers.push_back(std::make_unique<Opener>(fifo, row.order[i] == 'r' ? O_RDONLY : O_WRONLY));
    if (i < meets) {
      EXPECT_THAT(openers.back()->opening, Blocks()) << "opener " << i;
    } else if (i > meets) {
      EXPECT_THAT(openers.back()->opening.result(), Succeeds()) << "opener " << i;
    }
  }
  for (const auto& opener : openers) EXPECT_THAT(opener->opening.result(), Succeeds());
  const ForClause scope(clause::fifo::io_eof_after_all_writers);
  const Fd reader(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  char byte;
  for (std::size_t i = 0; i < row.order.size(); ++i) {
    if (row.order[i] == 'r') continue;
    EXPECT_THAT(CALL(read(reader, &byte, 1)), Fails(EAGAIN)) << "before writer " << i << " closed";
    openers[i]->Close();
  }
  EXPECT_THAT(CALL(read(reader, &byte, 1)), SucceedsWith(0));
}

// The readers close one by one: a writer gets EPIPE after the last, and not before.
IPC_TEST(FifoOpenOrder, ReadersLeaveOneByOne, clause::fifo::io_same_as_pipe) {
  const ScopedSignal ignored(SIGPIPE, SIG_IGN);
  const FifoNode fifo;
  std::vector<std::unique_ptr<Opener>> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(std::make_unique<Opener>(fifo, O_RDONLY));
    EXPECT_THAT(readers.back()->opening, Blocks());
  }
  const Fd writer(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
  for (const auto& reader : readers) EXPECT_THAT(reader->opening.result(), Succeeds());
  for (const auto& reader : readers) {
    EXPECT_THAT(CALL(write(writer, "x", 1)), SucceedsWith(1));
    reader->Close();
  }
  EXPECT_THAT(CALL(write(writer, "x", 1)), Fails(EPIPE));
}

// ---- a signal ends one wait, another goes on ----

struct SurvivorRow {
  const char* name;
  Side side;
  int interrupted;  // of three openers, in the order in which they came
  Claims claims = {clause::fifo::open_eintr, side.waits_clause()};
};
const SurvivorRow kSurvivors[] = {
    {"FirstOfThreeReaders", kReading, 0},  {"SecondOfThreeReaders", kReading, 1},
    {"LastOfThreeReaders", kReading, 2},   {"FirstOfThreeWriters", kWriting, 0},
    {"SecondOfThreeWriters", kWriting, 1}, {"LastOfThreeWriters", kWriting, 2},
};

// Checks by what the other end sees that exactly these openers are there, and closes them.
void ExpectExactly(const std::vector<Opener*>& openers, const Side& side, int other) {
  char byte;
  for (Opener* opener : openers) {
    if (side.flags == O_RDONLY) {
      EXPECT_THAT(CALL(write(other, "x", 1)), SucceedsWith(1)) << "a reader is missing";
    } else {
      EXPECT_THAT(CALL(read(other, &byte, 1)), Fails(EAGAIN)) << "a writer is missing";
    }
    opener->Close();
  }
  if (side.flags == O_RDONLY) {
    EXPECT_THAT(CALL(write(other, "x", 1)), Fails(EPIPE)) << "a reader was left behind";
  } else {
    EXPECT_THAT(CALL(read(other, &byte, 1)), SucceedsWith(0)) << "a writer was left behind";
  }
}

IPC_TABLE_TEST(FifoOpenSurvivors, SurvivorRow, kSurvivors) {
  const ScopedSignal handler(SIGUSR1, CountSignal), ignored(SIGPIPE, SIG_IGN);
  const FifoNode fifo;
  std::vector<std::unique_ptr<Opener>> openers;
  std::vector<Opener*> left;
  for (int i = 0; i < 3; ++i) {
    openers.push_back(std::make_unique<Opener>(fifo, row.side.flags));
    EXPECT_THAT(openers.back()->opening, Blocks());
    if (i != row.interrupted) left.push_back(openers.back().get());
  }
  Opener& ended = *openers[static_cast<std::size_t>(row.interrupted)];
  EXPECT_THAT(Interrupt(ended.peer, ended.opening, SIGUSR1), Fails(EINTR));
  const ForClause scope(row.side.waits_clause());
  for (Opener* opener : left) EXPECT_THAT(opener->opening, StaysBlocked());
  const Fd other(CALL(open(fifo.path(), row.side.other_flags() | O_CLOEXEC)));
  for (Opener* opener : left) EXPECT_THAT(opener->opening.result(), Succeeds());
  SetNonblocking(other, true);
  ExpectExactly(left, row.side, other);
}

// The signal and the other side come together: the opener was interrupted and is not there, or it
// has opened and is.
struct MeetingRow {
  const char* name;
  Side side;
  bool signal_first;
  bool another_waits;
  Claims claims = {clause::fifo::open_eintr};
};
const MeetingRow kMeetings[] = {
    {"ReaderSignalFirst", kReading, true, false},
    {"ReaderWriterFirst", kReading, false, false},
    {"WriterSignalFirst", kWriting, true, false},
    {"WriterReaderFirst", kWriting, false, false},
    {"ReaderSignalFirstBesideAnother", kReading, true, true},
    {"ReaderWriterFirstBesideAnother", kReading, false, true},
    {"WriterSignalFirstBesideAnother", kWriting, true, true},
    {"WriterReaderFirstBesideAnother", kWriting, false, true},
};
IPC_TABLE_TEST(FifoOpenSignalAtTheMeeting, MeetingRow, kMeetings) {
  constexpr int kRounds = 8;
  const ScopedSignal handler(SIGUSR1, CountSignal), ignored(SIGPIPE, SIG_IGN);
  int interrupted = 0;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const FifoNode fifo;
    std::unique_ptr<Opener> another;
    if (row.another_waits) {
      another = std::make_unique<Opener>(fifo, row.side.flags);
      EXPECT_THAT(another->opening, Blocks());
    }
    Opener opener(fifo, row.side.flags);
    EXPECT_THAT(opener.opening, Blocks());
    if (row.signal_first) opener.peer.Signal(SIGUSR1);
    // Without O_NONBLOCK a writer could wait for a reader that has given up.
    const CallResult met = CALL(open(fifo.path(), row.side.other_flags() | O_NONBLOCK | O_CLOEXEC));
    if (!row.signal_first) opener.peer.Signal(SIGUSR1);
    EXPECT_THAT(met, SucceedsOrFailsWith(ENXIO));
    if (!met.ok()) continue;
    const Fd own(met.fd());
    const CallResult opened = opener.opening.result();
    EXPECT_THAT(opened, SucceedsOrFailsWith(EINTR));
    interrupted += opened.failed_with(EINTR);
    std::vector<Opener*> there;
    if (another) {
      EXPECT_THAT(another->opening.result(), Succeeds());
      there.push_back(another.get());
    }
    if (opened.ok()) there.push_back(&opener);
    ExpectExactly(there, row.side, own);
  }
  Evidence(std::to_string(interrupted) + " of " + std::to_string(kRounds) + " were interrupted");
}

// ---- O_RDWR ----

struct RdwrRow {
  const char* name;
  Side side;
  Claims claims = {clause::fifo::open_rdwr_releases};
};
const RdwrRow kRdwr[] = {{"Readers", kReading}, {"Writers", kWriting}};
IPC_TABLE_TEST(FifoOpenReleasedByRdwr, RdwrRow, kRdwr) {
  const FifoNode fifo;
  std::vector<std::unique_ptr<Opener>> openers;
  for (int i = 0; i < 4; ++i) {
    openers.push_back(std::make_unique<Opener>(fifo, row.side.flags));
    EXPECT_THAT(openers.back()->opening, Blocks());
  }
  const CallResult both = CALL(open(fifo.path(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (both.failed_with(EINVAL)) Unsupported("FIFOs can't be opened with O_RDWR here");
  EXPECT_THAT(both, Succeeds());
  const Fd own(both.fd());
  for (const auto& opener : openers) EXPECT_THAT(opener->opening.result(), Succeeds());
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
