// Faults of readiness, seen by poll, ppoll, select and pselect.
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kHungUp, kWriters };

const Row kFaults[] = {
    {.name = "poll_no_pollin",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pipe.pollin_with_data", "select.pipe.read_ready"},
     .what = "A pipe with data is not ready for reading.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return Available(o) > 0 ? r & ~(POLLIN | POLLRDNORM) : r;
           };
         }},
    {.name = "poll_pollin_needs_two_bytes",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.pollin_with_data", "select.pipe.read_ready"},
     .what = "A single byte does not make a pipe readable.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return Available(o) == 1 ? r & ~(POLLIN | POLLRDNORM) : r;
           };
         }},
    {.name = "poll_pollin_when_empty",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pipe.no_pollin_when_empty", "select.pipe.read_ready"},
     .what = "An empty pipe is ready for reading.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short e, short r) -> short {
             return CanRead(o) ? r | (e & POLLIN) : r;
           };
         }},
    {.name = "poll_reports_unrequested",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.only_requested"},
     .what = "POLLIN and POLLOUT are reported whether they were asked for or not.",
     .arm =
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
    {.name = "poll_no_pollout",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pipe.pollout_with_room", "select.pipe.write_ready"},
     .what = "An empty pipe is not ready for writing.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return Available(o) == 0 && HasReader(o) ? r & ~(POLLOUT | POLLWRNORM) : r;
           };
         }},
    {.name = "poll_pollout_when_full",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pipe.no_pollout_when_full", "select.pipe.write_ready"},
     .what = "A full pipe is ready for writing.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short e, short r) -> short {
             return CanWrite(o) && HasReader(o) ? r | (e & POLLOUT) : r;
           };
         }},
    {.name = "poll_no_hup",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pipe.hup_after_last_writer"},
     .what = "The last close of the writers is reported as POLLIN only.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj&, short e, short r) -> short {
             return r & POLLHUP ? (r & ~POLLHUP) | (e & POLLIN) : r;
           };
         }},
    {.name = "poll_hup_only_when_requested",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.hup_after_last_writer", "poll.output_bits_ignored_in_events"},
     .what = "POLLHUP is reported only if events is not 0.",
     .source = "macOS (reported)",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj&, short e, short r) -> short {
             return e == 0 ? r & ~POLLHUP : r;
           };
         }},
    {.name = "poll_hup_while_writer",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.no_hup_while_writer"},
     .what = "An empty pipe reports POLLHUP though it has a writer.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return CanRead(o) && o.kind == Kind::pipe && Available(o) == 0 ? r | POLLHUP : r;
           };
         }},
    {.name = "poll_hup_hides_data",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.hup_with_data"},
     .what = "After the last close unread data is not reported: POLLHUP without POLLIN.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj&, short, short r) -> short {
             return r & POLLHUP ? r & ~(POLLIN | POLLRDNORM) : r;
           };
         }},
    {.name = "poll_hup_after_data_only",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.pipe.hup_with_data"},
     .what = "POLLHUP is reported when all data has been read, not before.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return Available(o) > 0 ? r & ~POLLHUP : r;
           };
         }},
    {.name = "poll_fifo_hup_before_writer",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.fifo.no_hup_before_first_writer"},
     .what = "A FIFO that never had a writer reports POLLHUP.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return o.kind == Kind::fifo && CanRead(o) && !CanWrite(o) && Available(o) == 0
                        ? r | POLLHUP
                        : r;
           };
         }},
    {.name = "poll_fifo_hup_sticky",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.fifo.hup_ends_with_new_writer"},
     .what = "POLLHUP on a FIFO goes on when a new writer has opened it.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             if (o.kind != Kind::fifo) return r;
             auto& seen = Cell(o.key(), kHungUp);
             if (r & POLLHUP) seen = 1;
             return seen.load() && CanRead(o) ? r | POLLHUP : r;
           };
         }},
    {.name = "poll_fifo_hup_outlives_readers",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"poll.fifo.hup_ends_with_last_reader"},
     .what = "A reader that opens after all readers of a hung-up FIFO closed sees POLLHUP.",
     .arm =
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
    {.name = "poll_hup_with_pollout",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.hup_excludes_out"},
     .what = "A write end without reader reports POLLHUP and POLLOUT together.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj&, short e, short r) -> short {
             return r & POLLERR ? r | POLLHUP | (e & POLLOUT) : r;
           };
         }},
    {.name = "poll_no_err_without_reader",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"poll.pipe.err_without_reader"},
     .what = "A write end without reader is just writable.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj&, short e, short r) -> short {
             return r & POLLERR ? (r & ~POLLERR) | (e & POLLOUT) : r;
           };
         }},
    {.name = "poll_err_only_when_requested",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.err_without_reader"},
     .what = "POLLERR is reported only together with POLLOUT.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj&, short e, short r) -> short {
             return e & POLLOUT ? r : r & ~POLLERR;
           };
         }},
    {.name = "poll_err_when_full",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.pipe.healthy_no_error_bits"},
     .what = "A full pipe reports POLLERR.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short, short r) -> short {
             return CanWrite(o) && Readiness(o, POLLOUT) == 0 ? r | POLLERR : r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
