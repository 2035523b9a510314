// read() without waiting: what is delivered, how much, end-of-file, EAGAIN, EBADF.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeRead);

// A stream several times larger than the capacity, in writes and reads of random sizes.
IPC_TEST_P(PipeRead, BytesComeInOrderEachOnce, clause::pipe::read_fifo_order) {
  Pipe p = Make();
  const std::string sent = Noise(600'000, TestSeed());
  Peer writer;
  Call done = writer.start([&] {
    p.CloseRd();
    Random random(TestSeed() + 1);
    CallResult last;
    for (std::size_t at = 0; at < sent.size();) {
      const std::size_t most = Between(random, 0, 3) == 0 ? 20'000 : 700;
      const std::size_t n = std::min(Between(random, 1, most), sent.size() - at);
      last = CALL(write(p.wr(), sent.data() + at, n));
      if (!last.ok() || last.value <= 0) break;
      at += static_cast<std::size_t>(last.value);
    }
    return last;
  });
  p.CloseWr();
  Random random(TestSeed() + 2);
  std::string got, buffer(20'000, '\0');
  for (;;) {
    const CallResult r = CALL(
        read(p.rd(), buffer.data(), Between(random, 1, Between(random, 0, 3) == 0 ? 20'000 : 700)));
    ASSERT_THAT(r, Succeeds());
    if (r.value == 0) break;
    got.append(buffer, 0, static_cast<std::size_t>(r.value));
  }
  EXPECT_THAT(done.result(), Succeeds());
  EXPECT_EQ(FirstDifference(got, sent), "");
}

// The same in one process, so that every size and fill state is exact: small amounts go in and out,
// the positions wrap around many times.
IPC_TEST_P(PipeRead, SmallTransfersKeepOrder, clause::pipe::read_fifo_order) {
  Pipe p = Make(O_NONBLOCK);
  Random random(TestSeed());
  std::string inside, buffer(9000, '\0');
  for (int round = 0; round < 400; ++round) {
    const std::string data = Noise(Between(random, 1, PipeBufOf(p.wr())), TestSeed() + round);
    const CallResult put = CALL(write(p.wr(), data.data(), data.size()));
    if (put.ok()) inside += data.substr(0, static_cast<std::size_t>(put.value));
    const CallResult got = CALL(read(p.rd(), buffer.data(), Between(random, 1, buffer.size())));
    if (inside.empty()) continue;
    ASSERT_THAT(got, Succeeds());
    ASSERT_LE(static_cast<std::size_t>(got.value), inside.size());
    ASSERT_EQ(FirstDifference(buffer.substr(0, got.value), inside.substr(0, got.value)), "");
    inside.erase(0, static_cast<std::size_t>(got.value));
  }
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), inside), "");
}

IPC_TEST_P(PipeRead, TakesBytesOfSeveralWrites, clause::pipe::read_no_message_boundaries) {
  Pipe p = Make();
  const std::string data = Noise(60, TestSeed());
  ASSERT_THAT(CALL(write(p.wr(), data.data(), 10)), SucceedsWith(10));
  ASSERT_THAT(CALL(write(p.wr(), data.data() + 10, 20)), SucceedsWith(20));
  ASSERT_THAT(CALL(write(p.wr(), data.data() + 30, 30)), SucceedsWith(30));
  std::string got(60, '\0');
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), got.data(), 60)); }), SucceedsWith(60));
  EXPECT_EQ(got, data);
}

IPC_TEST_P(PipeRead, ReturnsWhatIsThereWithoutWaitingForMore,
           clause::pipe::read_short_when_less_available) {
  Pipe p = Make();
  std::string got(4096, '\0');
  ASSERT_THAT(CALL(write(p.wr(), "0123456789", 10)), SucceedsWith(10));
  const CallResult r = Bounded([&] { return CALL(read(p.rd(), got.data(), got.size())); });
  ASSERT_THAT(r, Succeeds());
  EXPECT_GE(r.value, 1);
  EXPECT_LE(r.value, 10);
  got.resize(static_cast<std::size_t>(r.value));
  EXPECT_EQ(got + DrainPipe(p.rd()), "0123456789");
}

