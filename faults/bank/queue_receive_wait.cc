// Faults of mq_receive() and mq_timedreceive() that wait, or of who waits.
#include <pthread.h>

#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kReceivers, kCount, kWoken, kHeld };

using Time = const timespec*;

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

const Row kFaults[] = {
    {.name = "mq_receive_two_get_one_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.waiters.one_message_one_receiver",
                 "threads.safety.no_loss_no_duplication"},
     .what = "With two receivers waiting, one message is given to both.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           HandOver();
           h.mq_receive = ReceiveWithHandOver<true>;
         }},
    {.name = "mq_receive_newest_waiter_served",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.waiters.highest_priority_longest_waiting"},
     .what = "Of several receivers the one that waits for the shortest time gets the message.",
     .arm =
         [](Hooks& h) {
           UseKicks();
           HandOver();
           h.mq_receive = ReceiveWithHandOver<false>;
         }},
    {.name = "mq_receive_wakeup_lost",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.empty.blocks_until_message"},
     .what = "A receiver that waits does not notice a message.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             bool late = QueueReaderWaits(o);
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (late && r >= 0) Stuck();
             return r;
           };
         }},
    {.name = "mq_receive_wakeup_lost_with_two_waiting",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.waiters.one_message_one_receiver"},
     .what = "When several receivers wait, the second wake-up is lost.",
     .arm =
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
    {.name = "mq_receive_loses_under_contention",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication", "threads.safety.all_functions"},
     .what = "Every 16th message that a waiting receiver gets is replaced by the next one.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             bool late = QueueReaderWaits(o);
             ssize_t r = ReceiveFrom(o, b, n, p, t);
             if (late && r >= 0 && ++Cell(o.key(), kCount) % 16 == 0)
               r = ReceiveFrom(o, b, n, p, t);
             return r;
           };
         }},
    {.name = "mq_receive_never_eintr",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.eintr.caught_signal"},
     .what = "A waiting mq_receive() goes on after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             ssize_t r;
             do r = ReceiveFrom(o, b, n, p, t);
             while (r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "mq_receive_eintr_as_empty_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.eintr.caught_signal"},
     .what = "mq_receive() interrupted by a signal returns 0.",
     .arm = Edit<&Hooks::mq_receive>::Accept<EINTR, 0>},
    {.name = "mq_receive_eintr_loses_message",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.eintr.nothing_removed"},
     .what = "The message that arrives after an interrupted mq_receive() is lost.",
     .arm =
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
    {.name = "mq_receive_eintr_despite_sa_restart",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_receive.eintr.sa_restart_resumes"},
     .what = "A waiting mq_receive() fails with EINTR though the handler was set with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (t || !QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
             Disturbed signals(Disturb::restarting);
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_eintr_by_stop_and_continue",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_receive.eintr.stop_and_continue"},
     .what = "mq_receive() fails with EINTR when the process was stopped and continued.",
     .arm =
         [](Hooks& h) {
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             if (!QueueReaderWaits(o)) return ReceiveFrom(o, b, n, p, t);
             Disturbed signals(Disturb::continued);
             return ReceiveFrom(o, b, n, p, t);
           };
         }},
    {.name = "mq_receive_bad_descriptor_einval",
     .family = Family::mqueue,
     .difficulty = Difficulty::easy,
     .clauses = {"mq_receive.error.ebadf"},
     .what = "mq_receive() from a closed or O_WRONLY descriptor fails with EINVAL.",
     .arm = Edit<&Hooks::mq_receive>::Errno<EBADF, EINVAL>},
    {.name = "mq_receive_not_cancellation_point",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"threads.cancel.mq_receive", "threads.cancel.mq_timedreceive"},
     .what = "A thread that waits in mq_receive() or mq_timedreceive() cannot be cancelled.",
     .arm =
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
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
