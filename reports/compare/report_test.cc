// The writers: what every format must keep true for the made-up run, a hostile one and a large one.
#include "reports/formats/report.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "reports/compare/compare.h"
#include "reports/results/json.h"
#include "reports/results/schema_check.h"
#include "reports/results/text.h"
#include "reports/verdicts/sample.h"

namespace ipcsuite::report {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr const char* kHostile =
    "</script><script>alert(1)</script>\"'&]]>--> # | ` \x01 \xff \\ \n***";

// Every text that could come from a platform or from a file of somebody else.
report::Run HostileRun() {
  report::Run run = SampleRun();
  run.label = run.command_line = run.tool_version = kHostile;
  run.environment[0].facts.emplace_back(kHostile, kHostile);
  for (TestRecord& t : run.tests) {
    t.name += kHostile;
    t.reason = kHostile;
    t.command = kHostile;
    t.evidence.emplace_back(kHostile);
    t.attachments.push_back({"svg", kHostile, kHostile});
    t.attachments.push_back({"text", kHostile, kHostile});
    t.observations.push_back({"", kHostile, kHostile});
    for (Failure& f : t.failures) f.expected = f.observed = f.message = f.clause = kHostile;
    t.expectation = ExpectationRef{kHostile, kHostile, "javascript:alert(1)", kHostile};
  }
  for (ClauseRecord& c : run.clauses) c.requires_text = c.reason = kHostile;
  return run;
}

std::vector<std::string> Matches(const std::string& text, const std::string& pattern) {
  std::vector<std::string> found;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    found.push_back((*it)[1].str());
  }
  return found;
}

std::string DataFile(const std::string& path) {
  auto text = ReadFile(path);
  EXPECT_TRUE(text) << text.error();
  return text ? *text : "";
}

TEST(JsonSchema, EveryRunFitsThePublishedSchema) {
  const auto schema = nlohmann::json::parse(DataFile("reports/results/schema/run.schema.json"));
  for (const report::Run& run :
       {SampleRun(0), SampleRun(1), SampleRun(2), HostileRun(), report::Run{}}) {
    EXPECT_EQ(SchemaErrors(schema, nlohmann::json::parse(ToJson(run))), "");
  }
  nlohmann::json lines = schema["$defs"]["test"];
  for (const TestRecord& t : SampleRun().tests) {
    EXPECT_EQ(SchemaErrors(schema, nlohmann::json::parse(ToJsonLine(t)), lines), "");
  }
}

TEST(JsonSchema, CheckerSeesViolations) {
  const auto schema = nlohmann::json::parse(DataFile("reports/results/schema/run.schema.json"));
  auto json = nlohmann::json::parse(ToJson(SampleRun()));
  json["tests"][0]["verdict"] = "GREAT";
  EXPECT_THAT(SchemaErrors(schema, json), HasSubstr("/tests/0/verdict"));
  json = nlohmann::json::parse(ToJson(SampleRun()));
  json["news"] = 1;
  EXPECT_THAT(SchemaErrors(schema, json), HasSubstr("news"));
  json.erase("news");
  json.erase("issue");
  EXPECT_THAT(SchemaErrors(schema, json), HasSubstr("issue"));
}

void ExpectValidJunit(const report::Run& run) {
  const std::string xml = Render(run, "junit");
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path =
      std::string(folder ? folder : "/tmp") + "/junit-" + std::to_string(::getpid()) + ".xml";
  ASSERT_TRUE(WriteFile(path, xml));
  EXPECT_EQ(std::system(("xmllint --noout --schema reports/results/schema/junit.xsd " + path +
                         " >/dev/null")
                            .c_str()),
            0);
}

