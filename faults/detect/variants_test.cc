#include "faults/detect/variants.h"

#include <gtest/gtest.h>

#include "spec/clauses/pipe.h"

namespace ipcsuite::detect {
namespace {

constexpr char kId[] = "pipe.create.fd_order";

TestOutcome Observing(const std::string& verdict, const std::vector<std::string>& values) {
  TestOutcome outcome;
  outcome.verdict = verdict;
  for (const std::string& value : values) outcome.observations.push_back({kId, "key", value});
  return outcome;
}

TrialResult Trial(const TestOutcome& outcome) {
  TrialResult trial;
  trial.tests["T"] = outcome;
  return trial;
}

VariantResult Compare(const TestOutcome& first, const TestOutcome& second, const TestOutcome& now,
                      const std::string& observed = "key") {
  VariantResult result;
  result.done = true;
  result.variant.clauses = {clause::pipe::create_fd_order};
  result.variant.observed = observed;
  CompareWithBaseline({Trial(first), Trial(second)}, Trial(now), &result);
  return result;
}

TEST(Variants, AChangedValueIsObserved) {
  const TestOutcome before = Observing("OBSERVED", {"a", "b"});
  EXPECT_FALSE(Compare(before, before, before).observed());
  const VariantResult result = Compare(before, before, Observing("OBSERVED", {"a", "c"}));
  ASSERT_EQ(result.changes.size(), 1u);
  EXPECT_EQ(result.changes[0].before, "a, b");
  EXPECT_EQ(result.changes[0].after, "a, c");
  EXPECT_TRUE(result.observed());
}

TEST(Variants, AnotherKeyThanTheOneNamedDoesNotCount) {
  const TestOutcome before = Observing("OBSERVED", {"a"}), after = Observing("OBSERVED", {"b"});
  EXPECT_FALSE(Compare(before, before, after, "other").observed());
  EXPECT_TRUE(Compare(before, before, after, "").observed());
}

TEST(Variants, WhatChangesByItselfIsNotTheVariantsWork) {
  const TestOutcome first = Observing("OBSERVED", {"a"}), second = Observing("OBSERVED", {"b"});
  EXPECT_FALSE(Compare(first, second, first).observed());
  EXPECT_FALSE(Compare(first, second, second).observed());
  EXPECT_TRUE(Compare(first, second, Observing("OBSERVED", {"c"})).observed());
}

TEST(Variants, ATestThatNoLongerJudgesIsNamed) {
  const TestOutcome before = Observing("PASS", {});
  EXPECT_EQ(Compare(before, before, Observing("UNSUPPORTED", {})).unjudged,
            std::vector<std::string>{"T"});
  EXPECT_TRUE(Compare(before, before, Observing("FAIL", {})).unjudged.empty());
}

TEST(Variants, TheScoreCountsMisjudgedAndUnseen) {
  const TestOutcome before = Observing("OBSERVED", {"a"}), after = Observing("OBSERVED", {"b"});
  std::vector<VariantResult> results = {Compare(before, before, after),
                                        Compare(before, before, before),
                                        Compare(before, before, before), VariantResult()};
  results[1].misjudged = {{"T", "FAIL", ""}};
  results[1].decisions = 3;
  const VariantScore score = ScoreOf(results);
  EXPECT_EQ(score.variants, 3) << "the last one was not run";
  EXPECT_EQ(score.misjudged, 1);
  EXPECT_EQ(score.observed, 1);
  EXPECT_EQ(score.unobserved, 2);
  EXPECT_EQ(score.unmet, 1);
}

}  // namespace
}  // namespace ipcsuite::detect
