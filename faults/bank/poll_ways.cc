// Faults of waits for readiness: by what is asked for, on which descriptor, beside whom, and by
// which event. What a call with a time-out of zero says is right.
#include <fcntl.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kWriters, kReaders, kPollers, kLarge, kEmpty, kLastRead, kRdwr };

using Time = const timespec*;
constexpr nfds_t kMost = 64;

timespec OfMs(int ms) { return {ms / 1000, ms % 1000 * 1000000l}; }

// Waits as asked, with deaf entries left out; then says what is. A wait without end ends as a hang.
template <bool (*deaf)(const pollfd&, const Obj&)>
int WaitDeaf(pollfd* p, nfds_t n, Time t, const sigset_t* mask) {
  const timespec zero{}, hang = OfMs(StuckMs());
  if (n > kMost || real::ppoll(p, n, &zero, nullptr) != 0) return real::ppoll(p, n, t, mask);
  pollfd copy[kMost];
  bool any = false;
  for (nfds_t i = 0; i < n; ++i) {
    copy[i] = p[i];
    if (p[i].fd < 0 || !deaf(p[i], ObjectOf(p[i].fd))) continue;
    copy[i].fd = -1;
    any = true;
  }
  const int r = real::ppoll(copy, n, any && !t ? &hang : t, mask);
  return r < 0 ? r : real::ppoll(p, n, &zero, nullptr);
}

template <bool (*deaf)(const pollfd&, const Obj&)>
void Deaf(Hooks& h) {
  h.poll = [](pollfd* p, nfds_t n, int ms) {
    const timespec t = OfMs(ms);
    return WaitDeaf<deaf>(p, n, ms < 0 ? nullptr : &t, nullptr);
  };
  h.ppoll = WaitDeaf<deaf>;
}

bool AsksRdnorm(const pollfd& p, const Obj&) {
  return (p.events & POLLRDNORM) && !(p.events & POLLIN);
}
bool AsksWrnorm(const pollfd& p, const Obj&) {
  return (p.events & POLLWRNORM) && !(p.events & POLLOUT);
}
bool AsksPriority(const pollfd& p, const Obj&) { return p.events == POLLPRI; }
bool AsksNothing(const pollfd& p, const Obj&) { return p.events == 0; }
bool AsksPair(const pollfd& p, const Obj&) { return p.events == (POLLIN | POLLRDNORM); }
bool AsksWritePair(const pollfd& p, const Obj&) { return p.events == (POLLOUT | POLLWRNORM); }
bool IsAbove63(const pollfd& p, const Obj&) { return p.fd >= 64; }
bool IsAbove1023(const pollfd& p, const Obj&) { return p.fd >= 1024; }
bool IsBesideWriter(const pollfd& p, const Obj& o) {
  return (p.events & POLLOUT) && WaiterCount(o.key(), kWriters) > 0;
}
bool IsBesideReader(const pollfd& p, const Obj& o) {
  return (p.events & POLLIN) && WaiterCount(o.key(), kReaders) > 0;
}

// Notes what happens to pipes, for the faults below.
void Note(Hooks& h) {
  h.write = [](const Obj& o, const void* b, size_t n) {
    if (n == 0) Cell(o.key(), kEmpty) = 1;
    const bool waits = WriterWaits(o);
    // Before the call: whoever it wakes looks at these.
    if (n > static_cast<size_t>(Capacity(o))) Cell(o.key(), kLarge) = 1;
    const Waiting waiting(waits ? o.key() : 0, kWriters);
    return Write(o, b, n);
  };
  h.read = [](const Obj& o, void* b, size_t n) {
    const Waiting waiting(ReaderWaits(o) ? o.key() : 0, kReaders);
    Cell(o.key(), kLastRead) = n;
    return Read(o, b, n);
  };
  h.open_fifo = [](int d, const char* p, int f, mode_t m) {
    const int fd = real::openat(d, p, f, m);
    if (fd >= 0 && (f & O_ACCMODE) == O_RDWR) Cell(ObjectOf(fd).key(), kRdwr) = 1;
    return fd;
  };
}

template <bool (*deaf)(const pollfd&, const Obj&)>
void DeafWithNotes(Hooks& h) {
  Note(h);
  Deaf<deaf>(h);
}

