// mq_notify(): when a registered process is notified, who may register, and how that ends.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"
#include "suites/mqueue/room.h"

// That no notification comes can't be awaited. What is shown instead: the registration, which a
// notification would have used up, is still there (another process gets EBUSY), or the next signal,
// queued behind any wrong one, carries the value of the next registration.

namespace ipcsuite::mqueue_suite {
namespace {

IPC_ROLE(mq_send_nothing_by_name) {
  const mqd_t q = mq_open(args[0].c_str(), O_WRONLY);
  return q != kNoQueue && mq_send(q, "", 0, 0) == 0 ? 0 : 1;
}

IPC_TEST(MqNotify, RegistersWhetherEmptyOrNot, clause::mq_notify::register_returns_zero,
         regression::gvisor_only_open_and_unlink) {
  for (int kind : {SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD}) {
    for (const bool empty : {true, false}) {
      Queue q;
      if (!empty) Put(q, "m");
      const NoticeSignal signal;
      sigevent event = signal.Event(1);
      event.sigev_notify = kind;
      if (kind == SIGEV_THREAD) event.sigev_notify_function = [](sigval) {};
      const mqd_t mqd = q.get();
      Peer peer;
      const CallResult registered =
          peer.start([=] { return CALL(mq_notify(mqd, &event)); }).result();
      if (kind == SIGEV_THREAD && !registered.ok()) NeedThreads();
      EXPECT_THAT(registered, SucceedsWith(0)) << (kind == SIGEV_NONE     ? "SIGEV_NONE"
                                                   : kind == SIGEV_SIGNAL ? "SIGEV_SIGNAL"
                                                                          : "SIGEV_THREAD")
                                               << (empty ? ", empty queue" : ", a message queued");
    }
  }
}

// The registrant alone is notified: neither the sender nor another process that has the queue open.
IPC_TEST(MqNotify, NotifiesTheRegistrantOnArrivalAtAnEmptyQueue,
         clause::mq_notify::register_notified_on_arrival_at_empty) {
  const NoticeSignal signal;
  for (const bool timed : {false, true}) {
    Queue q;
    const mqd_t mqd = q.get();
    Peer bystander([&](Peer::Self& self) {
      self.step([&] { return CALL(static_cast<int>(signal.Pending())); });
      self.step([&] {
        const Receipt got = ReceiveOne(mqd);
        EXPECT_EQ(got.text, "arrival");
        return got.call;
      });
    });
    Setup(signal.Register(q, 21));
    Peer sender;
    EXPECT_THAT(sender
                    .start([&] {
                      const CallResult sent =
                          SendBy(timed ? Way::kTimed : Way::kPlain, mqd, "arrival", 7);
                      EXPECT_FALSE(signal.Pending()) << "in the sender";
                      return sent;
                    })
                    .result(),
                SucceedsWith(0));
    EXPECT_THAT(signal.Await(), CarriesValue(21));
    EXPECT_FALSE(signal.Pending()) << "notified twice";
    EXPECT_EQ(CountOf(q), 1) << "the message stays queued";
    EXPECT_THAT(bystander.next().result(), SucceedsWith(0))
        << "a process that did not register was notified";
    EXPECT_THAT(bystander.next().result(), SucceedsWith(7));
  }
}

IPC_TEST(MqNotify, MessagesOfTheRegistrantNotifyItWhateverTheirPriority,
         clause::mq_notify::register_notified_on_arrival_at_empty) {
  Queue q;
  const NoticeSignal signal;
  int value = 0;
  for (unsigned priority : {0u, 1u, 31u, PriorityCount() - 1}) {
    Setup(signal.Register(q, ++value));
    Put(q, "own", priority);
    EXPECT_THAT(signal.Await(), CarriesValue(value)) << "priority " << priority;
    Drain(q);
  }
}

IPC_TEST(MqNotify, EmptyMessageOfAnUnrelatedProcessNotifies,
         clause::mq_notify::register_notified_on_arrival_at_empty) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 22));
  ExecSelf sender("mq_send_nothing_by_name", {q.name()});
  EXPECT_EQ(sender.Wait(), 0);
  EXPECT_THAT(signal.Await(), CarriesValue(22));
}

