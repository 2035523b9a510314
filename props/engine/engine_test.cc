// The engines tested on platforms that are wrong on purpose: each fault is found, shrunk, and found
// again by replaying what was shrunk; without a fault nothing is found.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/core/names.h"
#include "props/engine/convict.h"
#include "props/engine/explore.h"
#include "props/engine/lockstep.h"
#include "props/engine/outcome.h"
#include "props/engine/pipe_target.h"
#include "props/engine/property.h"
#include "props/engine/queue_target.h"
#include "props/engine/seeds.h"
#include "props/engine/sequential.h"
#include "props/properties/pipe_domain.h"
#include "props/properties/queue_domain.h"
#include "props/properties/races.h"

namespace ipcsuite::props {
namespace {

constexpr long kRoom = 10;
constexpr long kLength = 64;

enum class Fault {
  kNone,
  kLose,
  kDuplicate,
  kTieSwap,
  kWrongCount,
  kLostWakeup,
  kSleepsElsewhere,
  kDies,
  kEarlyTimeout,
  kLateTimer
};

// A library whose mq_receive() sleeps in another system call than one knows.
struct Library {
  static ssize_t mq_receive() {
    for (;;) pause();
  }
};

// A queue with a fault in every `every`-th operation of the kind concerned.
class FaultyQueue : public QueueTarget {
 public:
  FaultyQueue(int processes, Fault fault, int every)
      : QueueTarget(processes, kRoom, kLength), fault_(fault), every_(every) {
    mq_attr attributes{};
    attributes.mq_maxmsg = 1;
    attributes.mq_msgsize = kLength;
    const UniqueName name = UniqueName::Mq();
    nowhere_ = mq_open(name.c_str(), O_RDWR | O_CREAT, 0600, &attributes);
    mq_unlink(name.c_str());
  }
  ~FaultyQueue() override { mq_close(nowhere_); }

  void Perform(Op& op, unsigned char* bytes) override {
    if (IsSend(op.call)) return Send(op, bytes);
    if (IsReceive(op.call)) return Receive(op, bytes);
    QueueTarget::Perform(op, bytes);
    if (fault_ == Fault::kWrongCount && op.call == Call::kMqCount && Due()) ++op.value;
  }

 private:
  bool Due() { return ++count_ % every_ == 0; }

  void Send(Op& op, unsigned char* bytes) {
    if (fault_ == Fault::kLose && !op.Has(kNonblock) && Due()) {
      op.amount = MessageLength(op.value, kLength);
      op.result = 0;
      return;
    }
    QueueTarget::Perform(op, bytes);
    if (fault_ == Fault::kDuplicate && op.Ok() && Due()) {
      Op again = op;
      again.call = Call::kMqSend;
      again.flags = kNonblock;
      QueueTarget::Perform(again, bytes);
    }
  }

  void Receive(Op& op, unsigned char* bytes) {
    if (held_.has_value()) {
      op.value = held_->value;
      op.priority = held_->priority;
      op.result = held_->result;
      op.error = 0;
      held_.reset();
      return;
    }
    if (fault_ == Fault::kDies && Due()) raise(SIGTERM);
    const bool sleeps = fault_ == Fault::kLostWakeup || fault_ == Fault::kSleepsElsewhere;
    if (sleeps && op.flags == 0 && Due()) {
      char buffer[kLength];
      unsigned priority = 0;
      Op probe = op;
      probe.call = Call::kMqReceive;
      probe.flags = kNonblock;
      QueueTarget::Perform(probe, bytes);
      if (probe.error == EAGAIN && fault_ == Fault::kSleepsElsewhere) {
        CALL(Library::mq_receive());
      } else if (probe.error == EAGAIN) {  // sleeps where nobody wakes it
        CALL(mq_receive(nowhere_, buffer, sizeof buffer, &priority));
      }
      op = probe;
      op.flags = 0;
      return;
    }
    if (fault_ == Fault::kEarlyTimeout && op.Has(kNearDeadline)) {
      Op probe = op;
      probe.flags = kPastDeadline;
      QueueTarget::Perform(probe, bytes);
      probe.flags = op.flags;
      probe.early_ns = probe.error == ETIMEDOUT ? 100'000 : 0;
      op = probe;
      return;
    }
    if (fault_ == Fault::kLateTimer && op.Has(kPastDeadline)) {
      const timespec soon = ToTimespec(nanoseconds(ClockNs(CLOCK_REALTIME)) + 50ms);
      char buffer[kLength];
      CALL(mq_timedreceive(nowhere_, buffer, sizeof buffer, nullptr, &soon));
    }
    QueueTarget::Perform(op, bytes);
    if (fault_ != Fault::kTieSwap || !op.Ok() || !Due()) return;
    Op next = op;
    next.call = Call::kMqReceive;
    next.flags = kNonblock;
    QueueTarget::Perform(next, bytes);
    if (!next.Ok()) return;
    if (next.priority == op.priority) {
      held_ = op;
      op.value = next.value;
      op.result = next.result;
    } else {
      held_ = next;
    }
  }

