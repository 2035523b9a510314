#include "reports/verdicts/aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

ClauseRecord Clause(const std::string& id, const std::string& kind = "shall", int issues = 3) {
  ClauseRecord c;
  c.id = id;
  c.kind = kind;
  c.issues = issues;
  return c;
}

TestRecord Tested(const std::string& name, Verdict verdict, std::vector<std::string> clauses) {
  TestRecord t;
  t.name = name;
  t.verdict = verdict;
  t.clauses = std::move(clauses);
  return t;
}

ClauseRecord One(ClauseRecord clause, const std::vector<TestRecord>& tests, int issue = 8) {
  return AggregateClauses({std::move(clause)}, tests, issue)[0];
}

Run RunOf(std::vector<TestRecord> tests, std::vector<ClauseRecord> clauses = {}) {
  report::Run run;
  run.tests = std::move(tests);
  Finish(std::move(clauses), run);
  return run;
}

TEST(Aggregate, MergesTheTestsOfAClause) {
  EXPECT_EQ(One(Clause("a"), {}).verdict, Verdict::kUntested);
  EXPECT_EQ(One(Clause("a"), {Tested("A", Verdict::kPass, {"a"})}).verdict, Verdict::kPass);
  const ClauseRecord both = One(Clause("a"), {Tested("A", Verdict::kPass, {"a"}),
                                              Tested("B", Verdict::kUnresolved, {"b", "a"})});
  EXPECT_EQ(both.verdict, Verdict::kUnresolved);
  EXPECT_THAT(both.tests, ElementsAre("A", "B"));
}

TEST(Aggregate, ChargesAFailureOnlyToItsClause) {
  TestRecord test = Tested("A", Verdict::kFail, {"a", "b"});
  test.failures.push_back({"a", "", 0, "fails", "= 0", ""});
  const auto clauses = AggregateClauses({Clause("a"), Clause("b")}, {test}, 8);
  EXPECT_EQ(clauses[0].verdict, Verdict::kFail);
  EXPECT_EQ(clauses[0].reason, "expected fails; observed = 0");
  EXPECT_EQ(clauses[1].verdict, Verdict::kUntested) << "was not seen, so it is no PASS";
  EXPECT_THAT(clauses[1].reason, HasSubstr("A failed on another clause"));
}

TEST(Aggregate, ChargesAFailureWithoutClauseAndACrashToAllClaims) {
  TestRecord unnamed = Tested("A", Verdict::kFail, {"a", "b"});
  unnamed.failures.push_back({});
  TestRecord crash = Tested("B", Verdict::kFail, {"a", "b"});
  crash.reason = "killed by SIGSEGV";
  for (const TestRecord& test : {unnamed, crash}) {
    for (const auto& c : AggregateClauses({Clause("a"), Clause("b")}, {test}, 8)) {
      EXPECT_EQ(c.verdict, Verdict::kFail) << test.name << c.id;
    }
  }
}

TEST(Aggregate, PassesOnlyTheClausesThatWereChecked) {
  TestRecord test = Tested("A", Verdict::kPass, {"a", "b"});
  test.checks = {{"a", 2}, {"b", 0}};
  const auto clauses = AggregateClauses({Clause("a"), Clause("b")}, {test}, 8);
  EXPECT_EQ(clauses[0].verdict, Verdict::kPass);
  EXPECT_EQ(clauses[1].verdict, Verdict::kUntested);
  EXPECT_EQ(clauses[1].reason, "not decided: A made no check of it here");
  const std::vector<TestRecord> tests = {test, Tested("B", Verdict::kUnsupported, {"b"})};
  EXPECT_EQ(One(Clause("b"), tests).verdict, Verdict::kUnsupported);
  test.verdict = Verdict::kFail;
  test.failures.push_back({"b", "", 0, "", "", ""});
  EXPECT_EQ(One(Clause("b"), {test}).verdict, Verdict::kFail);
}

TEST(Aggregate, ViolationOfAnOpenQuestionIsDisputed) {
  ClauseRecord disputed = Clause("a"), unread = Clause("b");
  disputed.readings = {"This.", "That."};
  unread.text = "unread";
  TestRecord test = Tested("A", Verdict::kFail, {"a", "b", "c"});
  test.failures.push_back({"", "", 0, "this", "that", ""});
  const auto clauses = AggregateClauses({disputed, unread, Clause("c")}, {test}, 8);
  EXPECT_EQ(clauses[0].verdict, Verdict::kDisputed);
  EXPECT_EQ(clauses[0].reason, "expected this; observed that");
  EXPECT_EQ(clauses[1].verdict, Verdict::kDisputed);
  EXPECT_EQ(clauses[2].verdict, Verdict::kFail);
  EXPECT_EQ(One(disputed, {Tested("A", Verdict::kPass, {"a"})}).verdict, Verdict::kPass);
}

