// write() with O_NONBLOCK: all or nothing up to {PIPE_BUF}, a prefix above it, never a wait.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

IPC_FOR_ALL_KINDS(PipeWriteNonblocking);

IPC_TEST_P(PipeWriteNonblocking, NeverBlocks, clause::pipe::write_nonblock_never_blocks) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t atomic = PipeBufOf(p.wr());
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{1000}, atomic, atomic + 1, std::size_t{1} << 20}) {
    const std::string data(size, 'n');
    const CallResult last = Bounded([&] {
      CallResult wrote;
      // Single bytes only for the last part, since there are many.
      const std::string most(size == 1 ? 1000 : size, 'n');
      for (const std::string* piece : {&most, &data}) {
        while ((wrote = CALL(write(p.wr(), piece->data(), piece->size()))).ok() &&
               wrote.value > 0) {
        }
      }
      return wrote;
    });
    ASSERT_THAT(last, Fails(EAGAIN)) << "writing " << size << " bytes at a time";
    for (const std::size_t again : {std::size_t{1}, atomic, atomic + 1}) {
      EXPECT_TRUE(Bounded([&] {
                    return CALL(write(p.wr(), data.data(), std::min(again, size)));
                  }).returned());
    }
    DrainPipe(p.rd());
  }
}

IPC_TEST_P(PipeWriteNonblocking, TakesAllWhenThereIsRoom, clause::pipe::write_nonblock_le_room) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::string data = Noise(atomic, TestSeed());
  std::vector<std::size_t> sizes{1, 2, 511, 512, atomic - 1, atomic};
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t size : sizes) {
      if (size == 0 || size > atomic) continue;
      EXPECT_THAT(CALL(write(p.wr(), data.data(), size)), SucceedsWith(size));
      EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), data.substr(0, size)), "");
    }
    FillPipe(p.wr(), 997);  // and again after it was full
    DrainPipe(p.rd());
  }
}

// There is room for as many records as a blocking writer puts in before it waits.
IPC_TEST_P(PipeWriteNonblocking, TakesAsManyRecordsAsABlockingWriter,
           clause::pipe::write_nonblock_le_room) {
  Pipe p = Make();
  SetNonblocking(p.rd(), true);
  const std::string data = Noise(PipeBufOf(p.wr()), TestSeed());
  Shared<std::atomic<int>> taken;
  Peer writer;
  Call call = writer.start([&] {
    CallResult wrote;
    while ((wrote = CALL(write(p.wr(), data.data(), data.size()))).ok()) ++*taken;
    return wrote;
  });
  EXPECT_THAT(call, Blocks());
  const int room = *taken;
  writer.Kill();
  DrainPipe(p.rd());
  SetNonblocking(p.wr(), true);
  for (int i = 0; i < room; ++i) {
    const CallResult wrote = CALL(write(p.wr(), data.data(), data.size()));
    if (!wrote.failed_with(EAGAIN)) {
      ASSERT_THAT(wrote, SucceedsWith(data.size())) << "record " << i + 1 << " of " << room;
      continue;
    }
    // How much fits may have changed: the refusal is right if a write would wait now.
    SetNonblocking(p.wr(), false);
    Peer again;
    EXPECT_THAT(again.start([&] { return CALL(write(p.wr(), data.data(), data.size())); }),
                Blocks())
        << "record " << i + 1 << " of " << room << " was refused though there is room";
    return;
  }
}

IPC_TEST_P(PipeWriteNonblocking, FailsWithEagainAndStoresNothingWhenFull,
           clause::pipe::write_nonblock_le_eagain) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::size_t filled = FillPipe(p.wr());  // not even one byte fits
  const std::string data(atomic, '!');
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, atomic / 2, atomic}) {
    EXPECT_THAT(Bounded([&] { return CALL(write(p.wr(), data.data(), size)); }), Fails(EAGAIN))
        << size << " bytes";
  }
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled)), "");
}

// Puts the first `length` bytes of `fill` into an empty pipe, as far as they fit.
std::size_t FillUpTo(int wr, const std::string& fill, std::size_t length) {
  std::size_t put = 0;
  while (put < length) {
    const ssize_t n = write(wr, fill.data() + put, length - put);
    if (n <= 0) break;
    put += static_cast<std::size_t>(n);
  }
  return put;
}

// At one fill state: a write of `size` bytes is taken whole or refused whole.
void ExpectAllOrNothing(const Pipe& p, std::size_t filled, std::size_t size, std::string* inside) {
  static const std::string data = Noise(1u << 20, 77);
  const CallResult wrote = CALL(write(p.wr(), data.data(), size));
  if (wrote.ok()) {
    NoteChecks();
    ASSERT_EQ(static_cast<std::size_t>(wrote.value), size)
        << "a part of an atomic write, behind " << filled << " bytes";
    inside->append(data, 0, size);
  } else {
    const ForClause scope(clause::pipe::write_nonblock_le_eagain);
    ASSERT_THAT(wrote, Fails(EAGAIN)) << size << " bytes behind " << filled;
  }
}

// Every amount of free room from none to {PIPE_BUF} and a little more, each with the sizes that
// just fit, just do not, and the largest. What the pipe holds afterwards is compared byte by byte.
void SweepBoundaries(const Pipe& p, std::size_t capacity, std::size_t step) {
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::string fill = FillBytes(capacity);
  for (std::size_t room = 0; room <= std::min(capacity, atomic + 2);
       room += room < 40 || room + 40 > atomic ? 1 : step) {
    const std::size_t filled = FillUpTo(p.wr(), fill, capacity - room);
    std::string inside = fill.substr(0, filled);
    for (const std::size_t size : {atomic, room + 1, room, std::size_t{1}}) {
      if (size == 0 || size > atomic) continue;
      ASSERT_NO_FATAL_FAILURE(ExpectAllOrNothing(p, filled, size, &inside));
    }
    ASSERT_EQ(FirstDifference(DrainPipe(p.rd()), inside), "") << "with room for " << room;
  }
}

