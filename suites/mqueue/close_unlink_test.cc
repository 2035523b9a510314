// mq_close() and mq_unlink(): what goes and what stays.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <type_traits>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

IPC_TEST(MqClose, ReturnsZeroAndReleasesTheDescriptor, clause::mq_close::basic_returns_zero) {
  Queue q;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const ScopedRlimit few(RLIMIT_NOFILE, std::min<rlim_t>(limit.rlim_cur, 64));
  for (int i = 0; i < 200; ++i) {
    const CallResult opened = CALL(mq_open(q.name(), O_RDWR));
    ASSERT_THAT(opened, Succeeds()) << "open number " << i << " after as many closes";
    ASSERT_THAT(CALL(mq_close(ToMqd(opened))), SucceedsWith(0));
  }
}

IPC_TEST(MqClose, OthersDescriptorsGoOnWorking, clause::mq_close::basic_queue_survives) {
  Queue q;
  Mqd second(q.OpenAgain(O_RDWR));
  const char* name = q.name();
  Peer child([&](Peer::Self& self) {
    Mqd own;
    self.step([&] {
      const CallResult opened = CALL(mq_open(name, O_WRONLY));
      own = Mqd(opened);
      return opened;
    });
    self.step([&] { return CALL(mq_send(own, "child", 5, 0)); });
  });
  Setup(child.next().result());
  EXPECT_THAT(CALL(mq_close(second.release())), SucceedsWith(0));
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_EQ(ReceiveOne(q).text, "child");
}

IPC_TEST(MqClose, QueueOutlivesItsLastDescriptor, clause::mq_close::basic_queue_survives) {
  const UniqueName name = UniqueName::Mq();
  Mqd q = CreateQueue(name.c_str(), 3, 16);
  Put(q, "one", 1), Put(q, "two", 2);
  EXPECT_THAT(CALL(mq_close(q.release())), SucceedsWith(0));
  const CallResult opened = CALL(mq_open(name.c_str(), O_RDONLY));
  const Mqd again(opened);
  ASSERT_THAT(opened, Succeeds());
  EXPECT_EQ(AttributesOf(again).mq_maxmsg, 3);
  EXPECT_EQ(Drain(again), (Messages{{"two", 2}, {"one", 1}}));
}

IPC_TEST(MqClose, SecondCloseOfOneDescriptor, clause::mq_close::basic_use_after_close) {
  Queue q;
  const mqd_t mqd = q.get();
  Peer child;  // undefined: may crash
  const CallResult again = child
                               .start([=] {
                                 mq_close(mqd);
                                 return CALL(mq_close(mqd));
                               })
                               .result();
  Observe(clause::mq_close::basic_use_after_close, "second mq_close", again);
}

IPC_TEST(MqClose, EndsTheRegistrationMadeThroughTheDescriptor,
         clause::mq_close::notify_registration_removed) {
  Queue q;
  Mqd registered(q.OpenAgain(O_RDWR));
  const NoticeSignal signal;
  Setup(signal.Register(registered, 1));
  EXPECT_THAT(CALL(mq_close(registered.release())), SucceedsWith(0));
  EXPECT_THAT(RegisterElsewhere(q), SucceedsWith(0));
  Put(q, "x");
  EXPECT_FALSE(signal.Pending());
  // Signals are queued in order: were the old one on its way, it would come before this one.
  Drain(q);
  Setup(signal.Register(q, 2));
  Put(q, "y");
  EXPECT_THAT(signal.Await(), CarriesValue(2));
  EXPECT_FALSE(signal.Pending());
}

IPC_TEST(MqClose, OfAnotherDescriptorKeepsTheRegistration,
         clause::mq_close::notify_other_descriptor_keeps_registration,
         regression::linux_close_of_other_descriptor_drops_registration) {
  Queue q;
  Mqd other(q.OpenAgain(O_RDWR));
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  Setup(CALL(mq_close(other.release())));
  const CallResult elsewhere = RegisterElsewhere(q);
  EXPECT_THAT(elsewhere, Fails(EBUSY))
      << "the registration went with a descriptor that it was not made through";
  if (!elsewhere.failed_with(EBUSY)) return;
  Put(q, "x");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
}

