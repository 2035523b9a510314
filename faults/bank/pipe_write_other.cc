// Faults of writes without a reader, interrupted, positioned, repeated or not woken.
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>

#include "faults/preload/streams.h"

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif

namespace faults {
namespace {

enum Use : uint32_t { kRecords, kFullWaits };

bool Disposition(void (*handler)(int)) {
  struct sigaction s;
  sigaction(SIGPIPE, nullptr, &s);
  return s.sa_handler == handler;
}
bool SigpipeBlocked() {
  sigset_t set;
  pthread_sigmask(SIG_SETMASK, nullptr, &set);
  return sigismember(&set, SIGPIPE);
}

const Row kFaults[] = {
    {.name = "write_epipe_as_eio",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.epipe", "fifo.io.same_as_pipe"},
     .what = "A write without readers fails with EIO.",
     .arm = Edit<&Hooks::write>::Errno<EPIPE, EIO>},
    {.name = "write_without_reader_succeeds",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.epipe"},
     .what = "Data written without readers is silently dropped.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 0 && CanWrite(o) && !HasReader(o) ? static_cast<ssize_t>(n)
                                                          : Write(o, b, n);
           };
         }},
    {.name = "write_no_sigpipe",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.sigpipe_to_thread", "pipe.write.sigpipe_default",
                 "pipe.write.sigpipe_handler_then_epipe"},
     .what = "A write without readers fails with EPIPE and sends no signal.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 0 && CanWrite(o) && !HasReader(o) ? static_cast<ssize_t>(Fail(EPIPE))
                                                          : Write(o, b, n);
           };
         }},
    {.name = "sigpipe_to_process",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.sigpipe_to_thread"},
     .what = "SIGPIPE is sent to the process, not to the thread that wrote.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (n == 0 || !CanWrite(o) || HasReader(o)) return Write(o, b, n);
             kill(getpid(), SIGPIPE);
             return static_cast<ssize_t>(Fail(EPIPE));
           };
         }},
    {.name = "sigpipe_ignored_hides_epipe",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.sigpipe_ignored"},
     .what = "With SIGPIPE ignored a write without readers succeeds.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (n == 0 || !CanWrite(o) || HasReader(o) || !Disposition(SIG_IGN))
               return Write(o, b, n);
             return static_cast<ssize_t>(n);
           };
         }},
    {.name = "sigpipe_handled_gives_eintr",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.sigpipe_handler_then_epipe"},
     .what = "When a SIGPIPE handler ran, write() fails with EINTR.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n);
             if (r == -1 && errno == EPIPE && !Disposition(SIG_IGN) && !SigpipeBlocked())
               errno = EINTR;
             return r;
           };
         }},
    {.name = "sigpipe_dropped_when_blocked",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.sigpipe_blocked"},
     .what = "SIGPIPE is not made pending while it is blocked.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (n == 0 || !CanWrite(o) || HasReader(o) || !SigpipeBlocked()) return Write(o, b, n);
             return static_cast<ssize_t>(Fail(EPIPE));
           };
         }},
    {.name = "write_not_released_by_reader_close",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.reader_close_releases_writer"},
     .what = "A writer blocked on a full pipe does not notice that the last reader closed.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             bool late = WriterWaits(o);
             sigset_t pipe, before;
             sigemptyset(&pipe);
             sigaddset(&pipe, SIGPIPE);
             pthread_sigmask(SIG_BLOCK, &pipe, &before);
             ssize_t r = Write(o, b, n);
             int error = errno;
             if (late && r == -1 && error == EPIPE) Stuck();
             pthread_sigmask(SIG_SETMASK, &before, nullptr);
             errno = error;
             return r;
           };
         }},
    {.name = "write_to_read_end_eacces",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.ebadf"},
     .what = "write() on a read end fails with EACCES.",
     .arm = Edit<&Hooks::write>::Errno<EBADF, EACCES>},
    {.name = "write_never_eintr",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.eintr_nothing_written"},
     .what = "A blocked write is restarted after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r;
             do r = Write(o, b, n);
             while (r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "write_partial_reported_as_eintr",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.eintr_partial_count"},
     .what = "A write interrupted after some bytes fails with EINTR; the bytes are in the pipe.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n);
             if (r > 0 && r < static_cast<ssize_t>(n) && !Nonblocking(o)) {
               return static_cast<ssize_t>(Fail(EINTR));
             }
             return r;
           };
         }},
    {.name = "write_eintr_despite_sa_restart",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.sa_restart"},
     .what = "A blocked write fails with EINTR though the handler was set with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (!WriterWaits(o)) return Write(o, b, n);
             Disturbed signals(Disturb::restarting);
             return Write(o, b, n);
           };
         }},
    {.name = "write_eintr_by_stop_and_continue",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.rw.stop_and_continue"},
     .what = "A blocked write fails with EINTR when the process was stopped and continued.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (!WriterWaits(o)) return Write(o, b, n);
             Disturbed signals(Disturb::continued);
             return Write(o, b, n);
           };
         }},
    {.name = "pwrite_on_pipe_writes",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pwrite.pipe.espipe"},
     .what = "pwrite() on a pipe ignores the offset and writes.",
     .arm =
         [](Hooks& h) {
           h.pwrite = [](const Obj& o, const void* b, size_t n, off_t) { return Write(o, b, n); };
         }},
    {.name = "write_wakeup_lost",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.blocks_when_full", "pipe.write.blocking_completes"},
     .what = "A writer blocked on a full pipe does not notice that it was drained.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             bool late = WriterWaits(o);
             ssize_t r = Write(o, b, n);
             if (late && r > 0) Stuck();
             return r;
           };
         }},
    {.name = "write_wakeup_lost_sometimes",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.blocks_when_full"},
     .what = "Every eighth time that a writer has to wait, its wake-up is lost.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             bool late = WriterWaits(o);
             ssize_t r = Write(o, b, n);
             if (late && r > 0 && ++Cell(o.key(), kFullWaits) % 8 == 0) Stuck();
             return r;
           };
         }},
    {.name = "write_duplicates_a_record",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.appends"},
     .what = "Every 64th small write to a pipe is stored twice.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n);
             if (r == static_cast<ssize_t>(n) && n <= 512 && n > 0 && !Nonblocking(o) &&
                 ++Cell(o.key(), kRecords) % 64 == 0 && Room(o) > 2 * PIPE_BUF) {
               Write(o, b, n);
             }
             return r;
           };
         }},
    {.name = "write_large_repeats_page",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.blocking_completes", "pipe.write.appends"},
     .what = "A blocking write larger than the capacity goes wrong at the capacity: one byte is "
             "changed.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             size_t room = static_cast<size_t>(Capacity(o));
             if (Nonblocking(o) || n <= room + 1) return Write(o, b, n);
             const char* c = static_cast<const char*>(b);
             ssize_t r = Write(o, c, room);
             if (r != static_cast<ssize_t>(room)) return r;
             char wrong = c[room] ^ 1;
             if (Write(o, &wrong, 1) != 1) return r;
             ssize_t rest = n > room + 1 ? Write(o, c + room + 1, n - room - 1) : 0;
             return rest < 0 ? r + 1 : r + 1 + rest;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
