// The judging pipeline: standing, lost verdicts and exit statuses, as tables.
#include "reports/verdicts/judge.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "reports/results/finding.h"
#include "reports/results/json.h"
#include "reports/results/score.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::HasSubstr;

TestRecord Tested(const std::string& name, Verdict verdict) {
  TestRecord t;
  t.name = name;
  t.suite = "mqueue";
  t.verdict = verdict;
  t.clauses = {name};
  return t;
}

ClauseRecord Clause(const std::string& id) {
  ClauseRecord c;
  c.id = id;
  c.kind = "shall";
  return c;
}

Run RunOf(std::vector<TestRecord> tests) {
  report::Run run;
  for (const TestRecord& t : tests) run.clauses.push_back(Clause(t.name));
  run.tests = std::move(tests);
  return run;
}

std::string Scratch(const std::string& name, const std::string& text) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/" + name;
  EXPECT_TRUE(WriteFile(path, text));
  return path;
}

Run Judged(const JudgingOptions& options, const Run& run) {
  const auto judge = Judge::Load(options);
  EXPECT_TRUE(judge) << judge.error();
  return judge->Apply(run, CatalogueOf(run));
}

TEST(Judge, ASelectionIsMeasuredByItsClausesElsewhereToo) {
  report::Run run;
  run.clauses.resize(2);
  run.clauses[0].id = "mq_send.len.zero_accepted";
  run.clauses[1].id = "unknown.to.this.program";
  run.tests = {Tested("mq_send.len.zero_accepted", Verdict::kPass)};
  const report::Run arrived =
      *RunFromJsonLines(ToJsonHeader(run) + "\n" + ToJsonLine(run.tests[0]));
  const report::Run judged = Judged({}, arrived);
  ASSERT_EQ(judged.clauses.size(), 1u);
  EXPECT_EQ(judged.clauses[0].verdict, Verdict::kPass);
  EXPECT_FALSE(judged.clauses[0].requires_text.empty());
}

JudgingOptions Against(const Run& baseline) {
  JudgingOptions options;
  options.baseline = Scratch("baseline.json", ToJson(Judged({}, baseline)));
  return options;
}

TEST(Judge, StandingAndStatusAgainstABaseline) {
  struct Row {
    Verdict before, now;
    const char* standing;
    int status;
  };
  const Row rows[] = {
      {Verdict::kPass, Verdict::kPass, "", 0},
      {Verdict::kPass, Verdict::kFail, "new", 1},
      {Verdict::kObserved, Verdict::kFlaky, "new", 1},
      {Verdict::kFail, Verdict::kFail, "known", 0},
      {Verdict::kFail, Verdict::kPass, "", 0},
      {Verdict::kPass, Verdict::kDisputed, "new", 1},
      {Verdict::kDisputed, Verdict::kDisputed, "", 0},
      {Verdict::kPass, Verdict::kUnsupported, "lost", 3},
      {Verdict::kObserved, Verdict::kUntested, "lost", 3},
      {Verdict::kPass, Verdict::kUnresolved, "lost", 3},
      {Verdict::kFail, Verdict::kUnsupported, "lost", 3},
      {Verdict::kUnsupported, Verdict::kUnsupported, "", 0},
      {Verdict::kUnsupported, Verdict::kFail, "known", 0},
      {Verdict::kUnresolved, Verdict::kUnresolved, "known", 0},
  };
  for (const Row& row : rows) {
    const report::Run run =
        Judged(Against(RunOf({Tested("A", row.before), Tested("Other", Verdict::kPass)})),
               RunOf({Tested("A", row.now), Tested("Other", Verdict::kPass)}));
    const std::string what =
        std::string(ToString(row.before)) + " then " + std::string(ToString(row.now));
    EXPECT_EQ(run.tests[0].standing, row.standing) << what;
    EXPECT_EQ(run.summary.exit_status, row.status) << what;
    EXPECT_EQ(run.lost.empty(), std::string(row.standing) != "lost") << what;
  }
}