IPC_TEST(MqClose, InAChildKeepsTheParentsRegistration,
         clause::mq_close::notify_child_close_keeps_parent_registration) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 1));
  const mqd_t inherited = q.get();
  Peer child;
  Setup(child.start([=] { return CALL(mq_close(inherited)); }).result());
  EXPECT_THAT(RegisterElsewhere(q), Fails(EBUSY));
  Put(q, "x");
  EXPECT_THAT(signal.Await(), CarriesValue(1));
}

// What is no message queue descriptor. A pointer type has fewer values that may be passed at all.
std::vector<std::pair<std::string, mqd_t>> NoDescriptors() {
  std::vector<std::pair<std::string, mqd_t>> all{{"(mqd_t)-1", kNoQueue}};
  if constexpr (std::is_integral_v<mqd_t>) all.push_back({"an unused number", (mqd_t)4000});
  return all;
}

IPC_TEST(MqClose, OfNoDescriptorFailsWithEbadf, clause::mq_close::error_ebadf,
         regression::freebsd_invalid_descriptor_crash) {
  for (const auto& entry : NoDescriptors()) {
    const mqd_t mqd = entry.second;
    Peer child;
    EXPECT_THAT(child.start([=] { return CALL(mq_close(mqd)); }).result(), Fails(EBADF))
        << entry.first;
  }
}

