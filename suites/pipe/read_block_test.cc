// read() that has to wait: for data, for the last writer, with several readers.
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeReadBlocking);

// Keeps a pipe end open in a process of its own until it is told to close it or to end.
Peer Holder(Pipe& p, bool keep_writer) {
  return Peer([&p, keep_writer](Peer::Self& self) {
    if (keep_writer) {
      CloseAllExcept({p.wr()});
    } else {
      CloseAllExcept({p.rd()});
    }
    self.step([&] { return CALL(close(keep_writer ? p.wr_fd().release() : p.rd_fd().release())); });
    self.step([&] { return CallResult{}; });  // ends only when told
  });
}

IPC_TEST_P(PipeReadBlocking, WaitsUntilDataArrives, clause::pipe::read_blocks_until_data) {
  Pipe p = Make();
  SharedBuffer buffer(100);
  Peer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 100)); });
  EXPECT_THAT(call, Blocks());
  EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  EXPECT_THAT(call.result(), SucceedsWith(5));
  EXPECT_EQ(buffer.str(5), "hello");
}

// Two processes wake each other again and again: one lost wake-up and both wait for ever. A slow
// machine plays fewer rounds.
IPC_TEST_P(PipeReadBlocking, NoWakeUpIsLostInManyRounds, clause::pipe::read_blocks_until_data) {
  constexpr int kRounds = 300;
  Pipe there = Make(), back = Make();
  constexpr char kLast = '!';
  Peer one, other;
  Call a = one.start([&] {
    CallResult last;
    const Deadline enough(2s);
    for (int i = 1; i <= kRounds; ++i) {
      const char sent = i == kRounds || enough.passed() ? kLast : static_cast<char>('a' + i % 26);
      char got = 0;
      if (!(last = CALL(write(there.wr(), &sent, 1))).ok()) break;
      if (!(last = CALL(read(back.rd(), &got, 1))).ok() || last.value != 1) break;
      EXPECT_EQ(got, sent) << "round " << i;
      if (sent == kLast || got != sent) break;
    }
    return last;
  });
  Call b = other.start([&] {
    CallResult last;
    for (char byte = 0; byte != kLast;) {
      if (!(last = CALL(read(there.rd(), &byte, 1))).ok() || last.value != 1) break;
      if (!(last = CALL(write(back.wr(), &byte, 1))).ok()) break;
    }
    return last;
  });
  EXPECT_THAT(a.result(), SucceedsWith(1));
  EXPECT_THAT(b.result(), SucceedsWith(1));
}

