// Faults of pipes with several waiters, of transfers in pieces, and of signals that meet data: bugs
// as kernels have had them in their wake-ups.
#include <unistd.h>

#include <algorithm>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t {
  kWrites,        // writes to the pipe so far
  kServed,        // 1 + the write that served a reader that had waited
  kReads,         // reads from the pipe so far
  kRoomed,        // 1 + the read that let a writer go on that had waited
  kReaderWaits,   // readers that wait
  kWriterWaits,   // writers that wait
  kLastRead,      // bytes of the last read
  kReaderWaited,  // a reader had to wait
  kMoved,         // bytes that were read
  kRounds,
};

constexpr int kPage = 4096;
// How long a call that a signal has ended looks for what it waited for.
constexpr int kMeetMs = 20;

ssize_t CountedWrite(const Obj& o, const void* b, size_t n) {
  ++Cell(o.key(), kWrites);
  return Write(o, b, n);
}

// Counts before the call: whoever it wakes looks at that.
ssize_t CountedRead(const Obj& o, void* b, size_t n) {
  const int there = std::min(Available(o), static_cast<int>(std::min<size_t>(n, 1 << 30)));
  if (there > 0) {
    ++Cell(o.key(), kReads);
    Cell(o.key(), kLastRead) = static_cast<uint64_t>(there);
    Cell(o.key(), kMoved) += static_cast<uint64_t>(there);
  }
  return Read(o, b, n);
}

// A writer that had to wait and then hangs if `lost` says so.
template <bool (*lost)(const Obj&)>
void LoseWriters(Hooks& h) {
  h.read = CountedRead;
  h.write = [](const Obj& o, const void* b, size_t n) {
    const bool late = WriterWaits(o) || (!Nonblocking(o) && n > static_cast<size_t>(Room(o)));
    const ssize_t r = CountedWrite(o, b, n);
    if (late && r > 0 && lost(o)) Stuck();
    return r;
  };
}

// Of three or more waiters the one that came last hangs.
template <Use use, auto waits, auto call, class Buffer>
ssize_t ForgetNewest(const Obj& o, Buffer b, size_t n) {
  if (!waits(o)) return call(o, b, n);
  const Waiting waiting(o.key(), use);
  const bool many = WaiterCount(o.key(), use) >= 3;
  const ssize_t r = call(o, b, n);
  if (many && waiting.Newest()) Stuck();
  return r;
}
constexpr auto kRead = [](const Obj& o, void* b, size_t n) { return Read(o, b, n); };
constexpr auto kWrite = [](const Obj& o, const void* b, size_t n) { return Write(o, b, n); };

bool BySmallReads(const Obj& o) { return Cell(o.key(), kLastRead) < kPage; }
bool BySingleBytes(const Obj& o) {
  const uint64_t reads = Cell(o.key(), kReads), moved = Cell(o.key(), kMoved);
  return reads > 100 && moved < reads * 1024;
}

