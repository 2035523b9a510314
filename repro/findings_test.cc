// docs/findings: every expectation has its page, every page its program, and the programs deviate
// where the expectations say so.
#include <sys/wait.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "reports/environment/environment.h"
#include "reports/verdicts/expectations.h"
#include "reports/verdicts/finding_pages.h"

namespace ipcsuite::report {
namespace {

namespace fs = std::filesystem;

const std::vector<Expectation>& Expectations() {
  static const std::vector<Expectation> all = [] {
    std::vector<Expectation> entries;
    const Result<void> read = DefaultExpectations(&entries);
    EXPECT_TRUE(read.ok()) << read.error();
    return entries;
  }();
  return all;
}

std::string TextOf(const fs::path& path) {
  const Result<std::string> text = ReadFile(path.string());
  EXPECT_TRUE(text.ok()) << text.error();
  return text ? *text : "";
}

// The programs to which a page links.
std::vector<std::string> ProgramsOf(const std::string& page) {
  static const std::regex kLink(R"(\]\(([a-z0-9_]+\.c)\))");
  const std::string text = TextOf(page);
  std::vector<std::string> programs;
  for (std::sregex_iterator at(text.begin(), text.end(), kLink), end; at != end; ++at)
    programs.push_back("docs/findings/" + (*at)[1].str());
  return programs;
}

std::vector<std::string> AllPrograms() {
  std::vector<std::string> programs;
  for (const auto& file : fs::directory_iterator("docs/findings")) {
    if (file.path().extension() == ".c") programs.push_back(file.path().string());
  }
  std::ranges::sort(programs);
  return programs;
}

std::string Scratch() { return std::getenv("TEST_TMPDIR") ? std::getenv("TEST_TMPDIR") : "/tmp"; }

bool Has(const std::string& command) {
  return std::system(("command -v " + command + " >/dev/null").c_str()) == 0;
}

// The exit status of a shell command, -1 when it was ended otherwise.
int StatusOf(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Findings, EveryExpectationHasItsPage) {
  for (const Expectation& entry : Expectations()) {
    const std::string page(FindingPage(entry.id));
    ASSERT_FALSE(page.empty()) << entry.id << ": docs/findings/README.md has no row for it";
    ASSERT_TRUE(fs::exists(page)) << page;
    const std::string stem = std::regex_replace(entry.id, std::regex("-[0-9.]+$"), "");
    EXPECT_NE(TextOf(page).find(stem), std::string::npos) << page << " does not name " << entry.id;
  }
}

TEST(Findings, EveryPageHasAProgramAndARow) {
  const std::string index = TextOf("docs/findings/README.md");
  for (const auto& file : fs::directory_iterator("docs/findings")) {
    const std::string name = file.path().filename().string();
    if (file.path().extension() != ".md" || name == "README.md") continue;
    EXPECT_NE(index.find("(" + name + ")"), std::string::npos) << name << " is not in the index";
    const std::vector<std::string> programs = ProgramsOf(file.path().string());
    EXPECT_FALSE(programs.empty()) << name << " links to no program";
    for (const std::string& program : programs) EXPECT_TRUE(fs::exists(program)) << program;
  }
}

TEST(Findings, ProgramsCompileWithoutWarnings) {
  for (const std::string compiler : {"gcc", "clang"}) {
    if (!Has(compiler)) continue;
    for (const std::string& program : AllPrograms()) {
      const std::string command =
          compiler + " -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only " + program;
      EXPECT_EQ(StatusOf(command), 0) << command;
    }
  }
}

// Programs that no expectation concerns here conform, or can't tell; the others deviate. Stress
// that shows a race by chance may miss it in its time.
TEST(Findings, ProgramsDeviateWhereTheExpectationsHold) {
  if (!Has("cc")) GTEST_SKIP() << "needs a C compiler";
  const Facts facts = FactsOf(CollectEnvironment(""));
  std::map<std::string, bool> deviates;
  std::set<std::string> may_deviate;
  for (const Expectation& entry : Expectations()) {
    const bool race = entry.tests.size() == 1 && entry.tests[0].starts_with("Stress.");
    if (race || entry.expected != "FAIL") {
      for (const std::string& program : ProgramsOf(std::string(FindingPage(entry.id))))
        if (UnmetCondition(entry.condition, facts).empty()) may_deviate.insert(program);
      continue;
    }
    for (const std::string& program : ProgramsOf(std::string(FindingPage(entry.id))))
      deviates[program] = deviates[program] || UnmetCondition(entry.condition, facts).empty();
  }
  for (const auto& [program, expected] : deviates) {
    const std::string binary = Scratch() + "/program";
    ASSERT_EQ(StatusOf("cc -std=c11 -o " + binary + " " + program + " -pthread -lrt"), 0);
    const int status = StatusOf("cd " + Scratch() + " && timeout 60 ./program");
    if (may_deviate.contains(program)) continue;
    if (expected) {
      EXPECT_EQ(status, 1) << program << ": an expectation holds here";
    } else {
      EXPECT_TRUE(status == 0 || status == 77)
          << program << ": " << status << ", but no expectation holds here";
    }
  }
}

}  // namespace
}  // namespace ipcsuite::report
