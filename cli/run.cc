#include "cli/run.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "base/args.h"
#include "cli/detection.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "harness/runner/runner.h"
#include "reports/compare/compare.h"
#include "reports/environment/environment.h"
#include "reports/formats/report.h"
#include "reports/results/json.h"
#include "reports/verdicts/aggregate.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/detection.h"
#include "reports/verdicts/expectations.h"

namespace ipcsuite::cli {
namespace {

// The directory must take files before anything is measured.
std::string PrepareOut(const std::string& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error)
    return "can't create " + out + ": " + error.message() +
           ": name a writable directory with --out";
  if (access(out.c_str(), W_OK) != 0)
    return "can't write to " + out + ": name a writable directory with --out";
  return "";
}

int ListOnly(const RunOptions& options) {
  for (const TestEntry& test : SelectTests(options.runner)) std::printf("%s\n", test.name.c_str());
  return 0;
}

// Clauses are judged for the suites that the tests run belong to, so that a run of one suite does
// not list the others' clauses as untested.
std::vector<report::ClauseRecord> CatalogueFor(const RunOptions& options) {
  std::set<std::string> suites(options.runner.suites.begin(), options.runner.suites.end());
  for (const TestEntry& test : SelectTests(options.runner)) {
    suites.insert(test.meta->suite);
    for (ClauseRef clause : test.meta->clauses) suites.insert(std::string(SuiteOf(Get(clause))));
  }
  return report::CatalogueClauses(std::vector<std::string>(suites.begin(), suites.end()));
}

report::Run StartRun(const RunOptions& options, const std::string& command_line) {
  report::Run run;
  run.tool_version = ToolVersion();
  run.label = options.label.empty() ? report::HostName() : options.label;
  run.started = report::UtcNow();
  run.command_line = command_line;
  run.issue = options.runner.issue;
  run.seed = options.runner.seed;
  run.environment = report::CollectEnvironment(BuildCommit());
  return run;
}

bool LoadExpectations(const RunOptions& options, std::vector<report::Expectation>* expectations,
                      std::string* error) {
  if (!options.no_default_expectations && !report::DefaultExpectations(expectations, error))
    return false;
  for (const std::string& path : options.expect) {
    if (!report::ReadExpectations(path, expectations, error)) return false;
  }
  return true;
}

int WriteReports(const RunOptions& options, const report::Run& run) {
  int status = 0;
  for (const std::string& format : options.formats) {
    const std::string path =
        options.out + "/" + std::string(report::DefaultFileName(*report::FormatFromString(format)));
    std::string error;
    if (!report::WriteReport(run, format, path, &error)) status = Complain(error);
  }
  return status;
}

ShortStress g_short_stress = nullptr;

int Perform(RunOptions& options, const std::string& command_line) {
  std::vector<report::Expectation> expectations;
  std::string error;
  if (!LoadExpectations(options, &expectations, &error)) return Complain(error);
  std::optional<report::Run> baseline;
  if (!options.baseline.empty()) {
    baseline = report::ReadRun(options.baseline, &error);
    if (!baseline) return Complain(error);
  }
  std::string detection;
  if (!LoadDetection(options.detection, options.out, &detection, &error)) return Complain(error);
  if (!options.out.empty()) {
    if (error = PrepareOut(options.out); !error.empty()) return Complain(error);
    options.runner.results_path = options.out + "/results.jsonl";
  }
  report::Run run = StartRun(options, command_line);
  Terminal terminal(options.verbose, options.stream);
  terminal.Begin(run, SelectTests(options.runner).size());
  RunnerOutcome outcome;
  try {
    outcome =
        RunTests(options.runner, [&](const report::TestRecord& record, const Progress& progress) {
          terminal.OnResult(record, progress);
        });
  } catch (const std::system_error& problem) {
    return Complain(problem.what());
  }
  run.tests = std::move(outcome.tests);
  run.interrupted = outcome.interrupted;
  run.duration_ns = outcome.duration_ns;
  if (g_short_stress && options.stress_s > 0 && options.whole && run.interrupted.empty())
    g_short_stress(options.stress_s, &run);
  char scale[32];
  std::snprintf(scale, sizeof scale, "%.1f", outcome.time_scale);
  run.environment.push_back(
      {"How blocking was seen", {{"probe", outcome.probe}, {"time scale", scale}}});
  // Loudly: what is inferred from elapsed time is least reliable just where it is needed, under
  // load.
  if (outcome.probe_downgraded && !options.stream)
    std::fprintf(stderr, "ipcsuite: blocking can't be shown here, only inferred: %s\n",
                 outcome.probe.c_str());
  if (options.stream) return terminal.EndStream(run), 0;
  report::ApplyOptions apply;
  apply.whole = options.whole;
  report::Apply(expectations, report::FactsOf(run.environment), apply, &run.tests);
  report::Finish(CatalogueFor(options), run);
  if (!detection.empty() && !report::FoldDetection(detection, &run, &error)) return Complain(error);
  if (baseline) report::GateOnBaseline(*baseline, &run);
  terminal.End(run);
  int status = run.summary.exit_status;
  if (!options.out.empty()) {
    const int written = WriteReports(options, run);
    if (written == 0) terminal.SayWhere(options.out, options.formats);
    status = std::max(status, written);
  }
  if (!options.junit_path.empty() &&
      !report::WriteReport(run, report::Format::kJunit, options.junit_path, &error))
    status = Complain(error);
  return status;
}

}  // namespace