TEST(Judge, AbsentTestsAreLostUnlessTheUserLeftThemOut) {
  const report::Run both = RunOf({Tested("A", Verdict::kPass), Tested("B", Verdict::kPass)});
  report::Run one = RunOf({Tested("A", Verdict::kPass)});
  const report::Run lost = Judged(Against(both), one);
  EXPECT_EQ(lost.summary.exit_status, 3);
  ASSERT_EQ(lost.lost.size(), 2u);
  EXPECT_EQ(lost.lost[0].test, "B");
  EXPECT_EQ(lost.lost[0].now, "absent");
  EXPECT_EQ(lost.lost[1].clause, "B");
  EXPECT_THAT(lost.summary.sentence, HasSubstr("Coverage lost: 1 clause (B) no longer judged"));
  one.filtered = true;
  EXPECT_EQ(Judged(Against(both), one).summary.exit_status, 0);
}

TEST(Judge, FailOnChoosesWhatIsRed) {
  const report::Run before = RunOf(
      {Tested("A", Verdict::kPass), Tested("B", Verdict::kPass), Tested("C", Verdict::kFail)});
  struct Row {
    const char* fail_on;
    Verdict a, b;
    int status;
  };
  const Row rows[] = {
      {"regressions", Verdict::kFail, Verdict::kPass, 1},
      {"regressions", Verdict::kPass, Verdict::kUnsupported, 0},
      {"lost-coverage", Verdict::kFail, Verdict::kPass, 0},
      {"lost-coverage", Verdict::kFail, Verdict::kUnsupported, 3},
      {"any-difference", Verdict::kObserved, Verdict::kPass, 1},
      {"any-difference", Verdict::kPass, Verdict::kPass, 0},
      {"findings", Verdict::kPass, Verdict::kPass, 1},
      {"nothing", Verdict::kFail, Verdict::kUnsupported, 0},
  };
  for (const Row& row : rows) {
    JudgingOptions options = Against(before);
    options.fail_on = {row.fail_on};
    const report::Run run = Judged(
        options, RunOf({Tested("A", row.a), Tested("B", row.b), Tested("C", Verdict::kFail)}));
    EXPECT_EQ(run.summary.exit_status, row.status)
        << row.fail_on << " " << ToString(row.a) << " " << ToString(row.b);
  }
}

TEST(Judge, NothingJudgedHalfARunAndAnEmptyShard) {
  EXPECT_EQ(Judged({}, RunOf({Tested("A", Verdict::kUnsupported)})).summary.exit_status, 3);
  EXPECT_EQ(Judged({}, RunOf({})).summary.exit_status, 3);
  report::Run half = RunOf({Tested("A", Verdict::kPass)});
  half.interrupted = "stopped";
  EXPECT_EQ(Judged({}, half).summary.exit_status, 3);
  EXPECT_EQ(Judged(Against(RunOf({Tested("A", Verdict::kPass)})), half).summary.exit_status, 3);
  report::Run shard = RunOf({});
  shard.shard = "2/3";
  EXPECT_EQ(Judged({}, shard).summary.exit_status, 0);
}

TEST(Judge, RequiredVerdictsMustBeThere) {
  JudgingOptions options;
  options.require = {"clause:mq_notify.*"};
  const report::Run run = RunOf({Tested("A", Verdict::kPass)});
  const report::Run judged = Judged(options, run);
  EXPECT_EQ(judged.summary.exit_status, 3);
  ASSERT_FALSE(judged.lost.empty());
  EXPECT_EQ(judged.lost[0].before, "required");
  EXPECT_EQ(judged.lost[0].now, "absent");
  EXPECT_THAT(judged.summary.sentence, HasSubstr("Required verdicts are missing: "));
  report::Run disputed = run;
  disputed.clauses = CatalogueClauses();
  std::erase_if(disputed.clauses, [](const ClauseRecord& c) { return c.function != "pipe2"; });
  disputed.tests.clear();
  for (const ClauseRecord& c : disputed.clauses) {
    TestRecord test = Tested(c.id, Verdict::kDisputed);
    test.failures.emplace_back();
    test.failures[0].observed = "pipe2(ends, flags) = -1 ENOSYS";
    disputed.tests.push_back(test);
  }
  options.require = {"pipe2"};
  EXPECT_EQ(Judged(options, disputed).summary.exit_status, 3) << "absent is not disputed";
  options.require = {"nosuch"};
  EXPECT_THAT(Judge::Load(options).error(), HasSubstr("--require: 'nosuch' is neither"));
  JudgingOptions without_baseline;
  without_baseline.fail_on = {"regressions"};
  EXPECT_THAT(Judge::Load(without_baseline).error(), HasSubstr("needs --baseline"));
}

