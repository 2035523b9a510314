// Limits of the system: how many queues and descriptors, and what happens beyond.
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/os/os.h"
#include "harness/peers/file_limit.h"
#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

IPC_TEST(MqLimits, EightDescriptorsCanBeHeld, clause::mq_open::limit_eight_descriptors) {
  std::vector<std::unique_ptr<UniqueName>> names;
  std::vector<Mqd> queues;
  for (int i = 0; i < _POSIX_MQ_OPEN_MAX; ++i) {
    names.push_back(std::make_unique<UniqueName>(UniqueName::Mq()));
    queues.push_back(CreateQueue(names.back()->c_str(), 1, 8));
  }
  for (const Mqd& q : queues) Put(q, "m");
  for (const Mqd& q : queues) EXPECT_EQ(ReceiveOne(q).text, "m");
  NoteChecks();
}

// Of one queue: no room for queues, which others may use up, is needed.
IPC_TEST(MqLimits, EightDescriptorsOfOneQueueCanBeHeld, clause::mq_open::limit_eight_descriptors) {
  Queue q;
  std::vector<Mqd> held;
  for (int i = 2; i <= _POSIX_MQ_OPEN_MAX; ++i) {
    const CallResult opened = CALL(mq_open(q.name(), O_RDWR));
    held.emplace_back(opened);
    if (opened.failed_with(ENFILE))
      Unresolved("the system's table of open files is full: raise its limit");
    ASSERT_THAT(opened, Succeeds()) << "descriptor " << i << " of " << _POSIX_MQ_OPEN_MAX;
  }
  for (const Mqd& one : held) {
    EXPECT_THAT(CALL(mq_send(one, "m", 1, 0)), SucceedsWith(0));
    EXPECT_EQ(ReceiveOne(one).text, "m");
  }
}

// In a child, so that its limit is its own.
IPC_TEST(MqLimits, FailsWithEmfileWhenAProcessHasTooManyDescriptors,
         clause::mq_open::error_emfile) {
  Queue q;
  Put(q, "kept");
  const char* name = q.name();
  Peer child;
  EXPECT_THAT(child
                  .start([&] {
                    rlimit limit{};
                    getrlimit(RLIMIT_NOFILE, &limit);
                    limit.rlim_cur = 40;
                    Setup(CALL(setrlimit(RLIMIT_NOFILE, &limit)));
                    std::vector<Mqd> held;
                    CallResult opened;
                    for (int i = 0; i < 20000; ++i) {
                      opened = CALL(mq_open(name, O_RDWR));
                      if (!opened.ok()) break;
                      held.emplace_back(opened);
                    }
                    if (opened.ok())
                      Unsupported("no limit on descriptors was met with 20000 of them");
                    EXPECT_THAT(opened, Fails(EMFILE));
                    if (held.empty()) return opened;
                    EXPECT_EQ(ReceiveOne(held.front()).text, "kept")
                        << "open descriptors stay intact";
                    Put(held.back(), "more");
                    held.front().Close();
                    const CallResult again = CALL(mq_open(name, O_RDWR));
                    const Mqd one(again);
                    EXPECT_THAT(again, Succeeds()) << "after one was closed";
                    return CALL(0);
                  })
                  .result(20s),
              Succeeds());
  EXPECT_EQ(Drain(q), (Messages{{"more", 0}}));
}