IPC_TEST_P(PipeReadBlocking, BlocksTheCallingThreadOnly, clause::pipe::read_blocks_until_data) {
  Pipe p = Make(), other = Make();
  char byte = 0, same = 0;
  ThreadPeer reader;
  Call call = reader.start([&] { return CALL(read(p.rd(), &byte, 1)); });
  EXPECT_THAT(call, Blocks());
  // This thread and its other pipes are not affected.
  EXPECT_THAT(CALL(write(other.wr(), "o", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(read(other.rd(), &same, 1)), SucceedsWith(1));
  EXPECT_THAT(call, StaysBlocked());
  EXPECT_THAT(CALL(write(p.wr(), "t", 1)), SucceedsWith(1));
  EXPECT_THAT(call.result(), SucceedsWith(1));
  EXPECT_EQ(byte, 't');
}

IPC_TEST_P(PipeReadBlocking, ReturnsZeroOnlyWhenTheLastWriterHasClosed,
           clause::pipe::read_blocks_until_all_writers_close) {
  Pipe p = Make();
  SharedBuffer buffer(1);
  Peer reader;
  Call call = reader.start([&] {
    CloseAllExcept({p.rd()});
    return CALL(read(p.rd(), buffer.data(), 1));
  });
  std::vector<Peer> holders;
  for (int i = 0; i < 3; ++i) holders.push_back(Holder(p, true));
  p.CloseWr();
  EXPECT_THAT(call, Blocks());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(holders[i].next().result(), SucceedsWith(0));
    EXPECT_THAT(call, StaysBlocked()) << "after " << i + 1 << " of 3 writers closed";
  }
  EXPECT_THAT(holders[2].next().result(), SucceedsWith(0));
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

// The last writer dies instead of closing; the data before it is delivered first.
IPC_TEST_P(PipeReadBlocking, ReturnsZeroWhenTheLastWriterIsKilled,
           clause::pipe::read_blocks_until_all_writers_close, clause::exit::closes_pipe_ends) {
  Pipe p = Make();
  SharedBuffer buffer(1);
  Peer reader;
  Call call = reader.start([&] {
    CloseAllExcept({p.rd()});
    return CALL(read(p.rd(), buffer.data(), 1));
  });
  Peer holder = Holder(p, true);
  p.CloseWr();
  EXPECT_THAT(call, Blocks());
  holder.Kill();
  EXPECT_THAT(call.result(), SucceedsWith(0));
  NoteChecksOf(clause::exit::closes_pipe_ends);  // of which the end-of-file is the sign
}

IPC_TEST_P(PipeReadBlocking, LastCloseReleasesEveryReader,
           clause::pipe::read_close_wakes_all_readers) {
  Pipe p = Make();
  constexpr int kProcesses = 3, kThreads = 2;
  std::vector<Peer> readers(kProcesses);
  std::vector<ThreadPeer> threads(kThreads);
  std::vector<Call> calls;
  for (Peer& reader : readers) {
    calls.push_back(reader.start([&] {
      CloseAllExcept({p.rd()});
      char byte;
      return CALL(read(p.rd(), &byte, 1));
    }));
  }
  for (ThreadPeer& thread : threads) {
    calls.push_back(thread.start([&] {
      char byte;
      return CALL(read(p.rd(), &byte, 1));
    }));
  }
  for (Call& call : calls) EXPECT_THAT(call, Blocks());
  p.CloseWr();
  for (Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(0));
}

// How readers share the stream is open, and what else becomes of concurrent reads: nothing is
// judged; that no byte is lost, doubled or made up is recorded.
IPC_TEST_P(PipeReadBlocking, ConcurrentReadersShareTheStream,
           clause::pipe::read_concurrent_readers) {
  Pipe p = Make();
  constexpr int kReaders = 3;
  constexpr std::size_t kBytes = 60'000;
  struct Counts {
    std::size_t of[256];
  };
  Shared<Counts> seen[kReaders];
  std::vector<Peer> readers(kReaders);
  std::vector<Call> calls;
  for (int i = 0; i < kReaders; ++i) {
    calls.push_back(readers[i].start([&, i] {
      CloseAllExcept({p.rd()});
      char buffer[777];
      CallResult got;
      while ((got = CALL(read(p.rd(), buffer, sizeof buffer))).ok() && got.value > 0) {
        for (std::int64_t k = 0; k < got.value; ++k)
          ++seen[i]->of[static_cast<unsigned char>(buffer[k])];
      }
      return got;
    }));
  }
  const std::string sent = Noise(kBytes, TestSeed());
  ThreadPeer writer;
  const Call all = writer.start([&] {
    WriteAll(p.wr(), sent);
    p.CloseWr();
    return CALL(getpid());
  });
  all.result();
  bool ended = true;
  for (Call& call : calls) {
    const CallResult last = call.result();
    ended = ended && last.ok() && last.value == 0;
  }
  Observe(clause::pipe::read_concurrent_readers, "all_see_end_of_file", ended ? "yes" : "no");
  std::size_t wrong = 0, served = 0;
  for (int value = 0; value < 256; ++value) {
    std::size_t expected = 0, got = 0;
    for (char c : sent) expected += static_cast<unsigned char>(c) == value;
    for (auto& counts : seen) got += counts->of[value];
    wrong += expected != got;
  }
  for (auto& counts : seen) {
    for (std::size_t n : counts->of) {
      if (n > 0) {
        ++served;
        break;
      }
    }
  }
  Observe(clause::pipe::read_concurrent_readers, "every_byte_once", wrong == 0 ? "yes" : "no");
  Evidence(std::to_string(served) + " of " + std::to_string(kReaders) + " readers got data");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
