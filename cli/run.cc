#include "cli/run.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

#include "base/args.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/resume.h"
#include "cli/selection.h"
#include "cli/terminal.h"
#include "cli/version.h"
#include "harness/runner/runner.h"
#include "reports/environment/environment.h"
#include "reports/formats/report.h"
#include "reports/results/json.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/judge.h"
#include "repro/command.h"

namespace ipcsuite::cli {
namespace {

// The directory must take files before anything is measured.
std::string PrepareOut(const std::string& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error)
    return "can't create " + out + ": " + error.message() +
           ": name a writable directory with --out";
  if (access(out.c_str(), W_OK) != 0 && errno != ENOSYS)
    return "can't write to " + out + ": name a writable directory with --out";
  return "";
}

int ListOnly(const RunOptions& options) {
  for (const TestEntry& test : SelectTests(options.runner)) std::printf("%s\n", test.name.c_str());
  return 0;
}

// A run is measured by the clauses of its selection, so that a run of one suite does not list the
// others' clauses as untested.
std::vector<report::ClauseRecord> CatalogueFor(const std::vector<ClauseRef>& selected) {
  std::set<std::string_view> ids;
  for (const ClauseRef clause : selected) ids.insert(clause.id);
  std::vector<report::ClauseRecord> catalogue = report::CatalogueClauses();
  std::erase_if(catalogue, [&](const report::ClauseRecord& c) { return ids.count(c.id) == 0; });
  return catalogue;
}

report::Run StartRun(const RunOptions& options, const std::string& command_line) {
  report::Run run;
  run.tool_version = ToolVersion();
  run.label = options.label.empty() ? report::HostName() : options.label;
  run.started = report::UtcNow();
  run.command_line = command_line;
  run.filtered = options.filtered;
  if (options.runner.shard_count > 1)
    run.shard = std::to_string(options.runner.shard_index) + "/" +
                std::to_string(options.runner.shard_count);
  run.issue = options.runner.issue;
  run.seed = options.runner.seed;
  run.environment = report::CollectEnvironment(BuildCommit());
  // What a selection is measured by, for whoever judges the results elsewhere or later.
  if (options.filtered) run.clauses = CatalogueFor(SelectedClauses(options.runner));
  return run;
}

void RunStress(const RunOptions& options, const std::vector<ClauseRef>& clauses, report::Run& run) {
  const bool whole = !run.filtered && run.shard.empty();
  const bool wanted = whole || options.stress_asked_for || !options.runner.about.empty();
  if (!options.short_stress || options.stress == 0ns || !wanted || !run.interrupted.empty()) return;
  const auto say = [&](const std::string& line) {
    if (!options.quiet && !options.stream) std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  };
  options.short_stress(options.stress, clauses, options.runner.expected, say, &run);
}

void NoteHowBlockingWasSeen(const RunOptions& options, const RunnerOutcome& outcome,
                            report::Run& run) {
  char scale[32];
  std::snprintf(scale, sizeof scale, "%.1f", outcome.time_scale);
  run.environment.push_back(
      {"How blocking was seen", {{"probe", outcome.probe}, {"time scale", scale}}});
  // Loudly: what is inferred from elapsed time is least reliable just where it is needed, under
  // load.
  if (outcome.probe_downgraded && !options.stream)
    std::fprintf(stderr, "ipcsuite: blocking can't be shown here, only inferred: %s\n",
                 outcome.probe.c_str());
}

int WriteFiles(const RunOptions& options, const report::Run& run, Terminal& terminal) {
  int status = run.summary.exit_status;
  if (!options.out.empty()) {
    if (options.repro || options.repro_all) {
      const auto programs = repro::WritePrograms(run, options.repro_all, options.out + "/repro");
      if (!programs) status = Complain(programs.error());
    }
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

// What reproduces a finding as it was found, from anywhere, without touching these reports. On
// another platform the host knows how it is reached.
void DescribeReproduction(RunOptions& options) {
  RunnerOptions& runner = options.runner;
  std::vector<std::string> words;
  if (options.profile != "quick") words.push_back("--profile=" + options.profile);
  if (options.judging.no_default_expectations) words.emplace_back("--no-default-expectations");
  for (const std::string& file : options.judging.expect)
    words.push_back(ShellQuoted("--expect=" + std::filesystem::absolute(file).string()));
  if (runner.time_scale > 0) words.push_back("--time-scale=" + Number(runner.time_scale));
  for (const std::string& dir : runner.fifo_dirs)
    words.push_back(ShellQuoted("--fifo-dir=" + std::filesystem::absolute(dir).string()));
  if (!options.stream) words.emplace_back("--out=ipcsuite-reproduced");
  runner.launcher = options.stream ? "ipcsuite" : ProgramCommand();
  runner.reproduce_with = Join(words, " ");
}

// GoogleTest in the tests' processes must not act on variables that are for this program: as
// another user it would even crash where it can't write the file that one of them names.
void HideFromGoogleTest() {
  for (const char* name : {"XML_OUTPUT_FILE", "TESTBRIDGE_TEST_ONLY", "TEST_TOTAL_SHARDS",
                           "TEST_SHARD_INDEX", "TEST_SHARD_STATUS_FILE", "TEST_PREMATURE_EXIT_FILE",
                           "GTEST_OUTPUT", "GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX"}) {
    unsetenv(name);
  }
}

int Perform(RunOptions& options, const std::string& command_line) {
  HideFromGoogleTest();
  DescribeReproduction(options);
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
  options.runner.results_header = report::ToJsonHeader(run);
  Terminal terminal(options.verbose, options.quiet, options.stream);
  terminal.Begin(run, SelectTests(options.runner).size());
  options.runner.expected = [&](const report::TestRecord& record) {
    return judge->Expects(record, run.environment);
  };
  options.runner.inspect = options.repro_all ? repro::AttachAny : repro::AttachProgram;
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
  run.interrupted = outcome.interrupted;
  run.duration_ns = outcome.duration_ns;
  const std::vector<ClauseRef> clauses = SelectedClauses(options.runner);
  RunStress(options, clauses, run);
  NoteHowBlockingWasSeen(options, outcome, run);
  if (options.stream) return terminal.EndStream(run), 0;
  run = judge->Apply(std::move(run), CatalogueFor(clauses));
  terminal.End(run, LeftOut(options.runner));
  return WriteFiles(options, run, terminal);
}

}  // namespace

int RunMain(int argc, char** argv, ShortStress stress) {
  RunOptions options;
  options.short_stress = stress;
  const std::vector<std::string> args(argv, argv + argc);
  if (const int status = ParseRunOptions(args, &options); status >= 0) return status;
  if (options.list) return ListOnly(options);
  // The properties read it in the tests' processes; a default does not override the environment.
  const bool asks_nothing = options.profile == "quick" || options.profile == "smoke";
  setenv("IPCSUITE_PROFILE", asks_nothing ? "quick" : options.profile.c_str(), !asks_nothing);
  if (!options.replay.empty()) setenv("IPCSUITE_REPLAY", options.replay.c_str(), 1);
  const int status =
      Perform(options, CommandLine(options.runner.done.empty() ? args : WithoutResume(args)));
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
    constexpr std::int64_t kMost = 100'000;
    const auto count = ParseInteger(shards, 1, kMost), index = ParseInteger(shard, 0, kMost);
    if (!count || !index || *index >= *count)
      return Complain("TEST_SHARD_INDEX " + shard + " of TEST_TOTAL_SHARDS " + shards +
                      " is not a shard");
    defaults.runner.shard_count = static_cast<int>(*count);
    defaults.runner.shard_index = static_cast<int>(*index);
    // Bazel asks for this file as the sign that sharding is understood.
    if (const std::string status_file = environment("TEST_SHARD_STATUS_FILE");
        !status_file.empty()) {
      if (FILE* file = std::fopen(status_file.c_str(), "w")) std::fclose(file);
    }
  }
  int none = 1;
  char* only_name[] = {argv[0], nullptr};
  testing::InitGoogleTest(&none, only_name);
  GTEST_FLAG_SET(output, "");
  if (!only.empty()) defaults.runner.filter = only;
  RunOptions options = defaults;
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (const int status = ParseRunOptions(args, &options); status >= 0) return status;
  if (options.list) return ListOnly(options);
  return Perform(options, "suite test");
}

}  // namespace ipcsuite::cli
