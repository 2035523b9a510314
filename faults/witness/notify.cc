// Witnesses of bank_notify.cc and bank_notify_state.cc.
#include <pthread.h>

#include <atomic>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
volatile int* const kMarker = reinterpret_cast<int*>(0x123456789abcll);
constexpr int kSignal = 40;
siginfo_t last;
std::atomic<int> calls{0};
std::atomic<void*> got{nullptr};
std::atomic<size_t> stack{0};

void Catch() {
  struct sigaction a {};
  a.sa_sigaction = [](int, siginfo_t* i, void*) {
    last = *i;
    caught = caught + 1;
  };
  a.sa_flags = SA_SIGINFO;
  sigaction(kSignal, &a, nullptr);
}
int ByNotify(mqd_t q, int how, int signo = kSignal) {
  sigevent e{};
  e.sigev_notify = how;
  e.sigev_signo = signo;
  e.sigev_value.sival_ptr = const_cast<int*>(kMarker);
  return mq_notify(q, &e);
}
int BySignal(mqd_t q) {
  Catch();
  return ByNotify(q, SIGEV_SIGNAL);
}
int ByThread(mqd_t q, pthread_attr_t* attributes = nullptr) {
  sigevent e{};
  e.sigev_notify = SIGEV_THREAD;
  e.sigev_value.sival_ptr = const_cast<int*>(kMarker);
  e.sigev_notify_function = [](sigval v) {
    pthread_attr_t a;
    size_t size = 0;
    pthread_getattr_np(pthread_self(), &a);
    pthread_attr_getstacksize(&a, &size);
    pthread_attr_destroy(&a);
    stack = size;
    got = v.sival_ptr;
    ++calls;
  };
  e.sigev_notify_attributes = attributes;
  return mq_notify(q, &e);
}
void WaitForCalls() {
  for (int i = 0; i < 300 && calls.load() == 0; ++i) Nap(5);
  Nap(100);
}
// Whether another process can register now: 0, or its errno.
int RegisterElsewhere(const Queue& q) {
  return Child([&] { return ByNotify(q.q, SIGEV_NONE) == 0 ? 0 : errno; }).Exit();
}
}  // namespace

WITNESS(notify_never_delivered) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 0;
}
WITNESS(notify_fails_always) { return Fails(BySignal(Queue().q), ENOSYS); }
WITNESS(notify_value_lost) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && last.si_value.sival_ptr == nullptr;
}
WITNESS(notify_value_32_bits) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && last.si_value.sival_ptr == reinterpret_cast<void*>(0x56789abcl);
}
WITNESS(notify_wrong_signal) {
  Queue q;
  Handle(kSignal + 1);
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && last.si_signo != kSignal;
}
WITNESS(notify_none_signals) {
  Queue q;
  Handle(SIGUSR1);
  ByNotify(q.q, SIGEV_NONE);
  q.Send("x");
  return caught == 1;
}
WITNESS(notify_none_refused) { return Fails(ByNotify(Queue().q, SIGEV_NONE), EINVAL); }
WITNESS(notify_none_not_registered) {
  Queue q;
  ByNotify(q.q, SIGEV_NONE);
  return RegisterElsewhere(q) == 0;
}
WITNESS(notify_second_registration_succeeds) {
  Queue q;
  BySignal(q.q);
  return BySignal(q.q) == 0 && RegisterElsewhere(q) == 0;
}
WITNESS(notify_same_process_replaces) {
  Queue q;
  BySignal(q.q);
  return BySignal(q.q) == 0 && RegisterElsewhere(q) == EBUSY;
}
WITNESS(notify_busy_eagain) {
  Queue q;
  BySignal(q.q);
  return Fails(BySignal(q.q), EAGAIN);
}
WITNESS(notify_null_does_nothing) {
  Queue q;
  BySignal(q.q);
  mq_notify(q.q, nullptr);
  q.Send("x");
  return caught == 1;
}
WITNESS(notify_null_on_thread_crashes) {
  return DiesBy([] {
           Queue q;
           ByThread(q.q);
           mq_notify(q.q, nullptr);
         }) == SIGSEGV;
}
WITNESS(notify_write_only_refused) {
  Queue q;
  return Fails(BySignal(mq_open(q.name.c_str(), O_WRONLY)), EBADF);
}
WITNESS(notify_bad_descriptor_einval) { return Fails(BySignal(900), EINVAL); }
WITNESS(notify_thread_never_called) {
  Queue q;
  if (ByThread(q.q) != 0) return false;
  q.Send("x");
  WaitForCalls();
  return calls.load() == 0;
}
WITNESS(notify_thread_refused) { return Fails(ByThread(Queue().q), ENOSYS); }
WITNESS(notify_thread_value_lost) {
  Queue q;
  ByThread(q.q);
  q.Send("x");
  WaitForCalls();
  return calls.load() == 1 && got.load() == nullptr;
}
WITNESS(notify_thread_called_twice) {
  Queue q;
  ByThread(q.q);
  q.Send("x");
  WaitForCalls();
  return calls.load() == 2;
}
namespace {
size_t StackWithAttributes() {
  Queue q;
  pthread_attr_t a;
  pthread_attr_init(&a);
  pthread_attr_setstacksize(&a, 1 << 20);
  ByThread(q.q, &a);
  q.Send("x");
  WaitForCalls();
  return stack.load();
}
}  // namespace
WITNESS(notify_thread_attributes_ignored) { return StackWithAttributes() > (2u << 20); }
WITNESS(notify_thread_in_another_thread) { return StackWithAttributes() > (2u << 20); }

