// Faults of mq_send() and mq_timedsend() that wait, or of which message gets through.
#include <pthread.h>

#include <cstring>

#include "faults/preload/queues.h"

namespace faults {
namespace {

enum Use : uint32_t { kSent, kSenders, kWoken };

using Time = const timespec*;

// For so many milliseconds: sends the message after all, where there is room meanwhile.
void SendAfterAll(const Obj& o, const char* b, size_t n, unsigned p, int ms) {
  int saved = errno;
  const timespec past{0, 0};
  while (ms-- > 0 && real::mq_timedsend(o.fd, b, n, p, &past) != 0) PauseMs(1);
  errno = saved;
}

const Row kFaults[] = {
    {.name = "mq_send_interrupted_stays_queued",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_send.eintr.caught_signal"},
     .what = "An interrupted mq_send() fails with EINTR, but its message is queued if room comes "
             "while it ends.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == -1 && errno == EINTR) SendAfterAll(o, b, n, p, 50);
             return r;
           };
         }},
    {.name = "mq_timedsend_timed_out_stays_queued",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_timedsend.timeout.etimedout_when_full"},
     .what = "A mq_timedsend() that timed out queues its message if room comes while it ends.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (t && r == -1 && errno == ETIMEDOUT) SendAfterAll(o, b, n, p, 50);
             return r;
           };
         }},
    {.name = "mq_send_never_eintr",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.eintr.caught_signal"},
     .what = "A waiting mq_send() goes on after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r;
             do r = SendTo(o, b, n, p, t);
             while (r == -1 && errno == EINTR);
             return r;
           };
         }},
    {.name = "mq_send_eintr_despite_sa_restart",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.eintr.sa_restart_resumes"},
     .what = "A waiting mq_send() fails with EINTR though the handler was set with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             if (t || !SenderWaits(o)) return SendTo(o, b, n, p, t);
             Disturbed signals(Disturb::restarting);
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_eintr_by_ignored_signal",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_send.eintr.ignored_and_blocked_signals"},
     .what = "A waiting mq_send() fails with EINTR when an ignored signal arrives.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             if (!SenderWaits(o)) return SendTo(o, b, n, p, t);
             Disturbed signals(Disturb::ignored);
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_wakeup_lost",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.full.blocks_until_space"},
     .what = "A sender that waits does not notice that a message was received.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             bool late = SenderWaits(o);
             int r = SendTo(o, b, n, p, t);
             if (late && r == 0) Stuck();
             return r;
           };
         }},
    {.name = "mq_send_wakeup_lost_with_two_waiting",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"mq_send.waiters.one_slot_one_sender"},
     .what = "When several senders wait, the second wake-up is lost.",
     .arm =
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
    {.name = "mq_send_waiting_is_dropped",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"mq_send.full.blocks_until_space"},
     .what = "A message whose sender had to wait is lost.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             bool late = SenderWaits(o);
             int r = SendTo(o, b, n, p, t);
             if (late && r == 0) {
               RearrangeWith(o, [&](Message* m, int& count) {
                 for (int i = count - 1; i >= 0; --i) {
                   if (m[i].priority != p || m[i].length != n || std::memcmp(m[i].data, b, n))
                     continue;
                   for (int j = i; j + 1 < count; ++j) m[j] = m[j + 1];
                   --count;
                   return;
                 }
               });
             }
             return r;
           };
         }},
    {.name = "mq_send_duplicates",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication"},
     .what = "Every 32nd message is queued twice.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             int r = SendTo(o, b, n, p, t);
             if (r == 0 && ++Cell(o.key(), kSent) % 32 == 0 && !QueueFull(o)) {
               SendTo(o, b, n, p, nullptr);
             }
             return r;
           };
         }},
    {.name = "mq_send_loses_one_in_32",
     .family = Family::mqueue,
     .difficulty = Difficulty::hard,
     .clauses = {"threads.safety.no_loss_no_duplication"},
     .what = "Every 32nd message to a queue that is not empty is lost.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             mq_attr a = Attributes(o);
             bool room = a.mq_curmsgs > 0 && a.mq_curmsgs < a.mq_maxmsg &&
                         n <= static_cast<size_t>(a.mq_msgsize);
             if (room && ++Cell(o.key(), kSent) % 32 == 0) return 0;
             return SendTo(o, b, n, p, t);
           };
         }},
    {.name = "mq_send_not_cancellation_point",
     .family = Family::mqueue,
     .difficulty = Difficulty::medium,
     .clauses = {"threads.cancel.mq_send", "threads.cancel.mq_timedsend"},
     .what = "A thread that waits in mq_send() or mq_timedsend() cannot be cancelled.",
     .arm =
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
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