TEST(Judge, UnresolvedCanBeExpected) {
  JudgingOptions options;
  options.no_default_expectations = true;
  options.expect = {Scratch("expect.json", R"({"expectations": [{"id": "slow", "tests": ["A"],
      "expected": "UNRESOLVED", "reason": "the emulator is slow"}]})")};
  const report::Run raw = RunOf({Tested("A", Verdict::kUnresolved), Tested("B", Verdict::kPass)});
  const report::Run run = Judged(options, raw);
  EXPECT_EQ(run.tests[0].verdict, Verdict::kUnresolved);
  EXPECT_EQ(run.tests[0].standing, "known");
  EXPECT_EQ(run.summary.exit_status, 0);
  EXPECT_EQ(Judged({}, raw).summary.exit_status, 3);
}

TEST(Judge, JudgingTwiceChangesNothing) {
  JudgingOptions options;
  options.expect = {Scratch("two.json", R"({"expectations": [
      {"id": "broken", "tests": ["A"], "reason": "r"},
      {"id": "mended", "tests": ["B"], "reason": "r"},
      {"id": "old", "tests": ["C"], "reason": "r", "review_by": "2020-01-01"}]})")};
  const report::Run raw = RunOf(
      {Tested("A", Verdict::kFail), Tested("B", Verdict::kPass), Tested("C", Verdict::kFail)});
  const report::Run once = Judged(options, raw);
  EXPECT_EQ(once.tests[0].verdict, Verdict::kXfail);
  EXPECT_EQ(once.tests[1].verdict, Verdict::kXpass);
  EXPECT_EQ(once.tests[2].verdict, Verdict::kFail);
  EXPECT_EQ(ToJson(Judged(options, once)), ToJson(once));
  const report::Run undone = Judged({}, once);
  EXPECT_EQ(ToJson(undone), ToJson(Judged({}, raw))) << "other expectations start from the start";
  JudgingOptions keep;
  keep.keep_expectations = true;
  EXPECT_EQ(ToJson(Judged(keep, once)), ToJson(once));
}