void SetShortStress(ShortStress stress) { g_short_stress = stress; }

int RunMain(int argc, char** argv) {
  RunOptions options;
  if (const int status = ParseRunOptions(argc, argv, &options); status >= 0) return status;
  if (options.list) return ListOnly(options);
  // The properties read it in the tests' processes; a default does not override the environment.
  setenv("IPCSUITE_PROFILE", options.profile.c_str(), options.profile != "quick");
  std::string command_line = "ipcsuite run";
  for (int i = 0; i < argc; ++i) command_line += std::string(" ") + argv[i];
  return Perform(options, command_line);
}

int SuiteMain(int argc, char** argv) {
  const auto environment = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  RunOptions defaults;
  defaults.out.clear();
  defaults.junit_path = environment("XML_OUTPUT_FILE");
  const std::string only = environment("TESTBRIDGE_TEST_ONLY");
  const std::string shards = environment("TEST_TOTAL_SHARDS"),
                    shard = environment("TEST_SHARD_INDEX");
  if (!shards.empty() && !shard.empty()) {
    defaults.runner.shard_count = std::max(1, std::atoi(shards.c_str()));
    defaults.runner.shard_index = std::atoi(shard.c_str());
    // Bazel asks for this file as the sign that sharding is understood.
    if (const std::string status_file = environment("TEST_SHARD_STATUS_FILE");
        !status_file.empty()) {
      if (FILE* file = std::fopen(status_file.c_str(), "w")) std::fclose(file);
    }
  }
  // GoogleTest in the tests' processes must not act on the same variables.
  for (const char* name :
       {"XML_OUTPUT_FILE", "TESTBRIDGE_TEST_ONLY", "TEST_TOTAL_SHARDS", "TEST_SHARD_INDEX",
        "TEST_SHARD_STATUS_FILE", "GTEST_OUTPUT", "GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX"}) {
    unsetenv(name);
  }
  int none = 1;
  char* only_name[] = {argv[0], nullptr};
  testing::InitGoogleTest(&none, only_name);
  GTEST_FLAG_SET(output, "");
  if (!only.empty()) defaults.runner.filter = only;
  RunOptions options = defaults;
  if (const int status = ParseRunOptions(argc - 1, argv + 1, &options); status >= 0) return status;
  if (options.list) return ListOnly(options);
  return Perform(options, "suite test");
}

}  // namespace ipcsuite::cli