TEST(Aggregate, KindDecidesBetweenPassAndObserved) {
  TestRecord test = Tested("A", Verdict::kObserved, {"strict", "open"});
  test.observations = {{"open", "capacity_bytes", "65536"}, {"open", "capacity_bytes", "65536"}};
  const auto clauses =
      AggregateClauses({Clause("strict"), Clause("open", "unspecified")}, {test}, 8);
  EXPECT_EQ(clauses[0].verdict, Verdict::kUntested) << "a value that was seen is not a check";
  EXPECT_THAT(clauses[0].reason, HasSubstr("no check decided"));
  EXPECT_EQ(clauses[0].disposition, "tested");
  EXPECT_TRUE(clauses[0].observations.empty());
  EXPECT_EQ(clauses[1].verdict, Verdict::kObserved);
  EXPECT_EQ(clauses[1].disposition, "observed");
  ASSERT_EQ(clauses[1].observations.size(), 1u) << "the same value is told once";
}

TEST(Aggregate, ClauseOfAnotherIssueIsNotInUse) {
  const std::vector<TestRecord> tests = {Tested("A", Verdict::kFail, {"a"})};
  EXPECT_EQ(One(Clause("a", "shall", 1), tests, 8).verdict, Verdict::kNotInUse);
  EXPECT_EQ(One(Clause("a", "shall", 2), tests, 7).verdict, Verdict::kNotInUse);
  EXPECT_EQ(One(Clause("a", "shall", 1), tests, 7).verdict, Verdict::kFail);
}

TEST(Aggregate, UntestedAndUntestableAreTold) {
  EXPECT_EQ(One(Clause("a"), {}).disposition, "untested");
  ClauseRecord clause = Clause("a");
  clause.untestable = "cannot be observed";
  const ClauseRecord settled = One(clause, {});
  EXPECT_EQ(settled.disposition, "untestable");
  EXPECT_EQ(settled.reason, "cannot be observed");
}

TEST(Aggregate, OneCertainTestMakesTheClauseCertain) {
  TestRecord guess = Tested("A", Verdict::kPass, {"a"});
  guess.confidence = "heuristic";
  EXPECT_EQ(One(Clause("a"), {guess}).confidence, "heuristic");
  EXPECT_THAT(RunOf({guess, Tested("B", Verdict::kPass, {"a"})}).summary.sentence,
              HasSubstr("1 of 2 tests rest on a settle time"));
  EXPECT_EQ(One(Clause("a"), {guess, Tested("B", Verdict::kPass, {"a"})}).confidence, "certain");
}

TEST(Summarize, ExitStatusFollowsTheFindings) {
  const auto status = [](Verdict v) { return RunOf({Tested("A", v, {})}).summary.exit_status; };
  const std::pair<int, std::vector<Verdict>> rows[] = {
      {0, {Verdict::kPass, Verdict::kObserved, Verdict::kXfail, Verdict::kDisputed}},
      {1, {Verdict::kFail, Verdict::kXpass, Verdict::kFlaky}},
      {3, {Verdict::kUnresolved, Verdict::kUnsupported, Verdict::kNotInUse, Verdict::kUntested}}};
  for (const auto& [expected, verdicts] : rows) {
    for (const Verdict v : verdicts) EXPECT_EQ(status(v), expected) << ToString(v);
  }
}

TEST(Summarize, SurroundingsAreNoFindingButAreTold) {
  TestRecord stopped = Tested("A", Verdict::kUnresolved, {});
  stopped.surroundings = true;
  const Summary s = RunOf({stopped, Tested("B", Verdict::kPass, {})}).summary;
  EXPECT_EQ(s.exit_status, 0);
  EXPECT_THAT(s.sentence, HasSubstr("1 test was stopped by the surroundings"));
}

