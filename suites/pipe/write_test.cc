// write(): order, waiting for room, EBADF, capacity; without O_NONBLOCK unless a clause names it.
#include <cerrno>
#include <climits>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeWrite);

IPC_TEST_P(PipeWrite, AppendsWhateverDescriptorItUses, clause::pipe::write_appends) {
  Pipe p = Make();
  Fd copy(CALL(dup(p.wr())));
  Peer child([&](Peer::Self& self) {
    for (const char* text : {"cc", "fff"})
      self.step([&] { return CALL(write(p.wr(), text, std::string(text).size())); });
  });
  EXPECT_THAT(CALL(write(p.wr(), "a", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(write(copy, "bb", 2)), SucceedsWith(2));
  EXPECT_THAT(child.next().result(), SucceedsWith(2));
  EXPECT_THAT(CALL(write(p.wr(), "d", 1)), SucceedsWith(1));
  EXPECT_THAT(CALL(write(copy, "ee", 2)), SucceedsWith(2));
  EXPECT_THAT(child.next().result(), SucceedsWith(3));
  // After a read the data still goes behind what is left.
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(1));
  EXPECT_EQ(byte, 'a');
  EXPECT_THAT(CALL(write(p.wr(), "g", 1)), SucceedsWith(1));
  EXPECT_EQ(DrainPipe(p.rd()), "bbccdeefffg");
}

// Many small writes, each stored once.
IPC_TEST_P(PipeWrite, AppendsEachOfManySmallWritesOnce, clause::pipe::write_appends) {
  Pipe p = Make();
  for (int round = 0; round < 4; ++round) {
    std::string sent;
    for (int i = 0; i < 200; ++i) {
      const std::string data = std::to_string(i) + ';';
      ASSERT_THAT(CALL(write(p.wr(), data.data(), data.size())), SucceedsWith(data.size()));
      sent += data;
      if (sent.size() + 8 > _POSIX_PIPE_BUF) break;  // fits in every pipe
    }
    EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), sent), "");
  }
}

// The writer finds the pipe full again and again; one lost wake-up and it waits for ever.
IPC_TEST_P(PipeWrite, NoWakeUpIsLostInManyRounds, clause::pipe::write_blocks_when_full) {
  Pipe p = Make();
  constexpr int kRounds = 24;
  const std::string data = Noise(PipeBufOf(p.wr()), TestSeed());
  FillPipe(p.wr());
  Peer writer([&](Peer::Self& self) {
    for (int i = 0; i < Actor::kStepsMax; ++i) {
      self.step([&] { return CALL(write(p.wr(), data.data(), data.size())); });
    }
  });
  for (int i = 0; i < kRounds && i < Actor::kStepsMax; ++i) {
    Call call = writer.next();
    EXPECT_THAT(call, Blocks());
    DrainPipe(p.rd());
    ASSERT_THAT(call.result(), SucceedsWith(data.size())) << "round " << i + 1;
    FillPipe(p.wr());
  }
}

// One call that is many times larger than the capacity, against readers of different step.
IPC_TEST_P(PipeWrite, LargerThanTheCapacityCompletesInOrder,
           clause::pipe::write_blocking_completes) {
  Pipe p = Make();
  const std::size_t capacity = CapacityOf(p);
  const std::string data = Noise(MoreThanFits(p), TestSeed());
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  ExpectWaitsForRoom(p, call, data);
  // Byte by byte at first, then in odd pieces, so that the writer is woken in every fill state.
  std::string got = ReadUpTo(p.rd(), 2000, 1);
  got += ReadUpTo(p.rd(), capacity / 2, 999);
  EXPECT_FALSE(call.returned()) << "returned with " << data.size() - got.size() << " bytes unread";
  got += ReadUpTo(p.rd(), data.size() - got.size(), 4000);
  EXPECT_THAT(call.result(), SucceedsWith(data.size()));
  EXPECT_EQ(FirstDifference(got, data), "");
}

IPC_TEST_P(PipeWrite, WaitsForRoomWhenFull, clause::pipe::write_blocks_when_full) {
  Pipe p = Make();
  for (const std::size_t size : {std::size_t{1}, PipeBufOf(p.wr()), PipeBufOf(p.wr()) + 1}) {
    const std::size_t filled = FillPipe(p.wr());
    const std::string data = Noise(size, TestSeed());
    Peer writer;
    Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
    EXPECT_THAT(call, Blocks());
    const std::string drained = ReadUpTo(p.rd(), filled + size);
    EXPECT_THAT(call.result(), SucceedsWith(size));
    EXPECT_EQ(FirstDifference(drained, FillBytes(filled) + data), "") << size << " bytes";
  }
}

// A blocking write of at most {PIPE_BUF} waits until all of it fits: it is never cut in two.
IPC_TEST_P(PipeWrite, WaitsForRoomForAllOfAnAtomicWrite, clause::pipe::write_blocks_when_full,
           clause::pipe::write_le_pipe_buf_never_partial) {
  Pipe p = Make();
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::size_t filled = FillPipe(p.wr());
  const std::string data = Noise(atomic, TestSeed());
  Peer writer;
  Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  EXPECT_THAT(call, Blocks());
  // One byte at a time leaves the pipe: whenever the write happens, it is whole and in its place.
  std::string drained = ReadUpTo(p.rd(), atomic, 1);
  drained += ReadUpTo(p.rd(), filled);
  const ForClause scope(clause::pipe::write_le_pipe_buf_never_partial);
  EXPECT_THAT(call.result(), SucceedsWith(atomic));
  EXPECT_EQ(FirstDifference(drained + DrainPipe(p.rd()), FillBytes(filled) + data), "");
}

