// The project's documents are true: what they show compiles and runs (//docs:examples_test), and
// what they name exists.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tools/snippets/claims.h"

namespace ipcsuite::snippets {
namespace {

// The runfiles are links into the source tree.
std::string SourceRoot() { return std::filesystem::canonical("README.md").parent_path().string(); }

const Tree& TheTree() {
  static const Tree tree = ReadTree(SourceRoot());
  return tree;
}
const std::vector<Document>& TheDocuments() {
  static const std::vector<Document> documents = DocumentsOf(TheTree());
  return documents;
}
std::string Folder() { return std::filesystem::absolute(std::getenv("TEST_TMPDIR")).string(); }
const Program& TheProgram() {
  static const Program program =
      AskProgram(std::filesystem::absolute("cli/ipcsuite").string(), Folder());
  return program;
}

void ExpectNone(const Defects& defects) {
  for (const std::string& defect : defects) ADD_FAILURE() << defect;
}

TEST(Documents, AreFound) {
  ASSERT_TRUE(TheTree().text.count("docs/architecture.md")) << TheTree().root;
  EXPECT_GT(TheProgram().clauses.size(), 500u);
  EXPECT_GT(TheProgram().tests.size(), 500u);
  EXPECT_GT(TheProgram().faults.size(), 100u);
}

TEST(Documents, FencesSayWhatTheyHold) {
  for (const Document& document : TheDocuments()) ExpectNone(CheckFences(document, TheTree()));
}

TEST(Documents, CommandsAreAccepted) {
  for (const Document& document : TheDocuments())
    ExpectNone(CheckCommands(document, TheTree(), TheProgram(), Folder()));
}

// What the check of commands rests on.
TEST(Documents, DryRunRefusesWhatDoesNotExist) {
  const std::string program = "'" + TheProgram().path + "' ";
  for (const char* wrong :
       {"run --suite tube", "run --tube", "run --filter 'Tube.*'", "stress tube", "on tube:x",
        "matrix native tube:x", "stress --sizes tube", "soak --filter 'Tube.*'"}) {
    const Outcome outcome = RunCommand(program + wrong + " --dry-run", Folder());
    EXPECT_EQ(outcome.status, 2) << wrong << ": " << outcome.output;
  }
}

TEST(Documents, ShownDataIsWellFormed) {
  for (const Document& document : TheDocuments())
    ExpectNone(CheckData(document, TheProgram(), Folder()));
}

TEST(Documents, NamedThingsExist) {
  for (const Document& document : TheDocuments())
    ExpectNone(CheckSpans(document, TheTree(), TheProgram()));
}

TEST(Documents, LinksLeadSomewhere) {
  for (const Document& document : TheDocuments())
    ExpectNone(CheckLinks(document, TheDocuments(), TheTree()));
  ExpectNone(CheckReachable(TheDocuments()));
}

TEST(Documents, ClausesInCommentsExist) {
  ExpectNone(CheckClausesInComments(TheTree(), TheProgram()));
}

TEST(Documents, EnvironmentVariablesAreExplained) { ExpectNone(CheckVariables(TheTree())); }

}  // namespace
}  // namespace ipcsuite::snippets