// Failures late in mq_open(), again and again: a kernel once dropped a reference too many.
IPC_TEST(MqLimits, RepeatedFailureWithEmfileLosesNothing, clause::mq_open::error_emfile,
         regression::linux_open_failure_refcount) {
  Queue q;
  const char* name = q.name();
  const UniqueName unused = UniqueName::Mq();
  Peer child;
  EXPECT_THAT(child
                  .start([&] {
                    rlimit limit{};
                    getrlimit(RLIMIT_NOFILE, &limit);
                    limit.rlim_cur = static_cast<rlim_t>(LowestFreeFd());
                    Setup(CALL(setrlimit(RLIMIT_NOFILE, &limit)));
                    for (int i = 0; i < 1000; ++i) {
                      ASSERT_THAT(CALL(mq_open(name, O_RDWR)), Fails(EMFILE));
                      mq_attr attr = Sized(1, 8);
                      ASSERT_THAT(
                          CALL(mq_open(unused.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, &attr)),
                          Fails(EMFILE));
                    }
                  })
                  .result(20s),
              Fails(EMFILE));
  const CallResult after = CALL(mq_open(unused.c_str(), O_RDWR));
  const Mqd none(after);
  EXPECT_THAT(after, Fails(ENOENT)) << "a creation that failed left its queue";
  Put(q, "alive");
  EXPECT_EQ(ReceiveOne(q).text, "alive");
}

// Permission to go beyond limits is given up with the identity, or does not reach out of a user
// namespace.
void GiveUpPrivilege() {
  if (const auto user = OtherUser()) Become(*user);
}

CallResult CreateTiny(const std::string& name, int oflag = O_RDWR) {
  mq_attr attr = Sized(1, 1);
  const CallResult opened = CALL(mq_open(name.c_str(), oflag | O_CREAT | O_EXCL, 0600, &attr));
  const Mqd q(opened);
  return opened;
}

IPC_TEST(MqLimits, FailsWithEnospcWhenThereIsNoSpaceForAQueue, clause::mq_open::error_enospc) {
  Peer child;
  EXPECT_THAT(
      child
          .start([&] {
            EnterPrivateNamespaces(os::kIpc);  // its queues go with it
            os::SetQueueLimit("queues_max", 5);
            GiveUpPrivilege();
            CallResult opened;
            int made = 0;
            for (; made < 4096; ++made) {
              opened = CreateTiny("/q" + std::to_string(made));
              if (!opened.ok()) break;
            }
            if (opened.ok())
              Unsupported("no limit on the number of queues was met with 4096 of them");
            if (opened.failed_with(EMFILE))
              Unresolved(
                  "RLIMIT_MSGQUEUE of this user is used up before the number of queues: raise it");
            Observe(clause::mq_open::error_enospc,
                    "queues that could be created in a new namespace", made);
            EXPECT_THAT(opened, Fails(ENOSPC));
            const std::string name = "/q" + std::to_string(made);
            EXPECT_THAT(CALL(mq_open(name.c_str(), O_RDWR)), Fails(ENOENT))
                << "the name stays unused";
            EXPECT_THAT(CALL(mq_unlink("/q0")), SucceedsWith(0));
            EXPECT_THAT(CreateTiny(name), Succeeds()) << "after one was removed";
            return CALL(0);
          })
          .result(20s),
      Succeeds());
}

// ---- against limits with room for one queue, again and again ----

