#include "reports/compare/compare.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipcsuite::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TestRecord Tested(const std::string& name, Verdict verdict) {
  TestRecord t;
  t.name = name;
  t.verdict = verdict;
  return t;
}

report::Run RunOf(std::vector<TestRecord> tests, const std::string& label = "x") {
  report::Run run;
  run.label = label;
  run.tests = std::move(tests);
  return run;
}

Change OnlyChange(Verdict before, Verdict after) {
  const Comparison c = Compare({RunOf({Tested("A", before)}), RunOf({Tested("A", after)})});
  EXPECT_EQ(c.differences.size(), 1u);
  return c.differences.at(0).change;
}

TEST(Compare, TellsRegressionsFromOtherChanges) {
  EXPECT_EQ(OnlyChange(Verdict::kPass, Verdict::kFail), Change::kRegression);
  EXPECT_EQ(OnlyChange(Verdict::kObserved, Verdict::kFlaky), Change::kRegression);
  EXPECT_EQ(OnlyChange(Verdict::kPass, Verdict::kUnresolved), Change::kLost);
  EXPECT_EQ(OnlyChange(Verdict::kFail, Verdict::kPass), Change::kImprovement);
  EXPECT_EQ(OnlyChange(Verdict::kPass, Verdict::kXfail), Change::kResult);
  EXPECT_EQ(OnlyChange(Verdict::kPass, Verdict::kUnsupported), Change::kLost);
  EXPECT_EQ(OnlyChange(Verdict::kUnsupported, Verdict::kFail), Change::kResult);
}

TEST(Compare, AnotherReadingIsARegressionOfTheSameKindOfPlatformAlone) {
  EXPECT_EQ(OnlyChange(Verdict::kPass, Verdict::kDisputed), Change::kRegression);
  EXPECT_EQ(OnlyChange(Verdict::kDisputed, Verdict::kPass), Change::kResult);
  report::Run musl = RunOf({Tested("A", Verdict::kDisputed)});
  musl.environment = {{"C library", {{"libc", "musl"}}}};
  const Comparison c = Compare({RunOf({Tested("A", Verdict::kPass)}), musl});
  EXPECT_EQ(c.differences.at(0).change, Change::kResult);
}

TEST(Compare, SurroundingsAreNoRegression) {
  TestRecord stopped = Tested("A", Verdict::kUnresolved);
  stopped.surroundings = true;
  const Comparison c = Compare({RunOf({Tested("A", Verdict::kPass)}), RunOf({stopped})});
  EXPECT_FALSE(c.HasRegression());
}

TEST(Compare, EqualRunsHaveNoDifference) {
  const auto run = RunOf({Tested("A", Verdict::kPass), Tested("B", Verdict::kFail)});
  EXPECT_TRUE(Compare({run, run, run}).differences.empty());
}

TEST(Compare, AddedAndRemovedAreTold) {
  const Comparison c =
      Compare({RunOf({Tested("A", Verdict::kPass)}), RunOf({Tested("B", Verdict::kFail)})});
  ASSERT_EQ(c.differences.size(), 2u);
  EXPECT_EQ(c.differences[0].change, Change::kLost);
  EXPECT_EQ(c.differences[1].change, Change::kAdded);
  EXPECT_EQ(c.differences[1].id, "B");
  EXPECT_THAT(c.differences[1].values, ElementsAre("", "FAIL"));
  EXPECT_FALSE(c.HasRegression());
}

TEST(Compare, RegressionInTheThirdRunComesFirst) {
  const Comparison c = Compare({RunOf({Tested("A", Verdict::kFail), Tested("B", Verdict::kPass)}),
                                RunOf({Tested("A", Verdict::kPass), Tested("B", Verdict::kPass)}),
                                RunOf({Tested("A", Verdict::kFail), Tested("B", Verdict::kFail)})});
  ASSERT_EQ(c.differences.size(), 2u);
  EXPECT_EQ(c.differences[0].id, "B");
  EXPECT_EQ(c.differences[0].change, Change::kRegression);
  EXPECT_EQ(c.differences[1].change, Change::kImprovement);
}

TEST(Compare, ObservedValuesAreComparedWhereBothHaveOne) {
  TestRecord a = Tested("A", Verdict::kObserved), b = a, absent = a;
  a.observations = {{"", "capacity_bytes", "65536"}};
  b.observations = {{"", "capacity_bytes", "4096"}};
  const Comparison c = Compare({RunOf({a}), RunOf({b})});
  ASSERT_EQ(c.differences.size(), 1u);
  EXPECT_EQ(c.differences[0].change, Change::kObserved);
  EXPECT_EQ(c.differences[0].key, "capacity_bytes");
  EXPECT_THAT(c.differences[0].values, ElementsAre("65536", "4096"));
  EXPECT_TRUE(Compare({RunOf({a}), RunOf({absent})}).differences.empty());
}

TEST(Compare, LabelsAreMadeDistinct) {
  const auto run = RunOf({}, "host");
  EXPECT_THAT(Compare({run, run, RunOf({}, "other")}).labels,
              ElementsAre("host #1", "host #2", "other"));
}

report::Run Measured(const std::string& metric, std::vector<double> samples) {
  TestRecord t = Tested("A", Verdict::kPass);
  t.metrics.push_back({metric, 0, std::move(samples)});
  return RunOf({t});
}

