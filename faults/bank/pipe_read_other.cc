// Faults of reads that are interrupted, scattered, positioned or not woken.
#include <pthread.h>
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kLostWakeups };

const Row kFaults[] = {
    {.name = "read_never_eintr",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.eintr"},
     .what = "A blocked read is restarted after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r;
             do r = Read(o, b, n);
             while (r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "read_eintr_as_eof",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.eintr"},
     .what = "A blocked read interrupted by a signal returns 0.",
     .arm = Edit<&Hooks::read>::Accept<EINTR, 0>},
    {.name = "read_eintr_despite_sa_restart",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.sa_restart"},
     .what = "A blocked read fails with EINTR though the handler was set with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (!ReaderWaits(o)) return Read(o, b, n);
             Disturbed signals(Disturb::restarting);
             return Read(o, b, n);
           };
         }},
    {.name = "read_eintr_by_ignored_signal",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.rw.ignored_and_blocked_signals"},
     .what = "A blocked read fails with EINTR when an ignored signal arrives.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (!ReaderWaits(o)) return Read(o, b, n);
             Disturbed signals(Disturb::ignored);
             return Read(o, b, n);
           };
         }},
    {.name = "read_eintr_by_stop_and_continue",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.rw.stop_and_continue"},
     .what = "A blocked read fails with EINTR when the process was stopped and continued.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (!ReaderWaits(o)) return Read(o, b, n);
             Disturbed signals(Disturb::continued);
             return Read(o, b, n);
           };
         }},
    {.name = "pread_on_pipe_reads",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pread.pipe.espipe"},
     .what = "pread() on a pipe ignores the offset and reads.",
     .arm =
         [](Hooks& h) {
           h.pread = [](const Obj& o, void* b, size_t n, off_t) { return real::read(o.fd, b, n); };
         }},
    {.name = "pread_on_pipe_einval",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pread.pipe.espipe"},
     .what = "pread() on a pipe fails with EINVAL.",
     .arm = Edit<&Hooks::pread>::Errno<ESPIPE, EINVAL>},
    {.name = "readv_fills_backwards",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"readv.pipe.fill_order"},
     .what = "readv() fills the areas from the last to the first.",
     .arm =
         [](Hooks& h) {
           h.readv = [](const Obj& o, const iovec* v, int n) -> ssize_t {
             if (n < 2 || n > 64) return real::readv(o.fd, v, n);
             iovec back[64];
             for (int i = 0; i < n; ++i) back[i] = v[n - 1 - i];
             return real::readv(o.fd, back, n);
           };
         }},
    {.name = "readv_only_first_area",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"readv.pipe.fill_order"},
     .what = "readv() never goes on to the second area while data is left.",
     .arm =
         [](Hooks& h) {
           h.readv = [](const Obj& o, const iovec* v, int n) {
             return real::readv(o.fd, v, n > 1 && v[0].iov_len > 0 ? 1 : n);
           };
         }},
    {.name = "readv_skips_area_after_empty_one",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"readv.pipe.fill_order"},
     .what = "readv() stops at an area of length 0.",
     .arm =
         [](Hooks& h) {
           h.readv = [](const Obj& o, const iovec* v, int n) {
             int upto = 0;
             while (upto < n && (v[upto].iov_len != 0 || upto == 0)) ++upto;
             return real::readv(o.fd, v, n > 0 ? upto : n);
           };
         }},
    {.name = "readv_overflow_takes_data",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"readv.pipe.sum_overflow"},
     .what = "readv() whose lengths overflow an ssize_t reads into the first area nevertheless.",
     .arm =
         [](Hooks& h) {
           h.readv = [](const Obj& o, const iovec* v, int n) {
             size_t sum = 0;
             bool over = false;
             for (int i = 0; i < n && i < 1024; ++i) {
               over |= v[i].iov_len > static_cast<size_t>(__PTRDIFF_MAX__) - sum;
               sum += v[i].iov_len;
             }
             if (!over) return real::readv(o.fd, v, n);
             char c;
             return real::read(o.fd, &c, 1);
           };
         }},
    {.name = "read_wakeup_lost",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.blocks_until_data"},
     .what = "A blocked reader does not notice that data came.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             bool late;
             ssize_t r = Read(o, b, n, &late);
             if (late && r > 0) Stuck();
             return r;
           };
         }},
    {.name = "read_wakeup_lost_sometimes",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.blocks_until_data"},
     .what = "Every eighth time that a reader has to wait, its wake-up is lost.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             bool late;
             ssize_t r = Read(o, b, n, &late);
             if (late && r > 0 && ++Cell(o.key(), kLostWakeups) % 8 == 0) Stuck();
             return r;
           };
         }},
    {.name = "read_not_cancellation_point",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.cancel.blocked_call", "pipe.cancel.pending_request"},
     .what = "A thread blocked in read() cannot be cancelled.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           h.read = [](const Obj& o, void* b, size_t n) {
             int before;
             pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
             ssize_t r;
             {
               Bounded bound;
               r = Read(o, b, n);
               if (!(r == -1 && errno == EINTR && bound.Fired())) {
                 pthread_setcancelstate(before, nullptr);
                 return r;
               }
             }
             pthread_setcancelstate(before, nullptr);
             return Read(o, b, n);
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
