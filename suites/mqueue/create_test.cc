// mq_open() with O_CREAT: what a new queue is, and what an existing one keeps.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/regressions/mqueue.h"
#include "suites/mqueue/mq.h"

namespace ipcsuite::mqueue_suite {
namespace {

IPC_TEST(MqCreate, NewQueueIsEmpty, clause::mq_open::create_new_queue_empty) {
  const UniqueName name = UniqueName::Mq();
  for (int generation = 0; generation < 2; ++generation) {
    const Mqd q = CreateQueue(name.c_str(), 3, 16, O_RDWR | O_NONBLOCK);
    EXPECT_EQ(CountOf(q), 0) << "generation " << generation;
    EXPECT_THAT(ReceiveOne(q).call, Fails(EAGAIN));
    Fill(q);
    Setup(CALL(mq_unlink(name.c_str())));
  }
}

IPC_TEST(MqCreate, BitsOfModeBeyondThePermissions, clause::mq_open::create_mode_other_bits) {
  const struct {
    const char* key;
    mode_t bits;
  } kBits[] = {{"S_ISUID", S_ISUID}, {"S_IFIFO", S_IFIFO}};
  for (const auto& row : kBits) {
    const UniqueName name = UniqueName::Mq();
    mq_attr attr = Sized(2, 16);
    const CallResult opened = Patiently([&] {
      return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600 | row.bits, &attr));
    });
    const Mqd q(opened);
    Observe(clause::mq_open::create_mode_other_bits, row.key, opened);
  }
}

// As an ordinary user: permission bits bind no privileged one.
CallResult CreateWithoutAccess(const char* name) {
  mq_attr attr = Sized(2, 16);
  const CallResult opened =
      Patiently([&] { return CALL(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0, &attr)); });
  const Mqd q(opened);
  if (opened.ok()) {
    char byte[16];
    EXPECT_THAT(CALL(mq_send(q, "x", 1, 0)), SucceedsWith(0))
        << "through a descriptor that mq_open() gave";
    EXPECT_THAT(CALL(mq_receive(q, byte, sizeof byte, nullptr)), SucceedsWith(1));
  }
  mq_unlink(name);
  return opened;
}

IPC_TEST(MqCreate, ModeThatDeniesTheCreatorsOwnAccess, clause::mq_open::create_mode_vs_own_access) {
  const UniqueName name = UniqueName::Mq();
  CallResult opened;
  if (PermissionsApply()) {
    opened = CreateWithoutAccess(name.c_str());
  } else {
    const auto user = OtherUser();
    if (!user)
      Unsupported(
          "permission bits do not bind this user, and this process cannot become another user");
    Peer other;
    opened = other
                 .start([&] {
                   Become(*user);
                   return CreateWithoutAccess(name.c_str());
                 })
                 .result();
  }
  Observe(clause::mq_open::create_mode_vs_own_access, "O_RDWR|O_CREAT with mode 0", opened);
  EXPECT_THAT(opened, SucceedsOrFailsWith(EACCES));
}

IPC_TEST(MqCreate, ExistingQueueKeepsModeAndAttributes,
         clause::mq_open::create_existing_ignores_mode_and_attr,
         regression::freebsd_existing_queue_attr_checked, regression::zephyr_open_creation_race) {
  Queue q(3, 16);
  Put(q, "kept");
  mq_attr other = Sized(5, 32), above = Sized(LONG_MAX, LONG_MAX);
  for (mq_attr* attr : {&other, &above, static_cast<mq_attr*>(nullptr)}) {
    const CallResult opened = CALL(mq_open(q.name(), O_RDWR | O_CREAT, 0777, attr));
    const Mqd again(opened);
    EXPECT_THAT(opened, Succeeds()) << "attr should have no effect";
    if (!opened.ok()) continue;
    EXPECT_EQ(AttributesOf(again).mq_maxmsg, 3);
    EXPECT_EQ(AttributesOf(again).mq_msgsize, 16);
  }
  EXPECT_EQ(AttributesOf(q).mq_maxmsg, 3);
  EXPECT_EQ(AttributesOf(q).mq_msgsize, 16);
  EXPECT_EQ(CountOf(q), 1);
  // The permissions stay too; for this somebody whom they bind is needed.
  const auto user = OtherUser();
  if (!user) return;
  const char* name = q.name();
  Peer stranger;
  EXPECT_THAT(stranger
                  .start([=] {
                    Become(*user);
                    return CALL(mq_open(name, O_RDONLY));
                  })
                  .result(),
              Fails(EACCES));
}