IPC_TEST(MqNotify, RegisteredOnANonEmptyQueueWaitsForTheNextTransition,
         clause::mq_notify::register_nonempty_queue_waits_for_transition,
         regression::freebsd_notify_on_nonempty_queue) {
  Queue q;
  const NoticeSignal signal;
  Put(q, "before");
  Setup(signal.Register(q, 1));
  EXPECT_FALSE(signal.Pending());
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY)) << "notified by the registration";
  ReceiveOne(q);
  EXPECT_FALSE(signal.Pending());
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY)) << "notified by the removal";
  Put(q, "arrival");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
  EXPECT_FALSE(signal.Pending());
}

IPC_TEST(MqNotify, ArrivalAtANonEmptyQueueDoesNotNotify,
         clause::mq_notify::register_no_notification_on_nonempty_arrival,
         regression::freebsd_notify_on_nonempty_queue) {
  Queue q;
  const NoticeSignal signal;
  Put(q, "before", 2);
  Setup(signal.Register(q, 1));
  Put(q, "higher", 9), Put(q, "lower", 0);
  EXPECT_FALSE(signal.Pending());
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY));
  ReceiveOne(q), ReceiveOne(q);
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY));
  Put(q, "second");
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY))
      << "with one message left the queue was not empty";
  Drain(q);
  Put(q, "arrival");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
}

IPC_TEST(MqNotify, FailedSendsDoNotNotify,
         clause::mq_notify::register_failed_send_no_notification) {
  Queue q(4, 16);
  const Mqd reader(q.OpenAgain(O_RDONLY));
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  EXPECT_THAT(CALL(mq_send(q, "seventeen bytes!!", 17, 0)), Fails(EMSGSIZE));
  EXPECT_THAT(CALL(mq_send(reader, "x", 1, 0)), Fails(EBADF));
  const long limit = sysconf(_SC_MQ_PRIO_MAX);
  if (limit > 0) {
    EXPECT_THAT(CALL(mq_send(q, "x", 1, static_cast<unsigned>(limit))), Fails(EINVAL));
  }
  EXPECT_FALSE(signal.Pending());
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY));
  Put(q, "arrival");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
}

// A receive from a full queue of one message empties it; then the message of a waiting sender
// arrives. Whether the two are one step is not said.
IPC_TEST(MqNotify, RefillByAWaitingSender, clause::mq_notify::register_refill_by_waiting_sender,
         regression::linux_refill_not_notified) {
  Queue q(1);
  Put(q, "first");
  Sender waiting(q, "second");
  EXPECT_THAT(waiting.call(), Blocks());
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  ReceiveOne(q);
  EXPECT_THAT(waiting.call().result(), SucceedsWith(0));
  EXPECT_EQ(CountOf(q), 1);
  const bool registered = RegisterElsewhere(q).failed_with(EBUSY);
  Observe(clause::mq_notify::register_refill_by_waiting_sender,
          "when a waiting sender refills the emptied queue",
          registered ? "no notification" : "notified");
  if (!registered) {
    EXPECT_THAT(signal.Await(), CarriesValue(1));
    return;
  }
  Drain(q);
  Put(q, "third");
  EXPECT_THAT(signal.Await(), CarriesValue(1)) << "the registration that stayed is of no use";
}

IPC_TEST(MqNotify, AnyAccessModeWillDo, clause::mq_notify::register_any_access_mode) {
  for (int mode : {O_RDONLY, O_WRONLY, O_RDWR}) {
    Queue q;
    const Mqd own(q.OpenAgain(mode));
    const NoticeSignal signal;
    EXPECT_THAT(signal.Register(own, mode + 1), SucceedsWith(0));
    Put(q, "m");
    EXPECT_THAT(signal.Await(), CarriesValue(mode + 1));
  }
}

IPC_TEST(MqNotify, SecondProcessGetsEbusy, clause::mq_notify::ebusy_other_process) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  const mqd_t mqd = q.get();
  const char* name = q.name();
  Peer inherited, opened;
  EXPECT_THAT(inherited.start([&] { return signal.Register(mqd, 2); }).result(), Fails(EBUSY));
  EXPECT_THAT(opened
                  .start([&] {
                    const Mqd own(CALL(mq_open(name, O_RDWR)));
                    const CallResult tried = signal.Register(own, 3);
                    EXPECT_THAT(tried, Fails(EBUSY));
                    Put(mqd, "m");
                    EXPECT_FALSE(signal.Pending()) << "the process that was refused was notified";
                    return tried;
                  })
                  .result(),
              Fails(EBUSY));
  EXPECT_THAT(signal.Await(), CarriesValue(1));
}

