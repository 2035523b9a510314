// The checks themselves: each refuses a document that is wrong in one way, and accepts a right one.
#include "tools/snippets/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ipcsuite::snippets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Tree SmallTree() {
  Tree tree;
  tree.text = {{"README.md", "# Title\n"},
               {"docs/a.md", "# A heading, with: signs\n"},
               {"suites/pipe/x_test.cc", "int one;\n  int two;\nint three;\n"},
               {".bazelrc", "build:asan --config=sanitizer\n"}};
  tree.folders = {"", "docs", "suites", "suites/pipe"};
  tree.labels = {"//suites/pipe:pipe_test", "//faults:libipcfaults.so"};
  tree.words = {"one", "Bounded"};
  tree.configs = {"asan"};
  tree.variables = {"IPCSUITE_FAULT"};
  return tree;
}

Program SmallProgram() {
  Program program;
  program.options = {{"run", {"--suite"}}, {"explain", {}}, {"detect", {"--fault"}}};
  program.clauses = {"pipe.read.fifo_order"};
  program.tests = {"Kinds/PipeDup.Shares/fifo"};
  program.faults = {"canary"};
  return program;
}

Document Parse(const std::string& text) { return ParseMarkdown("docs/b.md", text); }

Defects Spans(const std::string& text) {
  return CheckSpans(Parse(text), SmallTree(), SmallProgram());
}

Defects Commands(const std::string& line) {
  return CheckCommands(Parse("```sh\n" + line + "\n```\n"), SmallTree(), SmallProgram(),
                       testing::TempDir());
}

TEST(ParseMarkdown, FindsFencesSpansLinksAndHeadings) {
  const Document document = Parse("# One two\n`a` and [b](c.md#d)\n```cpp body\nint x;\n```\n");
  ASSERT_EQ(document.fences.size(), 1u);
  EXPECT_EQ(document.fences[0].info, "cpp body");
  EXPECT_EQ(document.fences[0].text, "int x;\n");
  EXPECT_EQ(document.fences[0].line, 4);
  EXPECT_EQ(document.spans[0].text, "a");
  EXPECT_EQ(document.links[0].text, "c.md#d");
  EXPECT_THAT(document.anchors, ElementsAre("one-two"));
  EXPECT_THAT(document.defects, IsEmpty());
}

TEST(ParseMarkdown, RefusesWhatTestsCannotSee) {
  EXPECT_THAT(Parse("text\n\n    code\n").defects, ElementsAre(HasSubstr("docs/b.md:3")));
  EXPECT_THAT(Parse("```sh\nls\n").defects, ElementsAre(HasSubstr("never closed")));
  EXPECT_THAT(Parse("- item\n\n    more of it\n").defects, IsEmpty());
}

TEST(ParseComments, FindsFencesInComments) {
  const Document document =
      ParseComments("a.h", "// Text.\n//\n// ```cpp body\n//   int x;\n// ```\nint y;\n");
  ASSERT_EQ(document.fences.size(), 1u);
  EXPECT_EQ(document.fences[0].text, "  int x;\n");
  EXPECT_EQ(document.fences[0].line, 4);
}

TEST(EmitExamples, NamesTheDocumentAndTheLine) {
  const std::string code =
      EmitExamples({Parse("```cpp body\n#include <poll.h>\nint x;\n```\n```sh\nls\n```\n")});
  EXPECT_THAT(code, HasSubstr("#include <poll.h>\nnamespace"));
  EXPECT_THAT(code, HasSubstr("IPC_TEST(Example, DocsBMd2) {\n#line 2 \"docs/b.md\"\n\nint x;\n}"));
  EXPECT_THAT(code, testing::Not(HasSubstr("\nls")));
}

