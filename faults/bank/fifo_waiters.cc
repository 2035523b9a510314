// Faults of several openers of one FIFO, and of openers that a signal ends.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kWaits, kInterrupted, kByRdwr, kMeetings, kOpens };

int Open(int d, const char* p, int f, mode_t m) { return real::openat(d, p, f, m); }
bool MayWait(int flags) { return !(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_RDWR; }
bool Interrupted(int fd) { return fd < 0 && errno == EINTR; }

uint64_t KeyOf(int d, const char* p) {
  struct stat s;
  Obj o;
  if (real::fstatat(d, p, &s, 0) == 0) o.dev = s.st_dev, o.ino = s.st_ino;
  return o.key();
}

// Keeps one more reader or writer there for as long as this process lives.
void LeaveBehind(int d, const char* p, int access) {
  const int saved = errno;
  const int both = Open(d, p, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  MoveHigh(Open(d, p, access | O_NONBLOCK | O_CLOEXEC, 0));
  if (both >= 0) real::close(both);
  errno = saved;
}

// An opener that a signal ended counts on, as a reader or as a writer.
template <int access>
int StayCounted(int d, const char* p, int f, mode_t m) {
  const int fd = Open(d, p, f, m);
  if (MayWait(f) && (f & O_ACCMODE) == access && Interrupted(fd)) LeaveBehind(d, p, access);
  return fd;
}

// An opener that waited counts twice, as a reader or as a writer.
template <int access>
int CountTwice(int d, const char* p, int f, mode_t m) {
  const bool waits = MayWait(f) && (f & O_ACCMODE) == access;
  const int64_t start = NowNs(CLOCK_MONOTONIC);
  const int fd = Open(d, p, f, m);
  if (fd >= 0 && waits && NowNs(CLOCK_MONOTONIC) - start > 500'000) LeaveBehind(d, p, access);
  return fd;
}

// Of the openers of one side that wait beside others, those hang for which `lost` holds.
template <int access, bool (*lost)(const Waiting&, uint64_t key)>
int Lose(int d, const char* p, int f, mode_t m) {
  if (!MayWait(f) || (f & O_ACCMODE) != access) return Open(d, p, f, m);
  const uint64_t key = KeyOf(d, p);
  const Waiting waiting(key, kWaits);
  const bool beside = WaiterCount(key, kWaits) > 1;
  const int fd = Open(d, p, f, m);
  if (Interrupted(fd)) {
    Cell(key, kInterrupted) = 1;
  } else if (fd >= 0 && beside && lost(waiting, key)) {
    Stuck();
  }
  return fd;
}
bool OnceInterrupted(const Waiting&, uint64_t key) { return Cell(key, kInterrupted) != 0; }
bool IsNewest(const Waiting& waiting, uint64_t) { return waiting.Newest(); }

// A signal for one opener ends the waits of all.
template <int access>
int InterruptAll(int d, const char* p, int f, mode_t m) {
  if (!MayWait(f) || (f & O_ACCMODE) != access) return Open(d, p, f, m);
  const uint64_t key = KeyOf(d, p);
  const Waiting waiting(key, kWaits);
  const int fd = Open(d, p, f, m);
  if (Interrupted(fd) && !waiting.Kicked()) {
    Kick(key, kWaits, true);
    errno = EINTR;
  }
  return fd;
}

// Openers that an O_RDWR open has released hang.
template <int access>
int MissRdwr(int d, const char* p, int f, mode_t m) {
  const uint64_t key = KeyOf(d, p);
  if ((f & O_ACCMODE) == O_RDWR) Cell(key, kByRdwr) = 1;
  const int fd = Open(d, p, f, m);
  if (fd >= 0 && MayWait(f) && (f & O_ACCMODE) == access && Cell(key, kByRdwr) != 0) Stuck();
  return fd;
}

const Row kFaults[] = {
    {.name = "fifo_open_interrupted_reader_stays_counted",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.eintr"},
     .what = "A reader whose open() a signal ended still counts as a reader.",
     .arm = [](Hooks& h) { h.open_fifo = StayCounted<O_RDONLY>; }},
    {.name = "fifo_open_interrupted_writer_stays_counted",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.eintr"},
     .what = "A writer whose open() a signal ended still counts as a writer.",
     .arm = [](Hooks& h) { h.open_fifo = StayCounted<O_WRONLY>; }},
    {.name = "fifo_open_waiting_reader_counts_twice",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.io.same_as_pipe"},
     .what = "A reader that had to wait in open() is counted twice: no EPIPE after it closes.",
     .arm = [](Hooks& h) { h.open_fifo = CountTwice<O_RDONLY>; }},
    {.name = "fifo_open_waiting_writer_counts_twice",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.io.eof_after_all_writers"},
     .what =
         "A writer that had to wait in open() is counted twice: no end-of-file after it closes.",
     .arm = [](Hooks& h) { h.open_fifo = CountTwice<O_WRONLY>; }},
    {.name = "fifo_open_interrupt_loses_readers",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.rdonly_waits_for_writer", "fifo.open.all_waiters_released"},
     .what = "After a signal ended one reader's open(), the others that wait are not released.",
     .arm = [](Hooks& h) { h.open_fifo = Lose<O_RDONLY, OnceInterrupted>; }},
    {.name = "fifo_open_interrupt_loses_writers",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.wronly_waits_for_reader", "fifo.open.all_waiters_released"},
     .what = "After a signal ended one writer's open(), the others that wait are not released.",
     .arm = [](Hooks& h) { h.open_fifo = Lose<O_WRONLY, OnceInterrupted>; }},
    {.name = "fifo_open_newest_reader_forgotten",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.all_waiters_released"},
     .what = "Of several waiting readers the one that came last is not released.",
     .arm = [](Hooks& h) { h.open_fifo = Lose<O_RDONLY, IsNewest>; }},
    {.name = "fifo_open_newest_writer_forgotten",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.all_waiters_released"},
     .what = "Of several waiting writers the one that came last is not released.",
     .arm = [](Hooks& h) { h.open_fifo = Lose<O_WRONLY, IsNewest>; }},
    {.name = "fifo_open_interrupt_ends_all_readers",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.rdonly_waits_for_writer"},
     .what = "A signal for one waiting reader ends the open() of all.",
     .arm = [](Hooks& h) { UseKicks(), h.open_fifo = InterruptAll<O_RDONLY>; }},
    {.name = "fifo_open_interrupt_ends_all_writers",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.wronly_waits_for_reader"},
     .what = "A signal for one waiting writer ends the open() of all.",
     .arm = [](Hooks& h) { UseKicks(), h.open_fifo = InterruptAll<O_WRONLY>; }},
    {.name = "fifo_open_rdwr_releases_no_reader",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.rdwr_releases"},
     .what = "An O_RDWR open does not release readers that wait in open().",
     .arm = [](Hooks& h) { h.open_fifo = MissRdwr<O_RDONLY>; }},
    {.name = "fifo_open_rdwr_releases_no_writer",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.rdwr_releases"},
     .what = "An O_RDWR open does not release writers that wait in open().",
     .arm = [](Hooks& h) { h.open_fifo = MissRdwr<O_WRONLY>; }},
    {.name = "fifo_open_fourth_meeting_lost",
     .family = Family::fifo,
     .difficulty = Difficulty::hard,
     .clauses = {"fifo.open.peer_present"},
     .what = "From the fourth opener on, open() of a FIFO that both sides have open waits.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             const int fd = Open(d, p, f, m);
             if (fd >= 0 && MayWait(f) && ++Cell(KeyOf(d, p), kOpens) >= 4) Stuck();
             return fd;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