IPC_TEST(MqNotify, SecondRegistrationOfOneProcessGetsEbusy, clause::mq_notify::ebusy_same_process,
         regression::musl_mq_notify_double_close) {
  Queue q;
  const Mqd second(q.OpenAgain(O_RDWR));
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  EXPECT_THAT(signal.Register(q, 2), Fails(EBUSY));
  EXPECT_THAT(signal.Register(second, 3), Fails(EBUSY));
  EXPECT_THAT(RegisterSilently(second), Fails(EBUSY));
  Put(q, "m");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
  EXPECT_FALSE(signal.Pending());
}

IPC_TEST(MqNotify, OneOfRacingRegistrationsSucceeds, clause::mq_notify::ebusy_registration_race) {
  constexpr unsigned kProcesses = 4;
  constexpr int kRounds = 25;
  Queue q;
  const mqd_t mqd = q.get();
  struct Tally {
    std::atomic<int> won, lost;
  };
  Shared<std::array<Tally, kRounds>> tallies;
  Shared<StartLine> start;
  std::vector<Peer> processes(kProcesses);
  std::vector<Call> calls;
  for (Peer& process : processes) {
    calls.push_back(process.start([&] {
      for (Tally& tally : *tallies) {
        start->Wait(kProcesses);
        const CallResult tried = RegisterSilently(mqd);
        tally.won += tried.ok();
        tally.lost += tried.failed_with(EBUSY);
        start->Wait(kProcesses);
        if (tried.ok()) mq_notify(mqd, nullptr);
      }
    }));
  }
  for (const Call& call : calls) ASSERT_EQ(call.result(10s).fate, Fate::kReturned);
  for (const Tally& tally : *tallies) {
    EXPECT_EQ(tally.won.load(), 1);
    EXPECT_EQ(tally.lost.load(), static_cast<int>(kProcesses) - 1);
    NoteChecks();
  }
}

IPC_TEST(MqNotify, NotificationEndsTheRegistration,
         clause::mq_notify::oneshot_removed_after_notification) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  Put(q, "m");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0)) << "while the message is still queued";
  Drain(q);
  Put(q, "n");
  Drain(q);
  EXPECT_FALSE(signal.Pending());
  EXPECT_THAT(signal.Register(q, 2), SucceedsWith(0)) << "by the process that was notified";
  Put(q, "o");
  EXPECT_THAT(signal.Await(), CarriesValue(2)) << "the transition in between notified too";
  EXPECT_FALSE(signal.Pending());
}

IPC_TEST(MqNotify, ReRegistrationGetsOneNotificationForEachTransition,
         clause::mq_notify::oneshot_rearm) {
  Queue q;
  const NoticeSignal signal;
  for (int round = 0; round < 100; ++round) {
    const bool register_first = round % 2;
    if (!register_first) Drain(q);
    ASSERT_THAT(signal.Register(q, round), SucceedsWith(0));
    if (register_first) Drain(q);
    ASSERT_FALSE(signal.Pending()) << "round " << round;
    Put(q, "m");
    ASSERT_THAT(signal.Await(), CarriesValue(round));
    ASSERT_FALSE(signal.Pending()) << "round " << round;
  }
}

// Sends of several processes at once, to a queue that stays non-empty: one arrival is the first.
IPC_TEST(MqNotify, ConcurrentSendersCauseOneNotification,
         clause::mq_notify::oneshot_removed_after_notification,
         clause::mq_notify::register_notified_on_arrival_at_empty) {
  constexpr unsigned kSenders = 4;
  constexpr int kRounds = 20;
  Queue q(4, 16);
  const mqd_t mqd = q.get();
  const NoticeSignal signal;
  Shared<StartLine> start;
  std::vector<Peer> senders(kSenders);
  std::vector<Call> calls;
  for (Peer& sender : senders) {
    calls.push_back(sender.start([&] {
      for (int round = 0; round < kRounds; ++round) {
        start->Wait(kSenders + 1);  // registered
        Setup(CALL(mq_send(mqd, "m", 1, 0)));
        start->Wait(kSenders + 1);  // sent
      }
    }));
  }
  for (int round = 0; round < kRounds; ++round) {
    Setup(signal.Register(q, round));
    start->Wait(kSenders + 1);
    start->Wait(kSenders + 1);
    {
      const ForClause scope(clause::mq_notify::register_notified_on_arrival_at_empty);
      ASSERT_THAT(signal.Await(), CarriesValue(round));
    }
    NoteChecks();
    ASSERT_FALSE(signal.Pending()) << "round " << round;
    ASSERT_EQ(Drain(q).size(), kSenders);
  }
}

