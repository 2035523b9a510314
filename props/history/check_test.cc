// The checker tested by itself: what is right by construction is accepted, each way to spoil it is
// refused, and on small histories it agrees with the definition.
#include "props/history/check.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "props/history/brute.h"
#include "props/history/generate.h"
#include "props/history/linearize.h"
#include "props/model/queue.h"
#include "props/model/toy.h"

namespace ipcsuite::props {
namespace {

TEST(CheckHistory, AcceptsRightQueueHistories) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    GenerateOptions options;
    options.seed = seed;
    options.processes = 1 + seed % 8;
    options.ops_per_process = 1 + seed % 60;
    options.max_messages = 1 + seed % 12;
    options.priorities = 1 + static_cast<std::uint32_t>(seed % 5);
    const CheckResult result = CheckHistory(GenerateQueueHistory(options));
    ASSERT_EQ(result.verdict, HistoryVerdict::kValid) << "seed " << seed << "\n"
                                                      << result.explanation;
  }
}

TEST(CheckHistory, AcceptsRightQueueHistoriesWithBlockedReceivers) {
  int blocked = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    GenerateOptions options;
    options.seed = seed;
    options.processes = 5;
    options.ops_per_process = 12;
    options.max_messages = 3;
    options.leave_blocked = true;
    options.drain = false;
    const History history = GenerateQueueHistory(options);
    for (const Op& op : history.ops) blocked += op.fate == Fate::kBlocked;
    const CheckResult result = CheckHistory(history);
    ASSERT_EQ(result.verdict, HistoryVerdict::kValid) << "seed " << seed << "\n"
                                                      << result.explanation;
  }
  EXPECT_GT(blocked, 20);
}

TEST(CheckHistory, AcceptsRightQueueHistoriesWithKilledProcesses) {
  int killed = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    GenerateOptions options;
    options.seed = seed;
    options.processes = 6;
    options.ops_per_process = 40;
    options.max_messages = 5;
    options.kills = 0.02;
    const History history = GenerateQueueHistory(options);
    for (const Op& op : history.ops) killed += op.fate == Fate::kKilled;
    const CheckResult result = CheckHistory(history);
    ASSERT_EQ(result.verdict, HistoryVerdict::kValid) << "seed " << seed << "\n"
                                                      << result.explanation;
  }
  EXPECT_GT(killed, 100);
}

TEST(CheckHistory, AcceptsRightPipeHistories) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    GenerateOptions options;
    options.seed = seed;
    options.processes = 2 + seed % 5;
    options.ops_per_process = 40;
    options.kills = seed % 2 == 0 ? 0.01 : 0;
    const CheckResult result = CheckHistory(GeneratePipeHistory(options));
    ASSERT_EQ(result.verdict, HistoryVerdict::kValid) << "seed " << seed << "\n"
                                                      << result.explanation;
  }
}

class RefusesMutation : public testing::TestWithParam<int> {};

// Every spoilt history is refused, and the class of mutation is tried often enough.
TEST_P(RefusesMutation, Always) {
  const auto mutation = static_cast<Mutation>(GetParam());
  int tried = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    GenerateOptions options;
    options.seed = seed;
    options.processes = 4;
    options.ops_per_process = 30;
    options.max_messages = 2 + seed % 9;
    options.failures = 0.3;
    const History history =
        mutation == Mutation::kSplit ? GeneratePipeHistory(options) : GenerateQueueHistory(options);
    const std::optional<History> spoilt = Mutate(history, mutation, seed);
    if (!spoilt.has_value()) continue;
    ++tried;
    const CheckResult result = CheckHistory(*spoilt);
    EXPECT_EQ(result.verdict, HistoryVerdict::kInvalid)
        << Name(mutation) << ", seed " << seed << " " << result.explanation;
    EXPECT_FALSE(result.offending.empty());
    EXPECT_FALSE(result.explanation.empty());
  }
  EXPECT_GE(tried, 15) << Name(mutation);
}

INSTANTIATE_TEST_SUITE_P(CheckHistory, RefusesMutation,
                         testing::Range(0, static_cast<int>(Mutation::kCount)));