// A user of this test alone, so that nobody else uses its room.
void BecomeSomebodyNew() {
  const auto id = static_cast<uid_t>(1'000'000'000 + getpid());
  if (CanBecome(id, static_cast<gid_t>(id))) {
    Become({id, static_cast<gid_t>(id)});
  } else {
    GiveUpPrivilege();
  }
}

CallResult CreateLarge(long maxmsg) {
  mq_attr attr = Sized(maxmsg, 8192);  // a few such queues fill the usual limits
  return CALL(mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
}

struct RoomRow {
  const char* name;
  CallResult (*use)();
  int error = 0;
  Claims claims;
};
const RoomRow kRooms[] = {
    {.name = "OfQueuesThatAreRemoved",
     .use =
         [] {
           const CallResult opened = CreateLarge(8);
           const Mqd q(opened);
           if (!opened.ok()) return opened;
           Put(q, "m");
           return CALL(mq_unlink("/q"));
         },
     .claims = {clause::mq_unlink::deferred_destroyed_after_last_close}},
    {.name = "OfCreationsThatFail",
     .use = [] { return CreateLarge(0); },
     .error = EINVAL,
     .claims = {clause::mq_open::create_nonpositive_attr_einval}},
    {.name = "OfOpensOfMissingQueues",
     .use = [] { return CALL(mq_open("/q", O_RDWR)); },
     .error = ENOENT,
     .claims = {clause::mq_open::nocreat_missing_enoent}},
};
IPC_TABLE_TEST(MqRoomIsGivenBack, RoomRow, kRooms) {
  constexpr int kTimes = 200;
  Peer child;
  const Call call = child.start([&] {
    EnterPrivateNamespaces(os::kIpc);
    // Two: a queue that is about to go may count for a moment.
    if (!os::SetQueueLimit("queues_max", 2))
      Unsupported("fs.mqueue.queues_max can't be set, not even in a private IPC namespace");
    BecomeSomebodyNew();
    for (int time = 1; time <= kTimes; ++time) {
      const CallResult used = row.use();
      if (row.error == 0 ? used.ok() : used.failed_with(row.error)) continue;
      EXPECT_EQ(ErrnoName(used.error), ErrnoName(row.error)) << "time " << time;
      return used;
    }
    const CallResult opened = CreateLarge(8);
    const Mqd q(opened);
    EXPECT_THAT(opened, Succeeds()) << "a queue afterwards: room was not given back";
    return CALL(0);
  });
  EXPECT_THAT(call.result(20s), SucceedsWith(0));
}

IPC_TEST(MqLimits, DefaultsDoNotFollowARaisedMaximum, clause::mq_open::create_attr_null_defaults,
         regression::linux_default_attributes_are_maximum) {
  Peer child;
  EXPECT_THAT(
      child
          .start([&] {
            EnterPrivateNamespaces(os::kIpc);
            if (!os::SetQueueLimit("msg_max", 5000) || !os::SetQueueLimit("msgsize_max", 1 << 20)) {
              Unsupported("fs.mqueue limits can't be raised, not even in a private IPC namespace");
            }
            // Below the usual limit a plain open may fail for that reason alone.
            rlimit room{};
            if (getrlimit(RLIMIT_MSGQUEUE, &room) != 0 || room.rlim_cur < 819200) {
              Unresolved("RLIMIT_MSGQUEUE is below its usual 819200 bytes: raise it");
            }
            GiveUpPrivilege();
            const CallResult opened =
                CALL(mq_open("/default", O_RDWR | O_CREAT, 0600, static_cast<mq_attr*>(nullptr)));
            const Mqd q(opened);
            EXPECT_THAT(opened, Succeeds()) << "a plain open by an ordinary user";
            if (!opened.ok()) return opened;
            Observe(clause::mq_open::create_attr_null_defaults, "mq_maxmsg with a raised maximum",
                    AttributesOf(q).mq_maxmsg);
            EXPECT_LT(AttributesOf(q).mq_maxmsg, 5000);
            EXPECT_LT(AttributesOf(q).mq_msgsize, 1 << 20);
            return opened;
          })
          .result(),
      Succeeds());
}

IPC_TEST(MqLimits, RaisedNumberOfQueuesIsHonoured, clause::mq_open::error_enospc,
         regression::linux_queues_max_hard_cap) {
  Peer child;
  EXPECT_THAT(
      child
          .start([&] {
            EnterPrivateNamespaces(os::kIpc);
            if (!os::SetQueueLimit("queues_max", 1200))
              Unsupported(
                  "fs.mqueue.queues_max can't be raised, not even in a private IPC namespace");
            for (int i = 0; i < 1100; ++i) {
              const CallResult opened = CreateTiny("/q" + std::to_string(i));
              if (opened.failed_with(EMFILE))
                Unresolved("RLIMIT_MSGQUEUE of this user is used up: raise it");
              if (!opened.ok()) {
                EXPECT_THAT(opened, Succeeds()) << "queue " << i + 1 << " of a maximum of 1200";
                return opened;
              }
            }
            return CALL(0);
          })
          .result(20s),
      Succeeds());
}

// ---- sysconf()

IPC_TEST(MqSysconf, MessagePassingIsTheDateOfTheStandard, clause::sysconf::message_passing,
         regression::gvisor_only_open_and_unlink, promise) {
  const CallResult got = CALL(sysconf(_SC_MESSAGE_PASSING));
  // The date goes with _POSIX_VERSION: an implementation of one issue gives its date.
  const long version = sysconf(_SC_VERSION);
  Observe(clause::sysconf::message_passing, "sysconf(_SC_MESSAGE_PASSING)", got.value);
  NoteChecks();
  NoteChecks();
  EXPECT_TRUE(got.value == -1 || got.value == version)
      << "sysconf(_SC_MESSAGE_PASSING) = " << got.value << ", _SC_VERSION " << version;
#if defined(_POSIX_MESSAGE_PASSING) && _POSIX_MESSAGE_PASSING > 0
  EXPECT_GT(got.value, 0) << "<unistd.h> promises the option at run time";
#endif
  if (got.value <= 0) return;
  const UniqueName name = UniqueName::Mq();
  mq_attr attr = Sized(1, 8);
  const CallResult opened = CALL(mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attr));
  const Mqd q(opened);
  Observe(clause::sysconf::message_passing, "mq_open() while the option is said to be supported",
          opened);
}

struct LimitRow {
  const char* name;
  Claims claims;
  int number;
  long minimum, compiled;  // compiled: -1 where <limits.h> has none
};
const LimitRow kLimits[] = {
    {"MqOpenMaxIsEightAtLeast",
     {clause::sysconf::mq_open_max},
     _SC_MQ_OPEN_MAX,
     8,
#ifdef MQ_OPEN_MAX
     MQ_OPEN_MAX
#else
     -1
#endif
    },
    {"MqPrioMaxIs32AtLeast",
     {clause::sysconf::mq_prio_max},
     _SC_MQ_PRIO_MAX,
     32,
#ifdef MQ_PRIO_MAX
     MQ_PRIO_MAX
#else
     -1
#endif
    },
};
IPC_TABLE_TEST(MqSysconfLimits, LimitRow, kLimits) {
  const CallResult got = CALL(sysconf(row.number));
  EXPECT_TRUE(got.value == -1 || got.value >= row.minimum) << got.value;
  if (got.value != -1) {
    EXPECT_GE(got.value, row.compiled);
  }
  EXPECT_EQ(CALL(sysconf(row.number)).value, got.value) << "a second time";
  NoteChecks();
}

IPC_TEST(MqSysconf, HighestPriorityOfSysconfWorks, clause::sysconf::mq_prio_max) {
  const long count = sysconf(_SC_MQ_PRIO_MAX);
  Queue q;
  const unsigned highest = static_cast<unsigned>(count > 0 ? count - 1 : 31);
  EXPECT_THAT(CALL(mq_send(q, "m", 1, highest)), SucceedsWith(0));
  EXPECT_EQ(ReceiveOne(q).priority, highest);
}

IPC_TEST(MqLimits, FailsWithEnfileWhenTheSystemHasNoMoreFiles, clause::mq_open::error_enfile,
         exclusive, dangerous(kOutOfFilesDanger)) {
  const UniqueName name = UniqueName::Mq();
  const UniqueName open = UniqueName::Mq();
  EXPECT_THAT(CreateTiny(open.str()), Succeeds());
  const OutOfFiles opened = CallOutOfFiles([&] { return CALL(mq_open(open.c_str(), O_RDWR)); });
  EXPECT_THAT(opened.during, Fails(ENFILE));
  EXPECT_THAT(opened.after, Succeeds());
  const OutOfFiles made = CallOutOfFiles([&] { return CreateTiny(name.str()); });
  EXPECT_THAT(made.during, Fails(ENFILE));
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