IPC_TEST(MqNotify, NullNotificationUnregisters, clause::mq_notify::unregister_null_removes) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  EXPECT_THAT(CALL(mq_notify(q, nullptr)), SucceedsWith(0));
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0));
  Put(q, "m");
  EXPECT_FALSE(signal.Pending());
  Drain(q);
  EXPECT_THAT(signal.Register(q, 2), SucceedsWith(0));
  Put(q, "n");
  EXPECT_THAT(signal.Await(), CarriesValue(2)) << "the removed registration notified";
}

IPC_TEST(MqNotify, UnregistersThroughAnotherDescriptor,
         clause::mq_notify::unregister_through_other_descriptor,
         regression::freebsd_unregister_by_descriptor) {
  Queue q;
  const Mqd second(q.OpenAgain(O_RDONLY));
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  EXPECT_THAT(CALL(mq_notify(second, nullptr)), SucceedsWith(0));
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0));
  Put(q, "m");
  Drain(q);
  EXPECT_THAT(signal.Register(q, 2), SucceedsWith(0));
  Put(q, "n");
  EXPECT_THAT(signal.Await(), CarriesValue(2)) << "the removed registration notified";
}

IPC_TEST(MqNotify, UnregisteringWithoutARegistration,
         clause::mq_notify::unregister_not_registered) {
  Queue q;
  const CallResult alone = CALL(mq_notify(q, nullptr));
  Observe(clause::mq_notify::unregister_not_registered, "no process registered", alone);
  EXPECT_THAT(alone, SucceedsOrFailsWith(EINVAL));
  Setup(RegisterSilently(q));
  const mqd_t mqd = q.get();
  Peer other;
  const CallResult foreign = other.start([=] { return CALL(mq_notify(mqd, nullptr)); }).result();
  Observe(clause::mq_notify::unregister_not_registered, "another process registered", foreign);
  EXPECT_THAT(foreign, SucceedsOrFailsWith(EINVAL));
}

IPC_TEST(MqNotify, NobodyElseCanUnregister, clause::mq_notify::unregister_cannot_remove_others) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  const mqd_t mqd = q.get();
  const char* name = q.name();
  Peer other;
  EXPECT_THAT(other
                  .start([&] {
                    EXPECT_THAT(CALL(mq_notify(mqd, nullptr)), SucceedsOrFailsWith(EINVAL));
                    const Mqd own(CALL(mq_open(name, O_RDWR)));
                    return CALL(mq_notify(own, nullptr));
                  })
                  .result(),
              SucceedsOrFailsWith(EINVAL));
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY));
  Put(q, "m");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
}

IPC_TEST(MqNotify, OfNoDescriptorFailsWithEbadf, clause::mq_notify::error_ebadf,
         regression::musl_mq_notify_double_close) {
  std::vector<std::pair<const char*, mqd_t>> all{{"(mqd_t)-1", kNoQueue}};
  const Fd file(CALL(open((ScratchDir() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  if constexpr (std::is_integral_v<mqd_t>) {
    all.push_back({"an unused number", (mqd_t)4000});
    all.push_back({"a file's descriptor", (mqd_t)file.get()});
  }
  for (const auto& [what, mqd] : all) {
    for (int kind : {int{SIGEV_SIGNAL}, int{SIGEV_THREAD}, int{SIGEV_NONE}, -1}) {
      Peer child;
      const CallResult result = child
                                    .start([kind, q = mqd] {
                                      sigevent event{};
                                      event.sigev_notify = kind;
                                      event.sigev_signo = SIGUSR1;
                                      if (kind == SIGEV_THREAD)
                                        event.sigev_notify_function = [](sigval) {};
                                      return CALL(mq_notify(q, kind == -1 ? nullptr : &event));
                                    })
                                    .result();
      if (kind == SIGEV_THREAD && !result.failed_with(EBADF)) NeedThreads();
      // Without a notification EINVAL applies too: the process is not registered (XSH 2.3).
      EXPECT_TRUE(result.failed_with(EBADF) || (kind == -1 && result.failed_with(EINVAL)))
          << Describe(result) << ", " << what << ", sigev_notify " << kind
          << " (-1: a null notification)";
      NoteChecks();
    }
  }
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