IPC_TEST(MqClose, OfAFilesDescriptorFailsWithEbadf, clause::mq_close::error_ebadf,
         regression::libc_mq_close_is_close) {
  if constexpr (!std::is_integral_v<mqd_t>) {
    Unsupported("mqd_t is no number: a file descriptor can't be passed for one");
  } else {
    const Fd file(CALL(open((ScratchDir() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
    const int number = file;
    Peer child([&](Peer::Self& self) {
      self.step([&] { return CALL(mq_close((mqd_t)number)); });
      self.step([&] { return CALL(fcntl(number, F_GETFD)); });
    });
    EXPECT_THAT(child.next().result(), Fails(EBADF));
    EXPECT_THAT(child.next().result(), Succeeds()) << "mq_close() closed a regular file";
  }
}

IPC_TEST(MqUnlink, RemovesTheNameAtOnce, clause::mq_unlink::basic_removes_name) {
  for (int open_count : {0, 1, 2}) {
    const UniqueName name = UniqueName::Mq();
    Mqd first = CreateQueue(name.c_str());
    Mqd second;
    if (open_count == 0) first.Close();
    if (open_count == 2) second = Mqd(Setup(CALL(mq_open(name.c_str(), O_RDONLY))));
    EXPECT_THAT(CALL(mq_unlink(name.c_str())), SucceedsWith(0));
    EXPECT_THAT(CALL(mq_open(name.c_str(), O_RDWR)), Fails(ENOENT))
        << open_count << " descriptors open";
    Peer child;
    EXPECT_THAT(child.start([&] { return CALL(mq_open(name.c_str(), O_RDWR)); }).result(),
                Fails(ENOENT));
  }
}

IPC_TEST(MqUnlink, TheNameIsFreeForANewQueue, clause::mq_unlink::recreate_new_independent_queue) {
  const UniqueName name = UniqueName::Mq();
  std::vector<Mqd> generations;
  for (int i = 0; i < 4; ++i) {
    mq_attr attr = Sized(3 + i, 16 + i);
    const CallResult opened = Patiently([&] {
      return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr));
    });
    generations.emplace_back(opened);
    ASSERT_THAT(opened, Succeeds()) << "generation " << i;
    EXPECT_EQ(AttributesOf(generations.back()).mq_maxmsg, 3 + i);
    EXPECT_EQ(AttributesOf(generations.back()).mq_msgsize, 16 + i);
    EXPECT_EQ(CountOf(generations.back()), 0);
    Put(generations.back(), "generation " + std::to_string(i));
    Setup(CALL(mq_unlink(name.c_str())));
  }
  Put(generations[0], "old");
  EXPECT_EQ(CountOf(generations[3]), 1) << "a message for the old queue";
  Put(generations[3], "new");
  EXPECT_EQ(Drain(generations[0]), (Messages{{"generation 0", 0}, {"old", 0}}));
  EXPECT_EQ(Drain(generations[1]), (Messages{{"generation 1", 0}}));
  EXPECT_EQ(Drain(generations[3]), (Messages{{"generation 3", 0}, {"new", 0}}));
}

IPC_TEST(MqUnlink, OpenDescriptorsGoOnWorking,
         clause::mq_unlink::deferred_open_descriptors_keep_working) {
  Queue q(4, 64, O_RDWR | O_NONBLOCK);
  Put(q, "a", 1), Put(q, "b", 7), Put(q, "c", 1);
  EXPECT_THAT(CALL(mq_unlink(q.name())), SucceedsWith(0)) << "while the queue is open";
  EXPECT_EQ(CountOf(q), 3);
  EXPECT_EQ(Drain(q), (Messages{{"b", 7}, {"a", 1}, {"c", 1}}));
  EXPECT_THAT(CALL(mq_send(q, "later", 5, 0)), SucceedsWith(0));
  EXPECT_EQ(ReceiveOne(q).text, "later");
  mq_attr attr{};
  EXPECT_THAT(CALL(mq_setattr(q, &attr, nullptr)), SucceedsWith(0));
  EXPECT_FALSE(IsNonblocking(q));
}

IPC_TEST(MqUnlink, InheritedDescriptorsGoOnWorking,
         clause::mq_unlink::deferred_open_descriptors_keep_working) {
  Queue q;
  Put(q, "kept", 5);
  const mqd_t inherited = q.get();
  Peer child([&](Peer::Self& self) {
    self.step([&] {
      EXPECT_EQ(Drain(inherited), (Messages{{"kept", 5}}));
      return CALL(mq_send(inherited, "more", 4, 0));
    });
    self.step([&] {
      const Receipt got = ReceiveOne(inherited);
      EXPECT_EQ(got.text, "more");
      return got.call;
    });
  });
  EXPECT_THAT(CALL(mq_unlink(q.name())), SucceedsWith(0)) << "while the queue is open";
  q.Close();
  EXPECT_THAT(child.next().result(), SucceedsWith(0));
  EXPECT_THAT(child.next().result(), SucceedsWith(4));
}

IPC_TEST(MqUnlink, BlockedReceiverStaysServed,
         clause::mq_unlink::deferred_blocked_waiter_stays_served) {
  Queue q;
  const Mqd sender(q.OpenAgain(O_WRONLY));
  Receiver waiting(q);
  EXPECT_THAT(waiting.call(), Blocks());
  EXPECT_THAT(CALL(mq_unlink(q.name())), SucceedsWith(0)) << "while the queue is open";
  EXPECT_THAT(waiting.call(), StaysBlocked());
  Put(sender, "served");
  const CallResult got = waiting.call().result();
  EXPECT_THAT(got, SucceedsWith(6));
  EXPECT_EQ(waiting.text(got), "served");
}

IPC_TEST(MqUnlink, BlockedSenderStaysServed,
         clause::mq_unlink::deferred_blocked_waiter_stays_served) {
  Queue q(1);
  const Mqd receiver(q.OpenAgain(O_RDONLY));
  Put(q, "filler");
  Sender waiting(q, "served");
  EXPECT_THAT(waiting.call(), Blocks());
  EXPECT_THAT(CALL(mq_unlink(q.name())), SucceedsWith(0)) << "while the queue is open";
  EXPECT_THAT(waiting.call(), StaysBlocked());
  EXPECT_EQ(ReceiveOne(receiver).text, "filler");
  EXPECT_THAT(waiting.call().result(), SucceedsWith(0));
  EXPECT_EQ(ReceiveOne(receiver).text, "served");
}

IPC_TEST(MqUnlink, NotificationIsStillDelivered,
         clause::mq_unlink::deferred_notification_still_delivered) {
  Queue q;
  const NoticeSignal signal;
  Setup(signal.Register(q, 11));
  EXPECT_THAT(CALL(mq_unlink(q.name())), SucceedsWith(0)) << "while the queue is open";
  Put(q, "x");
  EXPECT_THAT(signal.Await(), CarriesValue(11));
}

// Creates, fills, unlinks and gives up queues far beyond what limits allow at once: room for all of
// them is only there if each is destroyed.
void CreateAndDestroy(int rounds, const std::function<void(Mqd&)>& give_up) {
  NeedSize(8, 1024);
  const std::string message(1024, 'm');
  for (int i = 0; i < rounds; ++i) {
    const UniqueName name = UniqueName::Mq();
    mq_attr attr = Sized(8, 1024);
    const auto create = [&] {
      return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
    };
    CallResult opened = i == 0 ? Patiently(create) : create();
    // Others may use a limit up for a moment; what a leak uses up stays so.
    const Deadline end(3s);
    for (Backoff backoff; !opened.ok() && !end.passed(); backoff.Pause()) opened = create();
    Mqd q(opened);
    ASSERT_THAT(opened, Succeeds()) << "round " << i << ": unlinked queues keep what they occupied";
    for (int m = 0; m < 8; ++m)
      Setup(CALL(mq_send(q, message.data(), message.size(), static_cast<unsigned>(m))));
    Setup(CALL(mq_unlink(name.c_str())));
    give_up(q);
  }
}

IPC_TEST(MqUnlink, LastCloseDestroysTheQueue,
         clause::mq_unlink::deferred_destroyed_after_last_close,
         regression::linux_priority_tree_rewrite, exclusive) {
  CreateAndDestroy(400, [](Mqd& q) { EXPECT_THAT(CALL(mq_close(q.release())), SucceedsWith(0)); });
}

void ExitNormally() { quick_exit(0); }  // exit() would run the runner's own handlers
void ExitAtOnce() { _exit(0); }
void DieBySigkill() { raise(SIGKILL); }
void DieByAbort() {
  rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(SIGABRT, SIG_DFL);
  abort();
}

// The last reference goes with a process, whatever ends it.
IPC_TEST(MqUnlink, EndOfTheLastProcessDestroysTheQueue,
         clause::mq_unlink::deferred_destroyed_after_last_close, clause::exit::descriptors_closed,
         exclusive) {
  for (void (*end)() : {ExitAtOnce, DieBySigkill, DieByAbort, ExitNormally}) {
    CreateAndDestroy(30, [end](Mqd& q) {
      const pid_t child = fork();
      if (child < 0) Unresolved("can't start a process");
      if (child == 0) end();
      q.Close();
      int status = 0;
      while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
      }
      NoteChecksOfAll();  // the queue goes only when the end has closed the descriptor
    });
  }
}

// Nothing is judged. A message that comes later releases the call where it goes on.
IPC_TEST(MqClose, WhileAThreadWaits, clause::mq_close::while_thread_waits) {
  Queue q;
  Mqd own(q.OpenAgain(O_RDONLY));
  ThreadReceiver waiting(own);
  const bool waits = waiting.call().probe().what == Blocking::kShown;
  Observe(clause::mq_close::while_thread_waits, "mq_close", CALL(mq_close(own.release())));
  const bool ended = waiting.call().probe().what == Blocking::kReturned;
  if (!ended) Put(q, "m");
  const CallResult result = waiting.call().result();
  Observe(clause::mq_close::while_thread_waits, "receive that waits",
          !waits               ? "was not shown to wait"
          : !result.returned() ? "does not return"
                               : std::string(ended ? "" : "goes on, ") +
                                     (result.ok() ? "gets the message" : ErrnoName(result.error)));
}

IPC_TEST(MqUnlink, ReturnsAtOnceOrWaitsForTheLastClose,
         clause::mq_unlink::deferred_may_return_immediately) {
  Queue q;
  const char* name = q.name();
  Peer child;
  const Call call = child.start([=] { return CALL(mq_unlink(name)); });
  const CallResult early = call.result(500ms);
  Observe(clause::mq_unlink::deferred_may_return_immediately, "while a descriptor is open",
          early.returned() ? "returns at once" : "waits for the last close");
  if (!early.returned()) q.Close();
  EXPECT_THAT(call.result(), SucceedsWith(0));
}

IPC_TEST(MqUnlink, OfAMissingNameFailsWithEnoent, clause::mq_unlink::error_enoent) {
  const UniqueName unused = UniqueName::Mq();
  const CallResult removed = CALL(mq_unlink(unused.c_str()));
  if (removed.failed_with(ENOSYS)) Unsupported("mq_unlink() is absent here (ENOSYS)");
  EXPECT_THAT(removed, Fails(ENOENT));
  Queue q;
  Setup(CALL(mq_unlink(q.name())));
  EXPECT_THAT(CALL(mq_unlink(q.name())), Fails(ENOENT)) << "a second time, while the queue is open";
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
