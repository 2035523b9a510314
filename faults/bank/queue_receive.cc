// Faults of mq_receive() and, through the same hook, mq_timedreceive().
#include <pthread.h>

#include <cstring>

#include "faults/bank/banks.h"
#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kReceivers = 1000, kCount, kWoken, kHeld, kSlot };

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

// A message handed from one waiter to another outside the queue.
struct Slot {
  std::atomic<int> full;
  unsigned priority;
  size_t length;
  char data[8192];
};
Slot* HandOver() {
  static Slot* slot = static_cast<Slot*>(
      real::mmap(nullptr, sizeof(Slot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return slot;
}

// A waiting receive that takes a handed-over message when it is kicked. `pass` says what a receiver
// that was served does while others wait: keep (the message is the other's) or copy (both get it).
template <bool Copy>
ssize_t ReceiveWithHandOver(const Obj& o, char* b, size_t n, unsigned* p, Time t) {
  if (!QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
  Slot* slot = HandOver();
  for (;;) {
    bool kicked;
    ssize_t r;
    unsigned prio = 0;
    int error;
    {
      Waiting wait(o.key(), kReceivers);
      r = ReceiveFrom(o, b, n, &prio, t);
      error = errno;
      kicked = wait.Kicked();
    }
    if (r == -1 && error == EINTR && kicked && slot->full.exchange(0)) {
      r = static_cast<ssize_t>(slot->length);
      std::memcpy(b, slot->data, slot->length);
      if (p) *p = slot->priority;
      return r;
    }
    errno = error;
    if (r < 0) return r;
    if (p) *p = prio;
    if (WaiterCount(o.key(), kReceivers) == 0 || r > static_cast<ssize_t>(sizeof slot->data))
      return r;
    slot->priority = prio;
    slot->length = static_cast<size_t>(r);
    std::memcpy(slot->data, b, static_cast<size_t>(r));
    slot->full = 1;
    if (Kick(o.key(), kReceivers, false) == 0 || Copy) return r;
    int64_t end = NowNs(CLOCK_MONOTONIC) + 100000000;
    while (slot->full.load() && NowNs(CLOCK_MONOTONIC) < end) PauseMs(0);
    if (slot->full.exchange(0)) return r;  // nobody came for it
  }
}

const Fault kFaults[] = {
    {"mq_receive_lowest_first", "mqueue", "easy", "mq_receive.order.highest_priority_first",
     "The lowest priority is received first.", "",
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
    {"mq_receive_newest_of_ties", "mqueue", "medium", "mq_receive.order.oldest_within_priority",
     "Of messages with equal priority the newest is received first.", "",
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
    {"mq_receive_ties_wrong_from_five", "mqueue", "hard", "mq_receive.order.oldest_within_priority",
     "With five or more messages of equal priority the first two change places.",
     "guard case of the Linux 3.5 priority tree",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         RearrangeWith(o, [](Message* m, int& count) {
           if (FirstTie(m, count) >= 5) Reverse(m, 0, 1);
         });
         return ReceiveFrom(o, b, n, p, t);
       };
     }},
    {"mq_receive_ties_wrong_across_priorities", "mqueue", "hard",
     "mq_receive.order.oldest_within_priority mq_send.prio.placement",
     "Ties are reversed when a message of another priority is queued as well.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         RearrangeWith(o, [](Message* m, int& count) {
           int k = FirstTie(m, count);
           if (k < count && k >= 2) Reverse(m, 0, k - 1);
         });
         return ReceiveFrom(o, b, n, p, t);
       };
     }},
    {"mq_receive_high_priorities_equal", "mqueue", "hard",
     "mq_receive.order.highest_priority_first",
     "Priorities above 31 are all the same to the order.", "",
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
    {"mq_receive_priority_not_stored", "mqueue", "easy", "mq_receive.prio.stored_unless_null",
     "The priority is not stored.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned*, Time t) {
         return ReceiveFrom(o, b, n, nullptr, t);
       };
     }},
    {"mq_receive_null_priority_efault", "mqueue", "medium", "mq_receive.prio.stored_unless_null",
     "A null pointer for the priority fails with EFAULT.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         return p || o.kind == Kind::bad ? ReceiveFrom(o, b, n, p, t)
                                         : static_cast<ssize_t>(Fail(EFAULT));
       };
     }},
    {"mq_receive_returns_buffer_length", "mqueue", "easy", "mq_receive.basic.length_and_removal",
     "The length of the buffer is returned, not that of the message.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         ssize_t r = ReceiveFrom(o, b, n, p, t);
         return r >= 0 ? static_cast<ssize_t>(n) : r;
       };
     }},
    {"mq_receive_does_not_remove", "mqueue", "easy", "mq_receive.basic.length_and_removal",
     "The message stays in the queue.", "",
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
    {"mq_receive_small_buffer_accepted", "mqueue", "easy", "mq_receive.len.buffer_too_small",
     "A buffer smaller than mq_msgsize is enough if the message fits.", "",
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
    {"mq_receive_small_buffer_loses_message", "mqueue", "medium",
     "mq_receive.len.buffer_too_small mq_receive.error.failure_removes_nothing",
     "EMSGSIZE removes the message.", "",
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
    {"mq_receive_small_buffer_on_empty_waits", "mqueue", "medium",
     "mq_receive.len.too_small_on_empty_blocking",
     "A buffer that is too small is noticed when a message is there.", "",
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
    {"mq_receive_empty_fails", "mqueue", "easy", "mq_receive.empty.blocks_until_message",
     "mq_receive() from an empty queue fails with EAGAIN, O_NONBLOCK or not.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         return !t && QueueReaderWaits(o) && n >= static_cast<size_t>(Attributes(o).mq_msgsize)
                    ? static_cast<ssize_t>(Fail(EAGAIN))
                    : ReceiveFrom(o, b, n, p, t);
       };
     }},
    {"mq_receive_empty_nonblock_zero", "mqueue", "easy", "mq_receive.empty.eagain",
     "mq_receive() from an empty queue with O_NONBLOCK returns 0.", "",
     Edit<&Hooks::mq_receive>::Accept<EAGAIN, 0>},
    {"mq_receive_empty_nonblock_blocks", "mqueue", "easy", "mq_receive.empty.eagain",
     "O_NONBLOCK has no effect on mq_receive().", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         ssize_t r = ReceiveFrom(o, b, n, p, t);
         if (r == -1 && errno == EAGAIN) Stuck();
         return r;
       };
     }},
    {"mq_receive_two_get_one_message", "mqueue", "hard",
     "mq_receive.waiters.one_message_one_receiver threads.safety.no_loss_no_duplication",
     "With two receivers waiting, one message is given to both.", "",
     [](Hooks& h) {
       UseKicks();
       HandOver();
       h.mq_receive = ReceiveWithHandOver<true>;
     }},
    {"mq_receive_newest_waiter_served", "mqueue", "hard",
     "mq_receive.waiters.highest_priority_longest_waiting",
     "Of several receivers the one that waits for the shortest time gets the message.", "",
     [](Hooks& h) {
       UseKicks();
       HandOver();
       h.mq_receive = ReceiveWithHandOver<false>;
     }},
    {"mq_receive_wakeup_lost", "mqueue", "medium", "mq_receive.empty.blocks_until_message",
     "A receiver that waits does not notice a message.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         bool late = QueueReaderWaits(o);
         ssize_t r = ReceiveFrom(o, b, n, p, t);
         if (late && r >= 0) Stuck();
         return r;
       };
     }},
    {"mq_receive_wakeup_lost_with_two_waiting", "mqueue", "hard",
     "mq_receive.waiters.one_message_one_receiver",
     "When several receivers wait, the second wake-up is lost.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         if (!QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
         Waiting wait(o.key(), kReceivers);
         if (WaiterCount(o.key(), kReceivers) > 1) Cell(o.key(), kWoken) = 2;
         ssize_t r = ReceiveFrom(o, b, n, p, t);
         auto& left = Cell(o.key(), kWoken);
         if (r >= 0 && left.load() > 0 && --left == 0) Stuck();
         return r;
       };
     }},
    {"mq_receive_loses_under_contention", "mqueue", "hard",
     "threads.safety.no_loss_no_duplication threads.safety.all_functions",
     "Every 16th message that a waiting receiver gets is replaced by the next one.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         bool late = QueueReaderWaits(o);
         ssize_t r = ReceiveFrom(o, b, n, p, t);
         if (late && r >= 0 && ++Cell(o.key(), kCount) % 16 == 0) r = ReceiveFrom(o, b, n, p, t);
         return r;
       };
     }},
    {"mq_receive_never_eintr", "mqueue", "medium", "mq_receive.eintr.caught_signal",
     "A waiting mq_receive() goes on after every signal handler.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         ssize_t r;
         do r = ReceiveFrom(o, b, n, p, t);
         while (r == -1 && errno == EINTR);
         return r;
       };
     }},
    {"mq_receive_eintr_as_empty_message", "mqueue", "medium", "mq_receive.eintr.caught_signal",
     "mq_receive() interrupted by a signal returns 0.", "",
     Edit<&Hooks::mq_receive>::Accept<EINTR, 0>},
    {"mq_receive_eintr_loses_message", "mqueue", "hard", "mq_receive.eintr.nothing_removed",
     "The message that arrives after an interrupted mq_receive() is lost.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         auto& eaten = Cell(o.key(), kHeld);
         if (eaten.load() && !QueueEmpty(o)) {
           eaten = 0;
           ReceiveFrom(o, b, n, p, t);
         }
         ssize_t r = ReceiveFrom(o, b, n, p, t);
         if (r == -1 && errno == EINTR) eaten = 1;
         return r;
       };
     }},
    {"mq_receive_eintr_despite_sa_restart", "mqueue", "medium",
     "mq_receive.eintr.sa_restart_resumes",
     "A waiting mq_receive() fails with EINTR though the handler was set with SA_RESTART.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         if (t || !QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
         Disturbed signals(Disturb::restarting);
         return ReceiveFrom(o, b, n, p, t);
       };
     }},
    {"mq_receive_eintr_by_stop_and_continue", "mqueue", "hard",
     "mq_receive.eintr.stop_and_continue",
     "mq_receive() fails with EINTR when the process was stopped and continued.", "",
     [](Hooks& h) {
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         if (!QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
         Disturbed signals(Disturb::continued);
         return ReceiveFrom(o, b, n, p, t);
       };
     }},
    {"mq_receive_bad_descriptor_einval", "mqueue", "easy", "mq_receive.error.ebadf",
     "mq_receive() from a closed or O_WRONLY descriptor fails with EINVAL.", "",
     Edit<&Hooks::mq_receive>::Errno<EBADF, EINVAL>},
    {"mq_receive_not_cancellation_point", "mqueue", "medium",
     "threads.cancel.mq_receive threads.cancel.mq_timedreceive",
     "A thread that waits in mq_receive() or mq_timedreceive() cannot be cancelled.", "",
     [](Hooks& h) {
       UseKicks();
       h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
         int before;
         ssize_t r;
         bool fired;
         pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
         {
           Bounded bound;
           r = ReceiveFrom(o, b, n, p, t);
           int saved = errno;
           fired = r == -1 && saved == EINTR && bound.Fired();
           errno = saved;
         }
         pthread_setcancelstate(before, nullptr);
         return fired ? ReceiveFrom(o, b, n, p, t) : r;
       };
     }},
};

}  // namespace

Bank QueueReceiveBank() { return BankOf(kFaults); }

}  // namespace faults
