#include "cli/options.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/args.h"
#include "base/random.h"
#include "harness/test/registry.h"
#include "harness/test/test.h"
#include "reports/formats/report.h"
#include "spec/clause.h"

namespace ipcsuite::cli {
namespace {

// Names that select nothing are mistakes, and a gate that judged nothing would be green.
int CheckNames(const RunOptions& options) {
  std::set<std::string> suites;
  for (const TestEntry& test : AllTests()) suites.insert(test.meta->suite);
  for (const std::string& suite : options.runner.suites) {
    if (suites.count(suite)) continue;
    std::string known;
    for (const std::string& name : suites) known += (known.empty() ? "" : ", ") + name;
    return Complain("unknown suite '" + suite + "': there are " + known);
  }
  for (const std::string& id : options.runner.clauses) {
    if (id.find('*') == std::string::npos && !Find(id)) {
      return Complain("unknown clause '" + id + "': see `ipcsuite list --clauses`");
    }
  }
  const std::vector<TestEntry> selected = SelectTests(options.runner);
  if (options.runner.shard_count == 1 && selected.empty())
    return Complain("no test is selected: see `ipcsuite list --tests`");
  if (const std::string& last = options.runner.resume_after;
      !last.empty() && std::none_of(selected.begin(), selected.end(),
                                    [&](const TestEntry& test) { return test.name == last; }))
    return Complain("--resume-after: '" + last + "' is not among the selected tests: see --list");
  return -1;
}

// What is printed, where reports go, and what they are judged by.
void DescribeReports(CLI::App& app, RunOptions* options) {
  app.add_flag("--list", options->list, "Print the selected tests and run none");
  app.add_flag("--verbose,-v", options->verbose, "Print a line for each test");
  app.add_option("--out", options->out, "Directory of the reports")->capture_default_str();
  report::AddFormats(app, options->formats);
  report::AddJudgingOptions(app, options->judging);
  app.add_option("--detection", options->judging.detection,
                 "Result of `ipcsuite detect` to include; default: detection.json in --out");
  app.add_option("--label", options->label, "Name of this platform in comparisons");
  app.add_option("--profile", options->profile, "Effort of the properties")
      ->check(CLI::IsMember({"quick", "full", "soak"}))
      ->capture_default_str();
}

}  // namespace

int ParseRunOptions(int argc, char** argv, RunOptions* options) {
  CLI::App app("Judges this machine's POSIX IPC clause by clause and writes the reports.",
               "ipcsuite run");
  RunnerOptions& runner = options->runner;
  runner.seed = RandomSeed();
  bool no_isolation = false;
  std::string shard;
  app.add_option("--suite", runner.suites,
                 "Only these suites: pipe, fifo, poll, shm, mqueue, sem, pshared, props, ...")
      ->delimiter(',');
  app.add_option("--filter", runner.filter,
                 "Only tests that match these GoogleTest patterns: 'A*:B.C-*Slow*'");
  app.add_option("--clause", runner.clauses, "Only tests of these clauses ('*' matches anything)")
      ->delimiter(',');
  app.add_option("--issue", runner.issue, "Judge for POSIX.1-2017 (7) or POSIX.1-2024 (8)")
      ->check(CLI::IsMember({7, 8}))
      ->capture_default_str();
  auto* jobs =
      app.add_option(
             "--jobs,-j", runner.jobs,
             "Number of concurrent tests; default: two for each CPU, since many of them wait")
          ->check(CLI::Range(1, 512));
  auto* repeat = app.add_option("--repeat", runner.repeat, "Number of attempts of each test")
                     ->check(CLI::Range(1, 1000000));
  app.add_flag("--until-fail", runner.until_fail,
               "Stop at the first red result; without --repeat, repeat until then");
  app.add_flag("--shuffle", runner.shuffle, "Shuffle the order of tests in each round (seeded)");
  AddSeed(app, runner.seed, "Seed of the run; default: random, printed");
  app.add_option("--timeout", runner.timeout_s,
                 "Time limit of each test in seconds; default: its own (30)")
      ->check(CLI::Range(1, 86400));
  app.add_option("--time-scale", runner.time_scale,
                 "How many times as long as on an ordinary machine to wait before giving up; "
                 "default: as measured at the start")
      ->check(CLI::Range(1.0, 1000.0));
  DescribeReports(app, options);
  bool no_stress = false;
  auto* stress = app.add_option("--stress-time", options->stress_s,
                                "Seconds of stress at the end of a whole run")
                     ->check(CLI::Range(1.0, 86400.0))
                     ->capture_default_str();
  app.add_flag("--no-stress", no_stress, "Leave out the stress at the end")->excludes(stress);
  app.add_flag("--allow-dangerous", runner.allow_dangerous,
               "Also run tests of known bugs that can crash an affected kernel");
  app.add_flag("--stream", options->stream,
               "Print results as lines for `ipcsuite on`; write no files");
  app.add_option("--resume-after", runner.resume_after,
                 "Begin after this test of the order: it brought the system down");
  auto* isolation =
      app.add_flag("--no-isolation", no_isolation, "Run all tests in this process (for debuggers)");
  app.add_option("--shard", shard, "i/n: run the i-th (from 0) of n parts");
  isolation->excludes(jobs)->excludes(repeat);
  return ParseArguments(app, argc, argv, [&] {
    runner.isolation = !no_isolation;
    if (no_stress) options->stress_s = 0;
    if (options->stream) options->out.clear();
    if (runner.until_fail && repeat->count() == 0 && !no_isolation) runner.repeat = 0;
    if (!shard.empty()) {
      char rest = 0;
      if (std::sscanf(shard.c_str(), "%d/%d%c", &runner.shard_index, &runner.shard_count, &rest) !=
              2 ||
          runner.shard_count < 1 || runner.shard_index < 0 ||
          runner.shard_index >= runner.shard_count) {
        return Complain("--shard: '" + shard + "' is not i/n with 0 <= i < n");
      }
    }
    options->filtered = runner.filter != "*" || !runner.clauses.empty() || !runner.suites.empty();
    return CheckNames(*options);
  });
}

}  // namespace ipcsuite::cli