TEST(Summarize, NothingOrHalfARunIsNeverCalledConforming) {
  EXPECT_EQ(RunOf({}).summary.exit_status, 3);
  EXPECT_EQ(RunOf({}).summary.sentence, "No test ran.");
  report::Run run = RunOf({Tested("A", Verdict::kPass, {})});
  run.interrupted = "stopped by SIGINT";
  const Summary s = Summarize(run);
  EXPECT_EQ(s.exit_status, 3);
  EXPECT_THAT(s.sentence, HasSubstr("INCOMPLETE (stopped by SIGINT)"));
  EXPECT_THAT(s.sentence, Not(HasSubstr("Conforms")));
  const Summary none = RunOf({Tested("A", Verdict::kUnsupported, {})}).summary;
  EXPECT_THAT(none.sentence, HasSubstr("Nothing was judged"));
}

TEST(Summarize, SentenceNamesWhatIsViolated) {
  TestRecord test = Tested("A", Verdict::kFail, {"a"});
  test.failures.push_back({"a", "", 0, "", "", ""});
  EXPECT_EQ(RunOf({test}, {Clause("a")}).summary.sentence,
            "Does not conform: 1 clause of POSIX.1-2024 (Issue 8) is violated (a); 1 of 1 "
            "clause judged.");
  EXPECT_EQ(RunOf({Tested("A", Verdict::kPass, {"a"})}, {Clause("a")}).summary.sentence,
            "Conforms in all that was tested to POSIX.1-2024 (Issue 8) as far as its text was "
            "read: 0 of 1 clause; 1 of 1 clause judged.");
  ClauseRecord read = Clause("a"), disputed = Clause("b"), other = Clause("c", "shall", 1);
  read.issues_read = 2;
  disputed.issues_read = 1;
  disputed.readings = {"This.", "That."};
  EXPECT_EQ(RunOf({Tested("A", Verdict::kPass, {"a"}), Tested("B", Verdict::kDisputed, {"b"})},
                  {read, disputed, other})
                .summary.sentence,
            "Conforms in all that was tested to POSIX.1-2024 (Issue 8) as far as its text was "
            "read: 1 of 2 clauses; 2 of 2 clauses judged; 1 clause differs from our reading of an "
            "open question (DISPUTED).");
}

TEST(Summarize, KnownDeviationsAreNotCalledConforming) {
  TestRecord test = Tested("A", Verdict::kXfail, {"a"});
  test.failures.push_back({"a", "", 0, "", "", ""});
  const Summary s =
      RunOf({test, Tested("B", Verdict::kPass, {"b"})}, {Clause("a"), Clause("b")}).summary;
  EXPECT_EQ(s.exit_status, 0);
  EXPECT_EQ(
      s.sentence,
      "Deviates only as expected from POSIX.1-2024 (Issue 8) as far as its text was read: 0 of 2 "
      "clauses; 2 of 2 clauses judged; 1 clause is violated for known reasons (XFAIL).");
}

TEST(MergeRuns, JoinsShardsAndRefusesClashes) {
  report::Run left = RunOf({Tested("A", Verdict::kPass, {"a"})}, {Clause("a"), Clause("b")});
  const report::Run right = RunOf({Tested("B", Verdict::kFail, {"b"})}, {Clause("a"), Clause("b")});
  const auto merged = MergeRuns({left, right});
  ASSERT_TRUE(merged) << merged.error();
  EXPECT_EQ(merged->tests.size(), 2u);
  EXPECT_EQ(merged->clauses[0].verdict, Verdict::kPass);
  EXPECT_EQ(merged->clauses[1].verdict, Verdict::kFail);
  EXPECT_EQ(merged->summary.exit_status, 1);
  EXPECT_THAT(MergeRuns({left, left}).error(), HasSubstr("both hold test A"));
  left.shard = "0/3";
  report::Run last = right;
  last.shard = "2/3";
  const auto partial = MergeRuns({left, last});
  ASSERT_TRUE(partial);
  EXPECT_THAT(partial->summary.sentence, HasSubstr("INCOMPLETE (shard 1/3 missing)"));
  last.shard = "1/2";
  EXPECT_THAT(MergeRuns({left, last}).error(), HasSubstr("shards of 3 and of 2"));
  left.issue = 7;
  EXPECT_THAT(MergeRuns({left, right}).error(), HasSubstr("issue 7"));
}

TEST(Sample, HoldsEveryVerdict) {
  const report::Run run = SampleRun();
  for (Verdict v : kAllVerdicts) {
    EXPECT_GT(run.summary.tests[static_cast<int>(v)] + run.summary.clauses[static_cast<int>(v)], 0)
        << ToString(v);
  }
}

}  // namespace
}  // namespace ipcsuite::report
