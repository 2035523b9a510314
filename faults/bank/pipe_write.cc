// Faults of writing to pipes.
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif

namespace faults {
namespace {

enum Use : uint32_t { kRecords = 200, kFullWaits };

ssize_t Write(const Obj& o, const void* b, size_t n) { return real::write(o.fd, b, n); }
bool Writable(const Obj& o) { return AccessMode(o) != O_RDONLY; }
bool WriterWaits(const Obj& o) {
  return !Nonblocking(o) && Writable(o) && Readiness(o, POLLOUT) == 0;
}

// Two writes with a chance for others in between.
ssize_t Split(const Obj& o, const void* b, size_t n, size_t first) {
  ssize_t r = Write(o, b, first);
  if (r != static_cast<ssize_t>(first)) return r;
  sched_yield();
  ssize_t more = Write(o, static_cast<const char*>(b) + first, n - first);
  return more < 0 ? r : r + more;
}

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

const Fault kFaults[] = {
    {"write_loses_last_byte", "pipe", "easy", "pipe.write.appends pipe.write.blocking_completes",
     "write() returns nbyte and stores one byte less (except single bytes).", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n > 1 ? n - 1 : n);
         return r > 0 && n > 1 ? r + 1 : r;
       };
     }},
    {"write_not_atomic", "pipe", "medium",
     "pipe.write.atomic_le_pipe_buf pipe.write.atomic_le_pipe_buf_threads",
     "Writes of up to {PIPE_BUF} bytes are done in two halves.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 1 && n <= PIPE_BUF && !Nonblocking(o) ? Split(o, b, n, n / 2) : Write(o, b, n);
       };
     }},
    {"write_atomic_to_512_only", "pipe", "hard",
     "pipe.write.atomic_le_pipe_buf fpathconf.pipe.pipe_buf",
     "Writes above {_POSIX_PIPE_BUF} bytes are split though {PIPE_BUF} says more.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 512 && n <= PIPE_BUF && !Nonblocking(o) ? Split(o, b, n, 512) : Write(o, b, n);
       };
     }},
    {"write_exact_pipe_buf_not_atomic", "pipe", "hard", "pipe.write.atomic_le_pipe_buf",
     "A write of exactly {PIPE_BUF} bytes is treated as a larger one.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n == PIPE_BUF && !Nonblocking(o) ? Split(o, b, n, n - 1) : Write(o, b, n);
       };
     }},
    {"write_not_atomic_when_nearly_full", "pipe", "hard",
     "pipe.write.atomic_le_pipe_buf pipe.write.blocks_when_full",
     "A small write that has to wait for room is done in two halves.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 1 && n <= PIPE_BUF && WriterWaits(o) ? Split(o, b, n, n / 2) : Write(o, b, n);
       };
     }},
    {"writev_not_atomic", "pipe", "medium", "writev.pipe.atomic_total",
     "writev() is a loop of writes, one for each area.", "",
     [](Hooks& h) {
       h.writev = [](const Obj& o, const iovec* v, int n) {
         if (n < 2 || n > 1024 || Nonblocking(o)) return real::writev(o.fd, v, n);
         ssize_t sum = 0;
         for (int i = 0; i < n; ++i) {
           ssize_t r = Write(o, v[i].iov_base, v[i].iov_len);
           if (r < 0) return sum > 0 ? sum : r;
           sum += r;
           sched_yield();
         }
         return sum;
       };
     }},
    {"writev_gathers_backwards", "pipe", "easy", "writev.pipe.gather_order",
     "writev() takes the areas from the last to the first.", "",
     [](Hooks& h) {
       h.writev = [](const Obj& o, const iovec* v, int n) {
         if (n < 2 || n > 64) return real::writev(o.fd, v, n);
         iovec back[64];
         for (int i = 0; i < n; ++i) back[i] = v[n - 1 - i];
         return real::writev(o.fd, back, n);
       };
     }},
    {"write_blocking_partial", "pipe", "easy", "pipe.write.blocking_completes",
     "A blocking write of more than a page returns when it would have to wait.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         int room = Room(o);
         if (Nonblocking(o) || n <= PIPE_BUF || room <= 0 || room >= static_cast<int>(n)) {
           return Write(o, b, n);
         }
         return Write(o, b, room);
       };
     }},
    {"write_full_blocking_eagain", "pipe", "easy", "pipe.write.blocks_when_full",
     "A blocking write to a full pipe fails with EAGAIN.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 0 && WriterWaits(o) ? static_cast<ssize_t>(Fail(EAGAIN)) : Write(o, b, n);
       };
     }},
    {"write_full_blocking_returns_zero", "pipe", "easy", "pipe.write.blocks_when_full",
     "A blocking write to a full pipe returns 0.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 0 && WriterWaits(o) ? static_cast<ssize_t>(0) : Write(o, b, n);
       };
     }},
    {"write_small_partial", "pipe", "hard",
     "pipe.write.le_pipe_buf_never_partial pipe.write.nonblock_le_eagain",
     "A non-blocking write of {PIPE_BUF} or less that does not fit writes what fits.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n);
         if (r != -1 || errno != EAGAIN || n > PIPE_BUF) return r;
         size_t part = n;
         while (part > 1) {
           part = part / 2;
           ssize_t done = Write(o, b, part);
           if (done > 0) return done;
         }
         return static_cast<ssize_t>(Fail(EAGAIN));
       };
     }},
    {"write_nonblock_blocks", "pipe", "easy", "pipe.write.nonblock_never_blocks",
     "O_NONBLOCK has no effect on writes to a full pipe.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n);
         if (r == -1 && errno == EAGAIN) Stuck();
         return r;
       };
     }},
    {"write_nonblock_needs_empty_pipe", "pipe", "medium", "pipe.write.nonblock_le_room",
     "A non-blocking write succeeds only into the first half of the capacity.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (Nonblocking(o) && n > 0 && n <= PIPE_BUF && Available(o) > Capacity(o) / 2) {
           return static_cast<ssize_t>(Fail(EAGAIN));
         }
         return Write(o, b, n);
       };
     }},
    {"write_nonblock_nonempty_eagain", "pipe", "hard", "pipe.write.nonblock_le_room",
     "A non-blocking write of exactly {PIPE_BUF} bytes to a pipe that holds data fails with "
     "EAGAIN.",
     "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (Nonblocking(o) && n == PIPE_BUF && Available(o) > 0) {
           return static_cast<ssize_t>(Fail(EAGAIN));
         }
         return Write(o, b, n);
       };
     }},
    {"write_full_nonblock_returns_zero", "pipe", "easy",
     "pipe.write.nonblock_le_eagain pipe.write.nonblock_gt_eagain",
     "A non-blocking write to a full pipe returns 0.", "System V O_NDELAY",
     Edit<&Hooks::write>::Accept<EAGAIN, 0>},
    {"write_large_nonblock_all_or_nothing", "pipe", "medium", "pipe.write.nonblock_gt_partial",
     "A non-blocking write of more than {PIPE_BUF} that does not fit whole fails with EAGAIN.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (Nonblocking(o) && Writable(o) && n > PIPE_BUF && HasReader(o) &&
             static_cast<int>(n) > Room(o)) {
           return static_cast<ssize_t>(Fail(EAGAIN));
         }
         return Write(o, b, n);
       };
     }},
    {"write_large_nonblock_too_little", "pipe", "medium", "pipe.write.nonblock_gt_min_when_empty",
     "A non-blocking write of more than {PIPE_BUF} to an empty pipe writes 100 bytes.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return Write(o, b, Nonblocking(o) && n > PIPE_BUF && Available(o) == 0 ? 100 : n);
       };
     }},
    {"write_large_nonblock_full_zero", "pipe", "medium", "pipe.write.nonblock_gt_eagain",
     "A non-blocking write of more than {PIPE_BUF} to a full pipe returns 0.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n);
         return r == -1 && errno == EAGAIN && n > PIPE_BUF ? static_cast<ssize_t>(0) : r;
       };
     }},
    {"write_large_nonblock_wrong_count", "pipe", "hard", "pipe.write.nonblock_gt_partial",
     "A partial write reports one byte more than it stored.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n);
         return r > 0 && r < static_cast<ssize_t>(n) ? r + 1 : r;
       };
     }},
    {"write_epipe_as_eio", "pipe", "easy", "pipe.write.epipe fifo.io.same_as_pipe",
     "A write without readers fails with EIO.", "", Edit<&Hooks::write>::Errno<EPIPE, EIO>},
    {"write_without_reader_succeeds", "pipe", "easy", "pipe.write.epipe",
     "Data written without readers is silently dropped.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 0 && Writable(o) && !HasReader(o) ? static_cast<ssize_t>(n) : Write(o, b, n);
       };
     }},
    {"write_no_sigpipe", "pipe", "easy",
     "pipe.write.sigpipe_to_thread pipe.write.sigpipe_default "
     "pipe.write.sigpipe_handler_then_epipe",
     "A write without readers fails with EPIPE and sends no signal.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         return n > 0 && Writable(o) && !HasReader(o) ? static_cast<ssize_t>(Fail(EPIPE))
                                                      : Write(o, b, n);
       };
     }},
    {"sigpipe_to_process", "pipe", "hard", "pipe.write.sigpipe_to_thread",
     "SIGPIPE is sent to the process, not to the thread that wrote.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (n == 0 || !Writable(o) || HasReader(o)) return Write(o, b, n);
         kill(getpid(), SIGPIPE);
         return static_cast<ssize_t>(Fail(EPIPE));
       };
     }},
    {"sigpipe_ignored_hides_epipe", "pipe", "medium", "pipe.write.sigpipe_ignored",
     "With SIGPIPE ignored a write without readers succeeds.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (n == 0 || !Writable(o) || HasReader(o) || !Disposition(SIG_IGN)) return Write(o, b, n);
         return static_cast<ssize_t>(n);
       };
     }},
    {"sigpipe_handled_gives_eintr", "pipe", "medium", "pipe.write.sigpipe_handler_then_epipe",
     "When a SIGPIPE handler ran, write() fails with EINTR.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n);
         if (r == -1 && errno == EPIPE && !Disposition(SIG_IGN) && !SigpipeBlocked()) errno = EINTR;
         return r;
       };
     }},
    {"sigpipe_dropped_when_blocked", "pipe", "medium", "pipe.write.sigpipe_blocked",
     "SIGPIPE is not made pending while it is blocked.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (n == 0 || !Writable(o) || HasReader(o) || !SigpipeBlocked()) return Write(o, b, n);
         return static_cast<ssize_t>(Fail(EPIPE));
       };
     }},
    {"write_not_released_by_reader_close", "pipe", "medium",
     "pipe.write.reader_close_releases_writer",
     "A writer blocked on a full pipe does not notice that the last reader closed.", "",
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
    {"write_to_read_end_eacces", "pipe", "easy", "pipe.write.ebadf",
     "write() on a read end fails with EACCES.", "", Edit<&Hooks::write>::Errno<EBADF, EACCES>},
    {"write_never_eintr", "pipe", "medium", "pipe.write.eintr_nothing_written",
     "A blocked write is restarted after every signal handler.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r;
         do r = Write(o, b, n);
         while (r == -1 && errno == EINTR);
         return r;
       };
     }},
    {"write_partial_reported_as_eintr", "pipe", "hard", "pipe.write.eintr_partial_count",
     "A write interrupted after some bytes fails with EINTR; the bytes are in the pipe.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         ssize_t r = Write(o, b, n);
         if (r > 0 && r < static_cast<ssize_t>(n) && !Nonblocking(o)) {
           return static_cast<ssize_t>(Fail(EINTR));
         }
         return r;
       };
     }},
    {"write_eintr_despite_sa_restart", "pipe", "medium", "pipe.write.sa_restart",
     "A blocked write fails with EINTR though the handler was set with SA_RESTART.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (!WriterWaits(o)) return Write(o, b, n);
         Disturbed signals(Disturb::restarting);
         return Write(o, b, n);
       };
     }},
    {"write_eintr_by_stop_and_continue", "pipe", "hard", "pipe.rw.stop_and_continue",
     "A blocked write fails with EINTR when the process was stopped and continued.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         if (!WriterWaits(o)) return Write(o, b, n);
         Disturbed signals(Disturb::continued);
         return Write(o, b, n);
       };
     }},
    {"pwrite_on_pipe_writes", "pipe", "easy", "pwrite.pipe.espipe",
     "pwrite() on a pipe ignores the offset and writes.", "",
     [](Hooks& h) {
       h.pwrite = [](const Obj& o, const void* b, size_t n, off_t) { return Write(o, b, n); };
     }},
    {"write_wakeup_lost", "pipe", "medium",
     "pipe.write.blocks_when_full pipe.write.blocking_completes",
     "A writer blocked on a full pipe does not notice that it was drained.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         bool late = WriterWaits(o);
         ssize_t r = Write(o, b, n);
         if (late && r > 0) Stuck();
         return r;
       };
     }},
    {"write_wakeup_lost_sometimes", "pipe", "hard", "pipe.write.blocks_when_full",
     "Every eighth time that a writer has to wait, its wake-up is lost.", "",
     [](Hooks& h) {
       h.write = [](const Obj& o, const void* b, size_t n) {
         bool late = WriterWaits(o);
         ssize_t r = Write(o, b, n);
         if (late && r > 0 && ++Cell(o.key(), kFullWaits) % 8 == 0) Stuck();
         return r;
       };
     }},
    {"write_duplicates_a_record", "pipe", "hard", "pipe.write.appends",
     "Every 64th small write to a pipe is stored twice.", "",
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
    {"write_large_repeats_page", "pipe", "hard", "pipe.write.blocking_completes pipe.write.appends",
     "A blocking write larger than the capacity goes wrong at the capacity: one byte is changed.",
     "",
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

}  // namespace

Bank PipeWriteBank() { return BankOf(kFaults); }

}  // namespace faults