IPC_TEST(MqCreate, InvalidAttributesForAnExistingQueue,
         clause::mq_open::create_existing_with_invalid_attr) {
  Queue q(3, 16);
  Put(q, "kept", 2);
  for (const mq_attr& bad : {Sized(0, 16), Sized(3, -1)}) {
    mq_attr attr = bad;
    const CallResult opened = CALL(mq_open(q.name(), O_RDWR | O_CREAT, 0600, &attr));
    const Mqd again(opened);
    Observe(clause::mq_open::create_existing_with_invalid_attr,
            bad.mq_maxmsg <= 0 ? "mq_maxmsg 0" : "mq_msgsize -1", opened);
    EXPECT_THAT(opened, SucceedsOrFailsWith(EINVAL));
  }
  EXPECT_EQ(AttributesOf(q).mq_maxmsg, 3);
  EXPECT_EQ(AttributesOf(q).mq_msgsize, 16);
  EXPECT_EQ(Drain(q), (Messages{{"kept", 2}}));
}

IPC_TEST(MqCreate, NullAttributesGiveUsableDefaults, clause::mq_open::create_attr_null_defaults,
         regression::linux_default_attributes_are_maximum, regression::zephyr_open_creation_race) {
  const UniqueName name = UniqueName::Mq();
  const CallResult opened = Patiently([&] {
    return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600,
                        static_cast<mq_attr*>(nullptr)));
  });
  const Mqd q(opened);
  EXPECT_THAT(opened, Succeeds());
  if (!opened.ok()) return;
  const mq_attr attr = AttributesOf(q);
  Observe(clause::mq_open::create_attr_null_defaults, "mq_maxmsg", attr.mq_maxmsg);
  Observe(clause::mq_open::create_attr_null_defaults, "mq_msgsize", attr.mq_msgsize);
  ASSERT_GT(attr.mq_maxmsg, 0);
  ASSERT_GT(attr.mq_msgsize, 0);
  const std::string message(static_cast<std::size_t>(attr.mq_msgsize), 'm');
  const long tried = std::min(attr.mq_maxmsg, 100000L);  // a default may be huge elsewhere
  for (long i = 0; i < tried; ++i)
    ASSERT_THAT(CALL(mq_send(q, message.data(), message.size(), 0)), SucceedsWith(0)) << i;
  if (tried == attr.mq_maxmsg) {
    EXPECT_THAT(CALL(mq_send(q, message.data(), message.size(), 0)), Fails(EAGAIN));
  }
}

IPC_TEST(MqCreate, AttributesAreTheValuesPassed, clause::mq_open::create_attr_values_applied,
         regression::glibc_bz31917, regression::musl_x32_mq_attr_layout) {
  for (const auto& [maxmsg, msgsize] : {std::pair{1L, 1L}, {1L, 777L}, {7L, 1L}, {5L, 33L}}) {
    const UniqueName name = UniqueName::Mq();
    const Mqd q = CreateQueue(name.c_str(), maxmsg, msgsize);
    const mq_attr attr = AttributesOf(q);
    EXPECT_EQ(attr.mq_maxmsg, maxmsg);
    EXPECT_EQ(attr.mq_msgsize, msgsize);
    NoteChecks();
  }
}

IPC_TEST(MqCreate, FlagsAndCountOfTheAttributesAreIgnored,
         clause::mq_open::create_attr_flags_and_curmsgs_ignored) {
  const struct {
    long flags, count;
    int oflag;
  } kRows[] = {{O_NONBLOCK, 5, 0}, {-1, -1, 0}, {LONG_MAX, LONG_MAX, 0}, {0, 3, O_NONBLOCK}};
  for (const auto& row : kRows) {
    const UniqueName name = UniqueName::Mq();
    mq_attr attr = Sized(3, 16);
    attr.mq_flags = row.flags;
    attr.mq_curmsgs = row.count;
    const CallResult opened = Patiently([&] {
      return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | row.oflag, 0600, &attr));
    });
    const Mqd q(opened);
    EXPECT_THAT(opened, Succeeds()) << "mq_flags " << row.flags << ", mq_curmsgs " << row.count;
    if (!opened.ok()) continue;
    EXPECT_EQ(IsNonblocking(q), row.oflag == O_NONBLOCK);
    EXPECT_EQ(CountOf(q), 0);
  }
}

