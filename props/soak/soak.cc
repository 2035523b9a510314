#include "props/soak/soak.h"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "base/args.h"
#include "base/clock.h"
#include "base/random.h"
#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/runner/runner.h"
#include "props/engine/options.h"

namespace ipcsuite::props {
namespace {

std::atomic<bool> g_stop{false};

struct Totals {
  std::uint64_t rounds = 0;
  double cases = 0, ops = 0, waits = 0;
  std::uint64_t findings = 0, unresolved = 0;
  std::map<std::string, std::uint64_t> failed;  // by test
};

void Add(const report::TestRecord& record, Totals& totals) {
  for (const report::Metric& metric : record.metrics) {
    if (metric.name == "cases") totals.cases += metric.value;
    if (metric.name == "operations") totals.ops += metric.value;
    if (metric.name == "waits_seen_blocked") totals.waits += metric.value;
  }
  if (report::IsRed(record.verdict)) {
    ++totals.findings;
    ++totals.failed[record.name];
    for (const report::Failure& failure : record.failures) fmt::print("{}\n", failure.message);
    if (record.failures.empty()) fmt::print("{}: {}\n", record.name, record.reason);
  } else if (record.verdict == report::Verdict::kUnresolved) {
    ++totals.unresolved;
    fmt::print("{}: UNRESOLVED: {}\n", record.name, record.reason);
  }
  std::fflush(stdout);
}

std::string Line(const Totals& totals, std::int64_t begin_ns) {
  return fmt::format(
      "{:.0f} s, {} rounds: {:.0f} cases, {:.0f} operations, {:.0f} waits seen blocked, "
      "{} findings, {} unresolved",
      static_cast<double>(NowNs() - begin_ns) / 1e9, totals.rounds, totals.cases, totals.ops,
      totals.waits, totals.findings, totals.unresolved);
}

struct Arguments {
  RunnerOptions runner;
  nanoseconds limit = 0ns;  // zero: until stopped
  std::uint64_t seed = RandomSeed();
};

// Negative to go on, otherwise the exit status.
int Parse(int argc, char** argv, Arguments& arguments) {
  nanoseconds each = 5s;
  CLI::App app{
      "Runs the properties round after round with new seeds, until the time is up or Ctrl-C.",
      "ipcsuite soak"};
  AddDuration(app, "--time", arguments.limit, "Stop after this time; default: until Ctrl-C");
  app.add_option("--filter", arguments.runner.filter,
                 "Only properties that match (GoogleTest patterns)");
  app.add_option("--jobs", arguments.runner.jobs,
                 "Concurrent properties; default: one for each CPU");
  AddSeed(app, arguments.seed, "Seed of the first round; default: random, printed");
  AddDuration(app, "--seconds", each, "Time for each property in a round; default: 5s");
  return ParseArguments(app, argc, argv, [&] {
    arguments.runner.suites = {"props"};
    if (SelectTests(arguments.runner).empty()) {
      return Complain("no property matches " + arguments.runner.filter +
                      ": see `ipcsuite list --tests --suite props`");
    }
    Options& options = GlobalOptions();
    options.profile = Profile::kSoak;
    options.seconds_per_property = std::chrono::duration<double>(each).count();
    return -1;
  });
}

}  // namespace

int SoakMain(int argc, char** argv) {
  Arguments arguments;
  if (const int status = Parse(argc, argv, arguments); status >= 0) return status;
  RunnerOptions& runner = arguments.runner;
  signal(SIGINT, [](int) { g_stop = true; });
  signal(SIGTERM, [](int) { g_stop = true; });
  Totals totals;
  const std::int64_t begin = NowNs();
  const auto elapsed_s = [&] { return static_cast<double>(NowNs() - begin) / 1e9; };
  const double limit_s = std::chrono::duration<double>(arguments.limit).count();
  while (!g_stop && (limit_s == 0 || elapsed_s() < limit_s)) {
    runner.seed = HashSeed(arguments.seed, std::to_string(totals.rounds));
    try {
      const RunnerOutcome outcome = RunTests(runner);
      for (const report::TestRecord& record : outcome.tests) Add(record, totals);
    } catch (const std::system_error& problem) {
      return Complain(problem.what());
    }
    ++totals.rounds;
    fmt::print("soak: {}, round seed {:#x}\n", Line(totals, begin), runner.seed);
    std::fflush(stdout);
  }
  for (const auto& [name, count] : totals.failed)
    fmt::print("  {} failed in {} rounds\n", name, count);
  fmt::print("soak: {}: {}\n", totals.findings == 0 ? "nothing was found" : "findings",
             Line(totals, begin));
  return totals.findings > 0 ? 1 : 0;
}

}  // namespace ipcsuite::props
