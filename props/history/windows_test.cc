// Windows decide what the whole history decides: right histories are valid whatever the size of the
// windows, each fault that is planted in one is found, and where a state is not known nothing is
// cut.
#include "props/history/windows.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

#include "props/history/generate.h"

namespace ipcsuite::props {
namespace {

CheckResult Decide(const History& history, std::size_t least_ops, std::size_t* largest = nullptr) {
  WindowedCheck check(history.model, {}, {.least_ops = least_ops, .threads = 2});
  for (const Op& op : history.ops) {
    if (!check.Add(op)) break;
  }
  CheckResult result = check.Finish();
  if (largest != nullptr) *largest = check.largest();
  return result;
}

History Random(std::uint64_t seed, double kills = 0) {
  GenerateOptions options;
  options.seed = seed;
  options.processes = 2;
  options.ops_per_process = 150;
  options.kills = kills;
  return GenerateQueueHistory(options);
}

TEST(WindowedCheck, RightHistoriesAreValidInWindowsOfAnySize) {
  std::size_t windows = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const History history = Random(seed, seed % 3 == 0 ? 0.01 : 0);
    for (const std::size_t least : {1, 7, 50, 100'000}) {
      const CheckResult result = Decide(history, least);
      EXPECT_EQ(result.verdict, HistoryVerdict::kValid) << seed << '\n' << result.explanation;
      EXPECT_EQ(result.ops, history.ops.size());
      if (least == 1) windows += result.windows;
    }
  }
  EXPECT_GT(windows, 600U) << "most of them were cut several times";
}

// Whatever the whole check decides about a spoilt history, the windows decide.
TEST(WindowedCheck, FindsWhatTheWholeCheckFinds) {
  int spoilt = 0;
  for (int kind = 0; kind < static_cast<int>(Mutation::kCount); ++kind) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const auto wrong = Mutate(Random(seed), static_cast<Mutation>(kind), seed);
      if (!wrong) continue;
      ++spoilt;
      for (const std::size_t least : {1, 20}) {
        EXPECT_EQ(Decide(*wrong, least).verdict, CheckHistory(*wrong).verdict)
            << Name(static_cast<Mutation>(kind)) << ", seed " << seed << ", windows of " << least;
      }
    }
  }
  EXPECT_GT(spoilt, 100);
}

Op Make(Call call, std::uint16_t process, std::uint64_t value, std::uint64_t invoke,
        std::uint64_t ret) {
  Op op;
  op.call = call;
  op.process = process;
  op.value = value;
  op.invoke = invoke;
  op.ret = ret;
  return op;
}

// Two sends overlap: the queue holds both, in an order that only a later window shows.
TEST(WindowedCheck, DoesNotCutWhereTheOrderIsOpen) {
  History history;
  history.ops = {Make(Call::kMqSend, 0, 1, 1, 4), Make(Call::kMqSend, 1, 2, 2, 3)};
  history.ops.push_back(Make(Call::kMqReceive, 0, 2, 5, 6));
  history.ops.push_back(Make(Call::kMqReceive, 0, 1, 7, 8));
  const CheckResult open = Decide(history, 1);
  EXPECT_EQ(open.verdict, HistoryVerdict::kValid) << open.explanation;
  EXPECT_EQ(open.windows, 2U) << "only before the last receive is it known what is there";
  history.ops[1].invoke = 5, history.ops[1].ret = 6;  // now one after the other
  history.ops[2].invoke = 7, history.ops[2].ret = 8;
  history.ops[3].invoke = 9, history.ops[3].ret = 10;
  const CheckResult wrong = Decide(history, 1);
  EXPECT_EQ(wrong.verdict, HistoryVerdict::kInvalid) << "received in the wrong order";
}

TEST(WindowedCheck, DoesNotCutAfterADeathThatMayHaveTakenAMessage) {
  History history;
  history.ops = {Make(Call::kMqSend, 0, 1, 1, 2), Make(Call::kMqReceive, 1, 0, 3, 4)};
  history.ops[1].fate = Fate::kKilled;
  history.ops.push_back(Make(Call::kMqReceive, 0, 0, 5, 6));
  history.ops[2].flags = kNonblock;
  history.ops[2].result = -1;
  history.ops[2].error = EAGAIN;
  std::size_t largest = 0;
  EXPECT_EQ(Decide(history, 1, &largest).verdict, HistoryVerdict::kValid);
  EXPECT_EQ(largest, 3U) << "the dead receiver and what came after are decided together";
}

TEST(WindowedCheck, OperationsOutOfOrderAreNotAHistory) {
  History history;
  history.ops = {Make(Call::kMqSend, 0, 1, 5, 6), Make(Call::kMqSend, 1, 2, 3, 4)};
  EXPECT_EQ(Decide(history, 1).reason, "not a history");
  history.ops = {Make(Call::kMqSend, 0, 1, 1, 6), Make(Call::kMqSend, 0, 2, 3, 4)};
  EXPECT_EQ(Decide(history, 1).reason, "not a history");
}

TEST(WindowedCheck, TheFailedWindowIsKept) {
  History history = Random(3);
  const auto wrong = Mutate(history, Mutation::kDuplicate, 1);
  ASSERT_TRUE(wrong);
  WindowedCheck check(wrong->model, {}, {.least_ops = 20, .threads = 1});
  for (const Op& op : wrong->ops) check.Add(op);
  const CheckResult result = check.Finish();
  EXPECT_EQ(result.verdict, HistoryVerdict::kInvalid);
  EXPECT_EQ(CheckHistory(check.failed()).reason, result.reason);
  EXPECT_LT(check.failed().ops.size(), wrong->ops.size());
}

}  // namespace
}  // namespace ipcsuite::props
