// Feeds the generator bad files: each must be refused with the file, the line and the reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "spec/gen/catalog.h"
#include "spec/gen/emit.h"

namespace ipcsuite::gen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A sound clause of eleven lines; `line` replaces the one with `field`.
std::string ClauseText(const std::string& id, const std::string& field = "",
                       const std::string& line = "") {
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"id", "- id: " + id},
      {"function", "  function: pipe"},
      {"source", "  source: \"XSH pipe() DESCRIPTION\""},
      {"issue", "  issue: both"},
      {"kind", "  kind: shall"},
      {"level", "  level: base"},
      {"text", "  text: [issue-7]"},
      {"requires", "  requires: >-\n    Two\n    lines."},
      {"test_hint", "  test_hint: Try it."},
  };
  std::string text;
  for (const auto& [name, normal] : lines) {
    const std::string& chosen = name == field ? line : normal;
    if (!chosen.empty()) text += chosen + "\n";
  }
  return text;
}

const std::string kRegression =
    "- id: linux.bug\n  where: Linux\n  status: fixed\n  basis: doc\n"
    "  trigger: Try.\n  wrong_result: Hang.\n";

std::vector<std::string> ErrorsOf(const std::vector<std::pair<std::string, std::string>>& files) {
  Catalog catalog;
  for (const auto& [file, text] : files) catalog.Add(file, text);
  catalog.CheckAll();
  return catalog.errors();
}

TEST(Catalog, AcceptsSoundFiles) {
  EXPECT_THAT(ErrorsOf({{"spec/pipe.yaml", ClauseText("pipe.a") + "\n" + ClauseText("pipe.b")},
                        {"spec/regressions/pipe.yaml", kRegression + "  clauses: [pipe.b]\n"}}),
              IsEmpty());
}

struct BadClause {
  const char* field;  // the line that is exchanged
  const char* line;   // by this; "" removes it
  const char* error;
};

class BadClauseTest : public testing::TestWithParam<BadClause> {};

