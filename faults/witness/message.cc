// Witnesses of bank_queue_send.cc, bank_queue_receive.cc and bank_queue_time.cc.
#include <pthread.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
// mq_receive() in a child: the first letter of the message ('!' for failure), or 1 for length 0.
int ReceiveIn(const Queue& q) {
  std::string s = q.Receive();
  return s.empty() ? 1 : s[0];
}
int SendIn(const Queue& q, const char* text = "s") { return q.Send(text) == 0 ? 0 : errno; }
int TimedReceive(const Queue& q, const timespec& t) {
  char b[16];
  return mq_timedreceive(q.q, b, sizeof b, nullptr, &t) < 0 ? errno : 0;
}
int TimedSend(const Queue& q, const timespec& t) {
  return mq_timedsend(q.q, "x", 1, 0, &t) < 0 ? errno : 0;
}
std::string Text(int error) { return "!" + std::to_string(error); }
int Cancelled(void* (*body)(void*), const Queue& q) {
  pthread_t t;
  pthread_create(&t, nullptr, body, const_cast<Queue*>(&q));
  Nap(50);
  pthread_cancel(t);
  pthread_join(t, nullptr);
  return 0;
}
bool EndsEarly(const std::function<void(const timespec&)>& call, int ms) {
  // Often, since a busy machine hides what comes only a little early.
  for (int i = 0; i < 40; ++i) {
    timespec t = InMs(ms);
    call(t);
    if (NowNs(CLOCK_REALTIME) < t.tv_sec * 1000000000ll + t.tv_nsec) return true;
  }
  return false;
}
const timespec kPast{1, 0};
}  // namespace