// A wait that was ended hangs if `lost` says so of what ended it.
template <bool (*lost)(const Obj&, short revents)>
void Lose(Hooks& h) {
  Note(h);
  h.poll = [](pollfd* p, nfds_t n, int ms) {
    const bool waits = ms < 0 && real::poll(p, n, 0) == 0;
    const int r = real::poll(p, n, ms);
    if (waits && r > 0 && lost(ObjectOf(p[0].fd), p[0].revents)) Stuck();
    return r;
  };
}
bool ByLargeWrite(const Obj& o, short) { return Cell(o.key(), kLarge) != 0; }
bool AfterEmptyWrite(const Obj& o, short) { return Cell(o.key(), kEmpty) != 0; }
bool BySmallReads(const Obj& o, short revents) {
  const uint64_t last = Cell(o.key(), kLastRead);
  return (revents & POLLOUT) && last > 0 && last <= 4096;
}
bool DataByRdwr(const Obj& o, short revents) {
  return (revents & POLLIN) && Cell(o.key(), kRdwr) != 0;
}
bool HangUpAfterRdwr(const Obj& o, short revents) {
  return (revents & POLLHUP) && Cell(o.key(), kRdwr) != 0;
}

const Row kWays[] = {
    {.name = "poll_rdnorm_alone_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait for POLLRDNORM alone is not ended by data.",
     .arm = Deaf<AsksRdnorm>},
    {.name = "poll_wrnorm_alone_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait for POLLWRNORM alone is not ended by room.",
     .arm = Deaf<AsksWrnorm>},
    {.name = "poll_priority_alone_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait for POLLPRI alone is not ended by a hang-up or an error.",
     .arm = Deaf<AsksPriority>},
    {.name = "poll_nothing_asked_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "poll.pipe.hup_after_last_writer"},
     .what = "A wait for no events is not ended by a hang-up or an error.",
     .arm = Deaf<AsksNothing>},
    {.name = "poll_reading_pair_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait for POLLIN and POLLRDNORM together is not ended.",
     .arm = Deaf<AsksPair>},
    {.name = "poll_writing_pair_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait for POLLOUT and POLLWRNORM together is not ended.",
     .arm = Deaf<AsksWritePair>},
    {.name = "poll_above_63_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait on a descriptor of 64 or above is not ended.",
     .arm = Deaf<IsAbove63>},
    {.name = "poll_above_1023_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite", "ppoll.timespec"},
     .what = "A wait on a descriptor of 1,024 or above is not ended.",
     .arm = Deaf<IsAbove1023>},
    {.name = "poll_deaf_beside_a_writer",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_infinite", "poll.wakes_on_room"},
     .what = "A wait for room is not ended if a writer waits for room in the same pipe.",
     .arm = DeafWithNotes<IsBesideWriter>},
    {.name = "poll_deaf_beside_a_reader",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_infinite"},
     .what = "A wait for data is not ended if a reader waits for data of the same pipe.",
     .arm = DeafWithNotes<IsBesideReader>},
    {.name = "poll_duplicate_entry_unreported",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.return_value", "poll.timeout_infinite"},
     .what = "Of several entries for one descriptor only the first is reported after a wait.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             int r = real::poll(p, n, ms);
             for (nfds_t i = 1; ms != 0 && r > 1 && i < n; ++i) {
               if (p[i].fd == p[0].fd && p[i].revents) p[i].revents = 0, --r;
             }
             return r;
           };
         }},
    {.name = "poll_large_write_wakes_nobody",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_infinite"},
     .what = "A wait for data is not ended by a write of more than fits.",
     .source = "Linux 5.5-rc",
     .arm = Lose<ByLargeWrite>},
    {.name = "poll_empty_write_makes_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_infinite"},
     .what = "After a write of no bytes, waits for data of the pipe are not ended.",
     .arm = Lose<AfterEmptyWrite>},
    {.name = "poll_small_reads_wake_nobody",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.wakes_on_room", "poll.timeout_infinite"},
     .what = "A wait for room is not ended when the pipe was drained page by page.",
     .arm = Lose<BySmallReads>},
    {.name = "poll_rdwr_data_wakes_nobody",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_infinite"},
     .what = "Data written through an O_RDWR description of a FIFO ends no wait.",
     .arm = Lose<DataByRdwr>},
    {.name = "poll_rdwr_hides_hang_up",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.pipe.hup_after_last_writer", "poll.timeout_infinite"},
     .what = "The last close ends no wait if an O_RDWR description was among the writers.",
     .arm = Lose<HangUpAfterRdwr>},
    {.name = "poll_newest_waiter_forgotten",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_infinite"},
     .what = "Of several that wait for one pipe in poll() the one that came last is not woken.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             if (ms >= 0 || real::poll(p, n, 0) != 0) return real::poll(p, n, ms);
             const uint64_t key = ObjectOf(p[0].fd).key();
             const Waiting waiting(key, kPollers);
             const bool several = WaiterCount(key, kPollers) > 1;
             const int r = real::poll(p, n, ms);
             if (several && r > 0 && waiting.Newest()) Stuck();
             return r;
           };
         }},
};
FAULTS_REGISTER(kWays);

}  // namespace
}  // namespace faults