IPC_TEST(MqCreate, TakesMaxmsgMessagesOfMsgsizeBytes, clause::mq_open::create_capacity_honoured) {
  for (const bool distinct : {false, true}) {
    for (const auto& [maxmsg, msgsize] : {std::pair{1L, 1L}, {4L, 64L}, {10L, 100L}}) {
      const UniqueName name = UniqueName::Mq();
      const Mqd q = CreateQueue(name.c_str(), maxmsg, msgsize, O_RDWR | O_NONBLOCK);
      const std::string message(static_cast<std::size_t>(msgsize), 'm');
      for (long i = 0; i < maxmsg; ++i) {
        EXPECT_THAT(CALL(mq_send(q, message.data(), message.size(),
                                 distinct ? static_cast<unsigned>(i) : 0)),
                    SucceedsWith(0))
            << "message " << i + 1 << " of " << maxmsg;
      }
      EXPECT_THAT(CALL(mq_send(q, message.data(), message.size(), 0)), Fails(EAGAIN))
          << maxmsg << " x " << msgsize;
      EXPECT_THAT(ReceiveOne(q).call, SucceedsWith(msgsize));
      EXPECT_THAT(CALL(mq_send(q, message.data(), message.size(), 0)), SucceedsWith(0));
    }
  }
}

IPC_TEST(MqCreate, ExclusiveCreationOfAnExistingNameFails,
         clause::mq_open::create_excl_existing_eexist) {
  Queue q(3, 16);
  Put(q, "kept", 4);
  mq_attr other = Sized(5, 32);
  for (mq_attr* attr : {static_cast<mq_attr*>(nullptr), &other}) {
    for (int mode : {O_RDONLY, O_WRONLY, O_RDWR}) {
      const CallResult opened = CALL(mq_open(q.name(), mode | O_CREAT | O_EXCL, 0600, attr));
      const Mqd again(opened);
      EXPECT_THAT(opened, Fails(EEXIST));
    }
  }
  // Attributes that could not be of a new queue are an error as well.
  mq_attr invalid = Sized(0, 16);
  EXPECT_THAT(CALL(mq_open(q.name(), O_RDWR | O_CREAT | O_EXCL, 0600, &invalid)),
              FailsWithAnyOf(EEXIST, EINVAL));
  EXPECT_EQ(AttributesOf(q).mq_maxmsg, 3);
  EXPECT_EQ(AttributesOf(q).mq_msgsize, 16);
  const Mqd same(q.OpenAgain(O_RDONLY));
  EXPECT_EQ(Drain(same), (Messages{{"kept", 4}}));
}

// Races of mq_open(): this many processes and threads start each round together.
constexpr int kProcesses = 3, kThreads = 3, kRacers = kProcesses + kThreads, kRounds = 12;

// Runs `racer(number)` in processes and threads and waits for their ends.
void Race(const std::function<void(unsigned)>& racer) {
  std::vector<Peer> processes(kProcesses);
  std::vector<ThreadPeer> threads(kThreads);
  std::vector<Call> calls;
  unsigned number = 0;
  for (Peer& peer : processes) calls.push_back(peer.start([&racer, n = number++] { racer(n); }));
  for (ThreadPeer& peer : threads)
    calls.push_back(peer.start([&racer, n = number++] { racer(n); }));
  for (const Call& call : calls) {
    const CallResult end = call.result(10s);
    if (!end.returned()) Unresolved("a racer did not come to its end: " + Describe(end));
  }
}

struct Tally {
  std::atomic<int> won, lost, odd, error;
};

