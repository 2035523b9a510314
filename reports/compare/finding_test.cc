// Findings: one paragraph in every format, standings, long values, causes.
#include "reports/results/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "reports/formats/report.h"
#include "reports/results/schema_check.h"
#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::HasSubstr;

TEST(Formats, AFindingIsAParagraphInEveryFormat) {
  report::Run run = SampleRun();
  TestRecord& finding = run.tests[8];
  finding.standing = "new";
  finding.attachments.push_back(
      {"text", "The shortest program that fails", "p0: mq_send(q, 3)\np1: mq_receive(q)"});
  // JSON holds the parts; the page links them.
  for (const char* format : {"text", "markdown", "tap", "ktap", "junit", "ctrf", "github"}) {
    std::string text = Render(run, format);
    std::erase(text, '\\');  // Markdown's escapes
    for (const char* part : {"mq_notify.sample_9", "XSH mq_notify() DESCRIPTION",
                             "Sample requirement number 9", "fails with EAGAIN (11)", "mq_send(q,",
                             "p1: mq_receive(q)", "ipcsuite run --seed 42 --filter", "new"}) {
      EXPECT_THAT(text, HasSubstr(part)) << format;
    }
  }
}

TEST(Formats, ThePageLinksSourcesWhereItKnowsThem) {
  report::Run run = SampleRun();
  const std::string place = run.tests[8].failures.at(0).file;
  ASSERT_FALSE(place.empty());
  const auto page = [&](const char* sources) {
    run.environment.push_back({"Build of ipcsuite", {{"sources", sources}}});
    const std::string html = Render(run, "html");
    run.environment.pop_back();
    return html;
  };
  EXPECT_THAT(page("https://host/x/{file}#L{line}"), HasSubstr("href=\"https://host/x/" + place));
  EXPECT_THAT(page("file:///home/x/{file}"), HasSubstr("href=\"file:///home/x/" + place));
  EXPECT_EQ(page("javascript:alert(1)//{file}").find("href=\"javascript"), std::string::npos);
}

TEST(Formats, KnownFindingsAreNotFailuresAndLostOnesAre) {
  report::Run run;
  for (const char* standing : {"new", "known", "lost"}) {
    TestRecord t;
    t.name = std::string("Mq.") + standing;
    t.suite = "mqueue";
    t.verdict = std::string(standing) == "lost" ? Verdict::kUnsupported : Verdict::kFail;
    t.standing = standing;
    run.tests.push_back(t);
  }
  run.lost = {{"", "Mq.gone", "PASS", "absent", ""}};
  const std::string junit = Render(run, "junit");
  EXPECT_THAT(junit, HasSubstr("tests=\"4\" failures=\"3\" errors=\"0\" skipped=\"1\""));
  EXPECT_THAT(junit, HasSubstr("<skipped message=\"KNOWN FAIL"));
  EXPECT_THAT(junit, HasSubstr("type=\"LOST\">"));
  const std::string tap = Render(run, "tap");
  EXPECT_THAT(tap, HasSubstr("not ok 1 - mqueue/Mq.new\n"));
  EXPECT_THAT(tap, HasSubstr("KNOWN FAIL\n"));
  EXPECT_THAT(tap, HasSubstr("not ok 3 - mqueue/Mq.lost\n"));
  EXPECT_THAT(tap, HasSubstr("# LOST judged before, now absent: Mq.gone\n"));
  EXPECT_THAT(Render(run, "ktap"), HasSubstr("ok 2 Mq.known # XFAIL KNOWN FAIL"));
  EXPECT_THAT(Render(run, "ctrf"), HasSubstr("\"failed\": 2,"));
}

TEST(Finding, LongValuesAreCutAroundTheFirstDifference) {
  TestRecord t;
  t.name = "T";
  const std::string alike(4000, 'a');
  t.failures.push_back(
      {"c", "", 0, alike + "right" + alike, "Received(q) = " + alike + "wrong" + alike, ""});
  const std::string text = ParagraphText(t, {});
  EXPECT_LT(text.size(), 600u);
  EXPECT_THAT(text, HasSubstr("observed: Received(q) = [3976 bytes alike] aaaa"));
  EXPECT_THAT(text, HasSubstr("aaawrongaaa"));
  EXPECT_THAT(text, HasSubstr("aaarightaaa"));
  EXPECT_THAT(text, HasSubstr("[3909 more bytes]"));
}

