// mq_notify(): blocked receivers that keep a notification back, SIGEV_NONE and SIGEV_SIGNAL, and
// registrations across fork, exec and exit.
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

// ---- A blocked receiver gets the message, and nobody is notified.

enum class Whose { kRegistrants, kSenders, kThird };
struct ReceiverRow {
  const char* name;
  Claims claims;
  Way way;
  Whose whose;
};
#define IPC_RECEIVER_CLAIMS(first) \
  { first, clause::mq_notify::receiver_registration_kept }
const ReceiverRow kReceivers[] = {
    {"MqReceiveOfTheRegistrant",
     IPC_RECEIVER_CLAIMS(clause::mq_notify::receiver_blocked_mq_receive_wins), Way::kPlain,
     Whose::kRegistrants},
    {"MqReceiveOfTheSendersProcess",
     IPC_RECEIVER_CLAIMS(clause::mq_notify::receiver_blocked_mq_receive_wins), Way::kPlain,
     Whose::kSenders},
    {"MqReceiveOfAThirdProcess",
     IPC_RECEIVER_CLAIMS(clause::mq_notify::receiver_blocked_mq_receive_wins), Way::kPlain,
     Whose::kThird},
    {"MqTimedreceiveOfTheRegistrant",
     IPC_RECEIVER_CLAIMS(clause::mq_notify::receiver_blocked_mq_timedreceive_wins), Way::kTimed,
     Whose::kRegistrants},
    {"MqTimedreceiveOfTheSendersProcess",
     IPC_RECEIVER_CLAIMS(clause::mq_notify::receiver_blocked_mq_timedreceive_wins), Way::kTimed,
     Whose::kSenders},
    {"MqTimedreceiveOfAThirdProcess",
     IPC_RECEIVER_CLAIMS(clause::mq_notify::receiver_blocked_mq_timedreceive_wins), Way::kTimed,
     Whose::kThird},
};

IPC_TABLE_TEST(MqNotifyBlockedReceiver, ReceiverRow, kReceivers) {
  Queue q;
  const mqd_t mqd = q.get();
  const NoticeSignal signal;
  const ClauseRef wins = row.way == Way::kPlain
                             ? clause::mq_notify::receiver_blocked_mq_receive_wins
                             : clause::mq_notify::receiver_blocked_mq_timedreceive_wins;
  // The registrant is this process, or another one if the receiver shall be the sender's.
  Peer registrant([&](Peer::Self& self) {
    self.step([&] { return signal.Register(mqd, 7); });
    self.step([&] { return CALL(static_cast<int>(signal.Pending())); });
    self.step([&] {
      EXPECT_THAT(signal.Await(), CarriesValue(7)) << "once no receiver waits";
      return CALL(static_cast<int>(signal.Pending()));
    });
  });
  const bool own = row.whose == Whose::kRegistrants;
  Setup(own ? signal.Register(q, 7) : registrant.next().result());
  std::unique_ptr<ThreadReceiver> thread;
  std::unique_ptr<Receiver> process;
  if (row.whose == Whose::kThird) {
    process = std::make_unique<Receiver>(q, row.way);
  } else {
    thread = std::make_unique<ThreadReceiver>(q, row.way);
  }
  const Call& waiting = process ? process->call() : thread->call();
  {
    const ForClause scope(wins);
    EXPECT_THAT(waiting, Blocks());
    Put(q, "over");
    EXPECT_THAT(waiting.result(), SucceedsWith(4)) << "the receiver gets the message";
    EXPECT_EQ(own ? signal.Pending() : registrant.next().result().value != 0, false)
        << "notified too";
  }
  const ForClause scope(clause::mq_notify::receiver_registration_kept);
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY));
  Put(q, "arrival");
  if (own) {
    EXPECT_THAT(signal.Await(), CarriesValue(7)) << "once no receiver waits";
    EXPECT_FALSE(signal.Pending());
  } else {
    EXPECT_THAT(registrant.next().result(), SucceedsWith(0));
  }
}

