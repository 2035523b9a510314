// The commands as a user meets them: arguments in, exit status, files and one-line errors out.
#include "reports/commands/commands.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "reports/commands/expectations_update.h"
#include "reports/results/json.h"
#include "reports/verdicts/expectations.h"
#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int status = 0;
  std::string out, err;
};

class Commands : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ipcsuite-commands-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    for (int i = 0; i < 3; ++i) Put("r" + std::to_string(i) + ".json", ToJson(SampleRun(i)));
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -rf " + folder_).c_str()), 0); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFile(Path(name), text));
  }
  std::string Get(const std::string& name) {
    const auto text = ReadFile(Path(name));
    return text ? *text : "absent: " + text.error();
  }
  // Words that start with '@' are files of the folder.
  Outcome Call(int (*command)(int, char**), std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) {
      if (word[0] == '@') word = Path(word.substr(1));
      argv.push_back(word.data());
    }
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.status = command(static_cast<int>(argv.size()), argv.data());
    outcome.out = ::testing::internal::GetCapturedStdout();
    outcome.err = ::testing::internal::GetCapturedStderr();
    return outcome;
  }
  void ExpectUsageError(const Outcome& outcome, const std::string& part) {
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, StartsWith("ipcsuite: "));
    EXPECT_THAT(outcome.err, HasSubstr(part));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << "one line: " << outcome.err;
  }
  std::string folder_;
};

TEST_F(Commands, ReportMakesEveryFormatFromTheFileAlone) {
  const Outcome made =
      Call(ReportMain, {"@r0.json", "--format", "html,junit,ctrf,tap,ktap,md,text", "--out", "@"});
  EXPECT_EQ(made.status, 0) << made.err;
  for (const char* file : {"report.html", "junit.xml", "ctrf.json", "results.tap", "results.ktap",
                           "summary.md", "summary.txt"}) {
    EXPECT_THAT(Get(file), Not(StartsWith("absent"))) << file;
  }
  EXPECT_THAT(Call(ReportMain, {"@r0.json"}).out, HasSubstr("Verdict:  Does not conform"));
  EXPECT_THAT(Call(ReportMain, {"@r0.json", "-f", "tap"}).out, StartsWith("TAP version 13\n"));
}

TEST_F(Commands, ReportRefusesBadInputInOneLine) {
  ExpectUsageError(Call(ReportMain, {}), "RESULTS");
  ExpectUsageError(Call(ReportMain, {"@absent.json"}), "No such file");
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--colour"}), "--colour");
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--format", "pdf"}), "unknown format 'pdf'");
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--format", "html", "--out", "/nowhere/x.html"}),
                   "/nowhere/x.html: cannot be written");
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--format", "html", "--out", "@r0.json"}),
                   "is the input");
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--format", "html,tap"}),
                   "several formats need a folder");
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--format", "html,tap", "--out", "@one"}),
                   "several formats need a folder");
  Put("half.json", ToJson(SampleRun()).substr(0, 5000));
  ExpectUsageError(Call(ReportMain, {"@half.json"}), "half.json: is truncated");
  Put("new.json", "{\"ipcsuite_schema_version\": 99}");
  ExpectUsageError(Call(ReportMain, {"@new.json"}), "use a newer ipcsuite");
}

TEST_F(Commands, ReportFoldsADetectionRunIn) {
  Put("d.json", R"({"clauses": {"mq_notify.sample_9": "proven"}, "faults": []})");
  EXPECT_EQ(Call(ReportMain,
                 {"@r0.json", "--detection", "@d.json", "--format", "json", "--out", "@with.json"})
                .status,
            0);
  const auto run = ReadRun(Path("with.json"));
  ASSERT_TRUE(run) << run.error();
  EXPECT_EQ(run->clauses[9].detection, "proven");
  EXPECT_THAT(run->detection_json, HasSubstr("mq_notify.sample_9"));
  ExpectUsageError(Call(ReportMain, {"@r0.json", "--detection", "@r0.json"}),
                   "r0.json: is not a result of a detection run");
}

TEST_F(Commands, NothingIsHalfWrittenWhenOutputFails) {
  Put("report.html", "old");
  const Outcome failed = Call(ReportMain, {"@r0.json", "--format", "html", "--out", "/dev/full"});
  ExpectUsageError(failed, "/dev/full: cannot be written: No space left on device");
  EXPECT_EQ(Get("report.html"), "old");
}

