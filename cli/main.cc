// The ipcsuite command.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/args.h"
#include "base/os/loader.h"
#include "base/preamble.h"
#include "base/text.h"
#include "cli/explain.h"
#include "cli/list.h"
#include "cli/manual.h"
#include "cli/needs.h"
#include "cli/run.h"
#include "cli/version.h"
#include "faults/detect/detect.h"
#include "harness/peers/exec.h"
#include "harness/test/registry.h"
#include "platforms/guest.h"
#include "platforms/on.h"
#include "reports/commands/commands.h"
#include "reports/history/main.h"
#include "repro/command.h"
#include "stress/campaign/report.h"
#include "stress/campaign/stress.h"
#include "stress/engine/workload.h"
#ifndef IPC_WITHOUT_PROPERTIES
#include "props/soak/soak.h"
#endif
#include "props/history/check_main.h"

namespace {

int CheckHistory(int argc, char** argv) {
  return ipcsuite::props::CheckHistoryMain(std::vector<std::string>(argv, argv + argc));
}

bool ShortStress(ipcsuite::nanoseconds time, const std::vector<ipcsuite::ClauseRef>& clauses,
                 const std::function<bool(const ipcsuite::report::TestRecord&)>& known,
                 const std::function<void(const std::string&)>& say, ipcsuite::report::Run* run) {
  using namespace ipcsuite;
  std::vector<const stress::WorkloadInfo*> workloads = AllRows<stress::WorkloadInfo>();
  std::erase_if(workloads, [&](const stress::WorkloadInfo* row) {
    return std::ranges::none_of(row->clauses, [&](ClauseRef clause) {
      return std::ranges::find(clauses, clause) != clauses.end();
    });
  });
  if (run == nullptr || workloads.empty()) return !workloads.empty();
  say("stress: " + Counted(static_cast<std::int64_t>(workloads.size()), "workload") + ", " +
      DurationText(time) + " in all");
  stress::ShortStressResult result = stress::RunShortStress(
      time, run->seed, workloads, known, [&](const std::string& line) { say("  " + line); });
  for (auto& test : result.tests) run->tests.push_back(std::move(test));
  run->stress_json = std::move(result.document);
  if (result.interrupted) run->interrupted = "interrupted by a signal in the short stress";
  return true;
}

int Run(int argc, char** argv) { return ipcsuite::cli::RunMain(argc, argv, ShortStress); }

int Man(int argc, char** argv);
int Completion(int argc, char** argv);

const ipcsuite::cli::Command kCommands[] = {
    {.name = "run", .main = Run, .help = "judge this machine and write the reports"},
    {.name = "stress",
     .main = ipcsuite::stress::StressMain,
     .help = "account for every message of a full-speed run, under nemeses"},
    {.name = "list", .main = ipcsuite::cli::ListMain, .help = "name clauses, tests or coverage"},
    {.name = "explain",
     .main = ipcsuite::cli::ExplainMain,
     .help = "show what a clause requires, or what a test judges"},
    {.name = "needs",
     .main = ipcsuite::cli::NeedsMain,
     .help = "print what the program uses of a platform, and what happens without it"},
    {.name = "repro",
     .main = ipcsuite::repro::ReproMain,
     .help = "write what a test judges as a C program"},
    {.name = "report",
     .main = ipcsuite::report::ReportMain,
     .help = "render a result file in other formats"},
    {.name = "compare",
     .main = ipcsuite::report::CompareMain,
     .help = "compare the results of several platforms or days"},
    {.name = "history", .main = ipcsuite::report::HistoryMain, .help = "show many runs over time"},
    {.name = "merge",
     .main = ipcsuite::report::MergeMain,
     .help = "merge the result files of shards"},
    {.name = "expectations",
     .main = ipcsuite::report::ExpectationsMain,
     .help = "show, check and update known deviations"},
    {.name = "detect",
     .main = ipcsuite::detect::DetectMain,
     .help = "run the suite against broken implementations: what would it have missed?"},
#ifndef IPC_WITHOUT_PROPERTIES
    {.name = "soak",
     .main = ipcsuite::props::SoakMain,
     .help = "run the properties with new seeds until stopped"},
#endif
    {.name = "check-history",
     .main = CheckHistory,
     .help = "decide a recorded history of operations"},
    {.name = "on",
     .main = ipcsuite::platforms::OnMain,
     .help = "run on another platform (container, VM, libc, ...) and collect the results"},
    {.name = "matrix",
     .main = ipcsuite::platforms::MatrixMain,
     .help = "run on several platforms and compare them"},
    {.name = "man", .main = Man, .help = "print the manual page"},
    {.name = "completion",
     .main = Completion,
     .help = "print the script that completes commands and options: bash or zsh"},
};

int Man(int argc, char** argv) {
  CLI::App app("Prints the manual page, in roff: ipcsuite man | man -l -", "ipcsuite man");
  if (const int status = ipcsuite::ParseArguments(app, argc, argv); status >= 0) return status;
  ipcsuite::cli::PrintManual(kCommands);
  return 0;
}

int Completion(int argc, char** argv) {
  CLI::App app("Prints a script for a shell: source <(ipcsuite completion bash)",
               "ipcsuite completion");
  std::string shell;
  app.add_option("SHELL", shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  if (const int status = ipcsuite::ParseArguments(app, argc, argv); status >= 0) return status;
  ipcsuite::cli::PrintCompletion(kCommands, shell);
  return 0;
}

// All names that results have: of tests, and of the workloads of the stress.
std::vector<std::string> TestNames() {
  std::vector<std::string> names;
  for (const ipcsuite::TestEntry& test : ipcsuite::AllTests()) names.push_back(test.name);
  for (const auto* workload : ipcsuite::AllRows<ipcsuite::stress::WorkloadInfo>())
    names.emplace_back(workload->test_name);
  return names;
}

// What is asked for without a command: help, version. -1: neither.
int AnswerWord(const std::string& word) {
  if (word == "--version" || word == "-V" || word == "version") {
    const std::string commit = ipcsuite::cli::BuildCommit();
    std::printf("ipcsuite %s%s%s\n", ipcsuite::cli::ToolVersion().c_str(),
                commit.empty() ? "" : ", commit ", commit.c_str());
    return 0;
  }
  if (word != "--help" && word != "-h" && word != "help") return -1;
  ipcsuite::cli::PrintUsage(kCommands, stdout);
  return 0;
}

int Dispatch(const std::vector<std::string>& words, int argc, char** argv) {
  if (words.empty()) {
    ipcsuite::cli::PrintUsage(kCommands, stderr);
    return 2;
  }
  std::string name = words[0];
  std::string help = "--help";
  char* const help_argv[] = {help.data(), nullptr};
  const bool help_for = name == "help" && words.size() > 1;
  if (help_for) {
    name = words[1];
  } else if (const int status = AnswerWord(name); status >= 0) {
    return status;
  }
  std::vector<std::string> known;
  for (const ipcsuite::cli::Command& command : kCommands) {
    known.emplace_back(command.name);
    if (name != command.name) continue;
    return help_for ? command.main(1, const_cast<char**>(help_argv))
                    : command.main(argc - 2, argv + 2);
  }
  return ipcsuite::Complain("unknown command '" + name + "'" + ipcsuite::DidYouMean(name, known) +
                            " (ipcsuite --help)");
}

// Started by a dynamic loader that was named, the program starts itself again in the same way.
void NoteLoader(int argc) {
  const std::vector<std::string> command = ipcsuite::os::LoaderCommand(argc);
  if (!command.empty()) setenv("IPCSUITE_SELF", ipcsuite::Join(command, "\n").c_str(), 0);
}

}  // namespace

int main(int argc, char** argv) {
  if (ipcsuite::platforms::IsGuestInit()) ipcsuite::platforms::GuestInit();
  NoteLoader(argc);
  ipcsuite::MaybeRunRole(argc, argv);  // a role is started by a test: what it gets is on purpose
  ipcsuite::TidySurroundings();
  ipcsuite::report::SetTestNames(TestNames);
  // GoogleTest must not take options from this command line.
  int none = 1;
  char* only_name[] = {argv[0], nullptr};
  testing::InitGoogleTest(&none, only_name);
  return Dispatch(std::vector<std::string>(argv + 1, argv + argc), argc, argv);
}
