// Data in a FIFO: what holds for pipes holds for it, and what only a FIFO can show: end-of-file and
// EPIPE that end when somebody opens it again, writers that opened it separately, data after the
// last close.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/pipe_buf.h"
#include "harness/test/test.h"
#include "spec/clauses/fifo.h"
#include "spec/clauses/pipe_io.h"
#include "suites/fifo/sides.h"

namespace ipcsuite::fifo_suite {
namespace {

// Both ends of something, each closed at will.
struct Ends {
  Fd rd, wr;
};

Ends OpenBoth(const char* path) {
  Ends ends;
  ends.rd = Fd(CALL(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  ends.wr = Fd(CALL(open(path, O_WRONLY | O_CLOEXEC)));
  return ends;
}

// A step's outcome as one number: the value, or minus the error.
std::int64_t Number(const CallResult& result) {
  return result.failed ? -result.error : result.value;
}

struct SameCase {
  const char* name;
  // Performs the same steps on either; O_NONBLOCK is set on both ends, SIGPIPE is ignored.
  std::vector<std::int64_t> (*steps)(Ends& ends);
  std::vector<std::int64_t> expected;
  bool of_pipes_too = true;  // false: a pipe may do otherwise
  Claims claims = {clause::fifo::io_same_as_pipe};
};

char g_buffer[16];

// {PIPE_BUF} bytes for this object.
std::string AtomicBytes(int wr) { return std::string(PipeBufOf(wr), 'A'); }

// Leaves less than {PIPE_BUF} bytes of room, as far as one can know, then asks for so many: all go
// or none. (How much room a byte that is read makes is the system's choice.)
std::vector<std::int64_t> WriteAtomicallyWithoutRoom(Ends& e) {
  const std::size_t full = FillPipe(e.wr);
  const std::int64_t one = Number(CALL(read(e.rd, g_buffer, 1)));
  const std::string data = AtomicBytes(e.wr);
  const CallResult wrote = CALL(write(e.wr, data.data(), data.size()));
  const bool all = wrote.ok() && wrote.value == static_cast<std::int64_t>(data.size());
  const std::size_t left = DrainPipe(e.rd).size();
  return {one, all || wrote.failed_with(EAGAIN), left == full - 1 + (all ? data.size() : 0)};
}

const SameCase kSame[] = {
    {"IsOfTypeFifo",
     [](Ends& e) {
       struct stat rd {
       }, wr{};
       fstat(e.rd, &rd);
       fstat(e.wr, &wr);
       return std::vector<std::int64_t>{S_ISFIFO(rd.st_mode), S_ISFIFO(wr.st_mode)};
     },
     {1, 1}},
    {"EmptyReadAgain",
     [](Ends& e) { return std::vector{Number(CALL(read(e.rd, g_buffer, 8)))}; },
     {-EAGAIN}},
    {"BytesInOrder",
     [](Ends& e) {
       std::vector<std::int64_t> all{Number(CALL(write(e.wr, "ab", 2))),
                                     Number(CALL(write(e.wr, "cde", 3))),
                                     Number(CALL(read(e.rd, g_buffer, 4)))};
       all.insert(all.end(), {g_buffer[0], g_buffer[1], g_buffer[2], g_buffer[3]});
       all.push_back(Number(CALL(read(e.rd, g_buffer, 4))));
       all.push_back(g_buffer[0]);
       return all;
     },
     {2, 3, 4, 'a', 'b', 'c', 'd', 1, 'e'}},
    {"EndOfFileAfterData",
     [](Ends& e) {
       std::vector<std::int64_t> all{Number(CALL(write(e.wr, "ab", 2)))};
       e.wr.reset();
       for (int i = 0; i < 3; ++i) all.push_back(Number(CALL(read(e.rd, g_buffer, 8))));
       return all;
     },
     {2, 2, 0, 0}},
    {"BrokenPipe",
     [](Ends& e) {
       e.rd.reset();
       return std::vector{Number(CALL(write(e.wr, "a", 1))), Number(CALL(write(e.wr, "a", 1)))};
     },
     {-EPIPE, -EPIPE}},
    {"FullWriteAgain",
     [](Ends& e) {
       FillPipe(e.wr, 1);
       const std::string data = AtomicBytes(e.wr);
       return std::vector{Number(CALL(write(e.wr, "a", 1))),
                          Number(CALL(write(e.wr, data.data(), data.size())))};
     },
     {-EAGAIN, -EAGAIN}},
    {"AtomicWriteWithoutRoom", WriteAtomicallyWithoutRoom, {1, true, true}},
    {"NoSeek",
     [](Ends& e) {
       return std::vector{
           Number(CALL(lseek(e.rd, 0, SEEK_CUR))), Number(CALL(lseek(e.wr, 0, SEEK_SET))),
           Number(CALL(pread(e.rd, g_buffer, 1, 0))), Number(CALL(pwrite(e.wr, g_buffer, 1, 0)))};
     },
     {-ESPIPE, -ESPIPE, -ESPIPE, -ESPIPE}},
    {"OneWay",
     [](Ends& e) {
       return std::vector{Number(CALL(write(e.rd, "a", 1))), Number(CALL(read(e.wr, g_buffer, 1)))};
     },
     {-EBADF, -EBADF},
     false},  // an end of pipe() may be open for both (pipe.create.direction)
    {"WholeCapacityIsReadBack",
     [](Ends& e) {
       const std::size_t full = FillPipe(e.wr);
       const std::string got = DrainPipe(e.rd);
       bool equal = got.size() == full;
       for (std::size_t i = 0; i < got.size(); ++i)
         equal = equal && got[i] == static_cast<char>(i % 251);
       return std::vector<std::int64_t>{full >= PipeBufOf(e.wr), equal};
     },
     {1, 1}},
};
IPC_TABLE_TEST(FifoIsAPipe, SameCase, kSame) {
  ScopedSignal ignore(SIGPIPE, SIG_IGN);
  FifoNode node;
  Ends fifo = OpenBoth(node.path());
  SetNonblocking(fifo.wr, true);
  Pipe pipe(PipeKind::kPipe, O_NONBLOCK);
  Ends both{std::move(pipe.rd_fd()), std::move(pipe.wr_fd())};
  NoteChecks();
  EXPECT_EQ(row.steps(fifo), row.expected);
  if (row.of_pipes_too) {
    EXPECT_EQ(row.steps(both), row.expected) << "of a pipe";
  }
}

IPC_TEST(FifoIo, NewWriterEndsEndOfFile, clause::fifo::io_eof_not_sticky) {
  FifoNode fifo;
  const Fd rd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  char byte = 0;
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(0));
    const Fd wr(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
    EXPECT_THAT(CALL(read(rd, &byte, 1)), Fails(EAGAIN));
    EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
    EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(1));
  }
  EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(0));
}

// No process has it open for writing, and none ever had: that is end-of-file, with O_NONBLOCK and
// without.
IPC_TEST(FifoIo, ReaderThatNeverHadAWriterReadsEndOfFile, clause::pipe::read_eof_no_writer,
         clause::fifo::io_same_as_pipe) {
  FifoNode fifo;
  const Fd rd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  SharedBuffer byte(1);
  for (const bool nonblocking : {true, false}) {
    SetNonblocking(rd, nonblocking);
    for (int i = 0; i < 2; ++i) {
      ThreadPeer reader;  // a read that waits is a finding, not the end of the test
      EXPECT_THAT(reader.start([&] { return CALL(read(rd, byte.data(), 1)); }).result(),
                  SucceedsWith(0))
          << (nonblocking ? "with O_NONBLOCK" : "without O_NONBLOCK");
    }
  }
  NoteChecksOf(clause::fifo::io_same_as_pipe);
}

IPC_TEST(FifoIo, BlockingReadWaitsAgainForANewWriter, clause::fifo::io_eof_not_sticky) {
  FifoNode fifo;
  Ends first = OpenBoth(fifo.path());
  SetNonblocking(first.rd, false);
  SharedBuffer buffer(1);
  first.wr.reset();
  EXPECT_THAT(CALL(read(first.rd, buffer.data(), 1)), SucceedsWith(0));
  Fd wr(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
  ThreadPeer reader;
  const Call call = reader.start([&] { return CALL(read(first.rd, buffer.data(), 1)); });
  EXPECT_THAT(call, BlocksOn(first.rd.get()));
  EXPECT_THAT(CALL(write(wr, "x", 1)), SucceedsWith(1));
  EXPECT_THAT(call.result(), SucceedsWith(1));
  ThreadPeer again;
  const Call end = again.start([&] { return CALL(read(first.rd, buffer.data(), 1)); });
  EXPECT_THAT(end, BlocksOn(first.rd.get()));
  wr.reset();
  EXPECT_THAT(end.result(), SucceedsWith(0));
}

IPC_TEST(FifoIo, NewReaderEndsEpipe, clause::fifo::io_epipe_not_sticky) {
  ScopedSignal ignore(SIGPIPE, SIG_IGN);
  FifoNode fifo;
  Ends first = OpenBoth(fifo.path());
  for (int round = 0; round < 2; ++round) {
    first.rd.reset();
    EXPECT_THAT(CALL(write(first.wr, "x", 1)), Fails(EPIPE));
    first.rd = Fd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
    EXPECT_THAT(CALL(write(first.wr, "y", 1)), SucceedsWith(1));
    char byte = 0;
    EXPECT_THAT(CALL(read(first.rd, &byte, 1)), SucceedsWith(1));
    EXPECT_EQ(byte, 'y');
  }
}

IPC_TEST(FifoIo, EndOfFileOnlyWhenAllWritersHaveClosed, clause::fifo::io_eof_after_all_writers) {
  FifoNode fifo;
  const Fd rd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  const auto script = [&](Peer::Self& self) {
    Fd own;
    self.step([&] { return Kept(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)), own); });
    self.step([&] { return CALL(close(own.release())); });
    self.step([&] { return CALL(getpid()); });  // never released: the close is what counts
  };
  Peer one(script), two(script), three(script);
  Peer* const writers[] = {&one, &two, &three};
  for (Peer* writer : writers) EXPECT_THAT(writer->next().result(), Succeeds());
  char byte;
  for (Peer* writer : writers) {
    EXPECT_THAT(CALL(read(rd, &byte, 1)), Fails(EAGAIN));
    EXPECT_THAT(writer->next().result(), SucceedsWith(0));
  }
  EXPECT_THAT(CALL(read(rd, &byte, 1)), SucceedsWith(0));
}