struct GoneRow {
  const char* name;
  Claims claims;
  Gone how;
};
const GoneRow kGone[] = {
    {"TimedOut", {clause::mq_notify::receiver_ended_wait_does_not_suppress}, Gone::kTimeout},
    {"Interrupted", {clause::mq_notify::receiver_ended_wait_does_not_suppress}, Gone::kSignal},
    {"Killed", {clause::mq_notify::receiver_ended_wait_does_not_suppress}, Gone::kKill},
    {"Cancelled", {clause::mq_notify::receiver_ended_wait_does_not_suppress}, Gone::kCancel},
};
IPC_TABLE_TEST(MqNotifyReceiverThatIsGone, GoneRow, kGone) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 3));
  WaitInVain(q, row.how);
  Put(q, "arrival");
  EXPECT_THAT(signal.Await(), CarriesValue(3));
  EXPECT_EQ(CountOf(q), 1);
}

// ---- SIGEV_NONE

IPC_TEST(MqNotifyNone, DeliversNothing, clause::mq_notify::sigev_none_nothing_delivered) {
  Queue q;
  const NoticeSignal signal;
  sigevent event = signal.Event(9);
  event.sigev_notify = SIGEV_NONE;
  EXPECT_THAT(CALL(mq_notify(q, &event)), SucceedsWith(0));
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY)) << "the process is registered";
  Put(q, "m");
  EXPECT_FALSE(signal.Pending());
  Drain(q);
  // A signal of the first arrival would come before that of the second.
  if (RegisterElsewhere(q).failed_with(EBUSY)) Setup(CALL(mq_notify(q, nullptr)));
  Setup(signal.Register(q, 10));
  Put(q, "n");
  EXPECT_THAT(signal.Await(), CarriesValue(10));
}

IPC_TEST(MqNotifyNone, ArrivalUsesTheRegistrationUp,
         clause::mq_notify::sigev_none_registration_used_up) {
  Queue q;
  EXPECT_THAT(RegisterSilently(q), SucceedsWith(0));
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY)) << "before the arrival the process is registered";
  Put(q, "m");
  // Our reading; that nothing is sent, and the registration stays, is the other (disputed).
  const CallResult other = RegisterElsewhere(q);
  Observe(clause::mq_notify::sigev_none_registration_used_up,
          "registering another process after an arrival", other);
  EXPECT_THAT(other, SucceedsWith(0));
}

// ---- SIGEV_SIGNAL

IPC_TEST(MqNotifySignal, CarriesCodeAndValue, clause::mq_notify::sigev_signal_code_and_value) {
  Queue q;
  const NoticeSignal signal;
  for (int value : {0, 1, -1, INT_MAX, INT_MIN}) {
    Setup(signal.Register(q, value));
    Put(q, "m");
    const std::optional<siginfo_t> got = signal.Await();
    ASSERT_THAT(got, CarriesValue(value));
    EXPECT_EQ(got->si_signo, signal.number());
    EXPECT_EQ(got->si_code, SI_MESGQ);
    Drain(q);
  }
  sigevent event = signal.Event(0);
  void* const pointer = reinterpret_cast<void*>(static_cast<std::uintptr_t>(0xA5A5A5A55A5A5A5Aull));
  event.sigev_value.sival_ptr = pointer;
  Setup(CALL(mq_notify(q, &event)));
  Put(q, "m");
  const std::optional<siginfo_t> got = signal.Await();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->si_value.sival_ptr, pointer);
}

struct Handled {
  std::atomic<int> count, signo, code, value;
};
Handled g_handled;
void NoteInfo(int signo, siginfo_t* info, void*) {
  g_handled.signo = signo;
  g_handled.code = info->si_code;
  g_handled.value = info->si_value.sival_int;
  ++g_handled.count;
}
// Waits until the handler has run; false after 5 s.
bool AwaitHandler(const std::function<int()>& count, int wanted) {
  Backoff backoff;
  for (const Deadline end(5s); count() < wanted; backoff.Pause()) {
    if (end.passed()) return false;
  }
  return true;
}

IPC_TEST(MqNotifySignal, CarriesCodeAndValueToAHandler,
         clause::mq_notify::sigev_signal_code_and_value) {
  const ScopedSignal handler(SIGRTMIN + 3, NoteInfo);
  Queue q;
  int count = 0;
  for (int value : {5, -5}) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN + 3;
    event.sigev_value.sival_int = value;
    Setup(CALL(mq_notify(q, &event)));
    Put(q, "m");
    ASSERT_TRUE(AwaitHandler([] { return g_handled.count.load(); }, ++count))
        << "the handler did not run";
    EXPECT_EQ(g_handled.signo.load(), SIGRTMIN + 3);
    EXPECT_EQ(g_handled.code.load(), SI_MESGQ);
    EXPECT_EQ(g_handled.value.load(), value);
    Drain(q);
    NoteChecks();
  }
}

