// The matrix of calls that commute: each call works, interval and verdict are right, and what is
// serialized or missing is said.
#include "stress/commute/commute.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <cstring>

namespace ipcsuite::stress {
namespace {

const CommuteCall* Named(std::string_view name) {
  for (const CommuteCall& call : CommuteCalls()) {
    if (name == call.name) return &call;
  }
  return nullptr;
}

const auto kSilent = [](const std::string&) {};

TEST(Commute, IntervalsHoldTheMedianByOrderStatistics) {
  const Interval nine = MedianInterval({9, 1, 8, 2, 7, 3, 6, 4, 5});
  EXPECT_DOUBLE_EQ(nine.value, 5);
  EXPECT_DOUBLE_EQ(nine.low, 2) << "P(Binomial(9, 1/2) < 2) is 2 %, < 3 it is 9 %";
  EXPECT_DOUBLE_EQ(nine.high, 8);
  const Interval three = MedianInterval({3, 1, 2});
  EXPECT_DOUBLE_EQ(three.low, 1);
  EXPECT_DOUBLE_EQ(three.high, 3);
  std::vector<double> many;
  for (int i = 1; i <= 100; ++i) many.push_back(i);
  EXPECT_DOUBLE_EQ(MedianInterval(many).low, 40);
  EXPECT_DOUBLE_EQ(MedianInterval(many).high, 61);
  EXPECT_DOUBLE_EQ(MedianInterval({}).high, 0);
}

TEST(Commute, TheYardstickComesFirstAndNamesAreUnique) {
  const auto& calls = CommuteCalls();
  EXPECT_STREQ(calls.front().name, kCommuteYardstick);
  for (const CommuteCall& call : calls) EXPECT_EQ(Named(call.name), &call);
}

// Each call alone, a thousand batches: whatever a batch leaves would fill the object.
TEST(Commute, EachCallCanBeRepeated) {
  Context context(1);
  SharedRegion region(std::size_t{64} * 65536);
  for (const CommuteCall& call : CommuteCalls()) {
    CommuteObjects objects(context.registry, region);
    if (call.setup != nullptr && !call.setup(objects)) {
      EXPECT_TRUE(errno == ENOSYS || errno == EACCES || errno == EROFS || errno == EMFILE ||
                  errno == ENOSPC)
          << call.name << ": " << std::strerror(errno);
      continue;
    }
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(call.before == nullptr || call.before(objects)) << call.name << i;
      ASSERT_TRUE(call.batch(objects)) << call.name << i << ": " << std::strerror(errno);
      ASSERT_TRUE(call.after == nullptr || call.after(objects)) << call.name << i;
    }
  }
  EXPECT_EQ(context.registry.Sweep(), 0) << "the objects removed their names";
}

class CommuteRun : public testing::Test {
 protected:
  void SetUp() override {
    if (context_.allowed.size() < 2) GTEST_SKIP() << "needs two cpus";
    options_.cpus = {context_.allowed[0], context_.allowed[1]};
    options_.calls.clear();
    options_.time = 200ms;
    options_.rounds = 2;
  }
  CommuteResult Run(const std::vector<const char*>& names) {
    for (const char* const name : names) options_.calls.push_back(Named(name));
    return MeasureCommute(context_, options_, kSilent);
  }
  Context context_{1};
  CommuteOptions options_;
};

TEST_F(CommuteRun, MeasuresEachPairAndBothOnOneObject) {
  const CommuteResult result = Run({"write", "sem_open+sem_unlink"});
  ASSERT_EQ(result.calls.size(), 2u) << CommuteText(result);
  EXPECT_EQ(result.pairs.size(), 3u + 1u) << "write is measured on one object too";
  for (const CommutePair& pair : result.pairs) {
    ASSERT_FALSE(pair.kept_a.empty()) << pair.Text();
    EXPECT_GT(pair.speedup.low, 0) << pair.Text();
    EXPECT_LE(pair.speedup.low, pair.speedup.value);
    EXPECT_LE(pair.speedup.value, pair.speedup.high);
  }
  const std::string text = CommuteText(result);
  EXPECT_NE(text.find(" 2 sem_open+sem_unlink"), std::string::npos) << text;
  EXPECT_EQ(context_.registry.Sweep(), 0) << "nothing was left behind";
}

// The pairs of the others are measured all the same.
TEST_F(CommuteRun, ACallThatFailsIsNamed) {
  static const CommuteCall kBroken = {
      .name = "broken", .objects = nullptr, .batch = [](CommuteObjects&) {
        errno = ENOSYS;
        return false;
      }};
  options_.calls = {&kBroken};
  const CommuteResult result = Run({kCommuteYardstick});
  ASSERT_NE(result.Find(&kBroken, &kBroken, false), nullptr);
  EXPECT_TRUE(result.Find(&kBroken, &kBroken, false)->kept_a.empty());
  EXPECT_FALSE(
      result.Find(Named(kCommuteYardstick), Named(kCommuteYardstick), false)->kept_a.empty());
  ASSERT_FALSE(result.missing.empty());
  EXPECT_EQ(result.missing[0].second, std::strerror(ENOSYS));
}

CommutePair MakePair(const char* a, const char* b, double low, double high, Scaling scaling) {
  CommutePair pair;
  pair.a = Named(a);
  pair.b = Named(b);
  pair.kept_a = pair.kept_b = {0.5};
  pair.speedup = {(low + high) / 2, low, high};
  pair.scaling = scaling;
  return pair;
}

TEST(Commute, TextNamesWhatDoesNotScaleWorstFirst) {
  CommuteResult result;
  result.cpus = {0, 5};
  result.calls = {Named("write"), Named("mq_open+mq_unlink")};
  EXPECT_NE(CommuteText(result).find("The machine is busy"), std::string::npos);
  result.yardstick = 2;
  EXPECT_TRUE(result.busy()) << "too few rounds for an interval";
  result.rounds = kRoundsMin;
  EXPECT_FALSE(result.busy());
  result.pairs = {
      MakePair("write", "write", 1.9, 2.1, Scaling::kScales),
      MakePair("write", "mq_open+mq_unlink", 1.2, 1.4, Scaling::kDoesNotScale),
      MakePair("mq_open+mq_unlink", "mq_open+mq_unlink", 0.9, 1.1, Scaling::kDoesNotScale)};
  result.missing = {{"poll", "Function not implemented"}};
  const std::string text = CommuteText(result);
  const std::size_t worst = text.find("1.00 (0.90 to 1.10)  mq_open+mq_unlink beside itself");
  const std::size_t other = text.find("1.30 (1.20 to 1.40)  write beside mq_open+mq_unlink");
  EXPECT_LT(worst, other) << text;
  EXPECT_NE(other, std::string::npos) << text;
  EXPECT_EQ(text.find("write beside itself"), std::string::npos) << text;
  EXPECT_NE(text.find("poll: not measured: Function not implemented"), std::string::npos);
  EXPECT_NE(text.find("on cpus 0 and 5"), std::string::npos);
}

TEST(Commute, RealTimePoliciesAreRefused) {
  EXPECT_NE(RefusesPolicy(SCHED_FIFO).find("stop the machine"), std::string::npos);
  EXPECT_NE(RefusesPolicy(SCHED_RR), "");
  EXPECT_EQ(RefusesPolicy(SCHED_OTHER), "");
}

TEST(Commute, OneCpuIsNotEnough) {
  Context context(1);
  CommuteOptions options;
  options.cpus = {0};
  EXPECT_NE(CommuteText(MeasureCommute(context, options, kSilent)).find("two cpus"),
            std::string::npos);
}

}  // namespace
}  // namespace ipcsuite::stress
