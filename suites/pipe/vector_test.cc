// readv(), writev(), pread(), pwrite() on pipes.
#include <sys/uio.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeVector);

iovec Area(GuardedBuffer& buffer) { return {buffer.data(), buffer.size()}; }
iovec Area(std::string& bytes) { return {bytes.data(), bytes.size()}; }

IPC_TEST_P(PipeVector, ReadvFillsEachBufferBeforeTheNext, clause::readv::pipe_fill_order) {
  Pipe p = Make();
  GuardedBuffer a(3), b(0), c(5), d(7);
  const iovec areas[] = {Area(a), Area(b), Area(c), Area(d)};
  const std::string untouched(d.data(), 7);
  ASSERT_THAT(CALL(write(p.wr(), "012345678", 9)), SucceedsWith(9));
  EXPECT_THAT(Bounded([&] { return CALL(readv(p.rd(), areas, 4)); }), SucceedsWith(9));
  EXPECT_EQ(std::string(a.data(), 3), "012");
  EXPECT_EQ(std::string(c.data(), 5), "34567");
  EXPECT_EQ(std::string(d.data(), 7), "8" + untouched.substr(1))
      << "bytes beyond the count changed";
  for (const GuardedBuffer* buffer : {&a, &b, &c, &d}) EXPECT_TRUE(buffer->Intact());
  // Less than the first buffer: the later ones stay as they are.
  ASSERT_THAT(CALL(write(p.wr(), "xy", 2)), SucceedsWith(2));
  EXPECT_THAT(Bounded([&] { return CALL(readv(p.rd(), areas, 4)); }), SucceedsWith(2));
  EXPECT_EQ(std::string(a.data(), 3), "xy2");
  EXPECT_EQ(std::string(c.data(), 5), "34567");
  // No more than the sum is taken.
  ASSERT_THAT(CALL(write(p.wr(), "0123456789abcdefXYZ", 19)), SucceedsWith(19));
  EXPECT_THAT(Bounded([&] { return CALL(readv(p.rd(), areas, 4)); }), SucceedsWith(15));
  EXPECT_EQ(std::string(d.data(), 7), "89abcde");
  EXPECT_EQ(DrainPipe(p.rd()), "fXYZ");
}

IPC_TEST_P(PipeVector, ReadvWaitsAndEndsLikeRead, clause::readv::pipe_fill_order) {
  Pipe p = Make();
  ScopedSignal handler(SIGUSR1, CountSignal);
  std::string a(2, '-'), b(2, '-');
  const iovec areas[] = {Area(a), Area(b)};
  {
    ThreadPeer reader;
    Call call = reader.start([&] { return CALL(readv(p.rd(), areas, 2)); });
    EXPECT_THAT(call, Blocks());
    EXPECT_THAT(CALL(write(p.wr(), "xyz", 3)), SucceedsWith(3));
    EXPECT_THAT(call.result(), SucceedsWith(3));
    EXPECT_EQ(a + b, "xyz-");
  }
  {
    ThreadPeer reader;
    Call call = reader.start([&] { return CALL(readv(p.rd(), areas, 2)); });
    EXPECT_THAT(call, Blocks());
    SignalUntilReturned(reader, call, SIGUSR1);
    EXPECT_THAT(call.result(), Fails(EINTR));
  }
  SetNonblocking(p.rd(), true);
  EXPECT_THAT(Bounded([&] { return CALL(readv(p.rd(), areas, 2)); }), Fails(EAGAIN));
  SetNonblocking(p.rd(), false);
  p.CloseWr();
  EXPECT_THAT(Bounded([&] { return CALL(readv(p.rd(), areas, 2)); }), SucceedsWith(0));
}

