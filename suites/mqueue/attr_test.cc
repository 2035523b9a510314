// mq_getattr() and mq_setattr().
#include <fcntl.h>
#include <limits.h>

#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

// The four members, comparable and printable.
struct Members {
  long flags, maxmsg, msgsize, curmsgs;
  explicit Members(const mq_attr& a)
      : flags(a.mq_flags), maxmsg(a.mq_maxmsg), msgsize(a.mq_msgsize), curmsgs(a.mq_curmsgs) {}
  friend bool operator==(const Members&, const Members&) = default;
};
std::ostream& operator<<(std::ostream& out, const Members& m) {
  return out << "{flags " << m.flags << ", maxmsg " << m.maxmsg << ", msgsize " << m.msgsize
             << ", curmsgs " << m.curmsgs << '}';
}

// Into a structure full of other bytes: a member left out is seen.
Members GetAttributes(mqd_t q) {
  mq_attr attr;
  std::memset(&attr, 0xA5, sizeof attr);
  EXPECT_THAT(CALL(mq_getattr(q, &attr)), SucceedsWith(0));
  return Members(attr);
}

IPC_TEST(MqGetattr, TellsTheSizesOfTheCreation, clause::mq_getattr::static_as_created,
         regression::musl_x32_mq_attr_layout) {
  const UniqueName name = UniqueName::Mq();
  Mqd creator = CreateQueue(name.c_str(), 3, 48);
  const Mqd second(Setup(CALL(mq_open(name.c_str(), O_RDONLY))));
  const auto expect_sizes = [](mqd_t q, long count) {
    const Members got = GetAttributes(q);
    EXPECT_EQ(got.maxmsg, 3);
    EXPECT_EQ(got.msgsize, 48);
    EXPECT_EQ(got.curmsgs, count);
    EXPECT_EQ(got.flags & O_NONBLOCK, 0);
  };
  expect_sizes(creator, 0);
  Fill(creator);
  expect_sizes(creator, 3);
  expect_sizes(second, 3);
  Peer other;
  EXPECT_THAT(other
                  .start([&] {
                    const Mqd own(CALL(mq_open(name.c_str(), O_WRONLY)));
                    expect_sizes(own, 3);
                    return CALL(mq_close(creator.release()));
                  })
                  .result(),
              Succeeds());
  creator.Close();
  expect_sizes(second, 3);
}

IPC_TEST(MqGetattr, FlagsFollowOpenAndSetattr, clause::mq_getattr::flags_follow_open_and_setattr) {
  for (int oflag : {0, O_NONBLOCK}) {
    Queue q(2, 16, O_RDWR | oflag);
    EXPECT_EQ(GetAttributes(q).flags & O_NONBLOCK, oflag);
    for (int flags : {O_NONBLOCK, 0, 0, O_NONBLOCK, O_NONBLOCK, 0}) {
      SetQueueNonblocking(q, flags != 0);
      EXPECT_EQ(GetAttributes(q).flags & O_NONBLOCK, flags);
    }
  }
}

IPC_TEST(MqGetattr, CountIsExact, clause::mq_getattr::curmsgs_exact_count) {
  Queue q;
  const char* name = q.name();
  Shared<std::atomic<long>> seen;
  Peer other([&](Peer::Self& self) {
    const Mqd own(CALL(mq_open(name, O_RDWR)));
    for (int i = 0; i < 9; ++i) {
      self.step([&] {
        const Members got = GetAttributes(own);
        seen->store(got.curmsgs);
      });
    }
  });
  const auto expect_count = [&](long count) {
    EXPECT_EQ(GetAttributes(q).curmsgs, count);
    other.next().result();
    EXPECT_EQ(seen->load(), count) << "in another process";
  };
  expect_count(0);
  Put(q, "a"), expect_count(1);
  Put(q, "", 5), expect_count(2);  // a message without bytes is a message
  Put(q, "c"), expect_count(3);
  Put(q, "", 0), expect_count(4);
  for (long left : {3, 2, 1, 0}) {
    ReceiveOne(q);
    expect_count(left);
  }
}

IPC_TEST(MqGetattr, CountStaysZeroWhenAMessageIsHandedToAReceiver,
         clause::mq_getattr::curmsgs_exact_count) {
  Queue q;
  Receiver waiting(q);
  EXPECT_THAT(waiting.call(), Blocks());
  EXPECT_EQ(GetAttributes(q).curmsgs, 0);
  Put(q, "over");
  EXPECT_THAT(waiting.call().result(), SucceedsWith(4));
  EXPECT_EQ(GetAttributes(q).curmsgs, 0);
}