IPC_TEST(MqNotifySignal, NamesTheSenderAndItsRealUser,
         clause::mq_notify::sigev_signal_si_pid_and_si_uid) {
  if (SI_MESGQ > 0)
    Unsupported("SI_MESGQ is positive here: the rule for si_pid and si_uid does not apply");
  if (sysconf(_SC_XOPEN_VERSION) <= 0)
    Unsupported("no XSI option: sysconf(_SC_XOPEN_VERSION) is not positive");
  Queue q;
  const mqd_t mqd = q.get();
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  Peer sender;
  const Call plain = sender.start([=] { return CALL(mq_send(mqd, "m", 1, 0)); });
  Setup(plain.result());
  std::optional<siginfo_t> got = signal.Await();
  ASSERT_THAT(got, CarriesValue(1));
  EXPECT_EQ(got->si_pid, plain.pid());
  EXPECT_EQ(got->si_uid, getuid());
  const auto user = OtherUser();
  if (!user) return;
  Drain(q);
  Setup(signal.Register(q, 2));
  Peer other;
  const Call mixed = other.start([=] {
    NoteTrace(TraceEntry::Kind::kOther, {}, "changes its real user");
    Setup(CALL(setreuid(user->uid, static_cast<uid_t>(-1))));
    return CALL(mq_send(mqd, "m", 1, 0));
  });
  Setup(mixed.result());
  got = signal.Await();
  ASSERT_THAT(got, CarriesValue(2));
  EXPECT_EQ(got->si_pid, mixed.pid());
  EXPECT_EQ(got->si_uid, user->uid) << "the real user, not the effective one";
}

IPC_TEST(MqNotifySignal, OfTwoQueuesAreQueued, clause::mq_notify::sigev_signal_queued_realtime) {
  Queue a, b;
  const NoticeSignal signal;
  Setup(signal.Register(a, 1));
  EXPECT_THAT(signal.Register(b, 2), SucceedsWith(0)) << "registered for two queues at once";
  Put(a, "m");
  Put(b, "m");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
  EXPECT_THAT(signal.Await(), CarriesValue(2));
  EXPECT_FALSE(signal.Pending());
}

IPC_TEST(MqNotifySignal, WithoutSaSiginfo, clause::mq_notify::sigev_signal_without_siginfo) {
  const ScopedSignal handler(SIGUSR1, CountSignal);
  Queue q;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  event.sigev_value.sival_int = 6;
  const int before = SignalCount();
  Setup(CALL(mq_notify(q, &event)));
  Put(q, "m");
  EXPECT_TRUE(AwaitHandler(SignalCount, before + 1)) << "the signal did not occur";
  Drain(q);
  const ScopedSigmask blocked({SIGUSR1});
  Setup(CALL(mq_notify(q, &event)));
  Put(q, "m");
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  const timespec patience{5, 0};
  siginfo_t info{};
  const CallResult accepted = CALL(sigtimedwait(&set, &info, &patience));
  EXPECT_THAT(accepted, SucceedsWith(SIGUSR1));
  Observe(clause::mq_notify::sigev_signal_without_siginfo, "value",
          info.si_value.sival_int == 6 ? "delivered" : "not delivered");
}

IPC_TEST(MqNotifySignal, IsDirectedAtTheProcess, clause::mq_notify::sigev_signal_process_directed) {
  Queue q;
  const NoticeSignal signal;
  {
    ThreadPeer registrant;
    Setup(registrant.start([&] { return signal.Register(q, 4); }).result());
    registrant.Join();
  }
  Put(q, "m");
  Backoff backoff;
  for (const Deadline end(5s); !signal.Pending() && !end.passed();) backoff.Pause();
  EXPECT_TRUE(signal.Pending()) << "the thread that registered is gone, the process is not";
  ThreadPeer another;
  std::optional<siginfo_t> got;
  another
      .start([&] {
        got = signal.Await();
        return CALL(0);
      })
      .result(10s);
  another.Join();
  ASSERT_THAT(got, CarriesValue(4));
  EXPECT_EQ(got->si_code, SI_MESGQ);
}