IPC_TEST_P(PipeRead, NeverTakesOrStoresMoreThanAsked, clause::pipe::read_never_more_than_nbyte) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "0123456789", 10)), SucceedsWith(10));
  GuardedBuffer three(3), seven(7, true), rest(100);
  EXPECT_THAT(CALL(read(p.rd(), three.data(), 3)), SucceedsWith(3));
  EXPECT_EQ(std::string(three.data(), 3), "012");
  EXPECT_TRUE(three.Intact()) << "bytes behind the buffer changed";
  EXPECT_THAT(CALL(read(p.rd(), seven.data(), 7)), SucceedsWith(7));
  EXPECT_EQ(std::string(seven.data(), 7), "3456789");
  EXPECT_TRUE(seven.Intact()) << "bytes before the buffer changed";
  // A short count: nothing beyond it is stored.
  const std::string before(rest.data(), rest.size());
  ASSERT_THAT(CALL(write(p.wr(), "xy", 2)), SucceedsWith(2));
  EXPECT_THAT(CALL(read(p.rd(), rest.data(), rest.size())), SucceedsWith(2));
  EXPECT_EQ(std::string(rest.data(), 2), "xy");
  EXPECT_EQ(std::string(rest.data() + 2, 98), before.substr(2)) << "bytes beyond the count changed";
}

IPC_TEST_P(PipeRead, ReturnsZeroWithoutWriter, clause::pipe::read_eof_no_writer) {
  Pipe p = Make();
  Fd copy(CALL(dup(p.rd())));
  p.CloseWr();
  char byte;
  for (const bool nonblocking : {false, true}) {
    SetNonblocking(p.rd(), nonblocking);
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), &byte, 1)); }), SucceedsWith(0));
      EXPECT_THAT(Bounded([&] { return CALL(read(copy, &byte, 1)); }), SucceedsWith(0));
    }
    Peer child;
    EXPECT_THAT(child.start([&] { return CALL(read(p.rd(), &byte, 1)); }).result(),
                SucceedsWith(0));
  }
}

IPC_TEST_P(PipeRead, DeliversAllDataBeforeEndOfFile, clause::pipe::read_data_before_eof) {
  Pipe p = Make();
  const std::string data = Noise(100, TestSeed());
  ASSERT_THAT(CALL(write(p.wr(), data.data(), data.size())), SucceedsWith(data.size()));
  p.CloseWr();
  std::string got;
  char piece[7];
  for (;;) {
    const CallResult r = Bounded([&] { return CALL(read(p.rd(), piece, sizeof piece)); });
    ASSERT_THAT(r, Succeeds());
    if (r.value == 0) break;
    got.append(piece, static_cast<std::size_t>(r.value));
  }
  EXPECT_EQ(FirstDifference(got, data), "");
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), piece, sizeof piece)); }), SucceedsWith(0));
}

// The whole capacity, from a writer process that is gone when the reader begins.
IPC_TEST_P(PipeRead, DeliversAFullPipeAfterTheWriterIsGone, clause::pipe::read_data_before_eof) {
  Pipe p = Make();
  Shared<std::size_t> filled;
  Peer writer([&](Peer::Self&) { *filled = FillPipe(p.wr()); });
  p.CloseWr();
  writer.Join();
  const std::string got = ReadUpTo(p.rd(), *filled + 1, 3000);
  EXPECT_EQ(FirstDifference(got, FillBytes(*filled)), "");
  char byte;
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(0));
}

IPC_TEST_P(PipeRead, FailsWithEagainWhenEmptyAndNonblocking,
           clause::pipe::read_eagain_empty_with_writer) {
  Pipe p = Make(O_NONBLOCK);
  char byte;
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), &byte, 1)); }), Fails(EAGAIN));
  // The writer is another process only.
  Peer holder([&](Peer::Self& self) {
    self.step([&] { return CALL(write(p.wr(), "x", 1)); });
    self.step([&] { return CALL(close(p.wr_fd().release())); });
  });
  p.CloseWr();
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), &byte, 1)); }), Fails(EAGAIN));
  EXPECT_THAT(holder.next().result(), SucceedsWith(1));
  EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), SucceedsWith(1));
  EXPECT_THAT(Bounded([&] { return CALL(read(p.rd(), &byte, 1)); }), Fails(EAGAIN));
}

IPC_TEST_P(PipeRead, ReturnsDataWhenNonblocking, clause::pipe::read_nonblock_with_data) {
  Pipe p = Make(O_NONBLOCK);
  ASSERT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  std::string got(100, '\0');
  EXPECT_THAT(CALL(read(p.rd(), got.data(), got.size())), SucceedsWith(5));
  EXPECT_EQ(got.substr(0, 5), "hello");
}

IPC_TEST_P(PipeRead, OfZeroBytesReturnsAtOnceAndConsumesNothing, clause::pipe::read_zero_nbyte) {
  Pipe p = Make();
  char byte = 'k';
  for (const bool nonblocking : {false, true}) {
    SetNonblocking(p.rd(), nonblocking);
    // An error that read() detects is allowed, waiting is not.
    const CallResult empty = Bounded([&] { return CALL(read(p.rd(), &byte, 0)); });
    EXPECT_TRUE(empty.returned() && (empty.failed || empty.value == 0)) << Describe(empty);
    ASSERT_THAT(CALL(write(p.wr(), "abc", 3)), SucceedsWith(3));
    const CallResult filled = Bounded([&] { return CALL(read(p.rd(), &byte, 0)); });
    EXPECT_TRUE(filled.returned() && (filled.failed || filled.value == 0)) << Describe(filled);
    EXPECT_EQ(byte, 'k');
    EXPECT_EQ(DrainPipe(p.rd()), "abc");
  }
}