const Row kFaults[] = {
    {.name = "read_one_reader_for_each_write",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.no_reader_waits_beside_data"},
     .what = "One write wakes one reader: the second that could have had bytes of it sleeps on.",
     .source = "Linux 5.5 to 5.7 (exclusive waits in fs/pipe.c)",
     .arm =
         [](Hooks& h) {
           h.write = CountedWrite;
           h.read = [](const Obj& o, void* b, size_t n) {
             bool late = false;
             const ssize_t r = Read(o, b, n, &late);
             if (!late || r <= 0) return r;
             const uint64_t now = Cell(o.key(), kWrites) + 1;
             if (Cell(o.key(), kServed).exchange(now) == now) Stuck();
             return r;
           };
         }},
    {.name = "read_newest_waiter_forgotten",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.no_reader_waits_beside_data", "pipe.read.close_wakes_all_readers"},
     .what = "Of three or more waiting readers the one that came last is not woken.",
     .arm = [](Hooks& h) { h.read = ForgetNewest<kReaderWaits, ReaderWaits, kRead>; }},
    {.name = "read_loser_sees_end_of_file",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.no_reader_waits_beside_data"},
     .what = "A reader that is woken and finds that another took the data returns 0.",
     .source = "Linux before 5.6 in development: pipe_read() returned after one wake-up",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (!ReaderWaits(o)) return Read(o, b, n);
             const Waiting waiting(o.key(), kReaderWaits);
             if (WaiterCount(o.key(), kReaderWaits) < 2) return Read(o, b, n);
             pollfd entry{o.fd, POLLIN, 0};
             real::poll(&entry, 1, -1);
             PauseMs(1);
             return Available(o) == 0 ? 0 : Read(o, b, n);
           };
         }},
    {.name = "read_stops_at_page_border",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.no_message_boundaries"},
     .what = "A read ends at the border of a page of the stream though more is there.",
     .arm =
         [](Hooks& h) {
           h.write = CountedWrite;
           h.read = [](const Obj& o, void* b, size_t n) {
             const auto inside = static_cast<size_t>(Cell(o.key(), kMoved) % kPage);
             const size_t left = kPage - inside;
             return CountedRead(o, b, n > left && Available(o) > static_cast<int>(left) ? left : n);
           };
         }},
    {.name = "read_short_beyond_two_pages",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.no_message_boundaries"},
     .what = "A read of more than a page returns one byte less than is there and was asked for.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             const bool all = n > kPage && Available(o) >= static_cast<int>(n);
             return Read(o, b, all ? n - 1 : n);
           };
         }},
    {.name = "read_takes_interrupted_data",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.eintr"},
     .what = "A read that a signal meets just when data came fails with EINTR; the data is gone.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             const ssize_t r = Read(o, b, n);
             if (r >= 0 || errno != EINTR) return r;
             PauseMs(kMeetMs);
             if (Available(o) > 0) Read(o, b, n);
             return ssize_t{Fail(EINTR)};
           };
         }},
    {.name = "read_halves_interrupted_data",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.eintr", "pipe.read.fifo_order"},
     .what = "A read of pages that a signal meets returns half of what it took.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             const ssize_t r = Read(o, b, n);
             if (r >= 0 || errno != EINTR) return r;
             PauseMs(kMeetMs);
             const int there = Available(o);
             return there > kPage ? Read(o, b, n) / 2 : ssize_t{Fail(EINTR)};
           };
         }},
    {.name = "write_eintr_after_writing",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.eintr_nothing_written"},
     .what =
         "A small write that a signal meets just when it got room fails with EINTR; its data is "
         "in the pipe.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const ssize_t r = Write(o, b, n);
             if (r >= 0 || errno != EINTR || n > kPage) return r;
             PauseMs(kMeetMs);
             if (Room(o) >= static_cast<int>(n)) Write(o, b, n);
             return ssize_t{Fail(EINTR)};
           };
         }},
    {.name = "write_interrupted_counts_all",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.eintr_partial_count"},
     .what = "A large write that a signal ends returns the whole count.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const ssize_t r = Write(o, b, n);
             return !Nonblocking(o) && r > 0 ? static_cast<ssize_t>(n) : r;
           };
         }},
    {.name = "write_interrupted_counts_a_byte_less",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.eintr_partial_count"},
     .what = "A large write that a signal ends returns one byte less than it wrote.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const ssize_t r = Write(o, b, n);
             const bool part = !Nonblocking(o) && r > 1 && static_cast<size_t>(r) < n;
             return part ? r - 1 : r;
           };
         }},
    {.name = "write_one_writer_for_each_read",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.room_reaches_every_writer"},
     .what = "One read wakes one writer: the second for which there is room sleeps on.",
     .source = "Linux 5.5 to 5.7 (exclusive waits in fs/pipe.c)",
     .arm =
         [](Hooks& h) {
           h.read = CountedRead;
           h.write = [](const Obj& o, const void* b, size_t n) {
             const bool late = WriterWaits(o);
             const ssize_t r = CountedWrite(o, b, n);
             if (!late || r <= 0) return r;
             const uint64_t now = Cell(o.key(), kReads) + 1;
             if (Cell(o.key(), kRoomed).exchange(now) == now) Stuck();
             return r;
           };
         }},
    {.name = "write_newest_waiter_forgotten",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.room_reaches_every_writer"},
     .what = "Of three or more waiting writers the one that came last is not woken.",
     .arm = [](Hooks& h) { h.write = ForgetNewest<kWriterWaits, WriterWaits, kWrite>; }},
    {.name = "write_not_woken_by_small_reads",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.blocking_completes", "pipe.write.room_reaches_every_writer"},
     .what = "A writer is not woken when the read that made room was shorter than a page.",
     .arm = LoseWriters<BySmallReads>},
    {.name = "write_not_woken_by_single_bytes",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.blocking_completes", "pipe.write.room_reaches_every_writer"},
     .what = "A writer is not woken in a pipe that was drained byte by byte.",
     .arm = LoseWriters<BySingleBytes>},
    {.name = "write_large_not_woken_beside_another",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.room_reaches_every_writer"},
     .what = "Of two writers with more than fits, one is not woken for its last piece.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (n <= kPage || Nonblocking(o)) return Write(o, b, n);
             const Waiting waiting(o.key(), kWriterWaits);
             const bool several = WaiterCount(o.key(), kWriterWaits) >= 2;
             const ssize_t r = Write(o, b, n);
             if (several) Stuck();
             return r;
           };
         }},
    {.name = "write_large_lost_for_a_waiting_reader",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.blocking_completes"},
     .what = "A write of more than fits hangs if a reader waited before it arrived.",
     .source = "Linux 5.5-rc: the reader's wake-up was lost when the pipe became full",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (ReaderWaits(o)) Cell(o.key(), kReaderWaited) = 1;
             return Read(o, b, n);
           };
           h.write = [](const Obj& o, const void* b, size_t n) {
             const bool large = !Nonblocking(o) && n > static_cast<size_t>(Capacity(o));
             const bool waited = Cell(o.key(), kReaderWaited) != 0;
             const ssize_t r = Write(o, b, n);
             if (large && waited) Stuck();
             return r;
           };
         }},
    {.name = "write_epipe_wakes_one_writer",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.reader_close_releases_writer"},
     .what = "The last reader's close releases one of several waiting writers.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const bool late = WriterWaits(o);
             const ssize_t r = Write(o, b, n);
             if (late && r < 0 && errno == EPIPE && Cell(o.key(), kRounds)++ > 0) Stuck();
             return r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
