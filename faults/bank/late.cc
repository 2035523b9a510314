// Faults of time: who is woken late, and who sleeps though there is nothing to wait for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/preload/queues.h"
#include "faults/preload/streams.h"

namespace faults {
namespace {

constexpr int kLateMs = 2000, kNapMs = 300;

using Time = const timespec*;

// What a call returned, after a pause.
template <class R>
R After(int ms, R r) {
  PauseMs(ms);
  return r;
}

bool Refused(long r, int error) { return r == -1 && errno == error; }

int Open(int d, const char* p, int f, mode_t m) { return real::openat(d, p, f, m); }

// An open of this access mode that found nobody and was met later.
template <int access>
int OpenLate(int d, const char* p, int f, mode_t m) {
  if ((f & O_ACCMODE) != access || (f & O_NONBLOCK)) return Open(d, p, f, m);
  const int64_t start = NowNs(CLOCK_MONOTONIC);
  const int fd = Open(d, p, f, m);
  const bool waited = NowNs(CLOCK_MONOTONIC) - start > 500'000;
  return fd >= 0 && waited ? After(kLateMs, fd) : fd;
}

bool Zero(Time t) { return t && t->tv_sec == 0 && t->tv_nsec == 0; }

const Row kFaults[] = {
    {.name = "read_woken_late",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.blocks_until_data", "pipe.read.blocks_until_all_writers_close"},
     .what = "A reader that had to wait goes on two seconds after the data came.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             bool late = false;
             const ssize_t r = Read(o, b, n, &late);
             return late && r >= 0 ? After(kLateMs, r) : r;
           };
         }},
    {.name = "write_woken_late",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.blocks_when_full", "pipe.write.blocking_completes"},
     .what = "A writer that had to wait for room goes on two seconds after there is room.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const bool late = WriterWaits(o);
             const ssize_t r = Write(o, b, n);
             return late && r >= 0 ? After(kLateMs, r) : r;
           };
         }},
    {.name = "read_sleeps_before_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.eagain_empty_with_writer"},
     .what = "A non-blocking read of an empty pipe sleeps 0.3 s before it fails.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             const ssize_t r = Read(o, b, n);
             return Refused(r, EAGAIN) ? After(kNapMs, r) : r;
           };
         }},
    {.name = "write_sleeps_before_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_never_blocks", "pipe.write.nonblock_le_eagain"},
     .what = "A non-blocking write to a full pipe sleeps 0.3 s before it fails.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             const ssize_t r = Write(o, b, n);
             return Refused(r, EAGAIN) ? After(kNapMs, r) : r;
           };
         }},
    {.name = "read_sleeps_beside_data",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.short_when_less_available", "pipe.read.nonblock_with_data"},
     .what = "A read that wants more than there is sleeps 0.3 s, in case more comes.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             const int there = Available(o);
             if (there > 0 && static_cast<size_t>(there) < n) PauseMs(kNapMs);
             return Read(o, b, n);
           };
         }},
    {.name = "write_sleeps_beside_room",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_never_blocks"},
     .what = "A non-blocking write to a pipe that is not empty sleeps 0.3 s though there is room.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (Nonblocking(o) && Available(o) > 0 && Readiness(o, POLLOUT)) PauseMs(kNapMs);
             return Write(o, b, n);
           };
         }},
    {.name = "fifo_open_reader_woken_late",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.rdonly_waits_for_writer", "fifo.open.all_waiters_released"},
     .what = "open(O_RDONLY) that waits goes on two seconds after a writer came.",
     .arm = [](Hooks& h) { h.open_fifo = OpenLate<O_RDONLY>; }},
    {.name = "fifo_open_writer_woken_late",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.wronly_waits_for_reader", "fifo.open.all_waiters_released"},
     .what = "open(O_WRONLY) that waits goes on two seconds after a reader came.",
     .arm = [](Hooks& h) { h.open_fifo = OpenLate<O_WRONLY>; }},
    {.name = "fifo_open_sleeps_before_enxio",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.wronly_nonblock_enxio"},
     .what = "open(O_WRONLY | O_NONBLOCK) without a reader sleeps 0.3 s before it fails.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             const int r = Open(d, p, f, m);
             return Refused(r, ENXIO) ? After(kNapMs, r) : r;
           };
         }},
    {.name = "fifo_open_nonblock_sleeps",
     .family = Family::fifo,
     .difficulty = Difficulty::medium,
     .clauses = {"fifo.open.rdonly_nonblock"},
     .what = "open(O_RDONLY | O_NONBLOCK) sleeps 0.3 s, in case a writer comes.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             if ((f & O_ACCMODE) == O_RDONLY && (f & O_NONBLOCK)) PauseMs(kNapMs);
             return Open(d, p, f, m);
           };
         }},
    {.name = "poll_woken_late",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_infinite"},
     .what = "poll() without a time-out goes on two seconds after the event.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             const bool late = ms < 0 && real::poll(p, n, 0) == 0;
             const int r = real::poll(p, n, ms);
             return late && r > 0 ? After(kLateMs, r) : r;
           };
         }},
    {.name = "select_woken_late",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.timeouts"},
     .what = "select() without a time-out goes on two seconds after the event.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             const int64_t start = NowNs(CLOCK_MONOTONIC);
             const int ready = real::select(n, r, w, e, t);
             const bool waited = NowNs(CLOCK_MONOTONIC) - start > 500'000;
             return !t && waited && ready > 0 ? After(kLateMs, ready) : ready;
           };
         }},
    {.name = "poll_zero_sleeps",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"poll.timeout_finite"},
     .what = "poll() with a time-out of zero sleeps 0.3 s when nothing is ready.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             const int r = real::poll(p, n, ms);
             return ms == 0 && r == 0 ? After(kNapMs, r) : r;
           };
         }},
    {.name = "ppoll_zero_sleeps",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.timespec"},
     .what = "ppoll() with a time-out of zero sleeps 0.3 s when nothing is ready.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
             const int r = real::ppoll(p, n, t, m);
             return Zero(t) && r == 0 ? After(kNapMs, r) : r;
           };
         }},
    {.name = "pselect_zero_sleeps",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.timeouts"},
     .what = "pselect() with a time-out of zero sleeps 0.3 s when nothing is ready.",
     .arm =
         [](Hooks& h) {
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, Time t, const sigset_t* m) {
             const int ready = real::pselect(n, r, w, e, t, m);
             return Zero(t) && ready == 0 ? After(kNapMs, ready) : ready;
           };
         }},
    {.name = "mq_receive_woken_late",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.empty.blocks_until_message"},
     .what = "A receiver that had to wait goes on two seconds after the message came.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             const bool late = !t && QueueEmpty(o);
             const ssize_t r = ReceiveFrom(o, b, n, p, t);
             return late && r >= 0 ? After(kLateMs, r) : r;
           };
         }},
    {.name = "mq_send_woken_late",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.full.blocks_until_space"},
     .what = "A sender that had to wait goes on two seconds after there is room.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             const bool late = !t && QueueFull(o);
             const int r = SendTo(o, b, n, p, t);
             return late && r == 0 ? After(kLateMs, r) : r;
           };
         }},
    {.name = "mq_receive_sleeps_before_eagain",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.empty.eagain"},
     .what = "A non-blocking receive from an empty queue sleeps 0.3 s before it fails.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             const ssize_t r = ReceiveFrom(o, b, n, p, t);
             return Refused(r, EAGAIN) ? After(kNapMs, r) : r;
           };
         }},
    {.name = "mq_past_deadline_sleeps",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_timedreceive.timeout.past_deadline", "mq_timedsend.timeout.past_deadline"},
     .what = "A timed call whose deadline has passed sleeps 0.3 s before it fails.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             const bool past = t && Passed(*t, CLOCK_REALTIME);
             const ssize_t r = ReceiveFrom(o, b, n, p, t);
             return past && Refused(r, ETIMEDOUT) ? After(kNapMs, r) : r;
           };
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             const bool past = t && Passed(*t, CLOCK_REALTIME);
             const int r = SendTo(o, b, n, p, t);
             return past && Refused(r, ETIMEDOUT) ? After(kNapMs, r) : r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
