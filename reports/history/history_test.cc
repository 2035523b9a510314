#include "reports/history/history.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// One run for each result of a test "T".
std::vector<report::Run> RunsOf(const std::vector<Verdict>& results) {
  std::vector<report::Run> runs;
  for (std::size_t i = 0; i < results.size(); ++i) {
    Run run;
    run.label = "kernel-" + std::to_string(i);
    run.started = "2026-11-0" + std::to_string(i + 1) + "T08:30:00Z";
    TestRecord t;
    t.name = "T";
    t.verdict = results[i];
    run.tests.push_back(t);
    runs.push_back(run);
  }
  return runs;
}

Timeline LineOf(const std::vector<Verdict>& results) {
  const History history = MakeHistory(RunsOf(results));
  EXPECT_EQ(history.timelines.size(), 1u);
  return history.timelines.empty() ? Timeline() : history.timelines[0];
}

constexpr Verdict kP = Verdict::kPass, kF = Verdict::kFail, kU = Verdict::kUnsupported;

TEST(History, ARegressionHasTheDateOfItsFirstRun) {
  const Timeline line = LineOf({kP, kP, kF, kF});
  EXPECT_EQ(line.course, Course::kRegressed);
  EXPECT_EQ(line.since, 2u);
  EXPECT_THAT(HistoryText(MakeHistory(RunsOf({kP, kP, kF, kF})), false),
              HasSubstr("test T: FAIL since 2026-11-03T08:30:00Z (kernel-2), PASS before"));
}

TEST(History, CoursesAreToldApart) {
  EXPECT_EQ(LineOf({kP, kU, kU}).course, Course::kLost);
  EXPECT_EQ(LineOf({kF, kP}).course, Course::kMended);
  EXPECT_EQ(LineOf({kP, kF, kP, kF}).course, Course::kUnsettled);
  EXPECT_EQ(LineOf({Verdict::kFlaky, Verdict::kFlaky}).course, Course::kUnsettled);
  EXPECT_EQ(LineOf({kP, Verdict::kXfail}).course, Course::kChanged);
  EXPECT_EQ(LineOf({kP, Verdict::kDisputed}).course, Course::kRegressed) << "another reading";
  EXPECT_EQ(LineOf({Verdict::kDisputed, Verdict::kXfail}).course, Course::kChanged);
  EXPECT_EQ(LineOf({kP, kU, kF}).course, Course::kRegressed) << "not judged is not a turn";
  EXPECT_EQ(LineOf({kU, kP}).course, Course::kChanged) << "newly judged";
}

TEST(History, ALossHasTheDateOfTheFirstRunWithoutAVerdict) {
  EXPECT_EQ(LineOf({kP, kU, Verdict::kUntested}).since, 1u);
}

TEST(History, FlakesAreCounted) {
  const Timeline line = LineOf({kP, kF, kP, kP, kF});
  EXPECT_EQ(line.findings, 2);
  EXPECT_EQ(line.changes, 3);
}

TEST(History, WhatNeverChangedIsOnlyCounted) {
  const History history = MakeHistory(RunsOf({kP, kP}));
  EXPECT_TRUE(history.timelines.empty());
  EXPECT_EQ(history.unchanged, 1u);
}

TEST(History, RunsAreInTheOrderOfTheirStart) {
  std::vector<report::Run> runs = RunsOf({kP, kF});
  std::swap(runs[0], runs[1]);
  const History history = MakeHistory(runs);
  EXPECT_EQ(history.runs[0].label, "kernel-0");
  EXPECT_EQ(history.timelines[0].course, Course::kRegressed);
}

TEST(History, AFigureThatChangedHasADateAndADirection) {
  std::vector<report::Run> runs = RunsOf({kP, kP, kP});
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Metric m{"latency_ns_p50", 0, {}};
    for (int s = 0; s < 9; ++s) m.samples.push_back((i == 2 ? 1500 : 1000) + s);
    m.value = m.samples[4];
    runs[i].tests[0].metrics.push_back(m);
  }
  const History history = MakeHistory(runs);
  ASSERT_EQ(history.figures.size(), 1u);
  EXPECT_EQ(history.figures[0].changed, 2u);
  EXPECT_TRUE(history.figures[0].worse);
  EXPECT_NEAR(history.figures[0].ratio, 1.5, 0.01);
  EXPECT_THAT(HistoryHtml(history), HasSubstr("+50 % worse"));
}

TEST(History, AFigureThatOnlyWaversHasNoChange) {
  std::vector<report::Run> runs = RunsOf({kP, kP, kP, kP});
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Metric m{"latency_ns_p50", 0, {}};
    for (int s = 0; s < 9; ++s) m.samples.push_back((i % 2 == 1 ? 1500 : 1000) + s);
    m.value = m.samples[4];
    runs[i].tests[0].metrics.push_back(m);
  }
  EXPECT_EQ(MakeHistory(runs).figures[0].changed, 0u);
}

TEST(History, ThePageShowsEachRunOfALine) {
  const std::string page = HistoryHtml(MakeHistory(RunsOf({kP, kP, kF})));
  EXPECT_THAT(page, HasSubstr("aria-label=\"PASS, PASS, FAIL\""));
  EXPECT_THAT(page, HasSubstr("1 regressed"));
  EXPECT_THAT(page, HasSubstr("2026-11-03 08:30"));
  std::vector<report::Run> samples = {SampleRun(0), SampleRun(1), SampleRun(2)};
  samples[0].label = "<script>";
  EXPECT_THAT(HistoryHtml(MakeHistory(samples)), Not(HasSubstr("<script>")));
}

}  // namespace
}  // namespace ipcsuite::report