IPC_TEST_P(PipeWrite, FailsWithEbadf, clause::pipe::write_ebadf) {
  Pipe p = Make();
  Fd closed(CALL(dup(p.wr())));
  const int number = closed;
  closed.reset();
  EXPECT_THAT(CALL(write(number, "x", 1)), Fails(EBADF));
  EXPECT_THAT(CALL(write(-1, "x", 1)), Fails(EBADF));
  if (IsReadOnly(p.rd())) {
    EXPECT_THAT(CALL(write(p.rd(), "x", 1)), Fails(EBADF));
  }
  SetNonblocking(p.rd(), true);
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN)) << "something was stored";
}

IPC_TEST_P(PipeWrite, Capacity, clause::pipe::write_capacity) {
  Pipe p = Make();
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::size_t once = FillPipe(p.wr(), atomic);
  Observe(clause::pipe::write_capacity, "capacity_bytes", once);
  // What the bound on an empty pipe implies.
  EXPECT_GE(once, atomic);
  DrainPipe(p.rd());
  Observe(clause::pipe::write_capacity, "capacity_bytes_again", FillPipe(p.wr(), atomic));
  DrainPipe(p.rd());
  Observe(clause::pipe::write_capacity, "capacity_bytes_by_odd_writes", FillPipe(p.wr(), 997));
  DrainPipe(p.rd());
  Observe(clause::pipe::write_capacity, "capacity_bytes_by_single_bytes", FillPipe(p.wr(), 1));
}

IPC_TEST_P(PipeWrite, AmountOfPartialWrites, clause::pipe::write_partial_amount) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t filled = FillPipe(p.wr());
  const std::string large = Noise(filled + PipeBufOf(p.wr()) + 1, TestSeed());
  const auto try_write = [&](const char* key) {
    const CallResult wrote = CALL(write(p.wr(), large.data(), large.size()));
    EXPECT_THAT(wrote, SucceedsOrFailsWith(EAGAIN));
    Observe(clause::pipe::write_partial_amount, key, wrote.ok() ? wrote.value : std::int64_t{0});
  };
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(1));
  try_write("bytes_taken_after_1_was_read");
  DrainPipe(p.rd());
  FillPipe(p.wr());
  ReadUpTo(p.rd(), PipeBufOf(p.wr()));
  try_write("bytes_taken_after_pipe_buf_were_read");
  DrainPipe(p.rd());
  try_write("bytes_taken_when_empty");
  DrainPipe(p.rd());
  FillPipe(p.wr(), 1);
  std::int64_t freed = 0;
  while (!CALL(write(p.wr(), "x", 1)).ok() && CALL(read(p.rd(), &byte, 1)).ok()) ++freed;
  Observe(clause::pipe::write_partial_amount, "bytes_to_read_until_1_fits", freed);
}

IPC_TEST_P(PipeWrite, OfZeroBytes, clause::pipe::write_zero_nbyte) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  Observe(clause::pipe::write_zero_nbyte, "with_reader",
          Bounded([&] { return CALL(write(p.wr(), "", 0)); }));
  SetNonblocking(p.rd(), true);
  char byte;
  Observe(clause::pipe::write_zero_nbyte, "read_afterwards", CALL(read(p.rd(), &byte, 1)));
  FillPipe(p.wr());
  Observe(clause::pipe::write_zero_nbyte, "full",
          Bounded([&] { return CALL(write(p.wr(), "", 0)); }));
  p.CloseRd();
  Observe(clause::pipe::write_zero_nbyte, "without_reader",
          Bounded([&] { return CALL(write(p.wr(), "", 0)); }));
}

// An address that is in no mapping, hidden from the compiler.
void* Nowhere() { return reinterpret_cast<void*>(Opaque(1)); }

IPC_TEST_P(PipeWrite, WhichOfTwoErrorsIsReported, clause::pipe::error_precedence) {
  Pipe p = Make();
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  const ClauseRef open = clause::pipe::error_precedence;
  if (IsWriteOnly(p.wr())) {
    Observe(open, "read_wrong_end_and_bad_address",
            OutcomeInChild([&] { return CALL(read(p.wr(), Nowhere(), 1)); }));
  }
  char byte;
  Observe(open, "pread_seek_and_negative_offset", CALL(pread(p.rd(), &byte, 1, -1)));
  SetNonblocking(p.rd(), true);
  Observe(open, "read_empty_and_bad_address",
          OutcomeInChild([&] { return CALL(read(p.rd(), Nowhere(), 1)); }));
  p.CloseRd();
  Observe(open, "write_no_reader_and_bad_address",
          OutcomeInChild([&] { return CALL(write(p.wr(), Nowhere(), 1)); }));
}

IPC_TEST_P(PipeWrite, BadAddress, clause::pipe::bad_address) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  const ClauseRef open = clause::pipe::bad_address;
  Observe(open, "read", OutcomeInChild([&] { return CALL(read(p.rd(), Nowhere(), 1)); }));
  Observe(open, "write", OutcomeInChild([&] { return CALL(write(p.wr(), Nowhere(), 1)); }));
  Observe(open, "pipe", OutcomeInChild([&] { return CALL(pipe(static_cast<int*>(Nowhere()))); }));
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