TEST(Causes, AreNamedByTheCallAndHowItEnded) {
  struct Row {
    const char* text;
    const char* cause;
  };
  const Row rows[] = {
      {"mkfifo(path.c_str(), 0600) = -1 ENOSYS", "mkfifo: ENOSYS"},
      {"maker.make(path, 0600) = -1 ENOSYS; Google Test trace: suites/fifo/a.cc:176: mkfifo\n",
       "mkfifo: ENOSYS"},
      {"maker.make(path, 0600) = -1 ENOSYS", "make: ENOSYS"},
      {"mq_open() is absent here (ENOSYS)", "mq_open: ENOSYS"},
      {"absent here: shm_open(\"/x\", O_RDWR) = -1 EACCES", "shm_open: EACCES"},
      {"timed out in read(fd, buf, 1); killed by the watchdog", "read: timed out"},
      {"killed by SIGSYS in mq_open(name, 0): a sandbox", "mq_open: killed by SIGSYS"},
      {"read(fd, buf, 1) = 0; expected EAGAIN", ""},
      {"O_SEARCH is not defined here", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    TestRecord test = Tested("A", Verdict::kFail);
    Failure failure;
    failure.observed = row.text;
    test.failures.push_back(failure);
    EXPECT_EQ(CauseOf(test), row.cause) << row.text;
    test.reason = row.text;
    test.failures.clear();
    EXPECT_EQ(CauseOf(test), row.cause) << row.text;
  }
}

TEST(Causes, GroupFindingsWithWhatTheyLeftUndecided) {
  const auto ended = [](const std::string& name, Verdict verdict, const std::string& reason) {
    TestRecord test = Tested(name, verdict);
    test.reason = reason;
    return test;
  };
  const std::string absent = "mkfifo() is absent here (ENOSYS)";
  const report::Run run =
      Judged({}, RunOf({ended("A", Verdict::kFail, "killed by SIGBUS in f(1)"),
                        ended("B", Verdict::kUnsupported, absent),
                        ended("C", Verdict::kFail, "mkfifo(p) = -1 ENOSYS"),
                        ended("D", Verdict::kUnsupported, absent),
                        ended("E", Verdict::kUnsupported, "g() is absent (EIO)"),
                        ended("F", Verdict::kUnsupported, "g() is absent (EIO)"),
                        ended("G", Verdict::kPass, absent)}));
  ASSERT_EQ(run.causes.size(), 1u) << "only groups, and only what is red or lost";
  EXPECT_EQ(run.causes[0].what, "mkfifo: ENOSYS");
  EXPECT_EQ(run.causes[0].tests, (std::vector<std::string>{"B", "C", "D"}));
  EXPECT_EQ(run.causes[0].clauses, (std::vector<std::string>{"B", "C", "D"}));
}

TEST(Score, CountsByFunctionWhileTheyAreFew) {
  const auto clause = [](const std::string& function, const std::string& interface,
                         Verdict verdict) {
    ClauseRecord c = Clause(function + ".c");
    c.function = function;
    c.interface = interface;
    c.verdict = verdict;
    return c;
  };
  report::Run run;
  run.clauses = {
      clause("mq_open", "mqueue", Verdict::kPass), clause("mq_send", "mqueue", Verdict::kFail),
      clause("mq_send", "mqueue", Verdict::kUntested), clause("mq_send", "mqueue", Verdict::kXfail),
      clause("mq_send", "mqueue", Verdict::kNotInUse)};
  const auto few = ScoresOf(run);
  ASSERT_EQ(few.size(), 2u);
  EXPECT_EQ(few[0].name + ": " + ScoreText(few[0]), "mq_open: 1 of 1 judged");
  EXPECT_EQ(few[1].name + ": " + ScoreText(few[1]),
            "mq_send: 2 of 3 judged, 1 violated, 1 violated as known");
  for (int i = 0; i < 40; ++i)
    run.clauses.push_back(clause("f" + std::to_string(i), "pipe", Verdict::kPass));
  const auto many = ScoresOf(run);
  ASSERT_EQ(many.size(), 2u);
  EXPECT_EQ(many[1].name + ": " + ScoreText(many[1]), "pipe: 40 of 40 judged");
}

TEST(Judge, BisectSkipsWhatDecidesNothing) {
  const std::pair<int, int> rows[] = {{0, 0}, {1, 1}, {2, 125}, {3, 125}};
  for (const auto& [status, bisect] : rows) EXPECT_EQ(BisectStatus(status), bisect);
}

TEST(Doubts, NameWhatDoesNotExistIsExpiredOrAPlaceholder) {
  std::vector<Expectation> all;
  ASSERT_TRUE(ParseExpectations(R"({"expectations": [
      {"id": "a", "tests": ["NoSuch.*"], "reason": "r"},
      {"id": "b", "clauses": ["mq_send.nosuch"], "reason": "r"},
      {"id": "c", "tests": ["A.b"], "reason": "r", "review_by": "2020-01-01"},
      {"id": "d", "tests": ["A.b"], "reason": "SAY WHY HERE. Seen"},
      {"id": "e", "tests": ["A.*"], "clauses": ["mq_send.*"], "reason": "r"}]})",
                                "f", &all));
  const auto doubts = Doubts(all, {"A.b"}, {"mq_send.eagain"}, "2026-11-30");
  ASSERT_EQ(doubts.size(), 4u);
  EXPECT_THAT(doubts[0], HasSubstr("f:2: entry a names no test: NoSuch.*"));
  EXPECT_THAT(doubts[1], HasSubstr("names no clause: mq_send.nosuch"));
  EXPECT_THAT(doubts[2], HasSubstr("expired on 2020-01-01"));
  EXPECT_THAT(doubts[3], HasSubstr("placeholder"));
}

}  // namespace
}  // namespace ipcsuite::report
