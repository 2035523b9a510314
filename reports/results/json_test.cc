#include "reports/results/json.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  const std::string error = RunFromJson(text).error();
  EXPECT_EQ(error.find('\n'), std::string::npos) << "more than one line: " << error;
  return error;
}

TEST(Json, RunSurvivesTheRoundTrip) {
  const report::Run run = SampleRun();
  const std::string text = ToJson(run);
  const auto back = RunFromJson(text);
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(ToJson(*back), text);
  EXPECT_EQ(back->tests.size(), run.tests.size());
  EXPECT_EQ(back->summary.sentence, run.summary.sentence);
  EXPECT_EQ(back->stress_json.empty(), run.stress_json.empty());
}

TEST(Json, LineSurvivesTheRoundTripForEveryTest) {
  for (const TestRecord& test : SampleRun().tests) {
    const std::string line = ToJsonLine(test);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto back = TestFromJsonLine(line);
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(ToJsonLine(*back), line);
  }
}

TEST(Json, LinesBeginWithWhatIsKnownOfTheRun) {
  const report::Run run = SampleRun();
  const std::string header = ToJsonHeader(run);
  EXPECT_EQ(header.find('\n'), std::string::npos);
  const auto empty = RunFromJson(header);
  ASSERT_TRUE(empty) << empty.error();
  EXPECT_TRUE(empty->tests.empty());
  EXPECT_FALSE(empty->interrupted.empty()) << "a run that broke off before its first result";
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/results.jsonl";
  ASSERT_TRUE(WriteFile(path, header + "\n" + ToJsonLine(run.tests[0]) + "\n" + "{\"name\":\"cu"));
  const auto half = ReadRun(path);
  ASSERT_TRUE(half) << half.error();
  ASSERT_EQ(half->tests.size(), 1u);
  EXPECT_EQ(half->tests[0].name, run.tests[0].name);
  EXPECT_EQ(half->seed, run.seed);
  EXPECT_EQ(half->environment.size(), run.environment.size());
  EXPECT_FALSE(half->interrupted.empty());
}

TEST(Json, KeepsAll64BitsOfASeed) {
  TestRecord test;
  test.seed = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(TestFromJsonLine(ToJsonLine(test))->seed, test.seed);
}

TEST(Json, WritesNotANumberAsNullAndReadsItBack) {
  TestRecord test;
  test.metrics.push_back({"latency_ns_max", std::nan(""), {1, std::nan("")}});
  const auto back = TestFromJsonLine(ToJsonLine(test));
  ASSERT_TRUE(back);
  EXPECT_TRUE(std::isnan(back->metrics[0].value));
  EXPECT_TRUE(std::isnan(back->metrics[0].samples[1]));
}

TEST(Json, ReplacesBytesThatAreNotUtf8) {
  TestRecord test;
  test.name = "A.b";
  test.evidence.push_back("read \xff\xfe from the pipe");
  const auto back = TestFromJsonLine(ToJsonLine(test));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->evidence[0], "read \xEF\xBF\xBD\xEF\xBF\xBD from the pipe");
}

TEST(Json, IgnoresFieldsItDoesNotKnow) {
  EXPECT_TRUE(RunFromJson(R"({"ipcsuite_schema_version":1,"news":[1,2]})"));
}

TEST(Json, KeepsADocumentThatIsNoJsonAsText) {
  report::Run run;
  run.stress_json = "not json";
  EXPECT_EQ(RunFromJson(ToJson(run))->stress_json, "not json");
}

TEST(Json, RefusesBrokenInputInOneLine) {
  EXPECT_EQ(ErrorOf(""), "is empty");
  EXPECT_EQ(ErrorOf(" \n"), "is empty");
  EXPECT_THAT(ErrorOf("{]}"), HasSubstr("is not valid JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("is not an ipcsuite result"));
  EXPECT_THAT(ErrorOf("{\"tests\":[]}"), HasSubstr("is not an ipcsuite result"));
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":"1"})"), HasSubstr("expected an integer"));
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":0})"), HasSubstr("impossible"));
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":1,"tests":[{"name":3,"verdict":"PASS"}]})"),
              HasSubstr("/tests/0/name: expected a text"));
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":1,"tests":[{"verdict":"GREAT"}]})"),
              HasSubstr("expected a result code, not \"GREAT\""));
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":1,"tests":{}})"), HasSubstr("expected a list"));
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":1,"seed":"12x"})"), HasSubstr("64-bit"));
}