TEST(Compare, PerformanceOnlyBeyondTheNoise) {
  const auto differs = [](std::vector<double> a, std::vector<double> b) {
    return Compare({Measured("latency_ns", std::move(a)), Measured("latency_ns", std::move(b))})
        .performance.size();
  };
  EXPECT_EQ(differs({10, 11, 12, 13, 14}, {20, 21, 22, 23, 24}), 1u);
  EXPECT_EQ(differs({10, 11, 12, 13, 14}, {14, 15, 16, 17, 18}), 0u) << "the ranges touch";
  EXPECT_EQ(differs({100, 101, 102, 103, 103}, {104, 104, 105, 105, 106}), 0u) << "under 5 %";
  EXPECT_EQ(differs({10, 11, 12, 13}, {20, 21, 22, 23}), 0u) << "too few samples";
  // One outlier in ten does not hide a difference.
  EXPECT_EQ(
      differs({10, 10, 10, 10, 10, 10, 10, 10, 10, 99}, {20, 20, 20, 20, 20, 20, 20, 20, 20, 20}),
      1u);
}

TEST(Compare, DirectionFollowsTheUnit) {
  const auto worse = [](const char* metric) {
    const Comparison c =
        Compare({Measured(metric, {1, 1, 1, 1, 1}), Measured(metric, {2, 2, 2, 2, 2})});
    return c.performance.at(0).worse;
  };
  EXPECT_TRUE(worse("latency_ns_max"));
  EXPECT_FALSE(worse("throughput_msg_per_s"));
}

TEST(Compare, EveryFormatNamesTheDifference) {
  const std::vector<report::Run> runs = {RunOf({Tested("Mq.Sends", Verdict::kPass)}, "old"),
                                         RunOf({Tested("Mq.Sends", Verdict::kFail)}, "new")};
  const Comparison c = Compare(runs);
  EXPECT_THAT(ComparisonText(c, runs, false),
              HasSubstr("Regression\n  test   Mq.Sends\n      old: PASS; new: FAIL\n"));
  EXPECT_THAT(ComparisonMarkdown(c, runs), HasSubstr("| `Mq.Sends` | PASS | FAIL |"));
  EXPECT_THAT(ComparisonJson(c), HasSubstr("\"regressions\": 1"));
  EXPECT_THAT(ComparisonHtml(c, runs), HasSubstr("1 test regressed against old."));
}

TEST(Compare, PageNamesWhatIsMissing) {
  std::vector<report::Run> runs = {RunOf({Tested("Mq.Sends", Verdict::kPass)}, "old"),
                                   RunOf({Tested("Mq.Sends", Verdict::kPass)}, "new")};
  EXPECT_THAT(ComparisonHtml(Compare(runs), runs), testing::Not(HasSubstr("class=\"missing\"")));
  runs[1].interrupted = "Kernel panic <1>";
  Comparison c = Compare(runs);
  c.left_out.emplace_back("moon", "no ssh there");
  const std::string page = ComparisonHtml(c, runs);
  EXPECT_THAT(page, HasSubstr("<strong>moon</strong> left out: no ssh there"));
  EXPECT_THAT(
      page,
      HasSubstr("<strong>new</strong> incomplete, 1 tests came through: Kernel panic &lt;1&gt;"));
}

TEST(Compare, RunsOfOnePlatformAreToldApartOnNarrowPages) {
  const std::vector<report::Run> runs = {RunOf({Tested("Mq.Sends", Verdict::kPass)}, "host"),
                                         RunOf({Tested("Mq.Sends", Verdict::kFail)}, "host")};
  const std::string page = ComparisonHtml(Compare(runs), runs);
  EXPECT_THAT(page, HasSubstr("data-label=\"host #1\""));
  EXPECT_THAT(page, HasSubstr("data-label=\"host #2\""));
}

TEST(Compare, ManyPlatformsAreNamedInGroups) {
  std::vector<report::Run> runs;
  for (int i = 0; i < 9; ++i) {
    runs.push_back(RunOf({Tested("Mq.Same", Verdict::kPass),
                          Tested("Mq.Sends", i == 3             ? Verdict::kXfail
                                             : i == 5 || i == 6 ? Verdict::kFail
                                                                : Verdict::kPass)},
                         "p" + std::to_string(i)));
  }
  const std::string page = ComparisonHtml(Compare(runs), runs);
  EXPECT_THAT(page, HasSubstr("XFAIL</b> p3</span>"));
  EXPECT_THAT(page, HasSubstr("FAIL</b> p5, p6</span>"));
  EXPECT_THAT(page, HasSubstr("PASS</b> the other 6</span>"));
  EXPECT_THAT(page, HasSubstr("PASS</b> all 9</span>"));
  EXPECT_THAT(page, HasSubstr("data-rs=\"PASS XFAIL FAIL\""));
}

TEST(Compare, VerdictsThatAreGoneAreLost) {
  const std::pair<Verdict, Change> rows[] = {{Verdict::kUnsupported, Change::kLost},
                                             {Verdict::kUntested, Change::kLost},
                                             {Verdict::kUnresolved, Change::kLost},
                                             {Verdict::kXfail, Change::kResult}};
  for (const auto& [now, change] : rows) {
    EXPECT_EQ(OnlyChange(Verdict::kPass, now), change) << ToString(now);
  }
  const auto partial = Compare({RunOf({Tested("A", Verdict::kXfail)}), RunOf({})});
  EXPECT_TRUE(partial.LostCoverage());
  auto elsewhere = RunOf({Tested("A", Verdict::kUnsupported)});
  elsewhere.environment = {{"C library", {{"libc", "musl"}}}};
  EXPECT_FALSE(Compare({RunOf({Tested("A", Verdict::kPass)}), elsewhere}).LostCoverage())
      << "another kind of platform";
}

}  // namespace
}  // namespace ipcsuite::report