IPC_TEST_P(PipeVector, IovcntOutOfRange, clause::readv::pipe_iovcnt_range) {
  Pipe p = Make(O_NONBLOCK);
  const ClauseRef open = clause::readv::pipe_iovcnt_range;
  const long limit = sysconf(_SC_IOV_MAX);
  // One byte in each area, so that a system that takes them all moves few bytes.
  std::vector<char> bytes(static_cast<std::size_t>(limit > 0 ? limit + 1 : 1), 'v');
  std::vector<iovec> areas;
  for (char& byte : bytes) areas.push_back({&byte, 1});
  const auto judge = [&](const char* key, int count) {
    ASSERT_THAT(CALL(write(p.wr(), "kept", 4)), SucceedsWith(4));
    const CallResult got = CALL(readv(p.rd(), areas.data(), count));
    EXPECT_THAT(got, SucceedsOrFailsWith(EINVAL)) << "readv of " << count;
    Observe(open, std::string("readv_") + key, got);
    const std::string left = DrainPipe(p.rd());
    EXPECT_EQ(left.size(), 4u - (got.ok() ? static_cast<std::size_t>(got.value) : 0))
        << "data was lost";
    const CallResult put = CALL(writev(p.wr(), areas.data(), count));
    EXPECT_THAT(put, SucceedsOrFailsWith(EINVAL)) << "writev of " << count;
    Observe(open, std::string("writev_") + key, put);
    EXPECT_EQ(DrainPipe(p.rd()).size(), put.ok() ? static_cast<std::size_t>(put.value) : 0u);
  };
  judge("0", 0);
  judge("negative", -1);
  if (limit > 0) judge("above_iov_max", static_cast<int>(limit) + 1);
}

IPC_TEST_P(PipeVector, SumOfLengthsAboveSsizeMaxFails, clause::readv::pipe_sum_overflow) {
  Pipe p = Make(O_NONBLOCK);
  ASSERT_THAT(CALL(write(p.wr(), "kept", 4)), SucceedsWith(4));
  std::string target(4, '-'), other(4, '-');
  const std::size_t huge = Opaque(std::size_t{SSIZE_MAX});
  const iovec areas[] = {{target.data(), huge}, {other.data(), huge}};
  // The areas cannot be valid memory where pointers have 64 bits: EFAULT describes that as well.
  EXPECT_THAT(CALL(readv(p.rd(), areas, 2)), FailsWithAnyOf(EINVAL, EFAULT));
  EXPECT_THAT(CALL(writev(p.wr(), areas, 2)), FailsWithAnyOf(EINVAL, EFAULT));
  EXPECT_EQ(DrainPipe(p.rd()), "kept") << "something was transferred";
}

IPC_TEST_P(PipeVector, WritevGathersInOrder, clause::writev::pipe_gather_order) {
  Pipe p = Make();
  std::string a = "abc", b, c = "defgh", d = "ijklmno";
  const iovec areas[] = {Area(a), Area(b), Area(c), Area(d)};
  EXPECT_THAT(Bounded([&] { return CALL(writev(p.wr(), areas, 4)); }), SucceedsWith(15));
  EXPECT_EQ(DrainPipe(p.rd()), "abcdefghijklmno");
}

IPC_TEST_P(PipeVector, ShortWritevIsAPrefix, clause::writev::pipe_gather_order) {
  Pipe p = Make(O_NONBLOCK);
  const std::string data = Noise(MoreThanFits(p), TestSeed());
  std::vector<iovec> areas;
  const std::size_t piece = data.size() / 7;
  for (std::size_t at = 0; at < data.size(); at += piece) {
    areas.push_back({const_cast<char*>(data.data()) + at, std::min(piece, data.size() - at)});
  }
  const CallResult wrote =
      Bounded([&] { return CALL(writev(p.wr(), areas.data(), static_cast<int>(areas.size()))); });
  ASSERT_THAT(wrote, Succeeds());
  EXPECT_GE(wrote.value, 1);
  EXPECT_LE(wrote.value, static_cast<std::int64_t>(data.size()));
  EXPECT_EQ(
      FirstDifference(DrainPipe(p.rd()), data.substr(0, static_cast<std::size_t>(wrote.value))),
      "");
  // With waiting allowed, all of it goes.
  SetNonblocking(p.wr(), false);
  SetNonblocking(p.rd(), false);
  ThreadPeer writer;
  Call call = writer.start(
      [&] { return CALL(writev(p.wr(), areas.data(), static_cast<int>(areas.size()))); });
  ExpectWaitsForRoom(p, call, data);
  const std::string got = ReadUpTo(p.rd(), data.size(), 5000);
  EXPECT_THAT(call.result(), SucceedsWith(data.size()));
  EXPECT_EQ(FirstDifference(got, data), "");
}

