#include "reports/verdicts/expectations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipcsuite::report {
namespace {

using ::testing::HasSubstr;

constexpr const char* kToday = "2026-11-26";

Facts Linux() {
  return {"Linux", "6.1.0-31-amd64", "x86_64", "glibc", "2.36", "none", "64", "none", {"CAP_KILL"}};
}

std::vector<Expectation> Parse(const std::string& entries) {
  std::vector<Expectation> out;
  const auto parsed = ParseExpectations("{\"expectations\":[" + entries + "]}", "file", &out);
  EXPECT_TRUE(parsed) << parsed.error();
  return out;
}

std::string ParseError(const std::string& text) {
  std::vector<Expectation> out;
  return ParseExpectations(text, "file", &out).error();
}

TestRecord Tested(const std::string& name, Verdict verdict, const std::string& charged = "") {
  TestRecord t;
  t.name = name;
  t.verdict = verdict;
  t.clauses = {"a", "b"};
  if (!charged.empty()) t.failures.push_back({charged, "", 0, "", "", ""});
  return t;
}

std::vector<Verdict> Applied(const std::string& entries, std::vector<TestRecord> tests,
                             bool whole = true) {
  Apply(Parse(entries), Linux(), {kToday, whole}, &tests);
  std::vector<Verdict> verdicts;
  for (const auto& t : tests) verdicts.push_back(t.verdict);
  return verdicts;
}

using Verdicts = std::vector<Verdict>;

TEST(ParseExpectations, KnowsTheLineOfEachEntry) {
  const auto all = Parse(R"({"id": "a", "reason": "r", "tests": ["T.*"]},

    {"id": "b", "reason": "r", "tests": ["T.*"]})");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].line, 1);
  EXPECT_EQ(all[1].line, 3);
}

TEST(Expectations, ShippedOnesAreValidAndEachHasAReasonAndADate) {
  std::vector<Expectation> all;
  ASSERT_TRUE(DefaultExpectations(&all));
  for (const Expectation& e : all) {
    EXPECT_GT(e.reason.size(), 20u) << e.id;
    EXPECT_FALSE(e.review_by.empty()) << e.id;
    EXPECT_FALSE(e.condition.empty()) << e.id;
  }
}

TEST(Expectations, CommentsAreAllowed) {
  EXPECT_EQ(Parse("// why\n{\"id\":\"x\",\"tests\":[\"A\"],/* c */\"reason\":\"r\"}").size(), 1u);
}

TEST(Expectations, ErrorsNameFileEntryAndFault) {
  EXPECT_EQ(ParseError("{\n]"), "file:2: is not valid JSON");
  EXPECT_THAT(ParseError("[]"), HasSubstr("is not a file of expectations"));
  EXPECT_EQ(ParseError(R"({"expectations":[{"id":"x","reason":"r"}]})"),
            "file: entry 1 (x) names neither tests nor clauses");
  EXPECT_THAT(ParseError(R"({"expectations":[{"id":"x","tests":["A"]}]})"), HasSubstr("no reason"));
  EXPECT_THAT(ParseError(R"({"expectations":[{"id":"x","test":["A"]}]})"),
              HasSubstr("unknown key \"test\""));
  EXPECT_THAT(ParseError(R"({"expectations":[{"condition":{"cpu":"x"}}]})"),
              HasSubstr("unknown condition"));
  EXPECT_THAT(
      ParseError(R"({"expectations":[{"id":"x","tests":["A"],"reason":"r","review_by":"soon"}]})"),
      HasSubstr("YYYY-MM-DD"));
  EXPECT_THAT(ParseError(R"({"expectations":[{"id":"x","tests":["A"],"reason":"r"},
                             {"id":"x","tests":["A"],"reason":"r"}]})"),
              HasSubstr("used twice"));
}

