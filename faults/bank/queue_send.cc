// Faults of what mq_send() and, through the same hook, mq_timedsend() store.
#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

using Time = const timespec*;

// The message sent from a changed copy.
template <class Change>
int SendChanged(const Obj& o, const char* b, size_t n, unsigned p, Time t, Change change) {
  static thread_local char copy[1 << 16];
  if (n > sizeof copy) return SendTo(o, b, n, p, t);
  std::memcpy(copy, b, n);
  change(copy);
  return SendTo(o, copy, n, p, t);
}

const Row kFaults[] = {
    {.name = "mq_send_cuts_last_byte",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.content.bytes_preserved", "mq_receive.basic.length_and_removal"},
     .what = "Messages arrive one byte shorter.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendTo(o, b, n > 1 ? n - 1 : n, p, t);
           };
         }},
    {.name = "mq_send_stops_at_null_byte",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.content.bytes_preserved"},
     .what = "Bytes after the first null byte are null.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendChanged(o, b, n, p, t, [n](char* c) {
               size_t k = strnlen(c, n);
               std::memset(c + k, 0, n - k);
             });
           };
         }},
    {.name = "mq_send_damages_large_messages",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_send.content.bytes_preserved"},
     .what = "Byte 4096 of larger messages is wrong.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendChanged(o, b, n, p, t, [n](char* c) {
               if (n > 4096) c[4096] ^= 1;
             });
           };
         }},
    {.name = "mq_send_empty_refused",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.len.zero_accepted"},
     .what = "A message of length 0 fails with EMSGSIZE.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return n == 0 && o.kind == Kind::queue ? Fail(EMSGSIZE) : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_empty_dropped",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.len.zero_accepted"},
     .what = "A message of length 0 is accepted and not queued.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return n == 0 && o.kind == Kind::queue ? 0 : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_priority_32_refused",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.prio.whole_range_accepted", "limits.mq_prio_max"},
     .what = "Priorities of 32 and more fail with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return p >= 32 ? Fail(EINVAL) : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_highest_priority_refused",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.prio.whole_range_accepted"},
     .what = "The priority {MQ_PRIO_MAX} - 1 fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return p == 32767 ? Fail(EINVAL) : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_priority_ignored",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.prio.placement", "mq_receive.order.highest_priority_first",
                 "mq_receive.prio.stored_unless_null"},
     .what = "All messages have priority 0.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendTo(o, b, n, p < 32768 ? 0 : p, t);
           };
         }},
    {.name = "mq_send_priority_8_bits",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.prio.whole_range_accepted", "mq_receive.prio.stored_unless_null"},
     .what = "Priorities are kept in a byte.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendTo(o, b, n, p < 32768 ? p & 255 : p, t);
           };
         }},
    {.name = "mq_send_invalid_priority_accepted",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.error.einval_priority"},
     .what = "Priorities of {MQ_PRIO_MAX} and more are cut down.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return SendTo(o, b, n, p > 32767 ? 32767 : p, t);
           };
         }},
    {.name = "mq_send_full_fails",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.full.blocks_until_space"},
     .what = "mq_send() to a full queue fails with EBADF, O_NONBLOCK or not.",
     .source = "RT-Thread",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return !t && SenderWaits(o) ? Fail(EBADF) : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_full_overwrites_oldest",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.full.blocks_until_space", "mq_send.full.eagain"},
     .what = "A message to a full queue replaces the oldest of the lowest priority.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             if (QueueFull(o)) RearrangeWith(o, [](Message*, int& count) { count -= count > 0; });
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_full_nonblock_blocks",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.full.eagain"},
     .what = "O_NONBLOCK has no effect on mq_send().",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == -1 && errno == EAGAIN) Stuck();
             return r;
           };
         }},
    {.name = "mq_send_full_nonblock_succeeds",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.full.eagain"},
     .what = "A message to a full queue is silently dropped with O_NONBLOCK.",
     .arm = Edit<&Hooks::mq_send>::Accept<EAGAIN, 0>},
    {.name = "mq_send_too_long_cut",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.error.emsgsize"},
     .what = "A message of more than mq_msgsize is cut off.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             size_t most = static_cast<size_t>(Attributes(o).mq_msgsize);
             return SendTo(o, b, most && n > most ? most : n, p, t);
           };
         }},
    {.name = "mq_send_too_long_einval",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.error.emsgsize"},
     .what = "A message of more than mq_msgsize fails with EINVAL.",
     .arm = Edit<&Hooks::mq_send>::Errno<EMSGSIZE, EINVAL>},
    {.name = "mq_send_exact_size_refused",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.error.emsgsize"},
     .what = "A message of exactly mq_msgsize fails with EMSGSIZE.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             mq_attr a = Attributes(o);
             return a.mq_msgsize > 1 && n == static_cast<size_t>(a.mq_msgsize)
                        ? Fail(EMSGSIZE)
                        : SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_too_long_on_full_waits",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.error.emsgsize_on_full_queue"},
     .what = "A message that is too long waits for room before it fails.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             mq_attr a = Attributes(o);
             if (a.mq_msgsize > 0 && n > static_cast<size_t>(a.mq_msgsize) &&
                 a.mq_curmsgs == a.mq_maxmsg) {
               if (a.mq_flags & O_NONBLOCK) return Fail(EAGAIN);
               Stuck();
             }
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_failure_queues",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.error.failure_queues_nothing"},
     .what = "A message that is too long fails with EMSGSIZE and is queued, cut off.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == -1 && errno == EMSGSIZE && !QueueFull(o)) {
               SendTo(o, b, static_cast<size_t>(Attributes(o).mq_msgsize), p, nullptr);
               errno = EMSGSIZE;
             }
             return r;
           };
         }},
    {.name = "mq_send_bad_descriptor_einval",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_send.error.ebadf"},
     .what = "mq_send() to a closed or O_RDONLY descriptor fails with EINVAL.",
     .arm = Edit<&Hooks::mq_send>::Errno<EBADF, EINVAL>},
    {.name = "mq_send_readonly_eacces",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.error.ebadf"},
     .what = "mq_send() to an O_RDONLY descriptor fails with EACCES.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             return r == -1 && errno == EBADF && o.kind == Kind::queue ? Fail(EACCES) : r;
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