TEST_F(Commands, CompareGatesOnRegressions) {
  const Outcome worse = Call(CompareMain, {"@r1.json", "@r0.json"});
  EXPECT_EQ(worse.status, 1);
  EXPECT_THAT(
      worse.out,
      HasSubstr("Regression\n  clause mq_notify.sample_9\n      alpine: PASS; debian-12: FAIL\n"));
  EXPECT_EQ(Call(CompareMain, {"@r0.json", "@r1.json"}).status, 0)
      << "an improvement is no regression";
  EXPECT_EQ(Call(CompareMain, {"@r0.json", "@r1.json", "--fail-on", "any-difference"}).status, 1);
  EXPECT_EQ(Call(CompareMain, {"@r0.json", "@r0.json", "--fail-on", "any-difference"}).status, 0);
  EXPECT_EQ(Call(CompareMain, {"@r1.json", "@r0.json", "--fail-on", "nothing"}).status, 0);
}

TEST_F(Commands, CompareWritesItsFormats) {
  const Outcome three = Call(CompareMain, {"@r0.json", "@r1.json", "@r2.json", "--html", "@c.html",
                                           "--format", "json", "--out", "@c.json"});
  EXPECT_EQ(three.status, 1);
  EXPECT_EQ(three.out, "");
  EXPECT_THAT(Get("c.html"), HasSubstr("<h1>debian-12, alpine, gvisor</h1>"));
  EXPECT_THAT(Get("c.json"), HasSubstr("\"ipcsuite_comparison_version\": 1"));
  ExpectUsageError(Call(CompareMain, {"@r0.json"}), "two or more");
  ExpectUsageError(Call(CompareMain, {"@r0.json", "@r1.json", "--html", "@r1.json"}),
                   "is an input");
  ExpectUsageError(Call(CompareMain, {"@r0.json", "@r1.json", "--html", "@x", "--out", "@x"}),
                   "same file");
  ExpectUsageError(Call(CompareMain, {"@r0.json", "@r1.json", "--fail-on", "taste"}), "--fail-on");
}

TEST_F(Commands, MergeJoinsShards) {
  report::Run whole = SampleRun(), left = whole, right = whole;
  left.tests.resize(10);
  right.tests.erase(right.tests.begin(), right.tests.begin() + 10);
  Put("left.json", ToJson(left));
  Put("right.json", ToJson(right));
  const Outcome merged = Call(MergeMain, {"@left.json", "@right.json", "--out", "@merged.json"});
  EXPECT_EQ(merged.status, 1) << "the findings of the parts";
  const auto back = ReadRun(Path("merged.json"));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->summary.sentence, whole.summary.sentence);
  EXPECT_EQ(Call(ReportMain, {"@r0.json", "-f", "json", "-o", "@judged.json"}).status, 0);
  EXPECT_EQ(Get("merged.json"), Get("judged.json"));
  ExpectUsageError(Call(MergeMain, {"@r0.json", "@r1.json", "--out", "@m.json"}), "both hold test");
}

