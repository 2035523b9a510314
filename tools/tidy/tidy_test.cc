// The tree keeps the rules of docs/style.md that a machine can check; and the rules see what they
// are for.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/text.h"
#include "tools/snippets/tree.h"
#include "tools/tidy/rules.h"

namespace ipcsuite::tidy {
namespace {

const std::string& SourceRoot() {
  // The runfiles are links into the source tree.
  static const std::string root = std::filesystem::canonical("README.md").parent_path().string();
  return root;
}

const std::vector<File>& TheFiles() {
  static const std::vector<File> files = [] {
    std::vector<File> all;
    for (const auto& [path, text] : snippets::ReadTree(SourceRoot()).text)
      all.push_back({.path = path, .lines = Lines(text)});
    return all;
  }();
  return files;
}

void ExpectNone(const Defects& defects) {
  for (const std::string& defect : defects) ADD_FAILURE() << defect;
}

struct Rule {
  const char* name;
  Defects (*check)(const File&);
  File offends;  // a file that the rule must refuse
};

std::vector<std::string> Repeated(const std::string& line, int times) {
  return std::vector<std::string>(static_cast<std::size_t>(times), line);
}

std::vector<std::string> LongFunction() {
  std::vector<std::string> lines = Repeated("  Call();", 80);
  lines.insert(lines.begin(), "void F() {");
  lines.push_back("}");
  return lines;
}

std::vector<Rule> Rules() {
  return {
      {.name = "LongLines",
       .check = LongLines,
       .offends = {.path = "a.cc", .lines = {std::string(101, 'x')}}},
      {.name = "LongFunctions",
       .check = LongFunctions,
       .offends = {.path = "a.cc", .lines = LongFunction()}},
      {.name = "LongFiles",
       .check = LongFiles,
       .offends = {.path = "a.cc", .lines = Repeated("int x;", 401)}},
      {.name = "HeaderForm",
       .check = HeaderForm,
       .offends = {.path = "a.h", .lines = {"#pragma once"}}},
      {.name = "UnmarkedSleeps",
       .check = UnmarkedSleeps,
       .offends = {.path = "suites/a.cc", .lines = {"  usleep(1);"}}},
      {.name = "NotPosix",
       .check = NotPosix,
       .offends = {.path = "harness/a.cc", .lines = {"  prctl(1, 2);"}}},
      {.name = "LostExpectations",
       .check = LostExpectations,
       .offends = {.path = "props/a.cc", .lines = {"  EXPECT_EQ(1, 2);"}}},
      {.name = "BannedWords",
       .check = BannedWords,
       .offends = {.path = "a.cc", .lines = {"// TODO"}}},
  };
}

class TidyRule : public testing::TestWithParam<Rule> {};

TEST_P(TidyRule, IsKept) {
  for (const File& file : TheFiles()) ExpectNone(GetParam().check(file));
}
TEST_P(TidyRule, SeesWhatOffends) { EXPECT_EQ(GetParam().check(GetParam().offends).size(), 1u); }

INSTANTIATE_TEST_SUITE_P(All, TidyRule, testing::ValuesIn(Rules()),
                         [](const auto& rule) { return std::string(rule.param.name); });

TEST(Tidy, EveryFunctionOfAHeaderHasAUser) {
  ExpectNone(UnusedDeclarations(TheFiles()));
  EXPECT_EQ(UnusedDeclarations({{.path = "a.h", .lines = {"void Unused();"}}}).size(), 1u);
}

// Skipped where the formatter of this version is absent: another one would format otherwise.
TEST(Tidy, CodeIsFormatted) {
  if (std::system("clang-format --version 2>/dev/null | grep -q 'version 14\\.'") != 0)
    GTEST_SKIP() << "clang-format 14 is absent: apt-get install clang-format-14";
  std::string command = "cd '" + SourceRoot() + "' && clang-format --dry-run -Werror";
  for (const File& file : TheFiles()) {
    if (file.IsCpp()) command += " " + file.path;
  }
  EXPECT_EQ(std::system(command.c_str()), 0) << "run clang-format -i on these files";
}

}  // namespace
}  // namespace ipcsuite::tidy