IPC_TEST_P(PipeWriteNonblocking, AtomicSizesAreAllOrNothingAtEveryBoundary,
           clause::pipe::write_le_pipe_buf_never_partial, clause::pipe::write_nonblock_le_eagain) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t capacity = CapacityOf(p);
  SweepBoundaries(p, capacity, 61);
#ifdef F_SETPIPE_SZ
  // Where a pipe can be made small, every boundary is affordable.
  Pipe small = Make(O_NONBLOCK);
  if (fcntl(small.wr(), F_SETPIPE_SZ, static_cast<int>(PageSize())) > 0) {
    const std::size_t little = CapacityOf(small);
    SweepBoundaries(small, little, 1);
  }
#endif
}

// Records of odd sizes until the pipe is full: what is inside is exactly what was accepted.
IPC_TEST_P(PipeWriteNonblocking, AcceptedAtomicWritesAreWholeWhateverTheMix,
           clause::pipe::write_le_pipe_buf_never_partial, clause::pipe::write_nonblock_le_room) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t atomic = PipeBufOf(p.wr());
  Random random(TestSeed());
  for (int round = 0; round < 12; ++round) {
    std::string inside;
    for (int refused = 0; refused < 20;) {
      const std::string data = Noise(Between(random, 1, round % 2 ? atomic : 300), random());
      const CallResult wrote = CALL(write(p.wr(), data.data(), data.size()));
      if (wrote.ok()) {
        ASSERT_THAT(wrote, SucceedsWith(data.size()));
        inside += data;
      } else {
        const ForClause scope(clause::pipe::write_nonblock_le_room);
        ASSERT_THAT(wrote, Fails(EAGAIN));
        ASSERT_FALSE(inside.empty()) << "an empty pipe refused " << data.size() << " bytes";
        ++refused;
      }
    }
    ASSERT_EQ(FirstDifference(DrainPipe(p.rd()), inside), "");
  }
}

IPC_TEST_P(PipeWriteNonblocking, LargeWriteTransfersAPrefix,
           clause::pipe::write_nonblock_gt_partial) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t capacity = CapacityOf(p);
  const std::string data = Noise(4 * capacity + PipeBufOf(p.wr()) + 1, TestSeed());
  const CallResult wrote = Bounded([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  ASSERT_THAT(wrote, Succeeds());
  EXPECT_GE(wrote.value, 1);
  EXPECT_LE(wrote.value, static_cast<std::int64_t>(data.size()));
  EXPECT_EQ(
      FirstDifference(DrainPipe(p.rd()), data.substr(0, static_cast<std::size_t>(wrote.value))),
      "");
  // Behind other data too.
  const std::size_t half = FillUpTo(p.wr(), FillBytes(capacity), capacity / 2);
  const CallResult more = Bounded([&] { return CALL(write(p.wr(), data.data(), data.size())); });
  if (more.failed) {
    EXPECT_THAT(more, Fails(EAGAIN));
    EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(half)), "");
  } else {
    EXPECT_GE(more.value, 1);
    EXPECT_EQ(
        FirstDifference(DrainPipe(p.rd()),
                        FillBytes(half) + data.substr(0, static_cast<std::size_t>(more.value))),
        "");
  }
}

IPC_TEST_P(PipeWriteNonblocking, LargeWriteToAnEmptyPipeTransfersAtLeastPipeBuf,
           clause::pipe::write_nonblock_gt_min_when_empty) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::string data = Noise(atomic + 100'000, TestSeed());
  for (const std::size_t size : {atomic + 1, data.size()}) {
    for (const std::size_t fill : {std::size_t{0}, std::size_t{997}, std::size_t{4096}}) {
      if (fill > 0) FillPipe(p.wr(), fill);
      DrainPipe(p.rd());
      const CallResult wrote = Bounded([&] { return CALL(write(p.wr(), data.data(), size)); });
      ASSERT_THAT(wrote, Succeeds());
      EXPECT_GE(wrote.value, static_cast<std::int64_t>(atomic))
          << "of " << size << ", after a fill by " << fill;
      EXPECT_LE(wrote.value, static_cast<std::int64_t>(size));
      EXPECT_EQ(
          FirstDifference(DrainPipe(p.rd()), data.substr(0, static_cast<std::size_t>(wrote.value))),
          "");
    }
  }
}

IPC_TEST_P(PipeWriteNonblocking, LargeWriteFailsWithEagainWhenFull,
           clause::pipe::write_nonblock_gt_eagain) {
  Pipe p = Make(O_NONBLOCK);
  const std::size_t atomic = PipeBufOf(p.wr());
  const std::size_t filled = FillPipe(p.wr());
  const std::string data(std::max<std::size_t>(1u << 20, atomic + 1), '!');
  EXPECT_THAT(Bounded([&] { return CALL(write(p.wr(), data.data(), atomic + 1)); }), Fails(EAGAIN));
  EXPECT_THAT(Bounded([&] { return CALL(write(p.wr(), data.data(), data.size())); }),
              Fails(EAGAIN));
  EXPECT_EQ(FirstDifference(DrainPipe(p.rd()), FillBytes(filled)), "");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