// All or nothing goes by the sum of the lengths, however many areas: here areas that fit one by one
// into the room that is left, while their sum does not.
IPC_TEST_P(PipeVector, WritevIsAllOrNothingByItsSum, clause::writev::pipe_atomic_total) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t capacity = CapacityOf(p);
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::size_t areas_count = 16;  // {_XOPEN_IOV_MAX}
  const std::string data = Noise(atomic, TestSeed());
  for (const std::size_t total : {std::size_t{16}, std::size_t{100}, atomic / 2, atomic}) {
    std::vector<iovec> areas;
    const std::size_t piece = (total + areas_count - 1) / areas_count;
    for (std::size_t at = 0; at < total; at += piece) {
      areas.push_back({const_cast<char*>(data.data()) + at, std::min(piece, total - at)});
    }
    const auto gather = [&] {
      return CALL(writev(p.wr(), areas.data(), static_cast<int>(areas.size())));
    };
    EXPECT_THAT(gather(), SucceedsWith(total)) << "to an empty pipe";
    EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), data.substr(0, total)), "");
    for (const std::size_t room : {total - 1, piece, std::size_t{1}, std::size_t{0}}) {
      if (room >= capacity) continue;
      std::string inside = FillBytes(capacity - room);
      inside.resize(WriteAll(p.wr(), inside));
      const CallResult wrote = gather();
      if (wrote.ok()) {
        EXPECT_THAT(wrote, SucceedsWith(total)) << "a part of an atomic write";
        inside += data.substr(0, total);
      } else {
        EXPECT_THAT(wrote, Fails(EAGAIN));
      }
      EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), inside), "")
          << "with room for " << room << " of " << total;
    }
  }
}

IPC_TEST_P(PipeVector, WritevOfNothing, clause::writev::pipe_all_lengths_zero) {
  Pipe p = Make(O_NONBLOCK);
  ScopedSignal ignored(SIGPIPE, SIG_IGN);
  std::string none;
  const iovec areas[] = {Area(none), Area(none)};
  Observe(clause::writev::pipe_all_lengths_zero, "with_reader", CALL(writev(p.wr(), areas, 2)));
  p.CloseRd();
  Observe(clause::writev::pipe_all_lengths_zero, "without_reader", CALL(writev(p.wr(), areas, 2)));
}

IPC_TEST_P(PipeVector, PreadFailsWithEspipeAndConsumesNothing, clause::pread::pipe_espipe) {
  Pipe p = Make();
  ASSERT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
  char buffer[5];
  for (const off_t offset : {off_t{0}, off_t{1}, off_t{1} << 30}) {
    EXPECT_THAT(CALL(pread(p.rd(), buffer, 5, offset)), Fails(ESPIPE));
  }
  EXPECT_EQ(DrainPipe(p.rd()), "hello");
  EXPECT_THAT(Bounded([&] { return CALL(pread(p.rd(), buffer, 5, 0)); }), Fails(ESPIPE))
      << "on an empty pipe";
  EXPECT_THAT(Bounded([&] { return CALL(pread(p.wr(), buffer, 5, 0)); }),
              FailsWithAnyOf(ESPIPE, EBADF))
      << "on the write end, which is not open for reading";
}

IPC_TEST_P(PipeVector, PwriteFailsWithEspipeAndStoresNothing, clause::pwrite::pipe_espipe) {
  Pipe p = Make();
  for (const off_t offset : {off_t{0}, off_t{1}, off_t{1} << 30}) {
    EXPECT_THAT(CALL(pwrite(p.wr(), "hello", 5, offset)), Fails(ESPIPE));
  }
  EXPECT_EQ(DrainPipe(p.rd()), "");
  FillPipe(p.wr());
  EXPECT_THAT(Bounded([&] { return CALL(pwrite(p.wr(), "hello", 5, 0)); }), Fails(ESPIPE))
      << "on a full pipe";
  EXPECT_THAT(Bounded([&] { return CALL(pwrite(p.rd(), "hello", 5, 0)); }),
              FailsWithAnyOf(ESPIPE, EBADF))
      << "on the read end, which is not open for writing";
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