TEST(Json, SaysThatANewerSchemaNeedsANewerProgram) {
  EXPECT_THAT(ErrorOf(R"({"ipcsuite_schema_version":2})"), HasSubstr("use a newer ipcsuite"));
}

TEST(Json, TellsTruncationAtEveryLength) {
  std::string text = ToJson(SampleRun());
  text.erase(text.find_last_not_of('\n') + 1);
  for (std::size_t n = 1; n < text.size(); n += 97) {
    EXPECT_THAT(ErrorOf(text.substr(0, n)), StartsWith("is truncated")) << n;
  }
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/ipcsuite-files-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { ASSERT_EQ(std::system(("rm -rf " + folder_).c_str()), 0); }
  std::string folder_;
};

TEST_F(Files, WriteReplacesTheWholeFileAndLeavesNothingElse) {
  const std::string path = folder_ + "/out";
  ASSERT_TRUE(WriteFile(path, "one, the longer"));
  ASSERT_TRUE(WriteFile(path, "two"));
  EXPECT_EQ(*ReadFile(path), "two");
  EXPECT_EQ(std::system(("test $(ls -A " + folder_ + " | wc -l) = 1").c_str()), 0);
}

TEST_F(Files, WriteSaysWhyItCannot) {
  EXPECT_EQ(WriteFile(folder_ + "/absent/out", "x").error(),
            folder_ + "/absent/out: cannot be written: No such file or directory");
  EXPECT_EQ(WriteFile(folder_, "x").error(), folder_ + ": cannot be written: is a folder");
}

TEST_F(Files, FullDiskIsToldAndTheOldFileStays) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  EXPECT_EQ(WriteFile("/dev/full", std::string(100000, 'x')).error(),
            "/dev/full: cannot be written: No space left on device");
}

TEST_F(Files, DeviceIsWrittenToAndNotReplaced) {
  ASSERT_TRUE(WriteFile("/dev/null", "x"));
  struct stat status {};
  ASSERT_EQ(::stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST_F(Files, LinesOfAKilledRunAreAnInterruptedRun) {
  const auto& tests = SampleRun().tests;
  const std::string first = ToJsonLine(tests[0]) + "\n", second = ToJsonLine(tests[1]);
  ASSERT_TRUE(WriteFile(folder_ + "/r.jsonl", first + second.substr(0, 30)));
  const auto run = ReadRun(folder_ + "/r.jsonl");
  ASSERT_TRUE(run) << run.error();
  ASSERT_EQ(run->tests.size(), 1u) << "the line that is cut short is left out";
  EXPECT_EQ(run->tests[0].name, tests[0].name);
  EXPECT_NE(run->interrupted, "");
  ASSERT_TRUE(WriteFile(folder_ + "/bad.jsonl", first + "{\n" + second));
  EXPECT_THAT(ReadRun(folder_ + "/bad.jsonl").error(), HasSubstr("bad.jsonl: line 2 "));
  ASSERT_TRUE(WriteFile(folder_ + "/junit.xml", "<?xml version='1.0'?>"));
  EXPECT_THAT(ReadRun(folder_ + "/junit.xml").error(), HasSubstr("is not JSON"));
}

TEST_F(Files, ReadRefusesAbsentFoldersAndTheEnormous) {
  EXPECT_THAT(ReadRun(folder_ + "/absent").error(), HasSubstr("cannot be read: No such file"));
  EXPECT_THAT(ReadRun(folder_).error(), HasSubstr("is a folder"));
  const std::string sparse = folder_ + "/sparse";
  ASSERT_TRUE(WriteFile(sparse, ""));
  ASSERT_EQ(::truncate(sparse.c_str(), static_cast<off_t>(kMaxFileBytes + 1)), 0);
  EXPECT_THAT(ReadRun(sparse).error(), HasSubstr("is larger than"));
}

TEST(Verdicts, NamesRoundTripAndMergeFollowsTheOrder) {
  for (Verdict v : kAllVerdicts) {
    EXPECT_EQ(VerdictFromString(ToString(v)), v);
    EXPECT_EQ(Merge(v, v), v);
    EXPECT_EQ(Merge(v, Verdict::kFail), Verdict::kFail);
    EXPECT_EQ(Merge(Verdict::kUntested, v), v);
    for (Verdict w : kAllVerdicts) EXPECT_EQ(Merge(v, w), Merge(w, v));
  }
  EXPECT_EQ(Merge(Verdict::kPass, Verdict::kUnresolved), Verdict::kUnresolved);
  EXPECT_EQ(VerdictFromString("pass"), std::nullopt);
}

}  // namespace
}  // namespace ipcsuite::report