TEST(Junit, FitsItsSchema) {
  if (std::system("xmllint --version >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "xmllint is absent (apt-get install libxml2-utils)";
  }
  for (const report::Run& run : {SampleRun(), HostileRun(), LargeRun(1650, 0)})
    ExpectValidJunit(run);
}

TEST(Junit, NamesAreUniqueAndFailuresTellHowToReproduce) {
  const report::Run run = SampleRun();
  const std::string xml = Render(run, "junit");
  std::set<std::string> names;
  for (const auto& name : Matches(xml, "<testcase( name=\"[^\"]*\" classname=\"[^\"]*\")")) {
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(names.size(), run.tests.size());
  EXPECT_THAT(
      xml,
      HasSubstr("reproduce: ipcsuite run --seed 42 --filter &#39;Mq_notify.BehavesAsSample9&#39;"));
  EXPECT_THAT(xml, HasSubstr("<property name=\"clause\" value=\"mq_notify.sample_9\"/>"));
  EXPECT_THAT(xml, HasSubstr("failures=\"3\" errors=\"2\" skipped=\"4\""));
  EXPECT_THAT(xml, HasSubstr("<skipped message=\"UNSUPPORTED: needs CAP_SYS_RESOURCE\"/>"));
}

TEST(Ctrf, CountsAddUp) {
  for (const report::Run& run : {SampleRun(), HostileRun()}) {
    const auto json = nlohmann::json::parse(Render(run, "ctrf"));
    const auto& summary = json["results"]["summary"];
    EXPECT_EQ(summary["tests"], run.tests.size());
    EXPECT_EQ(summary["passed"].get<int>() + summary["failed"].get<int>() +
                  summary["skipped"].get<int>() + summary["other"].get<int>() +
                  summary["pending"].get<int>(),
              static_cast<int>(run.tests.size()));
    EXPECT_EQ(json["results"]["tests"].size(), run.tests.size());
    EXPECT_GT(summary["start"], 0);
  }
}

// Plan, numbers and directives of the lines at one indent.
void ExpectTap(const std::vector<std::string>& lines, const std::string& indent, std::size_t plan) {
  std::size_t number = 0;
  const std::regex result("(ok|not ok) ([0-9]+) .*");
  for (const auto& line : lines) {
    if (line.substr(0, indent.size()) != indent || line.size() <= indent.size() ||
        line[indent.size()] == ' ')
      continue;
    std::smatch match;
    const std::string rest = line.substr(indent.size());
    if (!std::regex_match(rest, match, result)) continue;
    EXPECT_EQ(match[2].str(), std::to_string(++number)) << line;
  }
  EXPECT_EQ(number, plan);
}

TEST(Tap, PlanNumbersAndDirectivesAreRight) {
  for (const report::Run& run : {SampleRun(), HostileRun()}) {
    const auto lines = Lines(Render(run, "tap"));
    EXPECT_EQ(lines[0], "TAP version 13");
    EXPECT_EQ(lines[1], "1.." + std::to_string(run.tests.size()));
    ExpectTap(lines, "", run.tests.size());
  }
  const std::string text = Render(SampleRun(), "tap");
  EXPECT_THAT(text,
              HasSubstr("not ok 9 - mqueue/Mq_notify.BehavesAsSample9\n  ---\n  verdict: FAIL\n"));
  EXPECT_THAT(text, HasSubstr(" # SKIP UNSUPPORTED: needs CAP_SYS_RESOURCE\n"));
  EXPECT_THAT(text, HasSubstr("XFAIL linux-mq-close-drops"));
  EXPECT_THAT(Render(report::Run{}, "tap"), HasSubstr("1..0 # SKIP"));
}

TEST(Tap, HashInANameIsNoDirective) {
  report::Run run;
  run.tests.emplace_back();
  run.tests[0].name = "A.b # SKIP me";
  run.tests[0].verdict = Verdict::kFail;
  EXPECT_THAT(Render(run, "tap"), HasSubstr("not ok 1 - /A.b \\# SKIP me\n"));
}

TEST(Ktap, NestsASuiteAndNumbersBothLevels) {
  const auto lines = Lines(Render(SampleRun(), "ktap"));
  EXPECT_EQ(lines[0], "KTAP version 1");
  EXPECT_EQ(lines[1], "1..5");
  ExpectTap(lines, "", 5);
  const std::string text = Render(SampleRun(), "ktap");
  EXPECT_THAT(text, HasSubstr("  ok 4 Pipe.BehavesAsSample10 # XFAIL "));
  EXPECT_THAT(text, HasSubstr(" # TIMEOUT UNRESOLVED: timed out"));
  EXPECT_THAT(text, HasSubstr("not ok 1 pipe\n"));
  EXPECT_THAT(text, HasSubstr("ok 2 poll\n"));
}

TEST(Markdown, LeadsWithTheVerdictAndEscapesWhatWasObserved) {
  const std::string text = Render(SampleRun(), "markdown");
  EXPECT_LT(text.find("Does not conform"), text.find("| Result |"));
  EXPECT_THAT(
      text,
      HasSubstr("| reproduce | `ipcsuite run --seed 42 --filter 'Mq_notify.BehavesAsSample9'` |"));
  const std::string hostile = Render(HostileRun(), "markdown");
  EXPECT_THAT(hostile, Not(HasSubstr("javascript:")));
}

TEST(Text, TellsClauseExpectedObservedEvidenceAndCommand) {
  const std::string text = TextSummary(SampleRun(), false);
  EXPECT_THAT(text,
              HasSubstr("FAIL Mq_notify.BehavesAsSample9\n    clause:     mq_notify.sample_9\n"
                        "    source:     XSH mq_notify() DESCRIPTION\n    requires:   Sample "));
  EXPECT_THAT(text, HasSubstr("    expected:   fails with EAGAIN (11)\n    observed:   mq_send("));
  EXPECT_THAT(text, HasSubstr("    evidence:   peer 4711"));
  EXPECT_THAT(text, HasSubstr("    reproduce:  ipcsuite run --seed 42"));
  EXPECT_THAT(text, HasSubstr("FLAKY Mkfifo.BehavesAsSample13 (17 of 20 passed)"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(TextSummary(SampleRun(), true).find('\x1b'), std::string::npos);
  EXPECT_THAT(TextSummary(SampleRun(), false, 1), HasSubstr("... and 4 more findings"));
}

TEST(Text, EndsWithALineForPrograms) {
  const std::string text = TextSummary(SampleRun(), false);
  const std::string line = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_THAT(line, MatchesRegex("Summary:  exit=1 incomplete=[01] tests=[0-9]+ fail=[0-9]+ "
                                 "xpass=[0-9]+ flaky=[0-9]+ unresolved=[0-9]+ disputed=[0-9]+ "
                                 "xfail=[0-9]+ pass=[0-9]+ observed=[0-9]+ unsupported=[0-9]+ "
                                 "untested=[0-9]+ notinuse=[0-9]+ heuristic=1 clauses=[0-9]+ "
                                 "judged_clauses=[0-9]+ seed=0x[0-9a-f]+\n"));
}

// Tags opened are closed, ids are unique, links inside the page lead somewhere, one script runs.
void ExpectSoundPage(const std::string& page) {
  std::vector<std::string> open;
  const std::set<std::string> without_end = {"meta",     "br",   "input", "wbr",
                                             "!DOCTYPE", "rect", "path"};
  const std::size_t script = page.find("<script nonce=");
  ASSERT_NE(script, std::string::npos);
  const std::size_t style_end = page.find("</style>");
  for (std::size_t at = style_end; (at = page.find('<', at)) < script; ++at) {
    const std::size_t end = page.find('>', at);
    const bool closing = page[at + 1] == '/';
    const std::size_t start = at + (closing ? 2 : 1);
    const std::string name = page.substr(start, page.find_first_of(" >/", start) - start);
    if (without_end.count(name)) continue;
    if (!closing) {
      open.push_back(name);
      continue;
    }
    if (name == "style" || name == "head") continue;
    ASSERT_FALSE(open.empty()) << page.substr(at, 200);
    ASSERT_EQ(open.back(), name) << page.substr(at > 300 ? at - 300 : 0, 400);
    open.pop_back();
    at = end - 1;
  }
  EXPECT_EQ(open, std::vector<std::string>{"body"});
  std::set<std::string> ids;
  for (std::size_t at = 0; (at = page.find(" id=\"", at)) < script; ++at) {
    const std::string id = page.substr(at + 5, page.find('"', at + 5) - at - 5);
    EXPECT_TRUE(ids.insert(id).second) << "twice: " << id;
  }
  for (std::size_t at = 0; (at = page.find("href=\"#", at)) < script; ++at) {
    const std::string id = page.substr(at + 7, page.find('"', at + 7) - at - 7);
    EXPECT_TRUE(ids.count(id) || id.substr(0, 7) == "filter?") << "leads nowhere: " << id;
  }
  EXPECT_EQ(page.find("<script", script + 1), std::string::npos);
  EXPECT_EQ(page.find("src="), std::string::npos) << "not one offline file";
  EXPECT_EQ(page.find("http://"), std::string::npos);
}

TEST(Html, PageIsSound) {
  for (int variant = 0; variant < 3; ++variant) ExpectSoundPage(Render(SampleRun(variant), "html"));
  ExpectSoundPage(Render(report::Run{}, "html"));
}

TEST(Html, ComparisonIsSound) {
  const std::vector<report::Run> runs = {SampleRun(0), SampleRun(1), SampleRun(2)};
  ExpectSoundPage(ComparisonHtml(Compare(runs), runs));
}

TEST(Html, HostileTextsStayTexts) {
  const report::Run run = HostileRun();
  for (const std::string& page :
       {Render(run, "html"), ComparisonHtml(Compare({run, run}), {run, run})}) {
    EXPECT_EQ(page.find("<script>"), std::string::npos);
    EXPECT_EQ(page.find("javascript:"), std::string::npos);
    EXPECT_EQ(page.find('\x01'), std::string::npos);
  }
}

TEST(Html, VerdictStandsBeforeEverythingElse) {
  const std::string page = Render(SampleRun(), "html");
  EXPECT_LT(page.find("class=\"verdict"), page.find("id=\"findings\""));
  EXPECT_LT(page.find("id=\"findings\""), page.find("id=\"matrix\""));
  EXPECT_LT(page.find("id=\"matrix\""), page.find("id=\"environment\""));
  EXPECT_LT(page.find("id=\"environment\""), page.find("id=\"observed\""));
}

TEST(Html, AFindingOpensWithTheRequirementAndTheSteps) {
  report::Run run = SampleRun();
  run.tests[8].attachments.push_back(
      {"text", "The shortest program that fails", "p0: mq_send(q, 3)\np1: mq_receive(q)"});
  const std::string page = Render(run, "html");
  const std::size_t card = page.find("id=\"f-" + run.tests[8].name);
  const auto at = [&](const char* text) { return page.find(text, card); };
  EXPECT_LT(at("Sample requirement number 9"), at("fails with EAGAIN (11)"));
  EXPECT_LT(at("fails with EAGAIN (11)"), at("p1: mq_receive(q)"));
  EXPECT_LT(at("p1: mq_receive(q)"), at("ipcsuite run --seed 42"));
  EXPECT_EQ(page.substr(card, at("</article>") - card).find("<details"), at("<details") - card)
      << "what is folded follows";
  EXPECT_GT(at("<details"), at("p1: mq_receive(q)"));
}

TEST(Html, LostVerdictsHaveATableWithTheirReasons) {
  report::Run run = SampleRun();
  run.lost = {{run.clauses[0].id, "", "PASS", "UNSUPPORTED", "no message queues"},
              {"", "MqGone", "PASS", "absent", ""}};
  const std::string page = Render(run, "html");
  EXPECT_THAT(page, HasSubstr("judged before, now UNSUPPORTED: no message queues"));
  EXPECT_THAT(page, HasSubstr("<code>MqGone</code>"));
}

TEST(Html, TableObservationsMakeATable) {
  const std::string page = Render(SampleRun(), "html");
  EXPECT_THAT(
      page,
      HasSubstr("<caption>Table: poll</caption><thead><tr><td></td><th scope=\"col\">POLLIN</th>"));
}

TEST(Html, LargePagesStaySmall) {
  constexpr std::size_t kLimit = 3'000'000;
  EXPECT_LT(Render(LargeRun(1650, 0), "html").size(), kLimit);
  const std::vector<report::Run> runs = {LargeRun(1650, 0), LargeRun(1650, 1), LargeRun(1650, 2)};
  EXPECT_GE(runs[0].tests.size(), 1500u);
  EXPECT_LT(ComparisonHtml(Compare(runs), runs).size(), kLimit);
}

TEST(Html, TruncationIsAnnounced) {
  report::Run run = LargeRun(400, 0);
  for (TestRecord& t : run.tests) t.verdict = Verdict::kFail;
  run.tests[0].evidence.assign(1, std::string(200'000, 'x'));
  const std::string page = Render(run, "html");
  EXPECT_THAT(page, HasSubstr("more findings are not repeated here"));
  EXPECT_THAT(page, HasSubstr("more bytes are in the JSON result"));
}

TEST(Text, ManyFailuresOfOneTestAreCutAndCounted) {
  report::Run run = SampleRun();
  for (TestRecord& t : run.tests) {
    if (t.verdict == Verdict::kFail) t.failures.assign(1000, t.failures.front());
  }
  EXPECT_THAT(TextSummary(run, false),
              HasSubstr("[999 more failures of this test are in the JSON result.]"));
  EXPECT_THAT(Render(run, "html"),
              HasSubstr("999 more failures of this test are in the JSON result."));
  EXPECT_THAT(Render(run, "markdown"),
              HasSubstr("999 more failures of this test are in the JSON result."));
}

TEST(Formats, NamesAndFilesDiffer) {
  std::set<std::string_view> names, files;
  for (const Format& format : Formats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    EXPECT_TRUE(files.insert(format.file).second) << format.name;
    EXPECT_FALSE(format.help.empty()) << format.name;
    EXPECT_EQ(FindFormat(format.name), &format);
  }
  EXPECT_GE(names.size(), 8u);
  EXPECT_EQ(FindFormat("md"), FindFormat("markdown"));
  EXPECT_THAT(WriteReport(report::Run{}, "pdf", "-").error(),
              HasSubstr("unknown format 'pdf': choose from ctrf, findings, github, html, json, "
                        "junit, kcidb, ktap, lava"));
}

TEST(Kcidb, ObjectsReferToEachOther) {
  report::Run run = SampleRun();
  run.tests[8].standing = "known";
  const nlohmann::json json = nlohmann::json::parse(Render(run, "kcidb"));
  EXPECT_EQ(json["version"], (nlohmann::json{{"major", 5}, {"minor", 3}}));
  EXPECT_EQ(json["builds"][0]["checkout_id"], json["checkouts"][0]["id"]);
  ASSERT_EQ(json["tests"].size(), run.tests.size());
  std::set<std::string> ids;
  for (const nlohmann::json& test : json["tests"]) {
    EXPECT_EQ(test["build_id"], json["builds"][0]["id"]);
    EXPECT_TRUE(ids.insert(test["id"]).second);
    EXPECT_EQ(test["path"].get<std::string>().find_first_not_of(
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"),
              std::string::npos);
  }
  EXPECT_EQ(json["tests"][8]["status"], "FAIL") << "a known deviation is still one";
  EXPECT_EQ(json["tests"][9]["status"], "FAIL");
  EXPECT_EQ(json["incidents"][0]["test_id"], json["tests"][9]["id"]);
  EXPECT_EQ(json["incidents"][0]["issue_id"], json["issues"][0]["id"]);
}

TEST(Lava, EachTestIsASignalOfOneLine) {
  const report::Run run = HostileRun();
  const std::string text = Render(run, "lava");
  std::size_t cases = 0;
  for (const std::string& line : Lines(text)) {
    EXPECT_TRUE(line.starts_with("<LAVA_SIGNAL_TEST") && line.ends_with(">")) << line;
    EXPECT_EQ(line.find('<', 1), std::string::npos) << line;
    cases += line.starts_with("<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=");
  }
  EXPECT_EQ(cases, run.tests.size());
  EXPECT_THAT(Render(SampleRun(), "lava"),
              HasSubstr("<LAVA_SIGNAL_TESTSET START mqueue>\n<LAVA_SIGNAL_TESTCASE TEST_CASE_ID="));
}

// Readers that are there judge what we write.
TEST(Tap, ProveTakesIt) {
  if (std::system("prove --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "prove is absent";
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder ? folder : "/tmp") + "/results.tap";
  const auto prove = [&](report::Run run, const char* standing) {
    for (TestRecord& t : run.tests) {
      if (IsRed(t.verdict) || t.verdict == Verdict::kUnresolved) t.standing = standing;
    }
    EXPECT_TRUE(WriteFile(path, Render(run, "tap")));
    return std::system(("prove -e cat " + path + " >" + path + ".out 2>&1").c_str());
  };
  for (const report::Run& run : {SampleRun(), HostileRun()}) {
    EXPECT_EQ(prove(run, "known"), 0);
    // New findings are failures with more to say, but nothing that can't be parsed.
    EXPECT_NE(prove(run, "new"), 0);
    const auto said = ReadFile(path + ".out");
    ASSERT_TRUE(said);
    EXPECT_THAT(*said, Not(HasSubstr("Parse errors")));
  }
}

TEST(TextHelpers, ShortenCutsAtACharacterAndSaysSo) {
  EXPECT_EQ(Shorten("abc", 3), "abc");
  EXPECT_THAT(Shorten("ab\xC3\xA9", 3), HasSubstr("ab\n[cut here: 2 more bytes"));
  EXPECT_EQ(Duration(950), "950 ns");
  EXPECT_EQ(Duration(125'000'000'000), "2 min 5 s");
  EXPECT_EQ(Number(65536),
            "65\xE2\x80\x89"
            "536");
  EXPECT_EQ(SafeLink("https://example.org/a?b=c"), "https://example.org/a?b=c");
  EXPECT_EQ(SafeLink("javascript:alert(1)"), "");
  EXPECT_EQ(SafeLink("https://x\" onclick=\""), "");
}

}  // namespace
}  // namespace ipcsuite::report