IPC_TEST(FifoIo, ABlockedReaderWaitsForTheLastOfTheWritersToClose,
         clause::fifo::io_eof_after_all_writers) {
  FifoNode fifo;
  // It opens the FIFO itself, before there are writers: it holds none of their descriptors.
  Peer reader([&](Peer::Self& self) {
    Fd own;
    self.step([&] { return Kept(CALL(open(fifo.path(), O_RDONLY | O_CLOEXEC)), own); });
    char byte;
    self.step([&] { return CALL(read(own, &byte, 1)); });
  });
  Call opening = reader.next();
  Fd one(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
  EXPECT_THAT(opening.result(), Succeeds());
  Fd two(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));
  Call call = reader.next();
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(CALL(close(one.release())), SucceedsWith(0));
  EXPECT_THAT(call, StaysBlocked());
  EXPECT_THAT(CALL(close(two.release())), SucceedsWith(0));
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

IPC_TEST(FifoIo, DeathOfTheLastWriterIsEndOfFile, clause::fifo::io_eof_after_all_writers) {
  FifoNode fifo;
  const Fd rd(CALL(open(fifo.path(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)));
  SetNonblocking(rd, false);
  Peer writer([&](Peer::Self& self) {
    self.step([&] { return CALL(open(fifo.path(), O_WRONLY)); });
    self.step([&] { return CALL(getpid()); });
  });
  EXPECT_THAT(writer.next().result(), Succeeds());
  ThreadPeer reader;
  char byte;
  const Call call = reader.start([&] { return CALL(read(rd, &byte, 1)); });
  EXPECT_THAT(call, BlocksOn(rd.get()));
  writer.Kill();
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

struct DiscardCase {
  const char* name;
  bool reader_last;
  bool full;
  Claims claims = {clause::fifo::io_discard_on_last_close};
};
const DiscardCase kDiscards[] = {
    {"ReaderClosesLast", true, false},
    {"WriterClosesLast", false, false},
    {"FullAndReaderClosesLast", true, true},
    {"FullAndWriterClosesLast", false, true},
};
IPC_TABLE_TEST(FifoDiscards, DiscardCase, kDiscards) {
  FifoNode fifo;
  Ends first = OpenBoth(fifo.path());
  if (row.full) {
    FillPipe(first.wr);
  } else {
    EXPECT_THAT(CALL(write(first.wr, "stale", 5)), SucceedsWith(5));
  }
  (row.reader_last ? first.wr : first.rd).reset();
  (row.reader_last ? first.rd : first.wr).reset();
  Ends second = OpenBoth(fifo.path());
  char buffer[8] = {};
  EXPECT_THAT(CALL(read(second.rd, buffer, sizeof buffer)), Fails(EAGAIN));
  EXPECT_THAT(CALL(write(second.wr, "new", 3)), SucceedsWith(3));
  EXPECT_THAT(CALL(read(second.rd, buffer, sizeof buffer)), SucceedsWith(3));
  EXPECT_STREQ(buffer, "new");
}

IPC_TEST(FifoIo, DataMayOutliveAGapOfReaders, clause::fifo::io_reader_gap) {
  FifoNode fifo;
  Ends first = OpenBoth(fifo.path());
  ASSERT_THAT(CALL(write(first.wr, "gap", 3)), SucceedsWith(3));
  first.rd.reset();
  first.rd = Fd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  char buffer[8] = {};
  const CallResult got = CALL(read(first.rd, buffer, sizeof buffer));
  EXPECT_THAT(got, SucceedsOrFailsWith(EAGAIN));
  if (got.ok()) {
    EXPECT_STREQ(buffer, "gap");
  }
  Observe(clause::fifo::io_reader_gap, "data_after_last_reader_closed",
          std::string_view(got.ok() ? "kept" : "discarded"));
}

// Several processes write records of at most PIPE_BUF through opens of their own: none is torn.
IPC_TEST(FifoIo, RecordsOfSeparateWritersAreNotMixed, clause::fifo::io_same_as_pipe) {
  constexpr int kWriters = 3, kRecords = 40;
  constexpr std::size_t kSize = _POSIX_PIPE_BUF;  // {PIPE_BUF} is not less anywhere
  FifoNode fifo;
  const Fd rd(CALL(open(fifo.path(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  SetNonblocking(rd, false);
  std::vector<Peer> writers(kWriters);
  std::vector<Call> calls;
  const Fd hold(CALL(open(fifo.path(), O_WRONLY | O_CLOEXEC)));  // no end-of-file in between
  for (int w = 0; w < kWriters; ++w) {
    calls.push_back(writers[static_cast<std::size_t>(w)].start([&fifo, w] {
      const int own = open(fifo.path(), O_WRONLY | O_CLOEXEC);
      const std::string record(kSize, static_cast<char>('A' + w));
      CallResult last;
      for (int i = 0; i < kRecords; ++i) {
        last = CALL(write(own, record.data(), record.size()));
        if (!last.ok() || last.value != static_cast<std::int64_t>(record.size())) break;
      }
      return last;
    }));
  }
  int count[kWriters] = {};
  std::string got;
  for (std::size_t total = 0; total < kWriters * kRecords * kSize;) {
    char piece[4096];
    const CallResult result = CALL(read(rd, piece, sizeof piece));
    ASSERT_THAT(result, Succeeds());
    ASSERT_GT(result.value, 0);
    got.append(piece, static_cast<std::size_t>(result.value));
    total += static_cast<std::size_t>(result.value);
  }
  for (std::size_t at = 0; at < got.size(); at += kSize) {
    ASSERT_EQ(got.substr(at, kSize), std::string(kSize, got[at]))
        << "a record was torn at byte " << at;
    ++count[got[at] - 'A'];
  }
  for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(kSize));
  for (const int records : count) EXPECT_EQ(records, kRecords);
}

}  // namespace
}  // namespace ipcsuite::fifo_suite