TEST(Expectations, LaterFileReplacesAnEntryOfTheSameId) {
  std::vector<Expectation> out = Parse(R"({"id":"x","tests":["A"],"reason":"old"})");
  ASSERT_TRUE(ParseExpectations(R"({"expectations":[{"id":"x","tests":["B"],"reason":"new"}]})",
                                "mine", &out));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].reason, "new");
}

TEST(Expectations, ExpectedFailureIsXfailAndUnexpectedPassIsXpass) {
  EXPECT_EQ(Applied(R"({"id":"x","tests":["A","B"],"reason":"r"})",
                    {Tested("A", Verdict::kFail, "a"), Tested("B", Verdict::kPass),
                     Tested("C", Verdict::kFail, "a"), Tested("D", Verdict::kUnsupported)}),
            (Verdicts{Verdict::kXfail, Verdict::kXpass, Verdict::kFail, Verdict::kUnsupported}));
}

TEST(Expectations, ClauseNarrowsWhatIsCovered) {
  TestRecord both = Tested("A", Verdict::kFail, "a");
  both.failures.push_back({"b", "", 0, "", "", ""});
  EXPECT_EQ(Applied(R"({"id":"x","tests":["*"],"clauses":["a"],"reason":"r"})",
                    {both, Tested("B", Verdict::kFail, "b"), Tested("C", Verdict::kFail, "a")}),
            (Verdicts{Verdict::kFail, Verdict::kFail, Verdict::kXfail}));
  // Two entries together cover a test with two failures.
  EXPECT_EQ(Applied(R"({"id":"x","clauses":["a"],"reason":"r"},
                       {"id":"y","clauses":["b"],"reason":"r"})",
                    {both}),
            (Verdicts{Verdict::kXfail}));
}

TEST(Expectations, ClauseAloneDoesNotCoverACrash) {
  EXPECT_EQ(Applied(R"({"id":"x","clauses":["a"],"reason":"r"})", {Tested("A", Verdict::kFail)}),
            (Verdicts{Verdict::kFail}));
  EXPECT_EQ(Applied(R"({"id":"x","tests":["A"],"reason":"r"})", {Tested("A", Verdict::kFail)}),
            (Verdicts{Verdict::kXfail}));
}

TEST(Expectations, GroupIsXpassOnlyIfNoneOfItFailsInAWholeRun) {
  const std::string entry = R"({"id":"x","clauses":["a"],"reason":"r"})";
  const auto pass = Tested("A", Verdict::kPass);
  EXPECT_EQ(Applied(entry, {pass, Tested("B", Verdict::kFail, "a")}),
            (Verdicts{Verdict::kPass, Verdict::kXfail}));
  EXPECT_EQ(Applied(entry, {pass}), (Verdicts{Verdict::kXpass}));
  EXPECT_EQ(Applied(entry, {pass}, /*whole=*/false), (Verdicts{Verdict::kPass}));
}

TEST(Expectations, FlakyEntryAllowsBothWays) {
  EXPECT_EQ(Applied(R"({"id":"x","tests":["*"],"expected":"FLAKY","reason":"r"})",
                    {Tested("A", Verdict::kFlaky, "a"), Tested("B", Verdict::kFail, "a"),
                     Tested("C", Verdict::kPass)}),
            (Verdicts{Verdict::kXfail, Verdict::kXfail, Verdict::kPass}));
  EXPECT_EQ(
      Applied(R"({"id":"x","tests":["*"],"reason":"r"})", {Tested("A", Verdict::kFlaky, "a")}),
      (Verdicts{Verdict::kFlaky}));
}

TEST(Expectations, ExpiredEntryCoversNothingAndSaysSo) {
  std::vector<TestRecord> tests = {Tested("A", Verdict::kFail, "a")};
  Apply(Parse(R"({"id":"x","tests":["A"],"reason":"r","review_by":"2026-11-25"})"), Linux(),
        {kToday, true}, &tests);
  EXPECT_EQ(tests[0].verdict, Verdict::kFail);
  ASSERT_EQ(tests[0].evidence.size(), 1u);
  EXPECT_THAT(tests[0].evidence[0], HasSubstr("x expired on 2026-11-25"));
  EXPECT_EQ(Applied(R"({"id":"x","tests":["A"],"reason":"r","review_by":"2026-11-26"})",
                    {Tested("A", Verdict::kFail, "a")}),
            (Verdicts{Verdict::kXfail}));
}

