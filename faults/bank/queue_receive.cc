// Faults of what mq_receive() and, through the same hook, mq_timedreceive() take.
#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kReceivers };

using Time = const timespec*;

void Reverse(Message* m, int from, int to) {
  for (; from < to; ++from, --to) {
    Message t = m[from];
    m[from] = m[to];
    m[to] = t;
  }
}

// Messages of the same priority as the first: their number.
int FirstTie(const Message* m, int n) {
  int k = 0;
  while (k < n && m[k].priority == m[0].priority) ++k;
  return k;
}

const Row kFaults[] = {
    {.name = "mq_receive_lowest_first",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.order.highest_priority_first"},
     .what = "The lowest priority is received first.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendTo(o, b, n, p <= 32767 ? 32767 - p : p, t);
           };
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             unsigned prio = 0;
             ssize_t r = ReceiveFrom(o, b, n, &prio, t);
             if (r >= 0 && p) *p = 32767 - prio;
             return r;
           };
         }},
    {.name = "mq_receive_newest_of_ties",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.order.oldest_within_priority"},
     .what = "Of messages with equal priority the newest is received first.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             RearrangeWith(o, [](Message* m, int& count) {
               int k = FirstTie(m, count);
               if (k < 2) return;
               Message last = m[k - 1];
               for (int i = k - 1; i > 0; --i) m[i] = m[i - 1];
               m[0] = last;
             });
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_ties_wrong_from_five",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.order.oldest_within_priority"},
     .what = "With five or more messages of equal priority the first two change places.",
     .source = "guard case of the Linux 3.5 priority tree",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             RearrangeWith(o, [](Message* m, int& count) {
               if (FirstTie(m, count) >= 5) Reverse(m, 0, 1);
             });
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_ties_wrong_across_priorities",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.order.oldest_within_priority", "mq_send.prio.placement"},
     .what = "Ties are reversed when a message of another priority is queued as well.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             RearrangeWith(o, [](Message* m, int& count) {
               int k = FirstTie(m, count);
               if (k < count && k >= 2) Reverse(m, 0, k - 1);
             });
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_high_priorities_equal",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.order.highest_priority_first"},
     .what = "Priorities above 31 are all the same to the order.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             static thread_local unsigned wanted;
             wanted = 0;
             RearrangeWith(o, [](Message* m, int& count) {
               int k = 0;
               while (k < count && m[k].priority > 31) ++k;
               if (k < 2 || m[0].priority == m[k - 1].priority) return;
               wanted = m[k - 1].priority + 1;
               m[k - 1].priority = 32767;
               Reverse(m, 0, k - 1);
             });
             unsigned prio = 0;
             ssize_t r = ReceiveFrom(o, b, n, &prio, t);
             if (r >= 0 && p) *p = wanted ? wanted - 1 : prio;
             return r;
           };
         }},
    {.name = "mq_receive_priority_not_stored",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.prio.stored_unless_null"},
     .what = "The priority is not stored.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned*, Time t) {
             return ReceiveFrom(o, b, n, nullptr, t);
           };
         }},
    {.name = "mq_receive_null_priority_efault",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.prio.stored_unless_null"},
     .what = "A null pointer for the priority fails with EFAULT.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             return p || o.kind == Kind::bad ? ReceiveFrom(o, b, n, p, t)
                                             : static_cast<ssize_t>(Fail(EFAULT));
           };
         }},
    {.name = "mq_receive_returns_buffer_length",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.basic.length_and_removal"},
     .what = "The length of the buffer is returned, not that of the message.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             return r >= 0 ? static_cast<ssize_t>(n) : r;
           };
         }},
    {.name = "mq_receive_does_not_remove",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.basic.length_and_removal"},
     .what = "The message stays in the queue.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             unsigned prio = 0;
             ssize_t r = ReceiveFrom(o, b, n, &prio, t);
             if (r >= 0 && p) *p = prio;
             int fd = r >= 0 ? Reopen(o.fd, O_WRONLY | O_NONBLOCK) : -1;
             if (fd >= 0) real::mq_send(fd, b, static_cast<size_t>(r), prio), real::mq_close(fd);
             return r;
           };
         }},
    {.name = "mq_receive_small_buffer_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.len.buffer_too_small"},
     .what = "A buffer smaller than mq_msgsize is enough if the message fits.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             mq_attr a = Attributes(o);
             static thread_local char large[1 << 16];
             if (a.mq_msgsize > 65536 || n >= static_cast<size_t>(a.mq_msgsize)) {
               return ReceiveFrom(o, b, n, p, t);
             }
             ssize_t r = ReceiveFrom(o, large, sizeof large, p, t);
             if (r > static_cast<ssize_t>(n)) r = static_cast<ssize_t>(n);
             if (r > 0) std::memcpy(b, large, static_cast<size_t>(r));
             return r;
           };
         }},
    {.name = "mq_receive_small_buffer_loses_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.len.buffer_too_small", "mq_receive.error.failure_removes_nothing"},
     .what = "EMSGSIZE removes the message.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             static thread_local char large[1 << 16];
             if (r == -1 && errno == EMSGSIZE && !QueueEmpty(o)) {
               ReceiveFrom(o, large, sizeof large, nullptr, nullptr);
               errno = EMSGSIZE;
             }
             return r;
           };
         }},
    {.name = "mq_receive_small_buffer_on_empty_waits",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.len.too_small_on_empty_blocking"},
     .what = "A buffer that is too small is noticed when a message is there.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             mq_attr a = Attributes(o);
             if (n < static_cast<size_t>(a.mq_msgsize) && a.mq_curmsgs == 0) {
               if (a.mq_flags & O_NONBLOCK) return static_cast<ssize_t>(Fail(EAGAIN));
               Stuck();
             }
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_empty_fails",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.empty.blocks_until_message"},
     .what = "mq_receive() from an empty queue fails with EAGAIN, O_NONBLOCK or not.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             return !t && QueueReaderWaits(o) && n >= static_cast<size_t>(Attributes(o).mq_msgsize)
                        ? static_cast<ssize_t>(Fail(EAGAIN))
                        : ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_empty_nonblock_zero",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.empty.eagain"},
     .what = "mq_receive() from an empty queue with O_NONBLOCK returns 0.",
     .arm = Edit<&Hooks::mq_receive>::Accept<EAGAIN, 0>},
    {.name = "mq_receive_empty_nonblock_blocks",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.empty.eagain"},
     .what = "O_NONBLOCK has no effect on mq_receive().",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (r == -1 && errno == EAGAIN) Stuck();
             return r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
