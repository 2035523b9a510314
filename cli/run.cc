#include "cli/run.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

#include "base/args.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "harness/runner/runner.h"
#include "reports/environment/environment.h"
#include "reports/formats/report.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/judge.h"

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

ShortStress g_short_stress = nullptr;

int Perform(RunOptions& options, const std::string& command_line) {
  if (options.judging.detection.empty() && !options.out.empty() &&
      access((options.out + "/detection.json").c_str(), F_OK) == 0)
    options.judging.detection = options.out + "/detection.json";
  const auto judge = report::Judge::Load(options.judging);
  if (!judge) return Complain(judge.error());
  std::string error;
  if (!options.out.empty()) {
    if (error = PrepareOut(options.out); !error.empty()) return Complain(error);
    options.runner.results_path = options.out + "/results.jsonl";
  }
  report::Run run = StartRun(options, command_line);
  Terminal terminal(options.verbose, options.stream);
  terminal.Begin(run, SelectTests(options.runner).size());
  options.runner.expected = [&](const report::TestRecord& record) {
    return judge->Expects(record, run.environment);
  };
  options.runner.on_begin = [&](const std::string& test) { terminal.OnBegin(test); };
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
  run.filtered = options.filtered;
  if (options.runner.shard_count > 1)
    run.shard = std::to_string(options.runner.shard_index) + "/" +
                std::to_string(options.runner.shard_count);
  run.interrupted = outcome.interrupted;
  run.duration_ns = outcome.duration_ns;
  const bool whole = !run.filtered && run.shard.empty();
  if (g_short_stress && options.stress_s > 0 && whole && run.interrupted.empty())
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
  run = judge->Apply(std::move(run), CatalogueFor(options));
  terminal.End(run);
  int status = run.summary.exit_status;
  if (!options.out.empty()) {
    const auto written = report::WriteReports(run, options.formats, options.out);
    if (written) terminal.SayWhere(options.out, options.formats);
    if (!written) status = Complain(written.error());
  }
  if (!options.junit_path.empty()) {
    const auto written = report::WriteReport(run, "junit", options.junit_path);
    if (!written) status = Complain(written.error());
  }
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
  const int status = Perform(options, command_line);
  return options.judging.bisect ? report::BisectStatus(status) : status;
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
