// Faults of reading from pipes.
#include <pthread.h>
#include <unistd.h>

#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/state.h"

namespace faults {
namespace {

enum Use : uint32_t { kReaders = 100, kEofSeen, kLostWakeups };

// A real read; `late` says whether it had to wait first.
ssize_t Read(const Obj& o, void* b, size_t n, bool* late = nullptr) {
  if (late) *late = ReaderWaits(o);
  return real::read(o.fd, b, n);
}

const Fault kFaults[] = {
    {"read_swaps_last_bytes", "pipe", "easy", "pipe.read.fifo_order fifo.io.same_as_pipe",
     "The last two bytes of every read come in the wrong order.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         char* c = static_cast<char*>(b);
         if (r >= 2) c[r - 1] ^= c[r - 2], c[r - 2] ^= c[r - 1], c[r - 1] ^= c[r - 2];
         return r;
       };
     }},
    {"read_damages_byte_at_page_end", "pipe", "medium", "pipe.read.fifo_order pipe.write.appends",
     "In reads of more than a page the first byte of the second page is a copy of its neighbour.",
     "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         char* c = static_cast<char*>(b);
         size_t page = PageSize();
         if (r > static_cast<ssize_t>(page)) c[page] = c[page - 1];
         return r;
       };
     }},
    {"read_keeps_packets", "pipe", "medium", "pipe.read.no_message_boundaries pipe.read.fifo_order",
     "A pipe is a sequence of packets: each read gets one, what does not fit is thrown away.", "",
     [](Hooks& h) {
       h.pipe2 = [](int* p, int flags) { return real::pipe2(p, flags | O_DIRECT); };
     }},
    {"read_waits_for_full_count", "pipe", "easy", "pipe.read.short_when_less_available",
     "read() waits until nbyte bytes are there.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         if (r <= 0 || Nonblocking(o)) return r;
         int64_t end = NowNs(CLOCK_MONOTONIC) + StuckMs() * 1000000ll;
         while (r < static_cast<ssize_t>(n) && NowNs(CLOCK_MONOTONIC) < end) {
           short e = Readiness(o, POLLIN);
           if ((e & POLLHUP) && !(e & POLLIN)) break;
           if (!(e & POLLIN)) {
             PauseMs(1);
             continue;
           }
           ssize_t more = real::read(o.fd, static_cast<char*>(b) + r, n - r);
           if (more <= 0) break;
           r += more;
         }
         return r;
       };
     }},
    {"read_stores_one_byte_too_many", "pipe", "medium", "pipe.read.never_more_than_nbyte",
     "read() zeroes the byte behind the data, as string functions do.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         if (r > 0 && r == static_cast<ssize_t>(n)) static_cast<char*>(b)[n] = 0;
         return r;
       };
     }},
    {"read_eof_fails", "pipe", "easy", "pipe.read.eof_no_writer",
     "At end-of-file read() fails with EPIPE.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         return r == 0 && n > 0 ? Fail(EPIPE) : r;
       };
     }},
    {"read_eof_nonblock_eagain", "pipe", "medium", "pipe.read.eof_no_writer",
     "A non-blocking read at end-of-file fails with EAGAIN.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         return r == 0 && n > 0 && Nonblocking(o) ? Fail(EAGAIN) : r;
       };
     }},
    {"read_last_close_discards_data", "pipe", "medium", "pipe.read.data_before_eof",
     "When the last writer closes, unread data is gone.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (Readiness(o, POLLIN) & POLLHUP) return static_cast<ssize_t>(0);
         return Read(o, b, n);
       };
     }},
    {"read_last_close_discards_beyond_page", "pipe", "hard", "pipe.read.data_before_eof",
     "When the last writer closes, at most one page of unread data can still be read.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (!(Readiness(o, POLLIN) & POLLHUP)) return Read(o, b, n);
         auto& given = Cell(o.key(), kEofSeen);
         if (given.load() >= PageSize()) return static_cast<ssize_t>(0);
         size_t left = PageSize() - given.load();
         ssize_t r = Read(o, b, n < left ? n : left);
         if (r > 0) given += r;
         return r;
       };
     }},
    {"read_empty_nonblock_returns_zero", "pipe", "easy", "pipe.read.eagain_empty_with_writer",
     "A non-blocking read of an empty pipe returns 0.", "System V O_NDELAY",
     Edit<&Hooks::read>::Accept<EAGAIN, 0>},
    {"read_empty_nonblock_blocks", "pipe", "easy", "pipe.read.eagain_empty_with_writer",
     "O_NONBLOCK has no effect on reads.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r = Read(o, b, n);
         if (r == -1 && errno == EAGAIN) Stuck();
         return r;
       };
     }},
    {"read_nonblock_short_eagain", "pipe", "easy", "pipe.read.nonblock_with_data",
     "A non-blocking read of more than what is there fails with EAGAIN.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         int there = Available(o);
         if (Nonblocking(o) && there > 0 && there < static_cast<int>(n)) {
           return static_cast<ssize_t>(Fail(EAGAIN));
         }
         return Read(o, b, n);
       };
     }},
    {"read_empty_returns_zero", "pipe", "easy", "pipe.read.blocks_until_data",
     "A blocking read of an empty pipe returns 0 at once.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         return ReaderWaits(o) && n > 0 ? static_cast<ssize_t>(0) : Read(o, b, n);
       };
     }},
    {"read_ends_at_first_writer_close", "pipe", "medium",
     "pipe.read.blocks_until_all_writers_close fifo.io.eof_after_all_writers",
     "A blocked read returns 0 when any write descriptor is closed, though others are open.", "",
     [](Hooks& h) {
       UseKicks();
       h.read = [](const Obj& o, void* b, size_t n) -> ssize_t {
         if (!ReaderWaits(o)) return Read(o, b, n);
         Waiting wait(o.key(), kReaders);
         ssize_t r = Read(o, b, n);
         return r == -1 && errno == EINTR && wait.Kicked() ? 0 : r;
       };
       h.close = [](const Obj& o) {
         bool writer = o.stream() && AccessMode(o) != O_RDONLY;
         int r = real::close(o.fd);
         if (writer) Kick(o.key(), kReaders, true);
         return r;
       };
     }},
    {"read_eof_wakes_one_reader", "pipe", "hard", "pipe.read.close_wakes_all_readers",
     "The last close wakes one of several blocked readers, the others sleep on.",
     "Linux 5.6-rc after commit 0ddad21d3e99 (exclusive waits)",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (!ReaderWaits(o)) return Read(o, b, n);
         Waiting wait(o.key(), kReaders);
         ssize_t r = Read(o, b, n);
         if (r == 0 && Cell(o.key(), kEofSeen)++ > 0) Stuck();
         return r;
       };
     }},
    {"read_zero_consumes_byte", "pipe", "medium", "pipe.read.zero_nbyte",
     "A read with nbyte 0 takes a byte from the pipe.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         char c;
         if (n == 0 && Available(o) > 0 && AccessMode(o) != O_WRONLY) real::read(o.fd, &c, 1);
         return Read(o, b, n);
       };
     }},
    {"read_zero_blocks", "pipe", "medium", "pipe.read.zero_nbyte",
     "A read with nbyte 0 waits for data.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (n == 0 && ReaderWaits(o)) Stuck();
         return Read(o, b, n);
       };
     }},
    {"read_zero_nonblock_eagain", "pipe", "medium", "pipe.read.zero_nbyte",
     "A non-blocking read with nbyte 0 of an empty pipe fails with EIO.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (n == 0 && Nonblocking(o) && Available(o) == 0) return static_cast<ssize_t>(Fail(EIO));
         return Read(o, b, n);
       };
     }},
    {"read_of_write_end_einval", "pipe", "easy", "pipe.read.ebadf",
     "read() on a write end fails with EINVAL.", "", Edit<&Hooks::read>::Errno<EBADF, EINVAL>},
    {"read_never_eintr", "pipe", "medium", "pipe.read.eintr",
     "A blocked read is restarted after every signal handler.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         ssize_t r;
         do r = Read(o, b, n);
         while (r == -1 && errno == EINTR);
         return r;
       };
     }},
    {"read_eintr_as_eof", "pipe", "medium", "pipe.read.eintr",
     "A blocked read interrupted by a signal returns 0.", "", Edit<&Hooks::read>::Accept<EINTR, 0>},
    {"read_eintr_despite_sa_restart", "pipe", "medium", "pipe.read.sa_restart",
     "A blocked read fails with EINTR though the handler was set with SA_RESTART.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (!ReaderWaits(o)) return Read(o, b, n);
         Disturbed signals(Disturb::restarting);
         return Read(o, b, n);
       };
     }},
    {"read_eintr_by_ignored_signal", "pipe", "hard", "pipe.rw.ignored_and_blocked_signals",
     "A blocked read fails with EINTR when an ignored signal arrives.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (!ReaderWaits(o)) return Read(o, b, n);
         Disturbed signals(Disturb::ignored);
         return Read(o, b, n);
       };
     }},
    {"read_eintr_by_stop_and_continue", "pipe", "hard", "pipe.rw.stop_and_continue",
     "A blocked read fails with EINTR when the process was stopped and continued.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         if (!ReaderWaits(o)) return Read(o, b, n);
         Disturbed signals(Disturb::continued);
         return Read(o, b, n);
       };
     }},
    {"pread_on_pipe_reads", "pipe", "easy", "pread.pipe.espipe",
     "pread() on a pipe ignores the offset and reads.", "",
     [](Hooks& h) {
       h.pread = [](const Obj& o, void* b, size_t n, off_t) { return real::read(o.fd, b, n); };
     }},
    {"pread_on_pipe_einval", "pipe", "easy", "pread.pipe.espipe",
     "pread() on a pipe fails with EINVAL.", "", Edit<&Hooks::pread>::Errno<ESPIPE, EINVAL>},
    {"readv_fills_backwards", "pipe", "easy", "readv.pipe.fill_order",
     "readv() fills the areas from the last to the first.", "",
     [](Hooks& h) {
       h.readv = [](const Obj& o, const iovec* v, int n) -> ssize_t {
         if (n < 2 || n > 64) return real::readv(o.fd, v, n);
         iovec back[64];
         for (int i = 0; i < n; ++i) back[i] = v[n - 1 - i];
         return real::readv(o.fd, back, n);
       };
     }},
    {"readv_only_first_area", "pipe", "medium", "readv.pipe.fill_order",
     "readv() never goes on to the second area while data is left.", "",
     [](Hooks& h) {
       h.readv = [](const Obj& o, const iovec* v, int n) {
         return real::readv(o.fd, v, n > 1 && v[0].iov_len > 0 ? 1 : n);
       };
     }},
    {"readv_skips_area_after_empty_one", "pipe", "hard", "readv.pipe.fill_order",
     "readv() stops at an area of length 0.", "",
     [](Hooks& h) {
       h.readv = [](const Obj& o, const iovec* v, int n) {
         int upto = 0;
         while (upto < n && (v[upto].iov_len != 0 || upto == 0)) ++upto;
         return real::readv(o.fd, v, n > 0 ? upto : n);
       };
     }},
    {"readv_overflow_takes_data", "pipe", "medium", "readv.pipe.sum_overflow",
     "readv() whose lengths overflow an ssize_t reads into the first area nevertheless.", "",
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
    {"read_wakeup_lost", "pipe", "medium", "pipe.read.blocks_until_data",
     "A blocked reader does not notice that data came.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         bool late;
         ssize_t r = Read(o, b, n, &late);
         if (late && r > 0) Stuck();
         return r;
       };
     }},
    {"read_wakeup_lost_sometimes", "pipe", "hard", "pipe.read.blocks_until_data",
     "Every eighth time that a reader has to wait, its wake-up is lost.", "",
     [](Hooks& h) {
       h.read = [](const Obj& o, void* b, size_t n) {
         bool late;
         ssize_t r = Read(o, b, n, &late);
         if (late && r > 0 && ++Cell(o.key(), kLostWakeups) % 8 == 0) Stuck();
         return r;
       };
     }},
    {"read_not_cancellation_point", "pipe", "medium",
     "pipe.cancel.blocked_call pipe.cancel.pending_request",
     "A thread blocked in read() cannot be cancelled.", "",
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

}  // namespace

Bank PipeReadBank() { return BankOf(kFaults); }

}  // namespace faults