WITNESS(mq_send_cuts_last_byte) {
  Queue q;
  q.Send("ab");
  return q.Receive() == "a";
}
WITNESS(mq_send_stops_at_null_byte) {
  Queue q;
  mq_send(q.q, "a\0b", 3, 0);
  return q.Receive() == std::string("a\0\0", 3);
}
WITNESS(mq_send_damages_large_messages) {
  Queue q(2, 8192);
  std::string s(8192, 'x');
  mq_send(q.q, s.data(), s.size(), 0);
  return q.Receive() != s;
}
WITNESS(mq_send_empty_refused) { return Fails(Queue().Send(""), EMSGSIZE); }
WITNESS(mq_send_empty_dropped) {
  Queue q;
  return q.Send("") == 0 && q.Attr().mq_curmsgs == 0;
}
WITNESS(mq_send_priority_32_refused) { return Fails(Queue().Send("x", 32), EINVAL); }
WITNESS(mq_send_highest_priority_refused) {
  return Fails(Queue().Send("x", static_cast<unsigned>(sysconf(_SC_MQ_PRIO_MAX) - 1)), EINVAL);
}
WITNESS(mq_send_priority_ignored) {
  Queue q;
  unsigned p = 9;
  q.Send("x", 5);
  q.Receive(&p);
  return p == 0;
}
WITNESS(mq_send_priority_8_bits) {
  Queue q;
  unsigned p = 9;
  q.Send("x", 300);
  q.Receive(&p);
  return p == 44;
}
WITNESS(mq_send_invalid_priority_accepted) {
  return Queue().Send("x", static_cast<unsigned>(sysconf(_SC_MQ_PRIO_MAX))) == 0;
}
WITNESS(mq_send_full_fails) {
  Queue q;
  q.Fill();
  return Child([&] { return SendIn(q); }).Exit(300) == EBADF;
}
WITNESS(mq_send_full_overwrites_oldest) {
  Queue q;
  q.Fill();
  return Child([&] { return SendIn(q); }).Exit(300) == 0;
}
WITNESS(mq_send_full_nonblock_blocks) {
  Queue q(2, 16, O_NONBLOCK);
  q.Fill();
  return Hangs([&] { q.Send("x"); });
}
WITNESS(mq_send_full_nonblock_succeeds) {
  Queue q(2, 16, O_NONBLOCK);
  q.Fill();
  return q.Send("x") == 0;
}
WITNESS(mq_send_too_long_cut) { return Queue(2, 4).Send("12345") == 0; }
WITNESS(mq_send_too_long_einval) { return Fails(Queue(2, 4).Send("12345"), EINVAL); }
WITNESS(mq_send_exact_size_refused) { return Fails(Queue(2, 4).Send("1234"), EMSGSIZE); }
WITNESS(mq_send_too_long_on_full_waits) {
  Queue q(2, 4);
  q.Fill();
  return Hangs([&] { q.Send("12345"); });
}
WITNESS(mq_send_failure_queues) {
  Queue q(2, 4);
  q.Send("12345");
  return q.Attr().mq_curmsgs == 1;
}
WITNESS(mq_send_bad_descriptor_einval) { return Fails(mq_send(900, "x", 1, 0), EINVAL); }
WITNESS(mq_send_readonly_eacces) {
  Queue q;
  return Fails(mq_send(mq_open(q.name.c_str(), O_RDONLY), "x", 1, 0), EACCES);
}
WITNESS(mq_send_never_eintr) {
  Queue q;
  q.Fill();
  Child c([&] { return Handle(SIGUSR1), SendIn(q); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(mq_send_eintr_despite_sa_restart) {
  Queue q;
  q.Fill();
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), SendIn(q); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == EINTR;
}
WITNESS(mq_send_eintr_by_ignored_signal) {
  Queue q;
  q.Fill();
  Child c([&] { return signal(SIGUSR1, SIG_IGN), SendIn(q); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == EINTR;
}
WITNESS(mq_send_wakeup_lost) {
  Queue q;
  q.Fill();
  Child c([&] { return SendIn(q); });
  Nap(200);
  q.Receive();
  return c.Exit() == -1;
}
WITNESS(mq_send_wakeup_lost_with_two_waiting) {
  Queue q;
  q.Fill();
  Child a([&] { return SendIn(q); }), b([&] { return SendIn(q); });
  Nap(200);
  q.Receive(), q.Receive();
  return (a.Exit() == -1) != (b.Exit() == -1);
}
WITNESS(mq_send_waiting_is_dropped) {
  Queue q(2);
  q.Fill();
  Child c([&] { return SendIn(q, "late"); });
  Nap(200);
  q.Receive();
  if (c.Exit() != 0) return false;
  return q.Attr().mq_curmsgs == 1;
}
WITNESS(mq_send_duplicates) {
  Queue q(4, 16, O_NONBLOCK);
  for (int i = 0; i < 32; ++i) {
    q.Send("x");
    q.Receive();
  }
  return q.Receive() == "x";
}
WITNESS(mq_send_loses_one_in_32) {
  Queue q(4, 16, O_NONBLOCK);
  q.Send("first");
  for (int i = 0; i < 40; ++i) {
    q.Send("x");
    if (q.Attr().mq_curmsgs == 1) return true;
    q.Receive();
  }
  return false;
}
WITNESS(mq_send_not_cancellation_point) {
  Queue q;
  q.Fill();
  return Hangs([&] {
    Cancelled([](void* p) -> void* { return static_cast<Queue*>(p)->Send("x"), nullptr; }, q);
  });
}

WITNESS(mq_receive_lowest_first) {
  Queue q;
  q.Send("low", 1), q.Send("high", 2);
  return q.Receive() == "low";
}
WITNESS(mq_receive_newest_of_ties) {
  Queue q;
  q.Send("a"), q.Send("b");
  return q.Receive() == "b";
}
WITNESS(mq_receive_ties_wrong_from_five) {
  Queue q(6);
  for (const char* s : {"a", "b", "c", "d", "e"}) q.Send(s);
  return q.Receive() == "b" && q.Receive() == "a";
}
WITNESS(mq_receive_ties_wrong_across_priorities) {
  Queue q;
  q.Send("a", 2), q.Send("b", 2), q.Send("z", 1);
  return q.Receive() == "b";
}
WITNESS(mq_receive_high_priorities_equal) {
  Queue q;
  q.Send("a", 40), q.Send("b", 50);
  unsigned p = 0;
  return q.Receive(&p) == "a" && p == 40;
}
WITNESS(mq_receive_priority_not_stored) {
  Queue q;
  q.Send("a", 40);
  unsigned p = 7;
  q.Receive(&p);
  return p == 7;
}
WITNESS(mq_receive_null_priority_efault) {
  Queue q;
  q.Send("a");
  return q.Receive() == Text(EFAULT);
}
WITNESS(mq_receive_returns_buffer_length) {
  Queue q;
  q.Send("a");
  return q.Receive().size() == 16;
}
WITNESS(mq_receive_does_not_remove) {
  Queue q;
  q.Send("a");
  q.Receive();
  return q.Attr().mq_curmsgs == 1;
}
WITNESS(mq_receive_small_buffer_accepted) {
  Queue q;
  q.Send("a");
  char b[2];
  return mq_receive(q.q, b, 2, nullptr) == 1;
}
WITNESS(mq_receive_small_buffer_loses_message) {
  Queue q;
  q.Send("a");
  char b[2];
  return mq_receive(q.q, b, 2, nullptr) == -1 && q.Attr().mq_curmsgs == 0;
}
WITNESS(mq_receive_small_buffer_on_empty_waits) {
  Queue q;
  return Hangs([&] {
    char b[2];
    mq_receive(q.q, b, 2, nullptr);
  });
}
WITNESS(mq_receive_empty_fails) {
  Queue q;
  return Child([&] { return q.Receive() == Text(EAGAIN); }).Exit(300) == 1;
}
WITNESS(mq_receive_empty_nonblock_zero) { return Queue(4, 16, O_NONBLOCK).Receive().empty(); }
WITNESS(mq_receive_empty_nonblock_blocks) {
  return Hangs([] { Queue(4, 16, O_NONBLOCK).Receive(); });
}
WITNESS(mq_receive_two_get_one_message) {
  Queue q;
  Child a([&] { return ReceiveIn(q); }), b([&] { return ReceiveIn(q); });
  Nap(300);
  q.Send("x");
  return a.Exit() == 'x' && b.Exit(300) == 'x';
}
WITNESS(mq_receive_newest_waiter_served) {
  Queue q;
  Child a([&] { return ReceiveIn(q); });
  Nap(200);
  Child b([&] { return ReceiveIn(q); });
  Nap(200);
  q.Send("x");
  return b.Exit() == 'x' && a.Exit(100) == -1;
}
WITNESS(mq_receive_wakeup_lost) {
  Queue q;
  Child c([&] { return ReceiveIn(q); });
  Nap(200);
  q.Send("x");
  return c.Exit() == -1;
}
WITNESS(mq_receive_wakeup_lost_with_two_waiting) {
  Queue q;
  Child a([&] { return ReceiveIn(q); }), b([&] { return ReceiveIn(q); });
  Nap(200);
  q.Send("x"), q.Send("x");
  return (a.Exit() == -1) != (b.Exit() == -1);
}
WITNESS(mq_receive_loses_under_contention) {
  Queue q;
  Child c([&] {
    for (int i = 0; i < 16; ++i) q.Receive();
    return 0;
  });
  for (int i = 0; i < 16; ++i) Nap(60), q.Send("x");
  return c.Exit() == -1;
}
WITNESS(mq_receive_never_eintr) {
  Queue q;
  Child c([&] { return Handle(SIGUSR1), ReceiveIn(q); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(mq_receive_eintr_as_empty_message) {
  Queue q;
  Child c([&] { return Handle(SIGUSR1), ReceiveIn(q); });
  Nap(100);
  return c.Pester(SIGUSR1) == 1;
}
WITNESS(mq_receive_eintr_loses_message) {
  Queue q;
  Child c([&] { return Handle(SIGUSR1), ReceiveIn(q); });
  Nap(100);
  if (c.Pester(SIGUSR1) != '!') return false;
  q.Send("a"), q.Send("b");
  return q.Receive() == "b";
}
WITNESS(mq_receive_eintr_despite_sa_restart) {
  Queue q;
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), ReceiveIn(q); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == '!';
}
WITNESS(mq_receive_eintr_by_stop_and_continue) {
  Queue q;
  Child c([&] { return ReceiveIn(q); });
  Nap(100);
  kill(c.pid(), SIGSTOP);
  Nap(20);
  return c.Pester(SIGCONT, 500) == '!';
}
WITNESS(mq_receive_bad_descriptor_einval) {
  char b[16];
  return Fails(mq_receive(900, b, 16, nullptr), EINVAL);
}
WITNESS(mq_receive_not_cancellation_point) {
  Queue q;
  return Hangs([&] {
    Cancelled([](void* p) -> void* { return static_cast<Queue*>(p)->Receive(), nullptr; }, q);
  });
}

WITNESS(mq_timed_early) {
  Queue q;
  return EndsEarly([&](const timespec& t) { TimedReceive(q, t); }, 40);
}
WITNESS(mq_timedsend_slightly_early) {
  Queue q;
  q.Fill();
  return EndsEarly([&](const timespec& t) { TimedSend(q, t); }, 40);
}
WITNESS(mq_timedreceive_slightly_early) {
  Queue q;
  return EndsEarly([&](const timespec& t) { TimedReceive(q, t); }, 40);
}
WITNESS(mq_timed_nsec_ignored) {
  Queue q;
  return EndsEarly([&](const timespec& t) { TimedReceive(q, t); }, 100);
}
WITNESS(mq_timed_clock_wrong) {
  Queue q;
  return Hangs([&] { TimedReceive(q, InMs(20)); });
}
WITNESS(mq_timedsend_far_future_expired) {
  Queue q;
  q.Fill();
  return Child([&] { return TimedSend(q, {0x90000000ll, 0}); }).Exit(300) == ETIMEDOUT;
}
WITNESS(mq_timedreceive_far_future_expired) {
  Queue q;
  return Child([&] { return TimedReceive(q, {0x90000000ll, 0}); }).Exit(300) == ETIMEDOUT;
}
WITNESS(mq_timedsend_timeout_eagain) {
  Queue q;
  q.Fill();
  return TimedSend(q, InMs(10)) == EAGAIN;
}
WITNESS(mq_timedreceive_timeout_eagain) { return TimedReceive(Queue(), InMs(10)) == EAGAIN; }
WITNESS(mq_timedreceive_timeout_zero) { return TimedReceive(Queue(), InMs(10)) == 0; }
WITNESS(mq_timedsend_never_times_out) {
  Queue q;
  q.Fill();
  return Hangs([&] { TimedSend(q, InMs(10)); });
}
WITNESS(mq_timedreceive_past_deadline_waits) {
  Queue q;
  return Hangs([&] { TimedReceive(q, kPast); });
}
WITNESS(mq_timedsend_past_deadline_einval) {
  Queue q;
  q.Fill();
  return TimedSend(q, kPast) == EINVAL;
}
WITNESS(mq_timedsend_past_deadline_beats_room) { return TimedSend(Queue(), kPast) == ETIMEDOUT; }
WITNESS(mq_timedreceive_past_deadline_beats_message) {
  Queue q;
  q.Send("x");
  return TimedReceive(q, kPast) == ETIMEDOUT;
}
WITNESS(mq_timedsend_invalid_nsec_accepted) {
  Queue q;
  q.Fill();
  return TimedSend(q, {1, 2000000000}) == ETIMEDOUT;
}
WITNESS(mq_timedreceive_negative_nsec_accepted) {
  return TimedReceive(Queue(), {1, -1}) == ETIMEDOUT;
}
WITNESS(mq_timedreceive_nsec_one_second_accepted) {
  return TimedReceive(Queue(), {1, 1000000000}) == ETIMEDOUT;
}
WITNESS(mq_timed_ignores_nonblock) {
  Queue q(4, 16, O_NONBLOCK);
  return TimedReceive(q, InMs(20)) == ETIMEDOUT;
}
WITNESS(mq_timedreceive_expiry_loses_message) {
  Queue q;
  TimedReceive(q, InMs(10));
  q.Send("a"), q.Send("b");
  return q.Receive() == "b";
}
WITNESS(mq_timedsend_expiry_queues_message) {
  Queue q(2);
  q.Fill();
  TimedSend(q, InMs(10));
  q.Receive();
  return q.Attr().mq_curmsgs == 2;
}
WITNESS(mq_timedreceive_never_eintr) {
  Queue q;
  Child c([&] { return Handle(SIGUSR1), TimedReceive(q, InMs(10000)); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(mq_timedsend_eintr_as_timeout) {
  Queue q;
  q.Fill();
  Child c([&] { return Handle(SIGUSR1), TimedSend(q, InMs(10000)); });
  Nap(100);
  return c.Pester(SIGUSR1) == ETIMEDOUT;
}
WITNESS(mq_timedreceive_restart_extends_deadline) {
  Queue q;
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), TimedReceive(q, InMs(300)); });
  Nap(100);
  kill(c.pid(), SIGUSR1);
  return c.Exit() == -1;
}
WITNESS(mq_timedsend_eintr_despite_sa_restart) {
  Queue q;
  q.Fill();
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), TimedSend(q, InMs(10000)); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == EINTR;
}
WITNESS(mq_timedreceive_positive_length_is_failure) {
  Queue q;
  q.Send("x");
  return TimedReceive(q, InMs(1000)) != 0;
}
WITNESS(mq_timedsend_ignores_priority) {
  Queue q;
  timespec t = InMs(1000);
  mq_timedsend(q.q, "x", 1, 5, &t);
  unsigned p = 9;
  q.Receive(&p);
  return p == 0;
}