TEST_P(BadClauseTest, IsRefusedWithFileAndLine) {
  // The bad clause is the second: it begins in line 13.
  const std::string text =
      ClauseText("pipe.a") + "\n" + ClauseText("pipe.b", GetParam().field, GetParam().line);
  EXPECT_THAT(ErrorsOf({{"spec/pipe.yaml", text}}), ElementsAre(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Schema, BadClauseTest,
    testing::Values(
        BadClause{"function", "", "spec/pipe.yaml:13: 'pipe.b' has no field 'function'"},
        BadClause{"source", "", "spec/pipe.yaml:13: 'pipe.b' has no field 'source'"},
        BadClause{"requires", "", "spec/pipe.yaml:13: 'pipe.b' has no field 'requires'"},
        BadClause{"kind", "", "spec/pipe.yaml:13: 'pipe.b' has no field 'kind'"},
        BadClause{"source", "  source: \"\"", "spec/pipe.yaml:15: field 'source' is empty"},
        BadClause{"kind", "  kind: must",
                  "spec/pipe.yaml:17: unknown kind 'must'; it is one of shall, shall-error, limit, "
                  "may-error, should, unspecified or implementation-defined"},
        BadClause{"issue", "  issue: 6",
                  "spec/pipe.yaml:16: unknown issue '6'; it is one of 7, 8 or both"},
        BadClause{"level", "  level: base\n  colour: red",
                  "spec/pipe.yaml:19: unknown field 'colour'"},
        BadClause{"level", "  level: base\n  kind: shall",
                  "spec/pipe.yaml:19: field 'kind' is given twice"},
        BadClause{"level", "  level: [base]", "spec/pipe.yaml:18: field 'level' must be text"},
        BadClause{"test_hint", "",
                  "spec/pipe.yaml:13: 'pipe.b' has neither 'test_hint' nor 'untestable'"},
        BadClause{"text", "  text: issue-7",
                  "spec/pipe.yaml:19: field 'text' must be a list of issue-7, issue-8, "
                  "issue-8-transcription or unread"},
        BadClause{"text", "  text: [issue-9]",
                  "spec/pipe.yaml:19: unknown text 'issue-9'; it is one of issue-7, issue-8, "
                  "issue-8-transcription or unread"},
        BadClause{"level", "  level: base\n  disputed: {readings: [one], decides: Nothing}",
                  "spec/pipe.yaml:19: field 'disputed' must have 'readings', a list of two or "
                  "more, and 'decides', what would settle it"},
        BadClause{"level", "  level: base\n  disputed: {readings: [one, two]}",
                  "spec/pipe.yaml:19: field 'disputed' must have 'readings', a list of two or "
                  "more, and 'decides', what would settle it"},
        BadClause{"id", "- id: pipe.a",
                  "spec/pipe.yaml:13: duplicate id 'pipe.a'; first at spec/pipe.yaml:1"}));

TEST(Catalog, UntestableClauseNeedsNoHint) {
  EXPECT_THAT(ErrorsOf({{"p.yaml", ClauseText("pipe.a", "test_hint", "  untestable: Why.")}}),
              IsEmpty());
}

TEST(Catalog, TextOfAClauseComesFromItselfItsFunctionOrItsFile) {
  const std::string defaults =
      "- defaults:\n    text: [issue-7, issue-8]\n    functions: {pipe: [issue-7]}\n";
  const auto texts = [&](const std::string& clause) {
    Catalog catalog;
    catalog.Add("a.yaml", defaults + clause);
    EXPECT_THAT(catalog.errors(), IsEmpty());
    return catalog.clauses().at(0).text;
  };
  EXPECT_THAT(texts(ClauseText("pipe.a", "text", "  text: [issue-8]")), ElementsAre("issue-8"));
  EXPECT_THAT(texts(ClauseText("pipe.a", "text", "  text: [unread]")), IsEmpty());
  EXPECT_THAT(texts(ClauseText("pipe.a", "text")), ElementsAre("issue-7"));
  std::string other = ClauseText("pipe.a", "text");
  other.replace(other.find("function: pipe"), 14, "function: dup");
  EXPECT_THAT(texts(other), ElementsAre("issue-7", "issue-8"));
  other.replace(other.find("issue: both"), 11, "issue: 8");
  EXPECT_THAT(texts(other), ElementsAre("issue-8"));
}

TEST(Catalog, RefusesDuplicateIdAcrossFiles) {
  EXPECT_THAT(ErrorsOf({{"a.yaml", ClauseText("pipe.a")}, {"b.yaml", "\n" + ClauseText("pipe.a")}}),
              ElementsAre("b.yaml:2: duplicate id 'pipe.a'; first at a.yaml:1"));
}

TEST(Catalog, RefusesTwoIdsOfOneConstant) {
  EXPECT_THAT(ErrorsOf({{"a.yaml", ClauseText("pipe.a.b") + ClauseText("pipe.a_b")}}),
              ElementsAre("a.yaml:12: 'pipe.a_b' and 'pipe.a.b' (a.yaml:1) would both be the "
                          "constant a_b"));
}

TEST(Catalog, RefusesWhatIsNoId) {
  for (const char* id : {"pipe", "Pipe.a", "pipe..a", "pipe.a-b", ".a", "pipe."}) {
    EXPECT_THAT(ErrorsOf({{"a.yaml", ClauseText(id)}}),
                ElementsAre(HasSubstr("a.yaml:1: '" + std::string(id) + "' is not an id")));
  }
}

TEST(Catalog, RefusesWhatIsNoListOfEntries) {
  EXPECT_THAT(ErrorsOf({{"a.yaml", "# nothing\n"}}),
              ElementsAre("a.yaml:1: expected a list of entries (- id: ...)"));
  EXPECT_THAT(ErrorsOf({{"a.yaml", "- pipe.a\n"}}),
              ElementsAre("a.yaml:1: expected an entry (- id: ...)"));
}

TEST(Catalog, RefusesBrokenYamlWithItsLine) {
  EXPECT_THAT(ErrorsOf({{"a.yaml", ClauseText("pipe.a") + "- id: [pipe.b\n"}}),
              ElementsAre(testing::MatchesRegex("a.yaml:1[0-9]: not valid YAML: .*")));
}

TEST(Catalog, RefusesBadRegressions) {
  EXPECT_THAT(ErrorsOf({{"regressions/a.yaml", kRegression + "  clauses: [pipe.none]\n"}}),
              ElementsAre("regressions/a.yaml:1: 'linux.bug' names unknown clause 'pipe.none'"));
  EXPECT_THAT(ErrorsOf({{"regressions/a.yaml", kRegression + "  clauses: pipe.none\n"}}),
              ElementsAre("regressions/a.yaml:7: field 'clauses' must be a list of clause ids"));
  EXPECT_THAT(ErrorsOf({{"regressions/a.yaml", kRegression + kRegression}}),
              ElementsAre("regressions/a.yaml:7: duplicate id 'linux.bug'; first at "
                          "regressions/a.yaml:1"));
}

TEST(Catalog, ReportsEveryError) {
  EXPECT_EQ(ErrorsOf({{"a.yaml", ClauseText("pipe.a", "kind", "  kind: x") +
                                     ClauseText("pipe.b", "source", "")}})
                .size(),
            2u);
}

TEST(Names, AreValidCpp) {
  const auto name = [](std::string_view id) {
    const Constant constant = ClauseConstant(id);
    return constant.scope + "::" + constant.name;
  };
  EXPECT_EQ(name("mq_send.err.eagain"), "mq_send::err_eagain");
  EXPECT_EQ(name("fcntl.default"), "fcntl::default_");
  EXPECT_EQ(name("fcntl.errno"), "fcntl::errno_");
  EXPECT_EQ(name("signed.x"), "signed_::x");
  EXPECT_EQ(name("pipe.2.ends"), "pipe::_2_ends");
  EXPECT_EQ(RegressionConstant("linux.some_bug").name, "linux_some_bug");
}

TEST(Literals, KeepEveryByte) {
  EXPECT_EQ(Literal("a\"b\\c\nd"), "\"a\\\"b\\\\c\\nd\"");
  EXPECT_EQ(Literal("\xc3\xa9"
                    "1"),
            "\"\\303\\2511\"");
}

TEST(Command, ReportsBadFilesAndWritesNothing) {
  const std::string dir = testing::TempDir();
  const std::string yaml = dir + "/bad.yaml";
  std::ofstream(yaml) << ClauseText("pipe.a", "source", "");
  std::ostringstream errors;
  EXPECT_EQ(Generate({dir, yaml}, errors), 1);
  EXPECT_EQ(errors.str(), yaml + ":1: 'pipe.a' has no field 'source'\n");
  EXPECT_FALSE(std::ifstream(dir + "/clause_tables.cc").good());
}

TEST(Command, ReportsUsageAndFilesItCannotUse) {
  std::ostringstream errors;
  EXPECT_EQ(Generate({"a"}, errors), 2);
  EXPECT_EQ(Generate({"a", "/no/such.yaml"}, errors), 2);
  EXPECT_THAT(errors.str(), HasSubstr("/no/such.yaml: cannot be read"));
  const std::string yaml = testing::TempDir() + "/good.yaml";
  std::ofstream(yaml) << ClauseText("pipe.a");
  errors.str("");
  EXPECT_EQ(Generate({"/no/such/dir", yaml}, errors), 2);
  EXPECT_THAT(errors.str(), HasSubstr("/good.h: cannot be written"));
}

TEST(Command, WritesAHeaderForEachFileAndTheTables) {
  const std::filesystem::path dir = std::filesystem::path(testing::TempDir()) / "written";
  for (const char* folder : {"clauses", "regressions"}) {
    std::filesystem::create_directories(dir / folder);
  }
  std::ofstream(dir / "clauses/pipe.yaml") << ClauseText("pipe.err.x") << ClauseText("pipe.b");
  std::ofstream(dir / "clauses/poll.yaml") << ClauseText("poll.a");
  std::ofstream(dir / "regressions/pipe.yaml") << kRegression;
  std::ostringstream errors;
  ASSERT_EQ(Generate({dir, dir / "clauses/pipe.yaml", dir / "clauses/poll.yaml",
                      dir / "regressions/pipe.yaml"},
                     errors),
            0)
      << errors.str();
  const auto text = [&](const char* file) {
    std::stringstream read;
    read << std::ifstream(dir / file).rdbuf();
    return read.str();
  };
  EXPECT_THAT(text("clauses/pipe.h"), HasSubstr("namespace ipcsuite::clause::pipe {\n"
                                                "inline constexpr ClauseRef b{\"pipe.b\"};\n"
                                                "inline constexpr ClauseRef err_x{\"pipe.err.x\"};"
                                                "\n}"));
  EXPECT_THAT(text("clauses/poll.h"), testing::Not(HasSubstr("pipe")));
  EXPECT_THAT(text("regressions/pipe.h"),
              HasSubstr("namespace ipcsuite::regression {\n"
                        "inline constexpr RegressionRef linux_bug{\"linux.bug\"};\n}"));
  EXPECT_THAT(text("clause_tables.cc"), HasSubstr("std::array<Clause, 3>"));
}

}  // namespace
}  // namespace ipcsuite::gen