TEST(CheckFences, ComparesQuotationsWithTheFile) {
  const auto check = [](const std::string& info, const std::string& text) {
    return CheckFences(Parse("```" + info + "\n" + text + "```\n"), SmallTree());
  };
  EXPECT_THAT(check("cpp from suites/pipe/x_test.cc", "int two;\nint three;\n"), IsEmpty());
  EXPECT_THAT(check("cpp from suites/pipe/x_test.cc", "int one;\n...\nint three;\n"), IsEmpty());
  EXPECT_THAT(check("cpp from suites/pipe/x_test.cc", "int one;\nint three;\n"),
              ElementsAre(HasSubstr("docs/b.md:2: suites/pipe/x_test.cc does not have")));
  EXPECT_THAT(check("cpp from nowhere.cc", "int one;\n"), ElementsAre(HasSubstr("no file")));
  EXPECT_THAT(check("cpp", "int one;\n"), ElementsAre(HasSubstr("unknown kind 'cpp'")));
}

TEST(CheckSpans, FindsWhatDoesNotExist) {
  EXPECT_THAT(Spans("`pipe.read.fifo_order` `pipe.read.*` `PipeDup.Shares` `Bounded(call)` "
                    "`suites/pipe/` `x_test.cc` `//suites/pipe:pipe_test` `IPCSUITE_FAULT` "
                    "`ipcsuite run --suite S` `--suite` `README.md` `//suites/...`"),
              IsEmpty());
  for (const char* wrong : {"pipe.read.sideways", "PipeDup.Nothing", "Unbounded(call)",
                            "suites/tube/", "y_test.cc", "//suites/pipe:tube_test",
                            "IPCSUITE_"
                            "TUBE",
                            "ipcsuite run --tube", "ipcsuite tube", "--tube", "//tubes/..."}) {
    EXPECT_EQ(Spans("`" + std::string(wrong) + "`").size(), 1u) << wrong;
  }
}

TEST(CheckCommands, FindsWhatDoesNotExist) {
  EXPECT_THAT(Commands("bazel test --config=asan //suites/pipe:pipe_test"), IsEmpty());
  EXPECT_THAT(Commands("LD_PRELOAD=bazel-bin/faults/libipcfaults.so IPCSUITE_FAULT=canary "
                       "some-program  # shows it"),
              IsEmpty());
  for (const char* wrong :
       {"bazel test //suites/pipe:tube_test", "bazel test --config=tube //suites/pipe:pipe_test",
        "bazel test //... --test_filter='Tube.*'", "./ipcsuite tube", "tube",
        "IPCSUITE_FAULT=tube some-program",
        "IPCSUITE_"
        "TUBE=1 some-program",
        "bazel-bin/suites/pipe/tube_test", "ipcsuite detect --fault canary,tube"}) {
    EXPECT_EQ(Commands(wrong).size(), 1u) << wrong;
  }
}

TEST(CheckLinks, FollowsFilesAndHeadings) {
  const Document right = Parse("[a](a.md#a-heading-with-signs) [r](../README.md) [h](https://x.y)");
  const Document wrong = Parse("[a](a.md#nothing) [b](c.md)");
  const std::vector<Document> all = {ParseMarkdown("docs/a.md", "# A heading, with: signs\n")};
  EXPECT_THAT(CheckLinks(right, all, SmallTree()), IsEmpty());
  EXPECT_EQ(CheckLinks(wrong, all, SmallTree()).size(), 2u);
  EXPECT_THAT(CheckReachable({right, wrong}), testing::SizeIs(2));
}

TEST(CheckClausesInComments, ComparesWithTheCatalogue) {
  Tree tree = SmallTree();
  tree.text["a.h"] = "// clause::pipe::read_fifo_order\n";
  EXPECT_THAT(CheckClausesInComments(tree, SmallProgram()), IsEmpty());
  tree.text["a.h"] =
      "\n// clause::pipe"
      "::read_sideways\n";
  EXPECT_THAT(CheckClausesInComments(tree, SmallProgram()), ElementsAre(HasSubstr("a.h:2")));
}

TEST(CheckVariables, WantsEachExplained) {
  Tree tree = SmallTree();
  EXPECT_EQ(CheckVariables(tree).size(), 1u);
  tree.text["docs/environment-variables.md"] = "| `IPCSUITE_FAULT` |\n";
  EXPECT_THAT(CheckVariables(tree), IsEmpty());
}

}  // namespace
}  // namespace ipcsuite::snippets
