// Faults of what write() puts into pipes: atomicity, amounts, full pipes.
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

#include "faults/preload/streams.h"

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif

namespace faults {
namespace {

// Two writes with a chance for others in between.
ssize_t Split(const Obj& o, const void* b, size_t n, size_t first) {
  ssize_t r = Write(o, b, first);
  if (r != static_cast<ssize_t>(first)) return r;
  sched_yield();
  ssize_t more = Write(o, static_cast<const char*>(b) + first, n - first);
  return more < 0 ? r : r + more;
}

const Row kFaults[] = {
    {.name = "write_loses_last_byte",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.appends", "pipe.write.blocking_completes"},
     .what = "write() returns nbyte and stores one byte less (except single bytes).",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n > 1 ? n - 1 : n);
             return r > 0 && n > 1 ? r + 1 : r;
           };
         }},
    {.name = "write_not_atomic",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.atomic_le_pipe_buf", "pipe.write.atomic_le_pipe_buf_threads"},
     .what = "Writes of up to {PIPE_BUF} bytes are done in two halves.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 1 && n <= PIPE_BUF && !Nonblocking(o) ? Split(o, b, n, n / 2)
                                                              : Write(o, b, n);
           };
         }},
    {.name = "write_atomic_to_512_only",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.atomic_le_pipe_buf", "fpathconf.pipe.pipe_buf"},
     .what = "Writes above {_POSIX_PIPE_BUF} bytes are split though {PIPE_BUF} says more.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 512 && n <= PIPE_BUF && !Nonblocking(o) ? Split(o, b, n, 512)
                                                                : Write(o, b, n);
           };
         }},
    {.name = "write_exact_pipe_buf_not_atomic",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.atomic_le_pipe_buf"},
     .what = "A write of exactly {PIPE_BUF} bytes is treated as a larger one.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n == PIPE_BUF && !Nonblocking(o) ? Split(o, b, n, n - 1) : Write(o, b, n);
           };
         }},
    {.name = "write_not_atomic_when_nearly_full",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.atomic_le_pipe_buf", "pipe.write.blocks_when_full"},
     .what = "A small write that has to wait for room is done in two halves.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 1 && n <= PIPE_BUF && WriterWaits(o) ? Split(o, b, n, n / 2)
                                                             : Write(o, b, n);
           };
         }},
    {.name = "writev_not_atomic",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"writev.pipe.atomic_total"},
     .what = "writev() is a loop of writes, one for each area.",
     .arm =
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
    {.name = "writev_gathers_backwards",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"writev.pipe.gather_order"},
     .what = "writev() takes the areas from the last to the first.",
     .arm =
         [](Hooks& h) {
           h.writev = [](const Obj& o, const iovec* v, int n) {
             if (n < 2 || n > 64) return real::writev(o.fd, v, n);
             iovec back[64];
             for (int i = 0; i < n; ++i) back[i] = v[n - 1 - i];
             return real::writev(o.fd, back, n);
           };
         }},
    {.name = "write_blocking_partial",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.blocking_completes"},
     .what = "A blocking write of more than a page returns when it would have to wait.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             int room = Room(o);
             if (Nonblocking(o) || n <= PIPE_BUF || room <= 0 || room >= static_cast<int>(n)) {
               return Write(o, b, n);
             }
             return Write(o, b, room);
           };
         }},
    {.name = "write_full_blocking_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.blocks_when_full"},
     .what = "A blocking write to a full pipe fails with EAGAIN.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 0 && WriterWaits(o) ? static_cast<ssize_t>(Fail(EAGAIN)) : Write(o, b, n);
           };
         }},
    {.name = "write_full_blocking_returns_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.blocks_when_full"},
     .what = "A blocking write to a full pipe returns 0.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return n > 0 && WriterWaits(o) ? static_cast<ssize_t>(0) : Write(o, b, n);
           };
         }},
    {.name = "write_small_partial",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.le_pipe_buf_never_partial", "pipe.write.nonblock_le_eagain"},
     .what = "A non-blocking write of {PIPE_BUF} or less that does not fit writes what fits.",
     .arm =
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
    {.name = "write_nonblock_blocks",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.nonblock_never_blocks"},
     .what = "O_NONBLOCK has no effect on writes to a full pipe.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n);
             if (r == -1 && errno == EAGAIN) Stuck();
             return r;
           };
         }},
    {.name = "write_nonblock_needs_empty_pipe",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_le_room"},
     .what = "A non-blocking write succeeds only into the first half of the capacity.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (Nonblocking(o) && n > 0 && n <= PIPE_BUF && Available(o) > Capacity(o) / 2) {
               return static_cast<ssize_t>(Fail(EAGAIN));
             }
             return Write(o, b, n);
           };
         }},
    {.name = "write_nonblock_nonempty_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.nonblock_le_room"},
     .what = "A non-blocking write of exactly {PIPE_BUF} bytes to a pipe that holds data fails "
             "with EAGAIN.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (Nonblocking(o) && n == PIPE_BUF && Available(o) > 0) {
               return static_cast<ssize_t>(Fail(EAGAIN));
             }
             return Write(o, b, n);
           };
         }},
    {.name = "write_full_nonblock_returns_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.write.nonblock_le_eagain", "pipe.write.nonblock_gt_eagain"},
     .what = "A non-blocking write to a full pipe returns 0.",
     .source = "System V O_NDELAY",
     .arm = Edit<&Hooks::write>::Accept<EAGAIN, 0>},
    {.name = "write_large_nonblock_all_or_nothing",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_gt_partial"},
     .what =
         "A non-blocking write of more than {PIPE_BUF} that does not fit whole fails with EAGAIN.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             if (Nonblocking(o) && CanWrite(o) && n > PIPE_BUF && HasReader(o) &&
                 static_cast<int>(n) > Room(o)) {
               return static_cast<ssize_t>(Fail(EAGAIN));
             }
             return Write(o, b, n);
           };
         }},
    {.name = "write_large_nonblock_too_little",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_gt_min_when_empty"},
     .what = "A non-blocking write of more than {PIPE_BUF} to an empty pipe writes 100 bytes.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             return Write(o, b, Nonblocking(o) && n > PIPE_BUF && Available(o) == 0 ? 100 : n);
           };
         }},
    {.name = "write_large_nonblock_full_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.write.nonblock_gt_eagain"},
     .what = "A non-blocking write of more than {PIPE_BUF} to a full pipe returns 0.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n);
             return r == -1 && errno == EAGAIN && n > PIPE_BUF ? static_cast<ssize_t>(0) : r;
           };
         }},
    {.name = "write_large_nonblock_wrong_count",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.nonblock_gt_partial"},
     .what = "A partial write reports one byte more than it stored.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             ssize_t r = Write(o, b, n);
             return r > 0 && r < static_cast<ssize_t>(n) ? r + 1 : r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
