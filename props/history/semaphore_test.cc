// Histories of semaphores: the search agrees with the definition, the rules never condemn a right
// history, and each of them finds what it is for.
#include "props/history/semaphore.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>

#include "props/history/brute.h"
#include "props/history/check.h"
#include "props/history/file.h"
#include "props/model/semaphore.h"

namespace ipcsuite::props {
namespace {

// The outcome of one call, drawn at random: right or wrong.
Op RandomOp(std::mt19937_64& random) {
  static constexpr Call kCalls[] = {Call::kSemPost, Call::kSemWait, Call::kSemTryWait,
                                    Call::kSemTimedWait, Call::kSemValue};
  Op op;
  op.call = kCalls[random() % 5];
  if (op.call == Call::kSemTryWait && random() % 2 == 0) op.error = EAGAIN;
  if (op.call == Call::kSemTimedWait && random() % 2 == 0) op.error = ETIMEDOUT;
  if (op.call == Call::kSemValue) op.value = random() % 3;
  return op;
}

History SmallHistory(std::mt19937_64& random) {
  History history;
  history.model.name = "semaphore";
  history.model.initial_value = random() % 2;
  const std::size_t processes = 2 + random() % 2;
  std::vector<Op> open(processes);
  std::vector<bool> busy(processes), dead(processes);
  std::uint64_t ticket = 0;
  for (std::size_t steps = 8 + random() % 8; steps > 0; --steps) {
    const std::size_t p = random() % processes;
    if (dead[p]) continue;
    if (busy[p]) {
      open[p].ret = ++ticket;
      if (random() % 12 == 0) open[p].fate = Fate::kKilled, dead[p] = true;
      history.ops.push_back(open[p]);
    } else {
      open[p] = RandomOp(random);
      open[p].process = static_cast<std::uint16_t>(p);
      open[p].invoke = ++ticket;
    }
    busy[p] = !busy[p];
  }
  for (std::size_t p = 0; p < processes; ++p) {
    if (!busy[p] || dead[p] || random() % 2 == 0) continue;
    open[p].fate = random() % 2 == 0 ? Fate::kBlocked : Fate::kUnknown;
    open[p].error = 0;
    history.ops.push_back(open[p]);
  }
  SortByInvoke(history.ops);
  return history;
}

TEST(SemaphoreHistory, SearchAgreesWithBruteForceAndRulesNeverCondemnARightOne) {
  std::mt19937_64 random(4711);
  int right = 0, condemned = 0;
  for (int i = 0; i < 20000; ++i) {
    const History history = SmallHistory(random);
    ASSERT_EQ(FindDefect(history), "");
    SemModel::Config config;
    config.initial = history.model.initial_value;
    const bool expected = LinearizableByBruteForce(SemModel(config), history.ops);
    const bool broken = !CheckSemaphoreRules(history.ops, config.initial, false).empty();
    const CheckResult found = CheckHistory(history);
    ASSERT_EQ(found.verdict == HistoryVerdict::kValid, expected) << WriteHistory(history);
    ASSERT_FALSE(broken && expected) << WriteHistory(history);
    right += expected;
    condemned += broken;
  }
  EXPECT_GT(right, 2000);
  EXPECT_GT(condemned, 5000);
}

// What CheckHistory() says of these lines after a header.
std::string ReasonOf(const std::string& lines, bool drained = true) {
  std::string error;
  const History history = ReadHistory(
      std::string("{\"ipcsuite_history\":1,\"model\":\"semaphore\",\"initial_value\":1,") +
          "\"drained\":" + (drained ? "true" : "false") + "}\n" + lines,
      error);
  EXPECT_EQ(error, "");
  const CheckResult result = CheckHistory(history);
  return result.verdict == HistoryVerdict::kValid ? "valid" : result.reason;
}

constexpr char kTakes[] = R"({"p":0,"call":"sem_wait","invoke":1,"return":2})";
constexpr char kPosts[] = R"({"p":1,"call":"sem_post","invoke":3,"return":4})";
constexpr char kEmpty[] = R"({"p":2,"call":"sem_trywait","error":"EAGAIN","invoke":9,"return":10})";

TEST(SemaphoreHistory, EachRuleFindsWhatItIsFor) {
  const std::string takes = std::string(kTakes) + "\n", posts = std::string(kPosts) + "\n";
  EXPECT_EQ(ReasonOf(takes + kEmpty), "valid");
  EXPECT_EQ(ReasonOf(kEmpty), "false empty");
  EXPECT_EQ(ReasonOf(takes + R"({"p":0,"call":"sem_wait","invoke":5,"return":6})"), "thin air");
  EXPECT_EQ(ReasonOf(takes + posts + R"({"p":0,"call":"sem_getvalue","invoke":5,"return":6})"),
            "wrong count");
  EXPECT_EQ(ReasonOf(takes + R"({"p":0,"call":"sem_getvalue","value":1,"invoke":5,"return":6})"),
            "wrong count");
  EXPECT_EQ(ReasonOf(takes + posts), "lost");
  EXPECT_EQ(ReasonOf(takes + posts, false), "valid");
  EXPECT_EQ(ReasonOf(takes + R"({"p":0,"call":"sem_timedwait","error":"ETIMEDOUT","early_ns":5,)"
                             R"("invoke":5,"return":6})"),
            "early time-out");
  EXPECT_EQ(
      ReasonOf(takes + posts + R"({"p":0,"call":"sem_wait","invoke":5,"fate":"blocked"})", false),
      "stuck");
}

// One token for each killed waiter may be gone, and no more.
TEST(SemaphoreHistory, AKilledWaiterTakesOneTokenAtMost) {
  const std::string killed = R"({"p":0,"call":"sem_wait","invoke":1,"fate":"killed"})";
  const std::string post = "\n" + std::string(kPosts);
  EXPECT_EQ(ReasonOf(killed + "\n" + kEmpty), "valid");
  EXPECT_EQ(ReasonOf(killed + post), "lost");
}

}  // namespace
}  // namespace ipcsuite::props
