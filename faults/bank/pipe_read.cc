// Faults of what read() takes from pipes and of the ends of files.
#include <unistd.h>

#include "faults/preload/streams.h"

namespace faults {
namespace {

enum Use : uint32_t { kReaders, kEofSeen };

const Row kFaults[] = {
    {.name = "read_swaps_last_bytes",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.fifo_order", "fifo.io.same_as_pipe"},
     .what = "The last two bytes of every read come in the wrong order.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = Read(o, b, n);
             char* c = static_cast<char*>(b);
             if (r >= 2) c[r - 1] ^= c[r - 2], c[r - 2] ^= c[r - 1], c[r - 1] ^= c[r - 2];
             return r;
           };
         }},
    {.name = "read_damages_byte_at_page_end",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.fifo_order", "pipe.write.appends"},
     .what = "In reads of more than a page the first byte of the second page is a copy of its "
             "neighbour.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = Read(o, b, n);
             char* c = static_cast<char*>(b);
             size_t page = PageSize();
             if (r > static_cast<ssize_t>(page)) c[page] = c[page - 1];
             return r;
           };
         }},
    {.name = "read_keeps_packets",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.no_message_boundaries", "pipe.read.fifo_order"},
     .what =
         "A pipe is a sequence of packets: each read gets one, what does not fit is thrown away.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) { return real::pipe2(p, flags | O_DIRECT); };
         }},
    {.name = "read_waits_for_full_count",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.short_when_less_available"},
     .what = "read() waits until nbyte bytes are there.",
     .arm =
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
    {.name = "read_stores_one_byte_too_many",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.never_more_than_nbyte"},
     .what = "read() zeroes the byte after the data, as string functions do.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = Read(o, b, n);
             if (r > 0 && r == static_cast<ssize_t>(n)) static_cast<char*>(b)[n] = 0;
             return r;
           };
         }},
    {.name = "read_eof_fails",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.eof_no_writer"},
     .what = "At end-of-file read() fails with EPIPE.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = Read(o, b, n);
             return r == 0 && n > 0 ? Fail(EPIPE) : r;
           };
         }},
    {.name = "read_eof_nonblock_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.eof_no_writer"},
     .what = "A non-blocking read at end-of-file fails with EAGAIN.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = Read(o, b, n);
             return r == 0 && n > 0 && Nonblocking(o) ? Fail(EAGAIN) : r;
           };
         }},
    {.name = "read_last_close_discards_data",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.data_before_eof"},
     .what = "When the last writer closes, unread data is gone.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (Readiness(o, POLLIN) & POLLHUP) return static_cast<ssize_t>(0);
             return Read(o, b, n);
           };
         }},
    {.name = "read_last_close_discards_beyond_page",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.data_before_eof"},
     .what = "When the last writer closes, at most one page of unread data can still be read.",
     .arm =
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
    {.name = "read_empty_nonblock_returns_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.eagain_empty_with_writer"},
     .what = "A non-blocking read of an empty pipe returns 0.",
     .source = "System V O_NDELAY",
     .arm = Edit<&Hooks::read>::Accept<EAGAIN, 0>},
    {.name = "read_empty_nonblock_blocks",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.eagain_empty_with_writer"},
     .what = "O_NONBLOCK has no effect on reads.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = Read(o, b, n);
             if (r == -1 && errno == EAGAIN) Stuck();
             return r;
           };
         }},
    {.name = "read_nonblock_short_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.nonblock_with_data"},
     .what = "A non-blocking read of more than what is there fails with EAGAIN.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             int there = Available(o);
             if (Nonblocking(o) && there > 0 && there < static_cast<int>(n)) {
               return static_cast<ssize_t>(Fail(EAGAIN));
             }
             return Read(o, b, n);
           };
         }},
    {.name = "read_empty_returns_zero",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.blocks_until_data"},
     .what = "A blocking read of an empty pipe returns 0 immediately.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             return ReaderWaits(o) && n > 0 ? static_cast<ssize_t>(0) : Read(o, b, n);
           };
         }},
    {.name = "read_ends_at_first_writer_close",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.blocks_until_all_writers_close", "fifo.io.eof_after_all_writers"},
     .what =
         "A blocked read returns 0 when any write descriptor is closed, though others are open.",
     .arm =
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
    {.name = "read_eof_wakes_one_reader",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.close_wakes_all_readers"},
     .what = "The last close wakes one of several blocked readers, the others sleep on.",
     .source = "Linux 5.6-rc after commit 0ddad21d3e99 (exclusive waits)",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (!ReaderWaits(o)) return Read(o, b, n);
             Waiting wait(o.key(), kReaders);
             ssize_t r = Read(o, b, n);
             if (r == 0 && Cell(o.key(), kEofSeen)++ > 0) Stuck();
             return r;
           };
         }},
    {.name = "read_zero_consumes_byte",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.zero_nbyte"},
     .what = "A read with nbyte 0 takes a byte from the pipe.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             char c;
             if (n == 0 && Available(o) > 0 && AccessMode(o) != O_WRONLY) real::read(o.fd, &c, 1);
             return Read(o, b, n);
           };
         }},
    {.name = "read_zero_blocks",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.zero_nbyte"},
     .what = "A read with nbyte 0 waits for data.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (n == 0 && ReaderWaits(o)) Stuck();
             return Read(o, b, n);
           };
         }},
    {.name = "read_zero_nonblock_eagain",
     .family = Family::pipe,
     .difficulty = Difficulty::medium,
     .clauses = {"pipe.read.zero_nbyte"},
     .what = "A non-blocking read with nbyte 0 of an empty pipe fails with EIO.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             if (n == 0 && Nonblocking(o) && Available(o) == 0)
               return static_cast<ssize_t>(Fail(EIO));
             return Read(o, b, n);
           };
         }},
    {.name = "read_of_write_end_einval",
     .family = Family::pipe,
     .difficulty = Difficulty::easy,
     .clauses = {"pipe.read.ebadf"},
     .what = "read() on a write end fails with EINVAL.",
     .arm = Edit<&Hooks::read>::Errno<EBADF, EINVAL>},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