  Fault fault_;
  int every_;
  int count_ = 0;
  mqd_t nowhere_;
  std::optional<Op> held_;  // a message that came too early
};

CaseOutcome Sequential(const Program& program, Fault fault, int every) {
  FaultyQueue target(1, fault, every);
  target.Enter(0);
  QueueDomain domain(PlatformQueueModel(kRoom, false), {});
  std::vector<unsigned char> bytes(kLength);
  return RunSequential(domain, target, program, bytes.data());
}

CaseOutcome InLockstep(const Program& program, Fault fault, int every) {
  FaultyQueue target(3, fault, every);
  Crew crew(3, target);
  QueueDomain domain(PlatformQueueModel(kRoom, false), {});
  return Lockstep<QueueModel>(domain, crew).Run(program);
}

CaseOutcome Race(const Program& program, Fault fault, int every) {
  FaultyQueue target(4, fault, every);
  return RaceOnQueue(target, program, 3, kRoom, false);
}

// What decides is how many cases are tried, on a busy machine too; shrinking ends when nothing
// smaller fails.
constexpr std::uint64_t kCases = 300;
constexpr double kShrinkSeconds = 90;

// With `cases`: a search that finds nothing, and counts.
std::optional<Failure> Find(const RunProgram& run, double seconds, std::uint64_t* cases = nullptr) {
  ExploreOptions options;
  options.seed = 42;
  options.seconds = seconds;
  if (cases == nullptr) options.min_cases = kCases;
  options.shrink_seconds = kShrinkSeconds;
  options.max_steps = 200;
  return Explore(options, run, [&](const CaseOutcome&) {
    if (cases != nullptr) ++*cases;
  });
}

// Finds the fault, shrinks it to at most `most` operations, and replays what was shrunk. `clause`:
// that it convicts, "": any.
void ExpectFound(const RunProgram& run, std::size_t most, const std::string& clause = "") {
  const std::optional<Failure> failure = Find(run, 20);
  ASSERT_TRUE(failure.has_value());
  EXPECT_LE(failure->outcome.lines.size(), most) << failure->outcome.message;
  const std::optional<Program> again = DecodeProgram(Encode(failure->program));
  ASSERT_TRUE(again.has_value());
  EXPECT_TRUE(run(*again).failed);
  EXPECT_NE(failure->outcome.clause, "") << failure->outcome.message;
  if (!clause.empty()) {
    EXPECT_EQ(failure->outcome.clause, clause) << failure->outcome.message;
  }
}

TEST(SequentialEngine, FindsNothingOnARightPlatform) {
  std::uint64_t cases = 0;
  EXPECT_FALSE(Find([](const Program& p) { return Sequential(p, Fault::kNone, 1); }, 1, &cases));
  EXPECT_GE(cases, 20U);
}
TEST(SequentialEngine, FindsALostMessage) {
  ExpectFound([](const Program& p) { return Sequential(p, Fault::kLose, 7); }, 16);
}
TEST(SequentialEngine, FindsADuplicate) {
  ExpectFound([](const Program& p) { return Sequential(p, Fault::kDuplicate, 7); }, 16);
}
TEST(SequentialEngine, FindsATieThatIsBroken) {
  ExpectFound([](const Program& p) { return Sequential(p, Fault::kTieSwap, 5); }, 24);
}
TEST(SequentialEngine, FindsAWrongCount) {
  ExpectFound([](const Program& p) { return Sequential(p, Fault::kWrongCount, 2); }, 4,
              "mq_getattr.curmsgs.exact_count");
}

TEST(Convict, NamesOneClause) {
  Op received;
  received.call = Call::kMqReceive;
  received.priority = 3;
  QueueState state;
  state.messages = {{.value = 1, .priority = 3}, {.value = 2, .priority = 3}};
  EXPECT_EQ(ConvictedClause(state, received, Wrong::kOutcome),
            "mq_receive.order.oldest_within_priority");
  state.messages.front().priority = 4;
  EXPECT_EQ(ConvictedClause(state, received, Wrong::kOutcome),
            "mq_receive.order.highest_priority_first");
  EXPECT_EQ(ConvictedClause(state, received, Wrong::kStuck),
            "mq_receive.empty.blocks_until_message");
  received.error = EAGAIN;
  EXPECT_EQ(ConvictedClause(received, Wrong::kOutcome), "mq_receive.empty.eagain");
  for (int call = 1; call < static_cast<int>(Call::kToySet); ++call) {
    Op op;
    op.call = static_cast<Call>(call);
    if (op.call == Call::kExit) continue;
    EXPECT_NE(ConvictedClause(op, Wrong::kOutcome), "") << Name(op.call);
  }
}

TEST(LockstepEngine, FindsNothingOnARightPlatform) {
  std::uint64_t cases = 0;
  EXPECT_FALSE(Find([](const Program& p) { return InLockstep(p, Fault::kNone, 1); }, 1, &cases));
  EXPECT_GE(cases, 20U);
}
TEST(LockstepEngine, ATimerThatIsLateIsNotALostWakeup) {
  std::uint64_t cases = 0;
  EXPECT_FALSE(
      Find([](const Program& p) { return InLockstep(p, Fault::kLateTimer, 1); }, 1, &cases));
  EXPECT_GE(cases, 3U);
}
TEST(LockstepEngine, FindsALostWakeup) {
  const RunProgram run = [](const Program& p) { return InLockstep(p, Fault::kLostWakeup, 3); };
  const std::optional<Failure> failure = Find(run, 20);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->outcome.reason, "lost wake-up");
  EXPECT_LE(failure->outcome.lines.size(), 8U) << Join(failure->outcome.lines, "\n");
}
TEST(LockstepEngine, FindsALostWakeupInAnotherSystemCallThanExpected) {
  std::size_t reported = 0;
  Program last;
  ExploreOptions options;
  options.seed = 42;
  options.seconds = 20;
  options.min_cases = kCases;
  options.shrink_seconds = 4;
  options.on_failure = [&](const Failure& failure) {
    ++reported;
    last = failure.program;
  };
  const std::optional<Failure> failure = Explore(
      options, [](const Program& p) { return InLockstep(p, Fault::kSleepsElsewhere, 3); },
      [](const CaseOutcome&) {});
  ASSERT_TRUE(failure.has_value());
  // Or another waiter got the message that this one should have had.
  EXPECT_TRUE(failure->outcome.reason == "lost wake-up" ||
              failure->outcome.reason == "outcome not allowed")
      << failure->outcome.reason;
  EXPECT_GE(reported, 1U);  // immediately, not only when shrunk
  EXPECT_EQ(last, failure->program);
}
TEST(LockstepEngine, FindsAProcessThatDiesInACall) {
  const std::optional<Failure> failure =
      Find([](const Program& p) { return InLockstep(p, Fault::kDies, 3); }, 20);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->outcome.reason, "a process died in its call");
  EXPECT_LE(failure->outcome.lines.size(), 8U) << Join(failure->outcome.lines, "\n");
}
TEST(LockstepEngine, SameProgramSameTrace) {
  ExploreOptions options;
  options.seed = 42;
  options.seconds = 0;
  options.min_cases = 30;
  std::vector<std::uint64_t> first;
  std::vector<std::uint64_t> second;
  for (std::vector<std::uint64_t>* traces : {&first, &second}) {
    Explore(
        options, [](const Program& p) { return InLockstep(p, Fault::kNone, 1); },
        [&](const CaseOutcome& outcome) { traces->push_back(outcome.trace_hash); });
  }
  EXPECT_GE(first.size(), 30U);
  EXPECT_EQ(first, second);
}

