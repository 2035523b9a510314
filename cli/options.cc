#include "cli/options.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>

#include "base/command_line.h"
#include "harness/test/test.h"
#include "spec/clause.h"

namespace ipcsuite::cli {
namespace {

using report::Complain;

const std::set<std::string> kFormats = {"json", "html", "junit", "ctrf", "tap", "ktap", "markdown"};

std::uint64_t RandomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

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
      return Complain("unknown clause '" + id + "': `ipcsuite list --clauses` names all");
    }
  }
  if (SelectTests(options.runner).empty())
    return Complain("no test is selected: see `ipcsuite list --tests`");
  return -1;
}

}  // namespace

int ParseRunOptions(int argc, char** argv, RunOptions* options) {
  CLI::App app("Judges this machine's POSIX IPC clause by clause and writes the reports.",
               "ipcsuite run");
  RunnerOptions& runner = options->runner;
  bool no_isolation = false;
  std::string seed, shard;
  app.add_option("--suite", runner.suites,
                 "Only these suites: pipe, fifo, poll, shm, mqueue, props, ...")
      ->delimiter(',');
  app.add_option("--filter", runner.filter,
                 "Only tests that match: GoogleTest patterns, 'A*:B.C-*Slow*'");
  app.add_option("--clause", runner.clauses, "Only tests of these clauses (a '*' matches anything)")
      ->delimiter(',');
  app.add_option("--issue", runner.issue, "Judge for POSIX.1-2017 (7) or POSIX.1-2024 (8)")
      ->check(CLI::IsMember({7, 8}))
      ->capture_default_str();
  auto* jobs = app.add_option("--jobs,-j", runner.jobs,
                              "Tests at once; default: two for each CPU, since many wait")
                   ->check(CLI::Range(1, 512));
  auto* repeat = app.add_option("--repeat", runner.repeat, "Attempts of each test")
                     ->check(CLI::Range(1, 1000000));
  app.add_flag("--until-fail", runner.until_fail,
               "Stop at the first red result; without --repeat, repeat until then");
  app.add_flag("--shuffle", runner.shuffle, "Another order in each round, by the seed");
  app.add_option("--seed", seed,
                 "64-bit seed of the run (decimal or 0x...); default: random, printed");
  app.add_option("--timeout", runner.timeout_s,
                 "Seconds that a test may take; default: its own (30)")
      ->check(CLI::Range(1, 86400));
  app.add_option("--out", options->out, "Directory of the reports")->capture_default_str();
  app.add_option(
         "--format", options->formats,
         "json, html, junit, ctrf, tap, ktap, markdown; default: json,html,junit,tap,markdown")
      ->delimiter(',')
      ->check(CLI::IsMember(kFormats));
  app.add_option("--expect", options->expect, "Files of expectations, besides the shipped ones");
  app.add_flag("--no-default-expectations", options->no_default_expectations,
               "Known deviations are plain FAIL");
  app.add_option("--baseline", options->baseline, "Older results.json: only what got worse is red");
  app.add_option(
      "--detection", options->detection,
      "Result of `ipcsuite detect` to fold in; default: detection.json among the reports");
  app.add_option("--label", options->label, "Name of this platform in comparisons");
  app.add_option("--profile", options->profile, "Effort of the properties")
      ->check(CLI::IsMember({"quick", "full", "soak"}))
      ->capture_default_str();
  bool no_stress = false;
  auto* stress = app.add_option("--stress-time", options->stress_s,
                                "Seconds of the short stress at the end of a whole run")
                     ->check(CLI::Range(1.0, 86400.0))
                     ->capture_default_str();
  app.add_flag("--no-stress", no_stress, "Leave the short stress out")->excludes(stress);
  app.add_flag("--allow-dangerous", runner.allow_dangerous,
               "Run regressions that could bring an affected kernel down");
  app.add_flag(
      "--stream", options->stream,
      "Print results as lines for the host that started this (`ipcsuite on`); write no files");
  auto* isolation =
      app.add_flag("--no-isolation", no_isolation, "All tests in this process (for debuggers)");
  app.add_option("--shard", shard, "i/n: the i-th (from 0) of n parts");
  app.add_flag("--list", options->list, "Name the selected tests and run none");
  app.add_flag("--verbose,-v", options->verbose, "A line for every test");
  isolation->excludes(jobs)->excludes(repeat);
  return report::ParseArguments(app, argc, argv, [&] {
    runner.isolation = !no_isolation;
    if (no_stress) options->stress_s = 0;
    if (options->stream) options->out.clear();
    if (runner.until_fail && repeat->count() == 0 && !no_isolation) runner.repeat = 0;
    try {
      std::size_t end = 0;
      runner.seed = seed.empty() ? RandomSeed() : std::stoull(seed, &end, 0);
      if (!seed.empty() && end != seed.size()) throw std::invalid_argument(seed);
    } catch (const std::exception&) {
      return Complain("--seed: '" + seed + "' is no 64-bit number");
    }
    if (!shard.empty()) {
      char rest = 0;
      if (std::sscanf(shard.c_str(), "%d/%d%c", &runner.shard_index, &runner.shard_count, &rest) !=
              2 ||
          runner.shard_count < 1 || runner.shard_index < 0 ||
          runner.shard_index >= runner.shard_count) {
        return Complain("--shard: '" + shard + "' is not i/n with 0 <= i < n");
      }
    }
    options->whole = runner.filter == "*" && runner.clauses.empty() && runner.suites.empty() &&
                     runner.shard_count == 1;
    return CheckNames(*options);
  });
}

}  // namespace ipcsuite::cli