TEST_F(Commands, ExpectationsUpdateProposesADiffThatPatchTakes) {
  Put("mine.json",
      "{\n  \"expectations\": [\n"
      "    // was so before 6.9\n"
      "    {\"id\": \"old-entry\", \"tests\": [\"Read.BehavesAsSample11\"], \"reason\": \"was "
      "broken\"},\n"
      "    {\"id\": \"kept\", \"tests\": [\"X.Y\"], \"reason\": \"r\"}\n  ]\n}\n");
  const Outcome proposed = Call(ExpectationsMain, {"update", "@r0.json", "--expect", "@mine.json"});
  ASSERT_EQ(proposed.status, 0) << proposed.err;
  EXPECT_THAT(proposed.out, HasSubstr("-    // was so before 6.9\n-    {\"id\": \"old-entry\""));
  EXPECT_THAT(proposed.out, HasSubstr("+        \"Mq_notify.BehavesAsSample9\""));
  EXPECT_THAT(proposed.out, HasSubstr("SAY WHY HERE"));
  if (std::system("patch --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "patch is absent";
  Put("proposed.diff", proposed.out);
  // The diff names the absolute path of the test's folder: -p1 below /.
  ASSERT_EQ(std::system(("cd / && patch -p1 -s < " + Path("proposed.diff")).c_str()), 0);
  std::vector<Expectation> all;
  ASSERT_TRUE(ReadExpectations(Path("mine.json"), &all));
  ASSERT_EQ(all.size(), 3u) << "kept, and one for each of FAIL and FLAKY";
  EXPECT_EQ(all[0].id, "kept");
  // With the edits applied, the same run has no finding left but those that no file can excuse.
  report::Run again = SampleRun();
  Apply(all, FactsOf(again.environment), {"2026-11-26", true}, &again.tests);
  for (const TestRecord& t : again.tests) {
    EXPECT_NE(t.verdict, Verdict::kFail) << t.name;
    EXPECT_NE(t.verdict, Verdict::kFlaky) << t.name;
  }
}

TEST_F(Commands, ExpectationsUpdateMakesANewFile) {
  const Outcome proposed = Call(ExpectationsMain, {"update", "@r0.json", "--expect", "new.json"});
  EXPECT_EQ(proposed.status, 0);
  EXPECT_THAT(proposed.out, StartsWith("--- /dev/null\n+++ b/new.json\n@@ -0,0 +1,"));
}

TEST_F(Commands, ExpectationsCheckAndList) {
  Put("good.json",
      R"({"expectations": [{"id": "a", "tests": ["A.b"], "reason": "why it is so"}]})");
  Put("bad.json", R"({"expectations": [{"id": "a", "tests": ["A.b"]}]})");
  EXPECT_EQ(Call(ExpectationsMain, {"check", "@good.json"}).out, "1 expectation is correct\n");
  Put("typo.json",
      R"({"expectations": [{"id": "a", "clauses": ["mq_send.nosuch"], "reason": "r"}]})");
  ExpectUsageError(Call(ExpectationsMain, {"check", "@typo.json"}),
                   "typo.json:1: entry a names no clause: mq_send.nosuch");
  ExpectUsageError(Call(ExpectationsMain, {"check", "@bad.json"}), "entry 1 (a) gives no reason");
  EXPECT_THAT(Call(ExpectationsMain, {"list", "--expect", "@good.json"}).out,
              EndsWith("good.json): why it is so\n    test A.b\n"));
  ExpectUsageError(Call(ExpectationsMain, {}), "subcommand");
}

TEST(ExpectationEdits, RemovingLeavesValidLists) {
  const std::string text =
      "{\n  \"expectations\": [\n    {\"id\": \"a, }\", \"tests\": [\"A\"], \"reason\": \"r\"},\n"
      "    // about b\n    {\"id\": \"b\", \"tests\": [\"B\"], \"reason\": \"r\"} // tail\n  "
      "]\n}\n";
  for (const char* id : {"a, }", "b"}) {
    std::vector<Expectation> left;
    const std::string pruned = WithoutEntry(text, id);
    ASSERT_TRUE(ParseExpectations(pruned, "pruned", &left)) << pruned;
    ASSERT_EQ(left.size(), 1u);
    EXPECT_NE(left[0].id, id);
  }
  EXPECT_EQ(WithoutEntry(text, "absent"), text);
}

TEST(ExpectationEdits, AddingWorksForEmptyAndFullLists) {
  for (const std::string text :
       {"{\"expectations\": []}", "{\n  \"expectations\": [\n  ]\n}\n",
        "{\"expectations\": [{\"id\": \"a\", \"tests\": [\"A\"], \"reason\": \"r\"}]}"}) {
    std::vector<Expectation> all;
    const std::string longer = WithEntry(text, R"(    {"id": "n", "tests": ["N"], "reason": "r"})");
    ASSERT_TRUE(ParseExpectations(longer, "longer", &all)) << longer;
    EXPECT_EQ(all.back().id, "n");
  }
}

TEST(UnifiedDiff, HunksCountTheirLines) {
  EXPECT_EQ(UnifiedDiff("a", "x\n", "b", "x\n"), "");
  EXPECT_EQ(UnifiedDiff("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "b", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
  EXPECT_EQ(UnifiedDiff("/dev/null", "", "b", "n\n"),
            "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+n\n");
}

}  // namespace
}  // namespace ipcsuite::report
