// Faults of poll() itself: its entries, count, time-out, waits.
#include "faults/preload/streams.h"

namespace faults {
namespace {

// A poll() whose result is changed afterwards; ppoll() through the same.
template <int (*Change)(pollfd*, nfds_t, int result)>
void PollThen(Hooks& h) {
  h.poll = [](pollfd* p, nfds_t n, int ms) { return Change(p, n, real::poll(p, n, ms)); };
  h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, const sigset_t* m) {
    return Change(p, n, real::ppoll(p, n, t, m));
  };
}

// A poll() with another time-out.
template <int (*Change)(int ms)>
void PollFor(Hooks& h) {
  h.poll = [](pollfd* p, nfds_t n, int ms) { return real::poll(p, n, Change(ms)); };
}

const Row kFaults[] = {
    {.name = "poll_closed_descriptor_fails",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pollnval"},
     .what = "poll() with a closed descriptor fails with EBADF.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r > 0; ++i) {
         if (p[i].revents & POLLNVAL) return Fail(EBADF);
       }
       return r;
     })>},
    {.name = "poll_closed_descriptor_skipped",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pollnval"},
     .what = "Closed descriptors are skipped like negative ones.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r > 0; ++i) {
         if (p[i].revents & POLLNVAL) p[i].revents = 0, --r;
       }
       return r;
     })>},
    {.name = "poll_negative_descriptor_pollnval",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.negative_fd"},
     .what = "A negative descriptor is reported as POLLNVAL.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r >= 0; ++i) {
         if (p[i].fd < 0) p[i].revents = POLLNVAL, ++r;
       }
       return r;
     })>},
    {.name = "poll_negative_descriptor_keeps_revents",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.negative_fd"},
     .what = "revents of a negative descriptor is left as it was.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             short before[64];
             for (nfds_t i = 0; i < n && i < 64; ++i) before[i] = p[i].revents;
             int r = real::poll(p, n, ms);
             for (nfds_t i = 0; i < n && i < 64; ++i) {
               if (p[i].fd < 0) p[i].revents = before[i];
             }
             return r;
           };
         }},
    {.name = "poll_modifies_events",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.fd_events_unmodified"},
     .what = "poll() clears the bits in events that it reports.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r > 0; ++i) p[i].events &= ~p[i].revents;
       return r;
     })>},
    {.name = "poll_counts_bits",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.return_value"},
     .what = "poll() returns the number of bits set, not of descriptors.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       int bits = 0;
       for (nfds_t i = 0; i < n && r > 0; ++i) bits += __builtin_popcount(p[i].revents);
       return r > 0 ? bits : r;
     })>},
    {.name = "poll_count_leaves_out_errors",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.return_value"},
     .what = "Descriptors with POLLNVAL or POLLHUP alone are not counted.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n; ++i) {
         if (r > 1 && (p[i].revents == POLLNVAL || p[i].revents == POLLHUP)) --r;
       }
       return r;
     })>},
    {.name = "poll_reports_first_only",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.return_value"},
     .what = "Only the first ready descriptor is reported.",
     .arm = PollThen<([](pollfd* p, nfds_t n, int r) {
       bool found = false;
       for (nfds_t i = 0; i < n && r > 0; ++i) {
         if (found) p[i].revents = 0;
         found |= p[i].revents != 0;
       }
       return r > 1 ? 1 : r;
     })>},
    {.name = "poll_timeout_early",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_finite"},
     .what = "Time-outs are rounded down to 10 ms.",
     .arm = PollFor<([](int ms) { return ms > 0 ? (ms - 1) / 10 * 10 : ms; })>},
    {.name = "poll_timeout_slightly_early",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.timeout_finite"},
     .what = "Time-outs end a millisecond early.",
     .arm = PollFor<([](int ms) { return ms > 1 ? ms - 1 : ms; })>},
    {.name = "poll_timeout_never_ends",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.timeout_finite"},
     .what = "A finite time-out is taken for an infinite one.",
     .arm = PollFor<([](int ms) { return ms > 0 ? ms + StuckMs() : ms; })>},
    {.name = "poll_infinite_returns_at_once",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.timeout_infinite"},
     .what = "A time-out of -1 is taken for 0.",
     .arm = PollFor<([](int ms) { return ms < 0 ? 0 : ms; })>},
    {.name = "poll_wakeup_lost_on_room",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.wakes_on_room"},
     .what = "A poll() that waits for POLLOUT does not notice that the pipe was drained.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             int now = real::poll(p, n, 0);
             if (now != 0 || ms == 0) return now;
             int r = real::poll(p, n, ms);
             for (nfds_t i = 0; i < n && r > 0; ++i) {
               if ((p[i].revents & POLLOUT) && !(p[i].revents & POLLERR)) Stuck();
             }
             return r;
           };
         }},
    {.name = "poll_wakeup_lost_on_hangup",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.pipe.hup_after_last_writer"},
     .what = "A poll() that waits is not woken by the last close; a later poll() shows POLLHUP.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             int now = real::poll(p, n, 0);
             if (now != 0 || ms == 0) return now;
             int r = real::poll(p, n, ms);
             for (nfds_t i = 0; i < n && r > 0; ++i) {
               if ((p[i].revents & POLLHUP) && !(p[i].revents & POLLIN)) Stuck();
             }
             return r;
           };
         }},
    {.name = "poll_depends_on_nonblock",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.o_nonblock_irrelevant"},
     .what = "A descriptor with O_NONBLOCK is always ready.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short e, short r) -> short {
             if (!Nonblocking(o)) return r;
             short able = (CanRead(o) ? POLLIN : 0) | (CanWrite(o) ? POLLOUT : 0);
             return r | (e & able);
           };
         }},
    {.name = "poll_never_eintr",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.eintr"},
     .what = "poll() starts again after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             int r;
             do r = real::poll(p, n, ms);
             while (r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "poll_eintr_as_timeout",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.eintr"},
     .what = "poll() interrupted by a signal returns 0.",
     .arm = Edit<&Hooks::poll>::Accept<EINTR, 0>},
    {.name = "poll_too_many_entries_accepted",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.nfds_range"},
     .what = "nfds above {OPEN_MAX} is not an error.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             int r = real::poll(p, n, ms);
             return r == -1 && errno == EINVAL ? 0 : r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