IPC_TEST(MqGetattr, CountLeavesWaitingSendersOut,
         clause::mq_getattr::curmsgs_waiting_senders_not_counted) {
  Queue q(2);
  Fill(q);
  Sender first(q, "w1"), second(q, "w2", 5);
  EXPECT_THAT(first.call(), Blocks());
  EXPECT_THAT(second.call(), Blocks());
  EXPECT_EQ(GetAttributes(q).curmsgs, 2);
  ReceiveOne(q);
  EXPECT_EQ(GetAttributes(q).curmsgs, 2);
}

IPC_TEST(MqGetattr, AnyAccessModeWillDo, clause::mq_getattr::access_any_mode) {
  Queue q(3, 16);
  for (int mode : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const Mqd own(q.OpenAgain(mode));
    EXPECT_EQ(GetAttributes(own).maxmsg, 3);
  }
}

// Descriptors that are none: for all, (mqd_t)-1; where descriptors are numbers also one that is not
// open and one of a file.
std::vector<std::pair<const char*, mqd_t>> NoQueues(const Fd& file) {
  std::vector<std::pair<const char*, mqd_t>> all{{"(mqd_t)-1", kNoQueue}};
  if constexpr (std::is_integral_v<mqd_t>) {
    all.push_back({"an unused number", (mqd_t)4000});
    all.push_back({"a file's descriptor", (mqd_t)file.get()});
  }
  return all;
}