IPC_TEST(MqCreate, ExclusiveCreationHasOneWinner, clause::mq_open::create_excl_atomic,
         regression::zephyr_open_creation_race) {
  std::vector<UniqueName> names;
  for (int i = 0; i < kRounds; ++i) names.push_back(UniqueName::Mq());
  Shared<std::array<Tally, kRounds>> tallies;
  Shared<StartLine> start;
  Race([&](unsigned) {
    for (int round = 0; round < kRounds; ++round) {
      Tally& tally = (*tallies)[static_cast<std::size_t>(round)];
      mq_attr attr = Sized(1, 8);
      start->Wait(kRacers);
      const char* const name = names[static_cast<std::size_t>(round)].c_str();
      const CallResult opened =
          Patiently([&] { return CALL(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr)); });
      const Mqd q(opened);
      if (opened.ok()) {
        tally.won.fetch_add(1);
      } else if (opened.failed_with(EEXIST)) {
        tally.lost.fetch_add(1);
      } else {
        tally.odd.fetch_add(1);
        tally.error.store(opened.error);
      }
    }
  });
  for (const Tally& tally : *tallies) {
    const int error = tally.error.load();
    EXPECT_EQ(tally.won.load(), 1);
    EXPECT_EQ(tally.lost.load(), kRacers - 1) << "another error: " << ErrnoName(error);
    NoteChecks();
  }
}

IPC_TEST(MqCreate, RacingCreatorsGetOneQueue, clause::mq_open::create_plain_creat_race_one_object) {
  NeedSize(kRacers, 8);
  std::vector<UniqueName> names;
  for (int i = 0; i < kRounds; ++i) names.push_back(UniqueName::Mq());
  Shared<StartLine> start;
  Race([&](unsigned number) {
    const char tag = static_cast<char>('0' + number);
    for (const UniqueName& name : names) {
      mq_attr attr = Sized(kRacers, 8);
      start->Wait(kRacers);
      const CallResult opened = Patiently([&] {
        return CALL(mq_open(name.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK, 0600, &attr));
      });
      const Mqd q(opened);
      EXPECT_THAT(opened, Succeeds());
      EXPECT_THAT(CALL(mq_send(q, &tag, 1, 0)), SucceedsWith(0));
    }
  });
  for (const UniqueName& name : names) {
    const Mqd q(Setup(CALL(mq_open(name.c_str(), O_RDONLY))));
    std::string tags;
    for (const Message& message : Drain(q)) tags += message.text;
    std::sort(tags.begin(), tags.end());
    EXPECT_EQ(tags, std::string("0123456789").substr(0, kRacers));
  }
}

IPC_TEST(MqCreate, SizesThatAreNotPositiveAreInvalid,
         clause::mq_open::create_nonpositive_attr_einval) {
  for (long bad : {0L, -1L, LONG_MIN}) {
    for (const bool first : {true, false}) {
      const UniqueName name = UniqueName::Mq();
      mq_attr attr = first ? Sized(bad, 16) : Sized(2, bad);
      const CallResult opened =
          Patiently([&] { return CALL(mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attr)); });
      const Mqd q(opened);
      EXPECT_THAT(opened, Fails(EINVAL)) << (first ? "mq_maxmsg " : "mq_msgsize ") << bad;
      const CallResult after = CALL(mq_open(name.c_str(), O_RDWR));
      const Mqd none(after);
      EXPECT_THAT(after, Fails(ENOENT)) << "a failed creation left a queue";
    }
  }
}

// A size above the system's limit, as an ordinary user, where the system has such a limit.
IPC_TEST(MqCreate, WithoutPrivilegeForTheSizeNothingIsCreated,
         clause::mq_open::create_no_privilege_creates_nothing) {
  const UniqueName name = UniqueName::Mq();
  const char* const text = name.c_str();
  const auto attempt = [text] {
    mq_attr attr = Sized(1L << 30, 16);
    const CallResult opened = CALL(mq_open(text, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
    const Mqd q(opened);
    return opened;
  };
  const auto user = OtherUser();
  Peer other;
  const CallResult opened = other
                                .start([&] {
                                  if (user) Become(*user);
                                  return attempt();
                                })
                                .result();
  if (opened.ok())
    Unsupported("no limit: a queue of 2^30 messages could be created by an ordinary user");
  if (opened.failed_with(ENOSYS)) Unsupported("mq_open() is absent here (ENOSYS)");
  Observe(clause::mq_open::create_no_privilege_creates_nothing, "mq_maxmsg of 2^30", opened);
  // No errno is prescribed; that it fails and leaves nothing is.
  EXPECT_EQ(opened.fate, Fate::kReturned);
  const CallResult after = CALL(mq_open(text, O_RDWR));
  const Mqd none(after);
  EXPECT_THAT(after, Fails(ENOENT));
}

}  // namespace
}  // namespace ipcsuite::mqueue_suite