TEST(Finding, ACheckThatFailsAgainAndAgainIsShownOnce) {
  TestRecord t;
  for (int i = 0; i < 24; ++i)
    t.failures.push_back(
        {"c", "a.cc", 41, std::to_string(i), "read(fd) = " + std::to_string(i + 1), ""});
  t.failures.push_back({"d", "a.cc", 50, "0", "1", ""});
  const std::string text = ParagraphText(t, {});
  EXPECT_THAT(
      text, HasSubstr("clause: c\nexpected: 0\nobserved: read(fd) = 1\nat: a.cc:41\nclause: d\n"));
  EXPECT_THAT(text, HasSubstr("more: [23 more failures of this test are in the JSON result.]"));
}

TEST(Finding, StepsAreThoseOfTheTraceOrOfTheShortestProgram) {
  TestRecord t;
  t.command = "r";
  t.failures.push_back({"c", "", 0, "blocks", "read(fd=3, buf, 5) = 0", ""});
  t.evidence = {"blocked: pid 7", "step: p0 write(fd=4, \"x\", 1) = 1", "step: p1 read(fd=3) = 0"};
  const std::string traced = ParagraphText(t, {});
  EXPECT_THAT(traced, HasSubstr("steps: p0 write(fd=4, \"x\", 1) = 1\n  p1 read(fd=3) = 0\n"));
  EXPECT_THAT(traced, HasSubstr("evidence: blocked: pid 7\nreproduce: r\n"));
  t.attachments.push_back(
      {"text", "The shortest program that fails", "  p0  write(q)\n\nreplay: 00"});
  const std::string shrunk = ParagraphText(t, {});
  EXPECT_THAT(shrunk, HasSubstr("p0  write(q)\nreplay: r --replay=00\n"));
  EXPECT_EQ(shrunk.find("write(fd=4"), std::string::npos);
}

TEST(Finding, TestsOfOneCauseAreTogetherAndComeFirst) {
  report::Run run;
  for (const char* name : {"A", "B", "C", "D"}) {
    TestRecord t;
    t.name = name;
    t.verdict = Verdict::kFail;
    run.tests.push_back(t);
  }
  run.causes = {{"mq_open: ENOSYS", {"B", "D", "NotAFinding"}, {"c1", "c2"}}};
  const auto cascades = Cascades(run);
  ASSERT_EQ(cascades.size(), 3u);
  EXPECT_EQ(CascadeTitle(cascades[0]), "mq_open: ENOSYS: 2 clauses, 3 tests");
  EXPECT_EQ(cascades[0].tests[1]->name, "D");
  EXPECT_EQ(cascades[1].tests[0]->name, "A");
  EXPECT_THAT(Render(run, "text"),
              HasSubstr("mq_open: ENOSYS: 2 clauses, 3 tests. For example:\n"));
}

TEST(Finding, EveryDossierFitsThePublishedSchema) {
  const auto text = ReadFile("reports/results/schema/findings.schema.json");
  ASSERT_TRUE(text) << text.error();
  const auto schema = nlohmann::json::parse(*text);
  report::Run with_programs = SampleRun();
  for (TestRecord& test : with_programs.tests) {
    test.attachments.push_back({"text", std::string(kProgramTitle), "int main(void) {}\n"});
  }
  for (const report::Run& run : {SampleRun(0), SampleRun(1), with_programs}) {
    const auto dossier = nlohmann::json::parse(Render(run, "findings"));
    EXPECT_EQ(SchemaErrors(schema, dossier), "");
    EXPECT_FALSE(dossier["findings"].empty());
  }
}

TEST(Finding, ANewOneSaysHowToGetItsProgram) {
  TestRecord t;
  t.name = "A.B";
  t.standing = "new";
  t.command = "./ipcsuite run --seed 1 --filter A.B";
  EXPECT_THAT(ParagraphText(t, {}), HasSubstr("in C: ./ipcsuite repro A.B\n"));
  t.attachments.push_back({"text", std::string(kNoProgramTitle), "it forks by itself"});
  EXPECT_THAT(ParagraphText(t, {}), HasSubstr("in C: not possible: it forks by itself\n"));
}

}  // namespace
}  // namespace ipcsuite::report
