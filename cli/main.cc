// The ipcsuite command.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/preamble.h"
#include "cli/explain.h"
#include "cli/list.h"
#include "cli/run.h"
#include "faults/detect/detect.h"
#include "harness/peers/exec.h"
#include "harness/test/registry.h"
#include "platforms/guest.h"
#include "platforms/on.h"
#include "reports/commands/commands.h"
#include "reports/history/main.h"
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

struct Command {
  const char* name;
  int (*main)(int argc, char** argv);  // arguments without program and command
  const char* help;
};

const Command kCommands[] = {
    {"run", ipcsuite::cli::RunMain, "judge this machine and write the reports"},
    {"stress", ipcsuite::stress::StressMain,
     "account for every message of a full-speed run, under nemeses"},
    {"list", ipcsuite::cli::ListMain, "name clauses, tests or coverage"},
    {"explain", ipcsuite::cli::ExplainMain, "show what a clause requires, or what a test judges"},
    {"report", ipcsuite::report::ReportMain, "render a result file in other formats"},
    {"compare", ipcsuite::report::CompareMain, "compare the results of several platforms or days"},
    {"history", ipcsuite::report::HistoryMain, "show many runs over time"},
    {"merge", ipcsuite::report::MergeMain, "merge the result files of shards"},
    {"expectations", ipcsuite::report::ExpectationsMain, "show, check and update known deviations"},
    {"detect", ipcsuite::detect::DetectMain,
     "run the suite against broken implementations: what would it have missed?"},
#ifndef IPC_WITHOUT_PROPERTIES
    {"soak", ipcsuite::props::SoakMain, "run the properties with new seeds until stopped"},
#endif
    {"check-history", CheckHistory, "decide a recorded history of operations"},
    {"on", ipcsuite::platforms::OnMain,
     "run on another platform (container, VM, libc, ...) and collect the results"},
    {"matrix", ipcsuite::platforms::MatrixMain, "run on several platforms and compare them"},
};

void ShortStress(double seconds, ipcsuite::report::Run* run) {
  std::printf("stress: every workload for %.1f s in all\n", seconds);
  ipcsuite::stress::ShortStressResult result = ipcsuite::stress::RunShortStress(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)),
      run->seed, [](const std::string& line) {
        std::printf("  %s\n", line.c_str());
        std::fflush(stdout);
      });
  for (auto& test : result.tests) run->tests.push_back(std::move(test));
  run->stress_json = std::move(result.document);
  if (result.interrupted) run->interrupted = "interrupted by a signal in the short stress";
}

// All names that results have: of tests, and of the workloads of the stress.
std::vector<std::string> TestNames() {
  std::vector<std::string> names;
  for (const ipcsuite::TestEntry& test : ipcsuite::AllTests()) names.push_back(test.name);
  for (const auto* workload : ipcsuite::AllRows<ipcsuite::stress::WorkloadInfo>())
    names.emplace_back(workload->test_name);
  return names;
}

int Usage(FILE* out, int status) {
  std::fprintf(out, "usage: ipcsuite COMMAND [OPTION...]\n\n");
  for (const Command& command : kCommands)
    std::fprintf(out, "  %-14s %s\n", command.name, command.help);
  std::fprintf(out,
               "\nEach command explains its options with --help. Exit status: 0 conforming or as "
               "expected,\n1 findings, 2 usage or set-up error, 3 no finding, but verdicts are "
               "missing.\n");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (ipcsuite::platforms::IsGuestInit()) ipcsuite::platforms::GuestInit();
  ipcsuite::MaybeRunRole(argc, argv);  // a role is started by a test: what it gets is on purpose
  ipcsuite::TidySurroundings();
  ipcsuite::cli::SetShortStress(ShortStress);
  ipcsuite::report::SetTestNames(TestNames);
  // GoogleTest must not take options from this command line.
  int none = 1;
  char* only_name[] = {argv[0], nullptr};
  testing::InitGoogleTest(&none, only_name);
  if (argc < 2) return Usage(stderr, 2);
  if (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "help") == 0)
    return Usage(stdout, 0);
  for (const Command& command : kCommands) {
    if (std::strcmp(argv[1], command.name) == 0) return command.main(argc - 2, argv + 2);
  }
  std::fprintf(stderr, "ipcsuite: unknown command '%s': see ipcsuite --help\n", argv[1]);
  return 2;
}
