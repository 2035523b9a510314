// Signals that come together with what a waiting call waits for: the call was interrupted and
// nothing has happened, or it has done all that it says.
#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <string>

#include "harness/core/patience.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"

namespace ipcsuite::pipe_suite {
namespace {

constexpr PipeKind kKinds[] = {PipeKind::kPipe, PipeKind::kFifo};
constexpr int kRounds = 20;

struct Order {
  const char* name;
  bool signal_first;
};
constexpr Order kSignalFirst{"SignalFirst", true}, kEventFirst{"EventFirst", false};

// The call of a thread that was shown blocked, a signal for it and the event, in this order, and
// from round to round further apart.
template <typename Event>
CallResult Race(const Order& order, int round, ThreadPeer& peer, const Call& call, Event event) {
  EXPECT_THAT(call, Blocks());
  if (order.signal_first) pthread_kill(peer.handle(), SIGUSR1);
  Backoff backoff;
  for (int i = 0; i < round % 7; ++i) backoff.Pause();
  event();
  if (!order.signal_first && peer.alive()) pthread_kill(peer.handle(), SIGUSR1);
  return call.result();
}

struct RaceRow {
  const char* name;
  Order order;
  std::size_t pages;  // of data; 0: five bytes
  Claims claims;
};

const RaceRow kReads[] = {
    {"SmallSignalFirst", kSignalFirst, 0, {clause::pipe::read_eintr}},
    {"SmallEventFirst", kEventFirst, 0, {clause::pipe::read_eintr}},
    {"PagesSignalFirst", kSignalFirst, 3, {clause::pipe::read_eintr}},
    {"PagesEventFirst", kEventFirst, 3, {clause::pipe::read_eintr}},
};
// What an interrupted read did not take is there; what a read took is gone.
IPC_TABLE_TEST(PipeReadMeetsASignal, RaceRow, kReads) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  for (const PipeKind kind : kKinds) {
    SCOPED_TRACE(ToString(kind));
    const std::string data = Noise(row.pages * PageSize() + 5, TestSeed());
    std::string buffer(data.size() + 1, '\0');
    for (int round = 0; round < kRounds; ++round) {
      const Pipe p(kind);
      // A pipe may hold less than that, and nobody reads after the signal.
      SetNonblocking(p.wr(), true);
      std::string put;
      ThreadPeer reader;
      const Call call =
          reader.start([&] { return CALL(read(p.rd(), buffer.data(), buffer.size())); });
      const CallResult got = Race(row.order, round, reader, call, [&] {
        const CallResult wrote = CALL(write(p.wr(), data.data(), data.size()));
        EXPECT_THAT(wrote, Succeeds());
        if (wrote.ok()) put = data.substr(0, wrote.value);
        EXPECT_GE(put.size(), row.pages == 0 ? data.size() : 1);  // a small write is whole
      });
      ASSERT_THAT(got, SucceedsOrFailsWith(EINTR)) << "round " << round;
      const std::string taken = got.ok() ? buffer.substr(0, got.value) : "";
      ASSERT_EQ(FirstDifference(taken + DrainPipe(p.rd()), put), "") << "round " << round;
    }
  }
}

const RaceRow kWrites[] = {
    {"SmallSignalFirst", kSignalFirst, 0, {clause::pipe::write_eintr_nothing_written}},
    {"SmallEventFirst", kEventFirst, 0, {clause::pipe::write_eintr_nothing_written}},
    {"MoreThanFitsSignalFirst", kSignalFirst, 64, {clause::pipe::write_eintr_partial_count}},
    {"MoreThanFitsEventFirst", kEventFirst, 64, {clause::pipe::write_eintr_partial_count}},
};
// The pipe holds as much as the write says that it wrote, and of an interrupted one nothing.
IPC_TABLE_TEST(PipeWriteMeetsASignal, RaceRow, kWrites) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  for (const PipeKind kind : kKinds) {
    SCOPED_TRACE(ToString(kind));
    for (int round = 0; round < kRounds; ++round) {
      const Pipe p(kind);
      // A large write fills the pipe itself, a small one finds it full.
      const std::string before = row.pages == 0 ? FillBytes(FillPipe(p.wr())) : "";
      const std::string data =
          Noise(row.pages == 0 ? 5 : 2 * CapacityOf(p) + row.pages * PageSize(), TestSeed());
      ThreadPeer writer;
      const Call call = writer.start([&] { return CALL(write(p.wr(), data.data(), data.size())); });
      std::string got;
      const CallResult wrote =
          Race(row.order, round, writer, call, [&] { got = DrainPipe(p.rd()); });
      ASSERT_THAT(wrote, SucceedsOrFailsWith(EINTR)) << "round " << round;
      got += DrainPipe(p.rd());
      const std::string written = wrote.ok() ? data.substr(0, wrote.value) : "";
      ASSERT_EQ(FirstDifference(got, before + written), "") << "round " << round;
    }
  }
}

// A storm of signals over a reader and a writer that exchange numbers and large blocks.
struct StormRow {
  const char* name;
  std::size_t block;  // bytes of a write
  int blocks;
  Claims claims = {clause::pipe::read_eintr, clause::pipe::write_eintr_partial_count};
};
const StormRow kStorms[] = {
    {"Numbers", 8, 400},
    {"AtomicRecords", 512, 400},
    {"MoreThanFits", 200'000, 4},
};

CallResult WriteThrough(int fd, const std::string& data, std::size_t block) {
  CallResult last;
  for (std::size_t at = 0; at < data.size();) {
    const std::size_t size = block - at % block;
    last = CALL(write(fd, data.data() + at, size));
    if (last.ok()) {
      at += static_cast<std::size_t>(last.value);
    } else if (!last.failed_with(EINTR)) {
      break;
    }
  }
  return last;
}

CallResult ReadThrough(int fd, std::size_t total, std::string* got) {
  CallResult last;
  std::string buffer(7000, '\0');
  while (got->size() < total) {
    last = CALL(read(fd, buffer.data(), buffer.size()));
    if (last.ok() && last.value > 0) {
      got->append(buffer.data(), static_cast<std::size_t>(last.value));
    } else if (!last.failed_with(EINTR)) {
      break;
    }
  }
  return last;
}

IPC_TABLE_TEST(PipeUnderSignals, StormRow, kStorms) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  const std::string data = Noise(row.block * static_cast<std::size_t>(row.blocks), TestSeed());
  const Pipe p;
  std::string got;
  ThreadPeer reader, writer;
  const int before = SignalCount();
  const Call reading = reader.start([&] { return ReadThrough(p.rd(), data.size(), &got); });
  const Call writing = writer.start([&] { return WriteThrough(p.wr(), data, row.block); });
  Patience patience(1s);  // then the rest without signals
  for (Backoff backoff; !reading.returned() && !writing.returned() && !patience.over();) {
    if (reader.alive()) pthread_kill(reader.handle(), SIGUSR1);
    if (writer.alive()) pthread_kill(writer.handle(), SIGUSR1);
    backoff.Pause();
  }
  EXPECT_THAT(writing.result(), Succeeds());
  EXPECT_THAT(reading.result(), Succeeds());
  NoteChecksOf(clause::pipe::write_eintr_partial_count);
  EXPECT_EQ(FirstDifference(got, data), "");
  Evidence(std::to_string(SignalCount() - before) + " signals");
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