// A few operations of three processes with random times and random outcomes: right or wrong.
History SmallHistory(std::mt19937_64& random, const std::vector<Call>& calls, int values) {
  History history;
  const int processes = 2 + static_cast<int>(random() % 2);
  std::uint64_t ticket = 0;
  std::vector<Op> open(static_cast<std::size_t>(processes));
  std::uint64_t next_value = 0;
  std::vector<bool> busy(open.size()), dead(open.size());
  const std::size_t count = 4 + random() % 4;
  while (history.ops.size() < count) {
    const std::size_t p = random() % open.size();
    if (dead[p]) {
      if (std::find(dead.begin(), dead.end(), false) == dead.end()) break;
      continue;
    }
    if (!busy[p]) {
      Op& op = open[p] = Op{};
      op.process = static_cast<std::uint16_t>(p);
      op.call = calls[random() % calls.size()];
      op.value = IsSend(op.call) ? ++next_value : random() % static_cast<std::uint64_t>(values);
      op.priority = static_cast<std::uint32_t>(random() % 2);
      op.amount = IsSend(op.call) ? 1 : 0;
      op.result = IsReceive(op.call) ? 1 : 0;
      if (IsReceive(op.call) && random() % 4 == 0) {
        op.flags = kNonblock;
        op.error = EAGAIN;
        op.result = -1;
      }
      op.invoke = ++ticket;
      busy[p] = true;
    } else {
      open[p].ret = ++ticket;
      if (random() % 12 == 0) {
        open[p].fate = Fate::kKilled;
        dead[p] = true;
      }
      history.ops.push_back(open[p]);
      busy[p] = false;
    }
  }
  for (std::size_t p = 0; p < open.size(); ++p) {
    if (!busy[p] || random() % 2 == 0) continue;
    open[p].fate = random() % 2 == 0 ? Fate::kBlocked : Fate::kUnknown;
    open[p].flags = 0;
    history.ops.push_back(open[p]);
  }
  SortByInvoke(history.ops);
  return history;
}

template <class M>
void Agree(const M& model, const std::vector<Call>& calls, int values, int histories) {
  std::mt19937_64 random(12345);
  int right = 0;
  for (int i = 0; i < histories; ++i) {
    const History history = SmallHistory(random, calls, values);
    ASSERT_EQ(FindDefect(history), "");
    const bool expected = LinearizableByBruteForce(model, history.ops);
    const LinearizeOptions options;
    const Linearization found = Linearizer(model, history.ops, options).Run();
    std::string text;
    for (const Op& op : history.ops) {
      text += Describe(op) + " " + std::to_string(op.invoke) + ".." + std::to_string(op.ret) + "\n";
    }
    ASSERT_EQ(found.decision == Decision::kLinearizable, expected) << text;
    right += expected;
  }
  // Both answers must have occurred often.
  EXPECT_GT(right, histories / 50);
  EXPECT_LT(right, histories - histories / 50);
}

TEST(CheckHistory, AgreesWithBruteForceOnRegisters) {
  Agree(RegisterModel(), {Call::kToySet, Call::kToyGet}, 3, 4000);
}
TEST(CheckHistory, AgreesWithBruteForceOnStacks) {
  Agree(StackModel(), {Call::kToyPush, Call::kToyPop}, 2, 4000);
}
TEST(CheckHistory, AgreesWithBruteForceOnCoins) {
  Agree(CoinModel(), {Call::kToySet, Call::kToyGet, Call::kToyGet}, 3, 4000);
}
TEST(CheckHistory, AgreesWithBruteForceOnQueues) {
  QueueModel::Config config;
  config.max_messages = 2;
  Agree(QueueModel(config), {Call::kMqSend, Call::kMqReceive}, 4, 20000);
}

// What the rules refuse, the definition refuses: they never condemn a right history.
TEST(CheckHistory, RulesNeverCondemnARightHistory) {
  std::mt19937_64 random(777);
  int condemned = 0;
  QueueModel::Config config;
  config.max_messages = 3;
  for (int i = 0; i < 20000; ++i) {
    History history = SmallHistory(random, {Call::kMqSend, Call::kMqReceive}, 4);
    if (CheckQueueRules(history.ops, false).empty()) continue;
    ++condemned;
    // Lengths are not part of the model; everything else is.
    ASSERT_FALSE(LinearizableByBruteForce(QueueModel(config), history.ops));
  }
  EXPECT_GT(condemned, 1000);
}

TEST(CheckHistory, GivesUpAsUnresolvedNotAsValid) {
  GenerateOptions options;
  options.ops_per_process = 200;
  CheckOptions few;
  few.max_steps = 10;
  const CheckResult result = CheckHistory(GeneratePipeHistory(options), few);  // needs the search
  EXPECT_EQ(result.verdict, HistoryVerdict::kUnresolved);
  EXPECT_EQ(result.reason, "out of budget");
}

TEST(CheckHistory, SaysWhyItIsNotAHistory) {
  History history = GenerateQueueHistory({});
  history.ops[3].ret = history.ops[3].invoke;
  EXPECT_EQ(CheckHistory(history).verdict, HistoryVerdict::kUnresolved);
  EXPECT_EQ(CheckHistory(history).reason, "not a history");
  history = GenerateQueueHistory({});
  history.model.name = "teapot";
  EXPECT_EQ(CheckHistory(history).reason, "not a history");
}

TEST(CheckHistory, EmptyHistoryIsValid) {
  EXPECT_EQ(CheckHistory({}).verdict, HistoryVerdict::kValid);
}

}  // namespace
}  // namespace ipcsuite::props
