// Faults that only long traffic meets: one in thousands, after much data, with many messages.
#include <limits.h>
#include <unistd.h>

#include <utility>

#include "faults/preload/queues.h"

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif

namespace faults {
namespace {

enum Use : uint32_t { kWaits, kWriting, kBytesRead, kReceived, kGrowths };

using Time = const timespec*;

// Whether this is the n-th time of something in all processes together.
bool EachNth(Use use, uint64_t n) { return ++Cell(0, use) % n == 0; }

// Whether this process, which calls with every message that it sends, is at a 4096th.
bool Each4096th() {
  static std::atomic<uint64_t> count{0};
  return ++count % 4096 == 0;
}

bool HasRoom(const Obj& o, size_t n) {
  mq_attr a = Attributes(o);
  return a.mq_curmsgs < a.mq_maxmsg && n <= static_cast<size_t>(a.mq_msgsize);
}

const Row kFaults[] = {
    {.name = "mq_tie_broken_from_fifth",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.order.oldest_within_priority", "mq_send.prio.placement"},
     .what = "Among five or more messages of one priority the newest two are in the wrong order.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r != 0 || Attributes(o).mq_curmsgs < 5) return r;
             RearrangeWith(o, [&](Message* m, int& count) {
               int last = -1, equal = 0;
               for (int i = 0; i < count; ++i) {
                 if (m[i].priority == p) last = i, ++equal;
               }
               if (equal >= 5) std::swap(m[last], m[last - 1]);
             });
             return r;
           };
         }},
    {.name = "mq_send_loses_every_4096th",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication"},
     .what = "Every 4096th message that a process sends is lost.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             if (HasRoom(o, n) && Each4096th()) return 0;
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_doubles_every_4096th",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication"},
     .what = "Every 4096th message that a process sends is there twice if there is room.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == 0 && HasRoom(o, n) && Each4096th()) SendTo(o, b, n, p, t);
             return r;
           };
         }},
    {.name = "mq_order_lost_when_ring_wraps",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.order.oldest_within_priority"},
     .what = "Every 100th time that a queue is read, two messages of one priority change places.",
     .source = "a ring of slots that wraps",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (++Cell(o.key(), kReceived) % 100 == 0) {
               RearrangeWith(o, [](Message* m, int& count) {
                 if (count > 1 && m[0].priority == m[1].priority) std::swap(m[0], m[1]);
               });
             }
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_wakeup_lost_once_in_1024",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.empty.blocks_until_message"},
     .what = "Of 1024 receivers that have to wait one does not notice its message.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             bool late = QueueReaderWaits(o);
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (late && r >= 0 && EachNth(kWaits, 1024)) Stuck();
             return r;
           };
         }},
    {.name = "read_swaps_bytes_after_a_mebibyte",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.read.fifo_order"},
     .what = "When 1 MiB has passed through a pipe, the first two bytes of each later read change "
             "places.",
     .source = "a ring of pages that wraps",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             ssize_t r = real::read(o.fd, b, n);
             auto& passed = Cell(o.key(), kBytesRead);
             if (r > 1 && passed >= 1u << 20)
               std::swap(static_cast<char*>(b)[0], static_cast<char*>(b)[1]);
             if (r > 0) passed += static_cast<uint64_t>(r);
             return r;
           };
         }},
    {.name = "write_split_when_another_writes",
     .family = Family::pipe,
     .difficulty = Difficulty::hard,
     .clauses = {"pipe.write.atomic_le_pipe_buf"},
     .what =
         "A write of up to {PIPE_BUF} bytes is done in two halves while another process writes.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             Waiting here(o.key(), kWriting);
             if (n < 2 || n > PIPE_BUF || Nonblocking(o) || WaiterCount(o.key(), kWriting) < 2) {
               return real::write(o.fd, b, n);
             }
             ssize_t r = real::write(o.fd, b, n / 2);
             if (r != static_cast<ssize_t>(n / 2)) return r;
             PauseMs(1);
             ssize_t more = real::write(o.fd, static_cast<const char*>(b) + n / 2, n - n / 2);
             return more < 0 ? r : r + more;
           };
         }},
    {.name = "shm_every_16th_growth_is_stale",
     .family = Family::shm,
     .difficulty = Difficulty::hard,
     .clauses = {"ftruncate.shm.grow_zero_filled"},
     .what = "Every 16th time that an object with contents grows, the first new byte is not zero.",
     .arm =
         [](Hooks& h) {
           h.ftruncate = [](const Obj& o, off_t size) {
             struct stat before;
             bool grows = o.kind == Kind::shm && real::fstat(o.fd, &before) == 0 &&
                          before.st_size > 0 && before.st_size < size;
             int r = real::ftruncate(o.fd, size);
             if (r == 0 && grows && ++Cell(o.key(), kGrowths) % 16 == 0) {
               real::pwrite(o.fd, "\xa5", 1, before.st_size);
             }
             return r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
