// Faults of readiness (seen by poll, ppoll, select and pselect) and of poll() itself.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kHungUp = 500, kWriters };

bool CanRead(const Obj& o) { return AccessMode(o) != O_WRONLY; }
bool CanWrite(const Obj& o) { return AccessMode(o) != O_RDONLY; }

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

const Fault kFaults[] = {
    {"poll_no_pollin", "poll", "easy", "poll.pipe.pollin_with_data select.pipe.read_ready",
     "A pipe with data is not ready for reading.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return Available(o) > 0 ? r & ~(POLLIN | POLLRDNORM) : r;
       };
     }},
    {"poll_pollin_needs_two_bytes", "poll", "medium",
     "poll.pipe.pollin_with_data select.pipe.read_ready",
     "A single byte does not make a pipe readable.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return Available(o) == 1 ? r & ~(POLLIN | POLLRDNORM) : r;
       };
     }},
    {"poll_pollin_when_empty", "poll", "easy",
     "poll.pipe.no_pollin_when_empty select.pipe.read_ready", "An empty pipe is ready for reading.",
     "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short e, short r) -> short {
         return CanRead(o) ? r | (e & POLLIN) : r;
       };
     }},
    {"poll_reports_unrequested", "poll", "medium", "poll.pipe.only_requested",
     "POLLIN and POLLOUT are reported whether they were asked for or not.", "",
     [](Hooks& h) {
       h.poll = [](pollfd* p, nfds_t n, int ms) {
         int r = real::poll(p, n, ms);
         for (nfds_t i = 0; i < n && r >= 0; ++i) {
           Obj o = ObjectOf(p[i].fd);
           if (!o.stream()) continue;
           short all = Readiness(o, POLLIN | POLLOUT);
           if (all && !p[i].revents) ++r;
           p[i].revents |= all;
         }
         return r;
       };
     }},
    {"poll_no_pollout", "poll", "easy", "poll.pipe.pollout_with_room select.pipe.write_ready",
     "An empty pipe is not ready for writing.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return Available(o) == 0 && HasReader(o) ? r & ~(POLLOUT | POLLWRNORM) : r;
       };
     }},
    {"poll_pollout_when_full", "poll", "easy",
     "poll.pipe.no_pollout_when_full select.pipe.write_ready", "A full pipe is ready for writing.",
     "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short e, short r) -> short {
         return CanWrite(o) && HasReader(o) ? r | (e & POLLOUT) : r;
       };
     }},
    {"poll_no_hup", "poll", "easy", "poll.pipe.hup_after_last_writer",
     "The last close of the writers is reported as POLLIN only.", "",
     [](Hooks& h) {
       h.ready = [](const Obj&, short e, short r) -> short {
         return r & POLLHUP ? (r & ~POLLHUP) | (e & POLLIN) : r;
       };
     }},
    {"poll_hup_only_when_requested", "poll", "medium",
     "poll.pipe.hup_after_last_writer poll.output_bits_ignored_in_events",
     "POLLHUP is reported only if events is not 0.", "macOS (reported)",
     [](Hooks& h) {
       h.ready = [](const Obj&, short e, short r) -> short { return e == 0 ? r & ~POLLHUP : r; };
     }},
    {"poll_hup_while_writer", "poll", "medium", "poll.pipe.no_hup_while_writer",
     "An empty pipe reports POLLHUP though it has a writer.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return CanRead(o) && o.kind == Kind::pipe && Available(o) == 0 ? r | POLLHUP : r;
       };
     }},
    {"poll_hup_hides_data", "poll", "medium", "poll.pipe.hup_with_data",
     "After the last close unread data is not reported: POLLHUP without POLLIN.", "",
     [](Hooks& h) {
       h.ready = [](const Obj&, short, short r) -> short {
         return r & POLLHUP ? r & ~(POLLIN | POLLRDNORM) : r;
       };
     }},
    {"poll_hup_after_data_only", "poll", "hard", "poll.pipe.hup_with_data",
     "POLLHUP is reported when all data has been read, not before.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return Available(o) > 0 ? r & ~POLLHUP : r;
       };
     }},
    {"poll_fifo_hup_before_writer", "poll", "medium", "poll.fifo.no_hup_before_first_writer",
     "A FIFO that never had a writer reports POLLHUP.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return o.kind == Kind::fifo && CanRead(o) && !CanWrite(o) && Available(o) == 0
                    ? r | POLLHUP
                    : r;
       };
     }},
    {"poll_fifo_hup_sticky", "poll", "medium", "poll.fifo.hup_ends_with_new_writer",
     "POLLHUP on a FIFO goes on when a new writer has opened it.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         if (o.kind != Kind::fifo) return r;
         auto& seen = Cell(o.key(), kHungUp);
         if (r & POLLHUP) seen = 1;
         return seen.load() && CanRead(o) ? r | POLLHUP : r;
       };
     }},
    {"poll_fifo_hup_outlives_readers", "poll", "hard", "poll.fifo.hup_ends_with_last_reader",
     "A reader that opens after all readers of a hung-up FIFO closed sees POLLHUP.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         bool hung = o.kind == Kind::fifo && CanRead(o) && Cell(o.key(), kHungUp).load();
         return hung ? r | POLLHUP : r;
       };
       // Counts the writers that were opened, and forgets those made by dup() and fork().
       h.open_fifo = [](int d, const char* p, int f, mode_t m) {
         int fd = real::openat(d, p, f, m);
         if (fd < 0 || (f & O_ACCMODE) == O_RDONLY) return fd;
         uint64_t key = ObjectOf(fd).key();
         ++Cell(key, kWriters);
         Cell(key, kHungUp) = 0;
         return fd;
       };
       h.close = [](const Obj& o) {
         bool writer = o.kind == Kind::fifo && CanWrite(o);
         int r = real::close(o.fd);
         if (writer && Cell(o.key(), kWriters).fetch_sub(1) == 1) Cell(o.key(), kHungUp) = 1;
         return r;
       };
     }},
    {"poll_hup_with_pollout", "poll", "medium", "poll.pipe.hup_excludes_out",
     "A write end without reader reports POLLHUP and POLLOUT together.", "",
     [](Hooks& h) {
       h.ready = [](const Obj&, short e, short r) -> short {
         return r & POLLERR ? r | POLLHUP | (e & POLLOUT) : r;
       };
     }},
    {"poll_no_err_without_reader", "poll", "easy", "poll.pipe.err_without_reader",
     "A write end without reader is just writable.", "",
     [](Hooks& h) {
       h.ready = [](const Obj&, short e, short r) -> short {
         return r & POLLERR ? (r & ~POLLERR) | (e & POLLOUT) : r;
       };
     }},
    {"poll_err_only_when_requested", "poll", "medium", "poll.pipe.err_without_reader",
     "POLLERR is reported only together with POLLOUT.", "",
     [](Hooks& h) {
       h.ready = [](const Obj&, short e, short r) -> short {
         return e & POLLOUT ? r : r & ~POLLERR;
       };
     }},
    {"poll_err_when_full", "poll", "medium", "poll.pipe.healthy_no_error_bits",
     "A full pipe reports POLLERR.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short, short r) -> short {
         return CanWrite(o) && Readiness(o, POLLOUT) == 0 ? r | POLLERR : r;
       };
     }},
    {"poll_closed_descriptor_fails", "poll", "easy", "poll.pollnval",
     "poll() with a closed descriptor fails with EBADF.", "",
     PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r > 0; ++i) {
         if (p[i].revents & POLLNVAL) return Fail(EBADF);
       }
       return r;
     })>},
    {"poll_closed_descriptor_skipped", "poll", "easy", "poll.pollnval",
     "Closed descriptors are skipped like negative ones.", "",
     PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r > 0; ++i) {
         if (p[i].revents & POLLNVAL) p[i].revents = 0, --r;
       }
       return r;
     })>},
    {"poll_negative_descriptor_pollnval", "poll", "easy", "poll.negative_fd",
     "A negative descriptor is reported as POLLNVAL.", "",
     PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r >= 0; ++i) {
         if (p[i].fd < 0) p[i].revents = POLLNVAL, ++r;
       }
       return r;
     })>},
    {"poll_negative_descriptor_keeps_revents", "poll", "medium", "poll.negative_fd",
     "revents of a negative descriptor is left as it was.", "",
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
    {"poll_modifies_events", "poll", "medium", "poll.fd_events_unmodified",
     "poll() clears the bits in events that it reports.", "",
     PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n && r > 0; ++i) p[i].events &= ~p[i].revents;
       return r;
     })>},
    {"poll_counts_bits", "poll", "medium", "poll.return_value",
     "poll() returns the number of bits set, not of descriptors.", "",
     PollThen<([](pollfd* p, nfds_t n, int r) {
       int bits = 0;
       for (nfds_t i = 0; i < n && r > 0; ++i) bits += __builtin_popcount(p[i].revents);
       return r > 0 ? bits : r;
     })>},
    {"poll_count_leaves_out_errors", "poll", "medium", "poll.return_value",
     "Descriptors with POLLNVAL or POLLHUP alone are not counted.", "",
     PollThen<([](pollfd* p, nfds_t n, int r) {
       for (nfds_t i = 0; i < n; ++i) {
         if (r > 1 && (p[i].revents == POLLNVAL || p[i].revents == POLLHUP)) --r;
       }
       return r;
     })>},
    {"poll_reports_first_only", "poll", "medium", "poll.return_value",
     "Only the first ready descriptor is reported.", "", PollThen<([](pollfd* p, nfds_t n, int r) {
       bool found = false;
       for (nfds_t i = 0; i < n && r > 0; ++i) {
         if (found) p[i].revents = 0;
         found |= p[i].revents != 0;
       }
       return r > 1 ? 1 : r;
     })>},
    {"poll_timeout_early", "poll", "medium", "poll.timeout_finite",
     "Time-outs are rounded down to 10 ms.", "",
     PollFor<([](int ms) { return ms > 0 ? (ms - 1) / 10 * 10 : ms; })>},
    {"poll_timeout_slightly_early", "poll", "hard", "poll.timeout_finite",
     "Time-outs end a millisecond early.", "",
     PollFor<([](int ms) { return ms > 1 ? ms - 1 : ms; })>},
    {"poll_timeout_never_ends", "poll", "easy", "poll.timeout_finite",
     "A finite time-out is taken for an infinite one.", "",
     PollFor<([](int ms) { return ms > 0 ? ms + StuckMs() : ms; })>},
    {"poll_infinite_returns_at_once", "poll", "easy", "poll.timeout_infinite",
     "A time-out of -1 is taken for 0.", "", PollFor<([](int ms) { return ms < 0 ? 0 : ms; })>},
    {"poll_wakeup_lost_on_room", "poll", "medium", "poll.wakes_on_room",
     "A poll() that waits for POLLOUT does not notice that the pipe was drained.", "",
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
    {"poll_wakeup_lost_on_hangup", "poll", "hard", "poll.pipe.hup_after_last_writer",
     "A poll() that waits is not woken by the last close; a later poll() shows POLLHUP.", "",
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
    {"poll_depends_on_nonblock", "poll", "medium", "poll.o_nonblock_irrelevant",
     "A descriptor with O_NONBLOCK is always ready.", "",
     [](Hooks& h) {
       h.ready = [](const Obj& o, short e, short r) -> short {
         if (!Nonblocking(o)) return r;
         short able = (CanRead(o) ? POLLIN : 0) | (CanWrite(o) ? POLLOUT : 0);
         return r | (e & able);
       };
     }},
    {"poll_never_eintr", "poll", "medium", "poll.eintr",
     "poll() starts again after every signal handler.", "",
     [](Hooks& h) {
       h.poll = [](pollfd* p, nfds_t n, int ms) {
         int r;
         do r = real::poll(p, n, ms);
         while (r == -1 && errno == EINTR);
         return r;
       };
     }},
    {"poll_eintr_as_timeout", "poll", "medium", "poll.eintr",
     "poll() interrupted by a signal returns 0.", "", Edit<&Hooks::poll>::Accept<EINTR, 0>},
    {"poll_too_many_entries_accepted", "poll", "medium", "poll.nfds_range",
     "nfds above {OPEN_MAX} is not an error.", "",
     [](Hooks& h) {
       h.poll = [](pollfd* p, nfds_t n, int ms) {
         int r = real::poll(p, n, ms);
         return r == -1 && errno == EINVAL ? 0 : r;
       };
     }},
};

}  // namespace

Bank PollBank() { return BankOf(kFaults); }

}  // namespace faults
