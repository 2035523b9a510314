// Faults of mq_send() and, through the same hook, mq_timedsend().
#include <pthread.h>

#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kSent = 900, kWaited, kSenders, kWoken };

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

const Fault kFaults[] = {
    {"mq_send_cuts_last_byte", "mqueue", "easy",
     "mq_send.content.bytes_preserved mq_receive.basic.length_and_removal",
     "Messages arrive one byte shorter.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return SendTo(o, b, n > 1 ? n - 1 : n, p, t);
       };
     }},
    {"mq_send_stops_at_null_byte", "mqueue", "medium", "mq_send.content.bytes_preserved",
     "Bytes behind the first null byte are null.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return SendChanged(o, b, n, p, t, [n](char* c) {
           size_t k = strnlen(c, n);
           std::memset(c + k, 0, n - k);
         });
       };
     }},
    {"mq_send_damages_large_messages", "mqueue", "hard", "mq_send.content.bytes_preserved",
     "Byte 4096 of larger messages is wrong.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return SendChanged(o, b, n, p, t, [n](char* c) {
           if (n > 4096) c[4096] ^= 1;
         });
       };
     }},
    {"mq_send_empty_refused", "mqueue", "easy", "mq_send.len.zero_accepted",
     "A message of length 0 fails with EMSGSIZE.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return n == 0 && o.kind == Kind::queue ? Fail(EMSGSIZE) : SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_empty_dropped", "mqueue", "medium", "mq_send.len.zero_accepted",
     "A message of length 0 is accepted and not queued.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return n == 0 && o.kind == Kind::queue ? 0 : SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_priority_32_refused", "mqueue", "medium",
     "mq_send.prio.whole_range_accepted limits.mq_prio_max",
     "Priorities of 32 and more fail with EINVAL.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return p >= 32 ? Fail(EINVAL) : SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_highest_priority_refused", "mqueue", "medium", "mq_send.prio.whole_range_accepted",
     "The priority {MQ_PRIO_MAX} - 1 fails with EINVAL.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return p == 32767 ? Fail(EINVAL) : SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_priority_ignored", "mqueue", "easy",
     "mq_send.prio.placement mq_receive.order.highest_priority_first "
     "mq_receive.prio.stored_unless_null",
     "All messages have priority 0.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return SendTo(o, b, n, p < 32768 ? 0 : p, t);
       };
     }},
    {"mq_send_priority_8_bits", "mqueue", "medium",
     "mq_send.prio.whole_range_accepted mq_receive.prio.stored_unless_null",
     "Priorities are kept in a byte.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return SendTo(o, b, n, p < 32768 ? p & 255 : p, t);
       };
     }},
    {"mq_send_invalid_priority_accepted", "mqueue", "easy", "mq_send.error.einval_priority",
     "Priorities of {MQ_PRIO_MAX} and more are cut down.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return SendTo(o, b, n, p > 32767 ? 32767 : p, t);
       };
     }},
    {"mq_send_full_fails", "mqueue", "easy", "mq_send.full.blocks_until_space",
     "mq_send() to a full queue fails with EBADF, O_NONBLOCK or not.", "RT-Thread",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         return !t && SenderWaits(o) ? Fail(EBADF) : SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_full_overwrites_oldest", "mqueue", "medium",
     "mq_send.full.blocks_until_space mq_send.full.eagain",
     "A message to a full queue replaces the oldest of the lowest priority.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         if (QueueFull(o)) RearrangeWith(o, [](Message*, int& count) { count -= count > 0; });
         return SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_full_nonblock_blocks", "mqueue", "easy", "mq_send.full.eagain",
     "O_NONBLOCK has no effect on mq_send().", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         int r = SendTo(o, b, n, p, t);
         if (r == -1 && errno == EAGAIN) Stuck();
         return r;
       };
     }},
    {"mq_send_full_nonblock_succeeds", "mqueue", "easy", "mq_send.full.eagain",
     "A message to a full queue is silently dropped with O_NONBLOCK.", "",
     Edit<&Hooks::mq_send>::Accept<EAGAIN, 0>},
    {"mq_send_too_long_cut", "mqueue", "easy", "mq_send.error.emsgsize",
     "A message of more than mq_msgsize is cut off.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         size_t most = static_cast<size_t>(Attributes(o).mq_msgsize);
         return SendTo(o, b, most && n > most ? most : n, p, t);
       };
     }},
    {"mq_send_too_long_einval", "mqueue", "easy", "mq_send.error.emsgsize",
     "A message of more than mq_msgsize fails with EINVAL.", "",
     Edit<&Hooks::mq_send>::Errno<EMSGSIZE, EINVAL>},
    {"mq_send_exact_size_refused", "mqueue", "medium", "mq_send.error.emsgsize",
     "A message of exactly mq_msgsize fails with EMSGSIZE.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         mq_attr a = Attributes(o);
         return a.mq_msgsize > 1 && n == static_cast<size_t>(a.mq_msgsize) ? Fail(EMSGSIZE)
                                                                           : SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_too_long_on_full_waits", "mqueue", "medium", "mq_send.error.emsgsize_on_full_queue",
     "A message that is too long waits for room before it fails.", "",
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
    {"mq_send_failure_queues", "mqueue", "medium", "mq_send.error.failure_queues_nothing",
     "A message that is too long fails with EMSGSIZE and is queued, cut off.", "",
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
    {"mq_send_bad_descriptor_einval", "mqueue", "easy", "mq_send.error.ebadf",
     "mq_send() to a closed or O_RDONLY descriptor fails with EINVAL.", "",
     Edit<&Hooks::mq_send>::Errno<EBADF, EINVAL>},
    {"mq_send_readonly_eacces", "mqueue", "medium", "mq_send.error.ebadf",
     "mq_send() to an O_RDONLY descriptor fails with EACCES.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         int r = SendTo(o, b, n, p, t);
         return r == -1 && errno == EBADF && o.kind == Kind::queue ? Fail(EACCES) : r;
       };
     }},
    {"mq_send_never_eintr", "mqueue", "medium", "mq_send.eintr.caught_signal",
     "A waiting mq_send() goes on after every signal handler.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         int r;
         do r = SendTo(o, b, n, p, t);
         while (r == -1 && errno == EINTR);
         return r;
       };
     }},
    {"mq_send_eintr_despite_sa_restart", "mqueue", "medium", "mq_send.eintr.sa_restart_resumes",
     "A waiting mq_send() fails with EINTR though the handler was set with SA_RESTART.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         if (t || !SenderWaits(o)) return SendTo(o, b, n, p, t);
         Disturbed signals(Disturb::restarting);
         return SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_eintr_by_ignored_signal", "mqueue", "hard",
     "mq_send.eintr.ignored_and_blocked_signals",
     "A waiting mq_send() fails with EINTR when an ignored signal arrives.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         if (!SenderWaits(o)) return SendTo(o, b, n, p, t);
         Disturbed signals(Disturb::ignored);
         return SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_wakeup_lost", "mqueue", "medium", "mq_send.full.blocks_until_space",
     "A sender that waits does not notice that a message was received.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         bool late = SenderWaits(o);
         int r = SendTo(o, b, n, p, t);
         if (late && r == 0) Stuck();
         return r;
       };
     }},
    {"mq_send_wakeup_lost_with_two_waiting", "mqueue", "hard",
     "mq_send.waiters.one_slot_one_sender",
     "When several senders wait, the second wake-up is lost.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         if (!SenderWaits(o)) return SendTo(o, b, n, p, t);
         Waiting wait(o.key(), kSenders);
         if (WaiterCount(o.key(), kSenders) > 1) Cell(o.key(), kWoken) = 2;
         int r = SendTo(o, b, n, p, t);
         auto& left = Cell(o.key(), kWoken);
         if (r == 0 && left.load() > 0 && --left == 0) Stuck();
         return r;
       };
     }},
    {"mq_send_waiting_is_dropped", "mqueue", "medium", "mq_send.full.blocks_until_space",
     "A message whose sender had to wait is lost.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         bool late = SenderWaits(o);
         int r = SendTo(o, b, n, p, t);
         if (late && r == 0) {
           RearrangeWith(o, [&](Message* m, int& count) {
             for (int i = count - 1; i >= 0; --i) {
               if (m[i].priority != p || m[i].length != n || std::memcmp(m[i].data, b, n)) continue;
               for (int j = i; j + 1 < count; ++j) m[j] = m[j + 1];
               --count;
               return;
             }
           });
         }
         return r;
       };
     }},
    {"mq_send_duplicates", "mqueue", "hard", "threads.safety.no_loss_no_duplication",
     "Every 32nd message is queued twice.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         int r = SendTo(o, b, n, p, t);
         if (r == 0 && ++Cell(o.key(), kSent) % 32 == 0 && !QueueFull(o)) {
           SendTo(o, b, n, p, nullptr);
         }
         return r;
       };
     }},
    {"mq_send_loses_one_in_32", "mqueue", "hard", "threads.safety.no_loss_no_duplication",
     "Every 32nd message to a queue that is not empty is lost.", "",
     [](Hooks& h) {
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         mq_attr a = Attributes(o);
         bool room = a.mq_curmsgs > 0 && a.mq_curmsgs < a.mq_maxmsg &&
                     n <= static_cast<size_t>(a.mq_msgsize);
         if (room && ++Cell(o.key(), kSent) % 32 == 0) return 0;
         return SendTo(o, b, n, p, t);
       };
     }},
    {"mq_send_not_cancellation_point", "mqueue", "medium",
     "threads.cancel.mq_send threads.cancel.mq_timedsend",
     "A thread that waits in mq_send() or mq_timedsend() cannot be cancelled.", "",
     [](Hooks& h) {
       UseKicks();
       h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
         int before, r;
         bool fired;
         pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
         {
           Bounded bound;
           r = SendTo(o, b, n, p, t);
           int saved = errno;
           fired = r == -1 && saved == EINTR && bound.Fired();
           errno = saved;
         }
         pthread_setcancelstate(before, nullptr);
         return fired ? SendTo(o, b, n, p, t) : r;
       };
     }},
};

}  // namespace

Bank QueueSendBank() { return BankOf(kFaults); }

}  // namespace faults