IPC_TEST(MqNotifySignal, IgnoredSignalUsesTheRegistrationUp,
         clause::mq_notify::sigev_signal_ignored_signal) {
  const ScopedSignal ignored(SIGUSR1, SIG_IGN);
  Queue q;
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  Setup(CALL(mq_notify(q, &event)));
  Put(q, "m");
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0));
  Drain(q);
  EXPECT_THAT(CALL(mq_notify(q, &event)), SucceedsWith(0));
}

IPC_TEST(MqNotifySignal, ComesFromASenderOfAnotherUser,
         clause::mq_notify::sigev_signal_sender_of_other_user,
         regression::linux_signal_lost_for_sender_of_other_user) {
  const auto first = OtherUser(), second = ThirdUser();
  if (!first || !second)
    Unsupported("cannot switch to two other users: needs CAP_SETUID and CAP_SETGID");
  const ScopedUmask none(0);
  Queue q(4, 64, O_RDWR, 0666);
  const mqd_t mqd = q.get();
  const char* name = q.name();
  const NoticeSignal signal;
  Peer registrant([&](Peer::Self& self) {
    self.step([&] {
      Become(*first);
      return signal.Register(mqd, 8);
    });
    self.step([&] {
      EXPECT_THAT(signal.Await(), CarriesValue(8));
      return CALL(0);
    });
  });
  Setup(registrant.next().result());
  Peer sender;
  Setup(sender
            .start([&] {
              Become(*second);
              const Mqd own(CALL(mq_open(name, O_WRONLY)));
              return CALL(mq_send(own, "m", 1, 0));
            })
            .result());
  EXPECT_THAT(registrant.next().result(10s), Succeeds());
}

// ---- fork, exec, exit

IPC_TEST(MqNotifyProcesses, ChildIsNotRegistered, clause::mq_notify::fork_not_registered_in_child) {
  Queue q;
  const mqd_t mqd = q.get();
  const NoticeSignal signal;
  for (const bool child_sends : {true, false}) {
    Setup(signal.Register(q, 1));
    Peer child([&](Peer::Self& self) {
      self.step([&] { return child_sends ? CALL(mq_send(mqd, "m", 1, 0)) : CALL(0); });
      self.step([&] { return CALL(static_cast<int>(signal.Pending())); });
    });
    Setup(child.next().result());
    if (!child_sends) Put(q, "m");
    EXPECT_THAT(signal.Await(), CarriesValue(1));
    EXPECT_FALSE(signal.Pending());
    EXPECT_THAT(child.next().result(), SucceedsWith(0)) << "the child was notified";
    Drain(q);
  }
}

IPC_TEST(MqNotifyProcesses, EndOfTheProcessEndsItsRegistration,
         clause::mq_notify::exit_registration_released) {
  Queue q;
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0));  // and ends by _exit
  EXPECT_THAT(RegisterSilently(q), SucceedsWith(0)) << "after an _exit";
  Setup(CALL(mq_notify(q, nullptr)));
  const mqd_t mqd = q.get();
  Peer killed([&](Peer::Self& self) {
    self.step([&] { return RegisterSilently(mqd); });
    self.step([&] { return CALL(pause()); });
  });
  Setup(killed.next().result());
  EXPECT_THAT(RegisterSilently(q), Fails(EBUSY));
  killed.Kill();
  EXPECT_THAT(RegisterSilently(q), SucceedsWith(0)) << "after a SIGKILL";
}

IPC_ROLE(survive_until_told) {
  self.Say("ready");
  return self.Await("end") ? 0 : 1;
}

IPC_TEST(MqNotifyProcesses, ExecEndsTheRegistration,
         clause::mq_notify::exec_registration_released) {
  Queue q;
  const mqd_t mqd = q.get();
  Shared<std::atomic<int>> registered;
  ExecSelf image("survive_until_told", {}, [&] {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGUSR1, SIG_DFL);  // would kill the new image
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    registered->store(mq_notify(mqd, &event) == 0 ? 1 : -1);
  });
  image.AwaitSaid("ready");
  if (registered->load() != 1) Unresolved("set-up failed: registering before exec");
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0));
  Put(q, "m");
  image.Tell("end");
  EXPECT_EQ(image.Wait(), 0) << "the new image was notified";
  NoteChecks();
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
