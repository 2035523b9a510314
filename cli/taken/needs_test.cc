// What `ipcsuite needs` says is left of a run where a system call is missing, tried for each row.
#include "cli/needs.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cctype>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/shell_testing.h"

namespace ipcsuite::cli {
namespace {

// A few quick tests of each suite; peers that block, threads and FIFOs are among them.
constexpr char kTests[] =
    "Kinds/PipeDup.*/pipe:MqSend.*:ShmUnlink.*:SemUnlink.*:FifoIsAPipe.*:PollEntries.*";

std::string Without(std::string_view calls) {
  return std::filesystem::absolute("cli/taken/without_calls").string() + " ENOSYS " +
         std::string(calls) + " ";
}

struct Verdicts {
  int status = -1;
  std::string text;
  std::map<std::string, std::string> of;  // by test
  int passed = 0;
};

// `start`: what precedes the program.
Verdicts VerdictsOf(const std::string& start) {
  const Scratch scratch;
  const Ended ended = Shell("exec timeout 100 " + start + ProgramPath() +
                                " run --no-stress --verbose --out '' --time-scale 1 --timeout 5 "
                                "--filter '" +
                                kTests + "'",
                            scratch.path() + "/text");
  Verdicts verdicts{.status = ended.status, .text = ended.text, .of = {}};
  std::istringstream lines(ended.text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string verdict, name, time;
    const bool is_result = words >> verdict >> name >> time && time[0] == '(';
    if (!is_result || name.find('.') == std::string::npos) continue;
    verdicts.of[name] = verdict;
    verdicts.passed += verdict == "PASS";
  }
  return verdicts;
}

const Verdicts& Control() {
  static const Verdicts control = VerdictsOf("");
  return control;
}

std::vector<Need> Removable() {
  std::vector<Need> rows;
  for (const Need& need : Needs()) {
    if (!need.calls.empty()) rows.push_back(need);
  }
  return rows;
}

class WithOneMissing : public testing::TestWithParam<Need> {};

TEST_P(WithOneMissing, LeavesWhatTheTableSays) {
  const Need& need = GetParam();
  const std::string without = Without(need.calls);
  ASSERT_GT(Control().passed, 20) << Control().text;
  const Scratch scratch;
  if (Shell(without + "true", scratch.path() + "/text").status == 125)
    GTEST_SKIP() << "system calls can't be taken away here";
  Verdicts here = VerdictsOf(without);
  if (need.left == Left::kNothing) {
    EXPECT_EQ(here.passed, 0) << here.text;
    EXPECT_TRUE(here.status == 2 || here.status == 3 || here.status == 128 + SIGABRT)
        << here.status << "\n"
        << here.text;
    return;
  }
  // Once more where all should be there: the machine may have been busy.
  if (need.left == Left::kAll && here.of != Control().of) here = VerdictsOf(without);
  EXPECT_EQ(here.of.size(), Control().of.size()) << here.status << "\n" << here.text;
  EXPECT_GT(here.passed, 0) << here.text;
  if (need.left == Left::kAll) {
    EXPECT_EQ(here.of, Control().of) << here.text;
  }
}

INSTANTIATE_TEST_SUITE_P(Needs, WithOneMissing, testing::ValuesIn(Removable()),
                         [](const auto& one) {
                           std::string name;
                           for (const char c : one.param.calls.substr(0, 40))
                             name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace ipcsuite::cli