std::optional<Failure> FindRacy(const RunProgram& run) {
  ExploreOptions options;
  options.seconds = 20;
  options.min_cases = kCases;
  options.shrink_seconds = 3;
  options.max_steps = 300;
  return ExploreRacy(options, run, [](const CaseOutcome&) {});
}

TEST(FreeEngine, FindsALostMessage) {
  const std::optional<Failure> failure =
      FindRacy([](const Program& p) { return Race(p, Fault::kLose, 20); });
  ASSERT_TRUE(failure.has_value());
  EXPECT_GT(failure->reruns, 0);
  EXPECT_FALSE(failure->outcome.history.empty());
  EXPECT_FALSE(failure->outcome.drawing.empty());
}
TEST(FreeEngine, FindsADuplicate) {
  EXPECT_TRUE(FindRacy([](const Program& p) { return Race(p, Fault::kDuplicate, 20); }));
}
TEST(FreeEngine, FindsAnEarlyTimeout) {
  const std::optional<Failure> failure =
      FindRacy([](const Program& p) { return Race(p, Fault::kEarlyTimeout, 1); });
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->outcome.reason, "early time-out");
}
TEST(FreeEngine, FindsALostWakeup) {
  EXPECT_TRUE(FindRacy([](const Program& p) { return Race(p, Fault::kLostWakeup, 9); }));
}

