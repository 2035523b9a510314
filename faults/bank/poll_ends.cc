// Faults of waits for readiness that end though nothing is ready, or whose time-out is misread.
#include <limits.h>
#include <unistd.h>

#include <limits>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kPollers, kStale };

using Time = const timespec*;

// A wait that others can end although nothing is ready.
int KickablePoll(pollfd* p, nfds_t n, int ms) {
  const Waiting waiting(ObjectOf(p[0].fd).key(), kPollers);
  const int r = real::poll(p, n, ms);
  if (r >= 0 || errno != EINTR || !waiting.Kicked()) return r;
  p[0].revents = p[0].events;
  return 1;
}
void KickPollers(const Obj& o) {
  const int saved = errno;
  Kick(o.key(), kPollers, true);
  errno = saved;
}

bool Refused(size_t, ssize_t r) { return r == -1 && errno == EAGAIN; }
bool Empty(size_t n, ssize_t) { return n == 0; }

// Waits end after a write, or a read, of `n` bytes with result `r` for which this holds.
template <bool (*kEnds)(size_t n, ssize_t r)>
void WriteEndsWaits(Hooks& h) {
  UseKicks();
  h.poll = KickablePoll;
  h.write = [](const Obj& o, const void* b, size_t n) {
    const ssize_t r = Write(o, b, n);
    if (kEnds(n, r)) KickPollers(o);
    return r;
  };
}
template <bool (*kEnds)(size_t n, ssize_t r)>
void ReadEndsWaits(Hooks& h) {
  UseKicks();
  h.poll = KickablePoll;
  h.read = [](const Obj& o, void* b, size_t n) {
    const ssize_t r = Read(o, b, n);
    if (kEnds(n, r)) KickPollers(o);
    return r;
  };
}

const Row kEnds[] = {
    {.name = "poll_ended_by_empty_write",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite"},
     .what = "A write of no bytes ends waits for data.",
     .arm = WriteEndsWaits<Empty>},
    {.name = "poll_ended_by_failed_write",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite"},
     .what = "A write that fails with EAGAIN ends waits for room.",
     .arm = WriteEndsWaits<Refused>},
    {.name = "poll_ended_by_failed_read",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite"},
     .what = "A read that fails with EAGAIN ends waits for data.",
     .arm = ReadEndsWaits<Refused>},
    {.name = "poll_ended_by_empty_read",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite"},
     .what = "A read of no bytes ends waits for room.",
     .arm = ReadEndsWaits<Empty>},
    {.name = "poll_ended_by_close_of_a_duplicate",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite"},
     .what = "close() of one of several descriptors of a pipe ends waits on it.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           h.poll = KickablePoll;
           h.close = [](const Obj& o) {
             const int r = real::close(o.fd);
             if (o.stream()) KickPollers(o);
             return r;
           };
         }},
    {.name = "poll_mask_stale_after_a_wait",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.pipe.no_pollin_when_empty", "poll.timeout_infinite"},
     .what = "After a wait that data ended, the next poll() says POLLIN once more.",
     .source = "Linux 5.5: masks taken before the wake-up",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             const uint64_t key = ObjectOf(p[0].fd).key();
             if (real::poll(p, n, 0) == 0 && (p[0].events & POLLIN) &&
                 Cell(key, kStale).exchange(0) != 0) {
               p[0].revents = POLLIN;
               return 1;
             }
             const bool waits = ms < 0 && real::poll(p, n, 0) == 0;
             const int r = real::poll(p, n, ms);
             if (waits && r > 0 && (p[0].revents & POLLIN)) Cell(key, kStale) = 1;
             return r;
           };
         }},
    {.name = "ppoll_largest_time_out_is_zero",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.timespec"},
     .what = "ppoll() with the largest time_t returns immediately.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* mask) {
             const timespec zero{};
             const bool largest = t && t->tv_sec == std::numeric_limits<time_t>::max();
             return real::ppoll(p, n, largest ? &zero : t, mask);
           };
         }},
    {.name = "poll_largest_time_out_is_zero",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_finite", "poll.timeout_infinite"},
     .what = "poll() with INT_MAX milliseconds returns immediately.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             return real::poll(p, n, ms == INT_MAX ? 0 : ms);
           };
         }},
    {.name = "select_above_63_deaf",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.timeouts"},
     .what = "select() without a time-out on descriptors of 64 and above is not woken.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             const int ready = real::select(n, r, w, e, t);
             if (!t && n > 64 && ready > 0) Stuck();
             return ready;
           };
         }},
};
FAULTS_REGISTER(kEnds);

}  // namespace
}  // namespace faults