TEST(Expectations, FailureSaysWhichConditionDoesNotHoldHere) {
  const auto entry = [](const char* condition) {
    return std::string(R"({"id":"x","tests":["A"],"reason":"r","condition":{)") + condition + "}}";
  };
  std::vector<TestRecord> tests = {Tested("A", Verdict::kFail, "a"), Tested("A", Verdict::kPass)};
  Apply(Parse(entry(R"("os":"Linux","kernel":"<6.1")")), Linux(), {kToday, true}, &tests);
  EXPECT_EQ(tests[0].verdict, Verdict::kFail);
  EXPECT_FALSE(tests[0].expectation);
  ASSERT_EQ(tests[0].evidence.size(), 1u);
  EXPECT_EQ(tests[0].evidence[0],
            "expectation x does not apply here: kernel is " + Linux().kernel + ", not <6.1");
  EXPECT_TRUE(tests[1].evidence.empty());
  Unapply(&tests);
  EXPECT_TRUE(tests[0].evidence.empty());
  Apply(Parse(entry(R"("os":"FreeBSD","kernel":"<6.1")")), Linux(), {kToday, true}, &tests);
  EXPECT_TRUE(tests[0].evidence.empty()) << "another system's";
}

TEST(Conditions, EachKindHoldsOrNot) {
  const auto holds = [](const char* key, const char* value) {
    return UnmetCondition({{key, value}}, Linux()).empty();
  };
  EXPECT_TRUE(holds("os", "Linux"));
  EXPECT_FALSE(holds("os", "FreeBSD"));
  EXPECT_TRUE(holds("arch", "aarch64|x86_64"));
  EXPECT_TRUE(holds("kernel", ">=5.10 <6.2"));
  EXPECT_TRUE(holds("kernel", ">=6.1, <6.1.1"));
  EXPECT_FALSE(holds("kernel", ">6.1"));
  EXPECT_FALSE(holds("kernel", "<6.1"));
  EXPECT_FALSE(holds("kernel", "~6"));
  EXPECT_TRUE(holds("libc_version", "<2.40"));
  EXPECT_TRUE(holds("privilege", "CAP_KILL !CAP_SYS_ADMIN"));
  EXPECT_FALSE(holds("privilege", "!CAP_KILL"));
  EXPECT_FALSE(holds("container", "docker|gvisor"));
  EXPECT_TRUE(holds("bits", "64"));
  EXPECT_FALSE(holds("bits", "32"));
  EXPECT_TRUE(holds("emulator", "none"));
  EXPECT_FALSE(holds("emulator", "qemu-user"));
  Facts unknown = Linux();
  unknown.libc_version.clear();
  EXPECT_EQ(UnmetCondition({{"libc_version", ">=1"}}, unknown),
            "libc_version is not known, not >=1");
}

TEST(Conditions, VersionsAndGlobs) {
  EXPECT_GT(CompareVersions("6.10-rc1", "6.9"), 0);
  EXPECT_EQ(CompareVersions("6.1.0-31-amd64", "6.1"), 0);
  EXPECT_LT(CompareVersions("5.15.167.4-microsoft", "6"), 0);
  EXPECT_TRUE(GlobMatches("Mq*.N?w*", "MqOpen.New"));
  EXPECT_FALSE(GlobMatches("Mq*", "XMq"));
  EXPECT_TRUE(GlobMatches("**", ""));
  EXPECT_FALSE(GlobMatches("", "a"));
}

}  // namespace
}  // namespace ipcsuite::report
