// Several readers and writers that wait on one pipe: what one of them takes or leaves must wake the
// next.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "harness/core/patience.h"
#include "harness/peers/worker.h"
#include "harness/test/test.h"
#include "spec/clauses/pipe_io.h"
#include "suites/pipe/kinds.h"
#include "suites/pipe/records.h"

namespace ipcsuite::pipe_suite {
namespace {

// pipe2() makes what pipe() makes.
constexpr PipeKind kKinds[] = {PipeKind::kPipe, PipeKind::kFifo};

// A size that depends on the pipe.
struct Size {
  std::size_t pages = 0, atomic = 0, capacities = 0;
  long bytes = 0;
  std::size_t Of(std::size_t capacity) const {
    return pages * PageSize() + atomic * 512 + capacities * capacity +
           static_cast<std::size_t>(bytes);
  }
};

// Reads until `total` bytes have come, in pieces; of pieces of some bytes only the first 500.
CallResult ReadPieces(int fd, std::size_t total, std::size_t piece, std::string* got) {
  constexpr std::size_t kSmall = 512;
  std::string buffer(std::max<std::size_t>(piece, 16384), '\0');
  CallResult last;
  for (int i = 0; got->size() < total; ++i) {
    const std::size_t size = piece < kSmall && i >= 500 ? 16384 : piece;
    last = CALL(read(fd, buffer.data(), std::min(size, total - got->size())));
    if (!last.ok() || last.value <= 0) break;
    got->append(buffer.data(), static_cast<std::size_t>(last.value));
  }
  return last;
}

// ---- one write that is larger than the pipe ----

struct LargeRow {
  const char* name;
  bool reader_waits_first;
  Size piece;
  std::string held = {};  // in the pipe before the write begins
  // On one CPU the writer goes on when the reader that made room waits again.
  bool writer_is_late = false;
  Claims claims = {clause::pipe::write_blocking_completes, clause::pipe::read_fifo_order};
};
const LargeRow kLarge[] = {
    {.name = "TakenByBytesByAWaitingReader", .reader_waits_first = true, .piece = {.bytes = 1}},
    {.name = "TakenByAtomicPiecesByAWaitingReader",
     .reader_waits_first = true,
     .piece = {.atomic = 1}},
    {.name = "TakenByPagesByAWaitingReader", .reader_waits_first = true, .piece = {.pages = 1}},
    {.name = "TakenByAlmostPagesByAWaitingReader",
     .reader_waits_first = true,
     .piece = {.pages = 1, .bytes = -1}},
    {.name = "TakenBeyondPagesByAWaitingReader",
     .reader_waits_first = true,
     .piece = {.pages = 1, .bytes = 1}},
    {.name = "TakenByTheFullByAWaitingReader",
     .reader_waits_first = true,
     .piece = {.capacities = 1}},
    {.name = "TakenByBytesWhenItWaits", .reader_waits_first = false, .piece = {.bytes = 1}},
    {.name = "TakenByAtomicPiecesWhenItWaits", .reader_waits_first = false, .piece = {.atomic = 1}},
    {.name = "TakenByPagesWhenItWaits", .reader_waits_first = false, .piece = {.pages = 1}},
    {.name = "TakenBeyondPagesWhenItWaits",
     .reader_waits_first = false,
     .piece = {.pages = 1, .bytes = 1}},
    {.name = "TakenByAlmostTheFullWhenItWaits",
     .reader_waits_first = false,
     .piece = {.capacities = 1, .bytes = -1}},
    {.name = "TakenByMoreThanFitsWhenItWaits",
     .reader_waits_first = false,
     .piece = {.capacities = 2}},
    // Who is woken when a write goes on depends on how it began.
    {.name = "TakenWithWhatWasThere",
     .reader_waits_first = false,
     .piece = {.capacities = 2},
     .held = "<",
     .writer_is_late = true},
};
IPC_TABLE_TEST(PipeLargeWrite, LargeRow, kLarge) {
  for (const PipeKind kind : kKinds) {
    SCOPED_TRACE(ToString(kind));
    const Pipe p(kind);
    const std::size_t capacity = CapacityOf(p);
    const std::string data = Noise(3 * capacity + 777, TestSeed());
    std::string got;
    if (!row.held.empty()) Setup(CALL(write(p.wr(), row.held.data(), row.held.size())));
    ThreadPeer reader, writer;
    const auto reads = [&] {
      return ReadPieces(p.rd(), row.held.size() + data.size(), row.piece.Of(capacity), &got);
    };
    const auto writes = [&] {
      [[maybe_unused]] const int lowered = row.writer_is_late ? nice(19) : 0;
      return CALL(write(p.wr(), data.data(), data.size()));
    };
    Call reading, writing;
    if (row.reader_waits_first) {
      reading = reader.start(reads);
      EXPECT_THAT(reading, Blocks());
      writing = writer.start(writes);
    } else {
      writing = writer.start(writes);
      ExpectWaitsForRoom(p, writing, data, row.held);
      reading = reader.start(reads);
    }
    EXPECT_THAT(reading.result(), Succeeds());
    EXPECT_THAT(writing.result(), SucceedsWith(data.size()));
    const ForClause scope(clause::pipe::read_fifo_order);
    NoteChecks();
    EXPECT_EQ(FirstDifference(got, row.held + data), "");
  }
}

// ---- several writers that wait for room ----

struct WritersRow {
  const char* name;
  int writers;
  Size record;
  Size piece;               // of a read
  bool reads_once = false;  // what filled the pipe is taken by one read, and nothing after it
  bool processes = false;   // not threads
  Claims claims = {clause::pipe::write_room_reaches_every_writer};
};
const WritersRow kWriters[] = {
    {.name = "TwoWithBytesByOneRead",
     .writers = 2,
     .record = {.bytes = 1},
     .piece = {.capacities = 1},
     .reads_once = true},
    {.name = "FiveWithBytesByOneRead",
     .writers = 5,
     .record = {.bytes = 1},
     .piece = {.capacities = 1},
     .reads_once = true},
    {.name = "EightWithBytesByOneRead",
     .writers = 8,
     .record = {.bytes = 1},
     .piece = {.capacities = 1},
     .reads_once = true},
    {.name = "EightProcessesWithBytesByOneRead",
     .writers = 8,
     .record = {.bytes = 1},
     .piece = {.capacities = 1},
     .reads_once = true,
     .processes = true},
    {.name = "ThreeWithAtomicRecordsByOneRead",
     .writers = 3,
     .record = {.atomic = 1},
     .piece = {.capacities = 1},
     .reads_once = true},
    {.name = "ThreeWithAtomicRecordsByBytes",
     .writers = 3,
     .record = {.atomic = 1},
     .piece = {.bytes = 1}},
    {.name = "EightWithAtomicRecordsByPages",
     .writers = 8,
     .record = {.atomic = 1},
     .piece = {.pages = 1}},
    {.name = "EightProcessesWithAtomicRecordsByPages",
     .writers = 8,
     .record = {.atomic = 1},
     .piece = {.pages = 1},
     .processes = true},
    {.name = "FourWithPagesByPages", .writers = 4, .record = {.pages = 1}, .piece = {.pages = 1}},
    {.name = "FourWithMoreThanPagesByAlmostPages",
     .writers = 4,
     .record = {.pages = 1, .bytes = 1},
     .piece = {.pages = 1, .bytes = -1}},
    {.name = "TwoWithMoreThanFitsByPages",
     .writers = 2,
     .record = {.capacities = 2, .bytes = 1},
     .piece = {.pages = 1}},
    {.name = "FourWithMoreThanFitsByTheFull",
     .writers = 4,
     .record = {.capacities = 1, .bytes = 1},
     .piece = {.capacities = 1}},
};

IPC_TABLE_TEST(PipeWaitingWriters, WritersRow, kWriters) {
  for (const PipeKind kind : kKinds) {
    SCOPED_TRACE(ToString(kind));
    const Pipe p(kind);
    const std::size_t inside = FillPipe(p.wr());
    const std::size_t record = row.record.Of(inside);
    if (row.reads_once && inside < row.writers * std::max(record, PageSize()))
      Untested("each write may take a page, and the pipe does not hold that many");
    std::vector<std::string> data;
    std::vector<std::unique_ptr<Worker>> writers;
    for (int i = 0; i < row.writers; ++i) data.emplace_back(record, static_cast<char>('a' + i));
    for (int i = 0; i < row.writers; ++i) {
      writers.push_back(std::make_unique<Worker>(
          row.processes, [&, i] { return CALL(write(p.wr(), data[i].data(), record)); }));
      const Call& call = writers.back()->call();
      // A system that does not mix large writes may let the later ones wait elsewhere.
      if (i > 0 && record > PipeBufOf(p.wr())) {
        call.probe();
      } else {
        EXPECT_THAT(call, Blocks());
      }
    }
    const std::size_t total = inside + (row.reads_once ? 0 : row.writers * record);
    std::string got;
    ThreadPeer reader;
    const Call reading =
        reader.start([&] { return ReadPieces(p.rd(), total, row.piece.Of(inside), &got); });
    EXPECT_THAT(reading.result(), Succeeds());
    for (const auto& writer : writers) EXPECT_THAT(writer->result(), SucceedsWith(record));
    got += DrainPipe(p.rd());
    ASSERT_GE(got.size(), inside);
    ExpectAllOfEach(got.substr(inside), row.writers, record);
  }
}

IPC_TEST(PipeWaitingWriters, AllFailWhenTheLastReaderCloses,
         clause::pipe::write_reader_close_releases_writer) {
  const ScopedSignal ignored(SIGPIPE, SIG_IGN);
  for (const PipeKind kind : kKinds) {
    SCOPED_TRACE(ToString(kind));
    Pipe p(kind);
    FillPipe(p.wr());
    std::vector<ThreadPeer> writers(8);
    std::vector<Call> calls;
    for (ThreadPeer& writer : writers) {
      calls.push_back(writer.start([&] { return CALL(write(p.wr(), "x", 1)); }));
      EXPECT_THAT(calls.back(), Blocks());
    }
    p.CloseRd();
    for (const Call& call : calls) EXPECT_THAT(call.result(), Fails(EPIPE));
  }
}

// ---- several readers that wait for data ----

struct ReadersRow {
  const char* name;
  int readers;
  std::vector<int> writes;  // bytes of each
  bool processes = false;
  Claims claims = {clause::pipe::read_no_reader_waits_beside_data};
};
const ReadersRow kReaders[] = {
    {.name = "TwoByOneWrite", .readers = 2, .writes = {2}},
    {.name = "TwoByTwoWrites", .readers = 2, .writes = {1, 1}},
    {.name = "FiveByOneWrite", .readers = 5, .writes = {5}},
    {.name = "EightByOneWrite", .readers = 8, .writes = {8}},
    {.name = "EightByThreeWrites", .readers = 8, .writes = {3, 1, 4}},
    {.name = "EightProcessesByOneWrite", .readers = 8, .writes = {8}, .processes = true},
    {.name = "SomeOfEight", .readers = 8, .writes = {3, 2}},
};
// Each reads one byte.
IPC_TABLE_TEST(PipeWaitingReaders, ReadersRow, kReaders) {
  for (const PipeKind kind : kKinds) {
    SCOPED_TRACE(ToString(kind));
    Pipe p(kind);
    SharedBuffer bytes(static_cast<std::size_t>(row.readers));
    std::vector<std::unique_ptr<Worker>> readers;
    std::vector<Call> calls;
    for (int i = 0; i < row.readers; ++i) {
      readers.push_back(std::make_unique<Worker>(row.processes, [&, i] {
        if (row.processes) CloseAllExcept({p.rd()});
        return CALL(read(p.rd(), bytes.data() + i, 1));
      }));
      calls.push_back(readers.back()->call());
      EXPECT_THAT(calls.back(), Blocks());
    }
    int written = 0;
    for (const int size : row.writes) {
      EXPECT_THAT(CALL(write(p.wr(), std::string(size, 'd').data(), size)), SucceedsWith(size));
      written += size;
    }
    if (written == row.readers) {
      for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(1));
    } else {
      EXPECT_EQ(Returned(calls, static_cast<std::size_t>(written)).size(),
                static_cast<std::size_t>(written));
    }
    p.CloseWr();
    int served = 0;
    for (const Call& call : calls) {
      const CallResult got = call.result();
      EXPECT_THAT(got, Succeeds());
      served += got.ok() && got.value == 1;
    }
    EXPECT_EQ(served, written) << "readers that got a byte";
  }
}

bool StatesAreShown() {
  return CurrentRun()->probe_mode != static_cast<std::uint32_t>(ProbeMode::kSettle);
}

// Waits until `taken` is `count`, of bytes that were written, or until a reader returns. Readers
// that sleep for a second beside data were not woken; where that is not shown they may only be
// slow.
bool AwaitTaken(const std::vector<Call>& readers, const std::atomic<int>& taken, int count) {
  Patience patience(1s), end(20s);
  int before = taken.load();
  for (Backoff backoff; taken.load() < count; backoff.Pause()) {
    if (std::ranges::any_of(readers, &Call::returned)) return true;
    if (taken.load() != before) {
      before = taken.load();
      patience = Patience(1s);
    }
    if (!patience.over()) continue;
    const bool asleep = std::ranges::all_of(readers, [](const Call& reader) {
      const Blocking seen = reader.probe(-1, 100ms).what;
      return seen == Blocking::kShown || (seen == Blocking::kInferred && StatesAreShown());
    });
    if (asleep && taken.load() == before) return false;
    if (end.over()) Unresolved("readers did not take what is there, and were not shown asleep");
  }
  return true;
}

// A burst of one byte for each of several readers, again and again: who takes the last byte and who
// waits is a race each time.
IPC_TEST(PipeWaitingReaders, ShareManyBursts, clause::pipe::read_no_reader_waits_beside_data,
         clause::pipe::read_blocks_until_data) {
  constexpr int kBursts = 150;
  for (const int readers : {2, 4, 8}) {
    SCOPED_TRACE(std::to_string(readers) + " readers");
    Pipe p;
    Shared<std::atomic<int>> taken, ended;
    std::vector<Peer> peers(static_cast<std::size_t>(readers));
    std::vector<Call> calls;
    for (Peer& peer : peers) {
      calls.push_back(peer.start([&] {
        CloseAllExcept({p.rd()});
        char byte;
        CallResult got;
        while ((got = CALL(read(p.rd(), &byte, 1))).ok() && got.value == 1) taken->fetch_add(1);
        ended->fetch_add(1);
        return got;
      }));
    }
    const std::string burst(static_cast<std::size_t>(readers), 'b');
    for (int i = 1; i <= kBursts; ++i) {
      ASSERT_THAT(CALL(write(p.wr(), burst.data(), burst.size())), SucceedsWith(burst.size()));
      ASSERT_TRUE(AwaitTaken(calls, *taken, i * readers)) << "readers sleep beside data";
      // The others took the bytes that woke it: it must wait on.
      const ForClause scope(clause::pipe::read_blocks_until_data);
      NoteChecks();
      ASSERT_EQ(ended->load(), 0) << "readers that returned while the pipe could be written to";
    }
    p.CloseWr();
    // How many bytes they got in all is open: concurrent reads may get one twice.
    for (const Call& call : calls) EXPECT_THAT(call.result(), SucceedsWith(0));
  }
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