// A pipe that cuts atomic writes in two, with a pause where others may come between.
class SplittingPipe : public PipeTarget {
 public:
  explicit SplittingPipe(const Ends& ends) : PipeTarget(ends) {}
  void Perform(Op& op, unsigned char* bytes) override {
    if (op.call != Call::kWrite) return PipeTarget::Perform(op, bytes);
    std::vector<unsigned char> record(op.amount);
    FillWrite(op, record.data());
    const std::size_t half = op.amount / 2;
    const ssize_t first = write(write_end(), record.data(), half);
    sched_yield();
    const ssize_t second = write(write_end(), record.data() + half, op.amount - half);
    op.result = first + second;
  }
};

TEST(FreeEngine, FindsAWriteThatIsSplitUnderContention) {
  const std::optional<Failure> failure = FindRacy([](const Program& p) {
    SplittingPipe target({1, 0b1110});
    return RaceOnPipe(target, p, 4, false);
  });
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->outcome.reason, "torn");
}

TEST(SeedFile, KeepsFailuresAndForgetsWhatPassesOften) {
  const std::string path = testing::TempDir() + "ipcsuite-seeds-test/failing";
  unlink(path.c_str());
  SeedFile file(path);
  std::string why;
  const Program program = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  ASSERT_TRUE(file.Failed("A.B", program, why)) << why;
  ASSERT_TRUE(file.Failed("A.C", {{9, 9, 9, 9}}, why)) << why;
  ASSERT_EQ(file.Load("A.B").size(), 1U);
  EXPECT_EQ(file.Load("A.B")[0].program, program);
  for (int i = 0; i < SeedFile::kPassesToForget; ++i) {
    EXPECT_EQ(file.Load("A.B").size(), 1U);
    file.Passed("A.B", program);
  }
  EXPECT_TRUE(file.Load("A.B").empty());
  EXPECT_EQ(file.Load("A.C").size(), 1U);
  for (std::uint8_t i = 0; i < 20; ++i) ASSERT_TRUE(file.Failed("A.D", {{i, 0, 0, 0}}, why));
  EXPECT_EQ(file.Load("A.D").size(), SeedFile::kMaxPerProperty);
}

TEST(SeedFile, SaysWhyItCannotKeep) {
  SeedFile nowhere("");
  std::string why;
  EXPECT_FALSE(nowhere.Failed("A.B", {}, why));
  EXPECT_FALSE(why.empty());
  SeedFile unwritable("/proc/nowhere/seeds");
  EXPECT_FALSE(unwritable.Failed("A.B", {}, why));
  EXPECT_TRUE(unwritable.Load("A.B").empty());
}

TEST(Program, TextIsReadBackAndNonsenseIsNot) {
  const Program program = {{1, 255, 65535, 0}, {0, 0, 0, 1}};
  EXPECT_EQ(DecodeProgram(Encode(program)), program);
  EXPECT_EQ(DecodeProgram(""), Program{});
  EXPECT_FALSE(DecodeProgram("12345").has_value());
  EXPECT_FALSE(DecodeProgram("zzzzzzzzzzzz").has_value());
}

TEST(Vacuity, NamesWhatWasNotSeen) {
  PropertySpec spec;
  spec.needed = {{Call::kMqSend, 2}};
  spec.needed_waits = 1;
  PropertyStats stats;
  EXPECT_NE(Vacuity(spec, stats).find("mq_send"), std::string::npos);
  CaseOutcome outcome;
  Op op;
  op.call = Call::kMqSend;
  outcome.Count(op);
  outcome.Count(op);
  stats.Add(outcome);
  EXPECT_NE(Vacuity(spec, stats).find("waits"), std::string::npos);
  outcome.waits = 1;
  stats.Add(outcome);
  EXPECT_EQ(Vacuity(spec, stats), "");
}

}  // namespace
}  // namespace ipcsuite::props