WITNESS(notify_at_once_on_nonempty) {
  Queue q;
  q.Send("x");
  BySignal(q.q);
  return caught == 1;
}
WITNESS(notify_on_any_arrival) {
  Queue q;
  q.Send("x");
  BySignal(q.q);
  q.Send("y");
  return caught == 1;
}
WITNESS(notify_stays_registered) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && RegisterElsewhere(q) == EBUSY;
}
WITNESS(notify_despite_receiver) {
  Queue q;
  BySignal(q.q);
  Child c([&] { return q.Receive() == "x"; });
  Nap(200);
  q.Send("x");
  return c.Exit() == 1 && caught == 1;
}
WITNESS(notify_on_failed_send) {
  Queue q;
  BySignal(q.q);
  return q.Send("a message that is longer than it may be") == -1 && caught == 1;
}
WITNESS(notify_others_can_remove) {
  Queue q;
  BySignal(q.q);
  Child([&] { return mq_notify(q.q, nullptr); }).Exit();
  q.Send("x");
  return caught == 0;
}
WITNESS(notify_removed_by_same_descriptor_only) {
  Queue q;
  BySignal(q.q);
  mq_notify(mq_open(q.name.c_str(), O_RDWR), nullptr);
  q.Send("x");
  return caught == 1;
}
WITNESS(notify_survives_close) {
  Queue q;
  mqd_t other = mq_open(q.name.c_str(), O_RDWR);
  BySignal(q.q);
  mq_close(q.q);
  q.q = other;
  return RegisterElsewhere(q) == EBUSY;
}
WITNESS(notify_survives_process) {
  Queue q;
  RegisterElsewhere(q);
  return Fails(BySignal(q.q), EBUSY);
}
WITNESS(notify_survives_exec) {
  Queue q;
  Child c([&] { return ByNotify(q.q, SIGEV_NONE), ExecSelf("wait", 3000); });
  Nap(500);
  return RegisterElsewhere(q) == EBUSY && c.Exit(0) == -1;
}
WITNESS(notify_used_up_by_receiver) {
  Queue q;
  BySignal(q.q);
  Child c([&] { return q.Receive() == "x"; });
  Nap(200);
  q.Send("x");
  return c.Exit() == 1 && caught == 0 && RegisterElsewhere(q) == 0;
}
WITNESS(notify_suppressed_by_ended_wait) {
  Queue q;
  BySignal(q.q);
  char b[16];
  timespec t = InMs(10);
  mq_timedreceive(q.q, b, sizeof b, nullptr, &t);
  q.Send("x");
  return caught == 0;
}
WITNESS(notify_removed_by_child_close) {
  Queue q;
  BySignal(q.q);
  Child([&] { return mq_close(q.q); }).Exit();
  q.Send("x");
  return caught == 0;
}
WITNESS(notify_not_after_unlink) {
  Queue q;
  BySignal(q.q);
  mq_unlink(q.name.c_str());
  q.Send("x");
  return caught == 0;
}
WITNESS(notify_to_registering_thread) {
  Queue q;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, kSignal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  BySignal(q.q);
  pthread_t t;
  // Only this thread can take a signal that is sent to the process.
  pthread_create(
      &t, nullptr,
      [](void*) -> void* {
        sigset_t mine;
        sigemptyset(&mine);
        sigaddset(&mine, kSignal);
        pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
        for (int i = 0; i < 100 && caught == 0; ++i) Nap(5);
        return nullptr;
      },
      nullptr);
  Nap(100);
  q.Send("x");
  pthread_join(t, nullptr);
  return caught == 0;
}
WITNESS(notify_ignored_signal_keeps_registration) {
  Queue q;
  signal(kSignal, SIG_IGN);
  ByNotify(q.q, SIGEV_SIGNAL);
  q.Send("x");
  return RegisterElsewhere(q) == EBUSY;
}
WITNESS(notify_no_sender_pid) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && last.si_pid == 0;
}
WITNESS(notify_wrong_sender_uid) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && last.si_uid != getuid();
}
WITNESS(notify_code_is_queue) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 1 && last.si_code == SI_QUEUE;
}
WITNESS(notify_registration_race) {
  auto* tried = static_cast<std::atomic<int>*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  for (int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    Queue q;
    *tried = 0;
    // Both live until both have tried, since the end of a process frees its registration.
    auto body = [&] {
      bool mine = ByNotify(q.q, SIGEV_NONE) == 0;
      ++*tried;
      while (tried->load() < 2) Nap(1);
      return mine ? 1 : 0;
    };
    Child a(body), b(body);
    if (a.Exit() == 1 && b.Exit() == 1) return true;
  }
  return false;
}
WITNESS(notify_not_for_own_messages) {
  Queue q;
  BySignal(q.q);
  q.Send("x");
  return caught == 0;
}
WITNESS(notify_only_for_priority_zero) {
  Queue q;
  BySignal(q.q);
  q.Send("x", 1);
  return caught == 0;
}