IPC_TEST(MqGetattr, OfNoDescriptorMayFailWithEbadf, clause::mq_getattr::error_ebadf) {
  const Fd file(CALL(open((ScratchDir() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  for (const auto& [what, mqd] : NoQueues(file)) {
    Peer child;
    const CallResult got = child
                               .start([q = mqd] {
                                 mq_attr attr{};
                                 return CALL(mq_getattr(q, &attr));
                               })
                               .result();
    Observe(clause::mq_getattr::error_ebadf, what, got);
  }
}

IPC_TEST(MqSetattr, OfNoDescriptorFailsWithEbadf, clause::mq_setattr::error_ebadf) {
  const Fd file(CALL(open((ScratchDir() + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  for (const auto& [what, mqd] : NoQueues(file)) {
    Peer child;
    EXPECT_THAT(child
                    .start([q = mqd] {
                      mq_attr attr{};
                      return CALL(mq_setattr(q, &attr, nullptr));
                    })
                    .result(),
                Fails(EBADF))
        << what;
  }
}

IPC_TEST(MqSetattr, OtherMembersAreIgnored, clause::mq_setattr::basic_other_members_ignored) {
  Queue q(3, 16);
  Put(q, "kept");
  for (long odd : {0L, -1L, 1L, LONG_MAX, LONG_MIN}) {
    mq_attr attr{};
    attr.mq_maxmsg = attr.mq_msgsize = attr.mq_curmsgs = odd;
    EXPECT_THAT(CALL(mq_setattr(q, &attr, nullptr)), SucceedsWith(0)) << odd;
    const Members got = GetAttributes(q);
    EXPECT_EQ(got.maxmsg, 3);
    EXPECT_EQ(got.msgsize, 16);
    EXPECT_EQ(got.curmsgs, 1);
  }
  EXPECT_EQ(Drain(q), (Messages{{"kept", 0}}));
}

IPC_TEST(MqSetattr, SetsAndClearsNonblock, clause::mq_setattr::basic_toggle_nonblock) {
  for (int oflag : {0, O_NONBLOCK}) {
    Queue q(2, 16, O_RDWR | oflag);
    mq_attr attr{};
    attr.mq_flags = O_NONBLOCK;
    EXPECT_THAT(CALL(mq_setattr(q, &attr, nullptr)), SucceedsWith(0));
    EXPECT_THAT(ReceiveOne(q).call, Fails(EAGAIN));
    Fill(q);
    EXPECT_THAT(CALL(mq_send(q, "x", 1, 0)), Fails(EAGAIN));
    attr.mq_flags = 0;
    EXPECT_THAT(CALL(mq_setattr(q, &attr, nullptr)), SucceedsWith(0));
    Sender sender(q, "waits");
    EXPECT_THAT(sender.call(), Blocks());
    ReceiveOne(q);
    EXPECT_THAT(sender.call().result(), SucceedsWith(0));
    Drain(q);
    Receiver receiver(q);
    EXPECT_THAT(receiver.call(), Blocks());
    Put(q, "x");
    EXPECT_THAT(receiver.call().result(), SucceedsWith(1));
  }
}

IPC_TEST(MqSetattr, StoresTheStateBefore, clause::mq_setattr::omqstat_previous_state) {
  Queue q(3, 16);
  for (int flags : {O_NONBLOCK, 0, 0, O_NONBLOCK}) {
    const Members before = GetAttributes(q);
    mq_attr attr{}, old;
    attr.mq_flags = flags;
    std::memset(&old, 0xA5, sizeof old);
    EXPECT_THAT(CALL(mq_setattr(q, &attr, &old)), SucceedsWith(0));
    EXPECT_EQ(Members(old), before);
    EXPECT_EQ(GetAttributes(q).flags & O_NONBLOCK, flags);
    if (before.curmsgs < 3) Put(q, "m");
  }
  mq_attr attr{};
  EXPECT_THAT(CALL(mq_setattr(q, &attr, nullptr)), SucceedsWith(0));
  EXPECT_FALSE(IsNonblocking(q));
}

IPC_TEST(MqSetattr, ChangesOneDescriptionOnly, clause::mq_setattr::scope_this_description_only) {
  Queue q(2);
  const Mqd here(q.OpenAgain(O_RDWR));
  const char* name = q.name();
  SharedBuffer buffer(64);
  Peer other([&](Peer::Self& self) {
    const Mqd own(CALL(mq_open(name, O_RDWR)));
    self.step([&] { return CALL(mq_receive(own, buffer.data(), 64, nullptr)); });
    self.step([&] {
      EXPECT_FALSE(IsNonblocking(own));
      return CALL(mq_receive(own, buffer.data(), 64, nullptr));
    });
  });
  Put(q, "open");
  Setup(other.next().result());
  SetQueueNonblocking(q, true);
  EXPECT_TRUE(IsNonblocking(q));
  EXPECT_FALSE(IsNonblocking(here));
  const Call there = other.next();
  EXPECT_THAT(there, Blocks());
  Receiver waiting(here);
  EXPECT_THAT(waiting.call(), Blocks());
  Put(q, "x"), Put(q, "y");
  EXPECT_THAT(there.result(), SucceedsWith(1));
  EXPECT_THAT(waiting.call().result(), SucceedsWith(1));
}

IPC_TEST(MqSetattr, NonblockDuringAWait, clause::mq_setattr::nonblock_during_wait) {
  Queue q;
  ThreadReceiver waiting(q);
  EXPECT_THAT(waiting.call(), Blocks());
  SetQueueNonblocking(q, true);
  const bool ended = waiting.call().probe().what == Blocking::kReturned;
  Put(q, "m");
  const CallResult result = waiting.call().result();
  EXPECT_TRUE(ended ? result.failed_with(EAGAIN) : result.ok()) << result;
  EXPECT_EQ(CountOf(q), ended ? 1 : 0);
  Observe(clause::mq_setattr::nonblock_during_wait, "receive that waits",
          ended ? "ends with EAGAIN" : "goes on");
}

// Some bit that is neither O_NONBLOCK nor known: the highest of a positive long that is free.
constexpr long kUnknownBit = 1L << 30;

IPC_TEST(MqSetattr, UnknownFlagBits, clause::mq_setattr::flags_implementation_bits) {
  Queue q;
  mq_attr attr{};
  attr.mq_flags = kUnknownBit;
  const CallResult set = CALL(mq_setattr(q, &attr, nullptr));
  Observe(clause::mq_setattr::flags_implementation_bits, "mq_flags with bit 30", set);
}

IPC_TEST(MqSetattr, FailureChangesNothing, clause::mq_setattr::error_failure_changes_nothing) {
  Queue q(3, 16);
  Put(q, "kept");
  for (const bool nonblocking : {false, true}) {
    SetQueueNonblocking(q, nonblocking);
    const Members before = GetAttributes(q);
    mq_attr attr{};
    attr.mq_flags = kUnknownBit | (nonblocking ? 0 : O_NONBLOCK);
    const CallResult set = CALL(mq_setattr(q, &attr, nullptr));
    if (set.ok())
      Unsupported(
          "mq_setattr() accepts every flag bit: no failure with a valid descriptor can be "
          "provoked");
    EXPECT_EQ(GetAttributes(q), before) << "after " << Describe(set);
  }
  EXPECT_EQ(CountOf(q), 1);
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