IPC_TEST_P(PipeRead, OfZeroBytesErrors, clause::pipe::read_zero_nbyte_errors) {
  Pipe p = Make();
  char byte;
  Fd closed(CALL(dup(p.rd())));
  const int number = closed;
  closed.reset();
  const CallResult at_closed = CALL(read(number, &byte, 0));
  EXPECT_THAT(at_closed, SucceedsOrFailsWith(EBADF));
  Observe(clause::pipe::read_zero_nbyte_errors, "read_0_closed_number", at_closed);
  if (IsWriteOnly(p.wr())) {
    const CallResult wrong_end = CALL(read(p.wr(), &byte, 0));
    EXPECT_THAT(wrong_end, SucceedsOrFailsWith(EBADF));
    Observe(clause::pipe::read_zero_nbyte_errors, "read_0_write_end", wrong_end);
  }
  SetNonblocking(p.rd(), true);
  const CallResult empty = CALL(read(p.rd(), &byte, 0));
  EXPECT_THAT(empty, SucceedsOrFailsWith(EAGAIN));
  Observe(clause::pipe::read_zero_nbyte_errors, "read_0_empty_nonblocking", empty);
}

IPC_TEST_P(PipeRead, FailsWithEbadf, clause::pipe::read_ebadf) {
  Pipe p = Make();
  char byte;
  ASSERT_THAT(CALL(write(p.wr(), "x", 1)), SucceedsWith(1));
  Fd closed(CALL(dup(p.rd())));
  const int number = closed;
  closed.reset();
  EXPECT_THAT(CALL(read(number, &byte, 1)), Fails(EBADF));
  EXPECT_THAT(CALL(read(-1, &byte, 1)), Fails(EBADF));
  if (IsWriteOnly(p.wr())) {
    EXPECT_THAT(Bounded([&] { return CALL(read(p.wr(), &byte, 1)); }), Fails(EBADF));
  }
  EXPECT_EQ(DrainPipe(p.rd()), "x");
}

IPC_TEST_P(PipeRead, AboveSsizeMax, clause::pipe::rw_above_ssize_max) {
  Pipe p = Make(O_NONBLOCK);
  std::string buffer(65536, '\0');
  const std::size_t size = Opaque(std::size_t{SSIZE_MAX} + 1);
  // In a child: a system that believes the size may run into the end of memory.
  Observe(clause::pipe::rw_above_ssize_max, "read_empty_nonblocking",
          OutcomeInChild([&] { return CALL(read(p.rd(), buffer.data(), size)); }));
  Observe(clause::pipe::rw_above_ssize_max, "write_nonblocking",
          OutcomeInChild([&] { return CALL(write(p.wr(), buffer.data(), size)); }));
}

// Whatever the borders of pages and writes are: with at least n bytes there, n are read.
IPC_TEST_P(PipeRead, AcrossPagesWhatIsThereComesWhole, clause::pipe::read_no_message_boundaries) {
  const std::size_t page = PageSize();
  const std::size_t sizes[] = {1, 511, page - 1, page, page + 1, 2 * page - 1};
  const Pipe p = Make(O_NONBLOCK);
  std::string buffer(4 * page, '\0');
  for (const std::size_t first : sizes) {
    for (const std::size_t second : sizes) {
      for (const std::size_t wanted : sizes) {
        if (first + second < wanted + 1) continue;
        const std::string data = Noise(first + second, first * 31 + second);
        // More than {PIPE_BUF} bytes may be taken in parts.
        const std::size_t put =
            WriteAll(p.wr(), data.substr(0, first)) + WriteAll(p.wr(), data.substr(first));
        if (put < data.size()) Untested("the pipe does not hold that much");
        // One byte first, so that the rest does not begin where a page does.
        ASSERT_THAT(CALL(read(p.rd(), buffer.data(), 1)), SucceedsWith(1));
        ASSERT_THAT(CALL(read(p.rd(), buffer.data() + 1, wanted)), SucceedsWith(wanted))
            << first << " and " << second << " bytes written";
        const std::string rest = DrainPipe(p.rd());
        ASSERT_EQ(FirstDifference(buffer.substr(0, 1 + wanted) + rest, data), "");
      }
    }
  }
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
