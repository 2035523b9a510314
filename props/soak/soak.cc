#include "props/soak/soak.h"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "base/command_line.h"
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

std::uint64_t RandomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

// "90", "90s", "30m", "2h" in seconds; negative when it is none of these.
double ParseDuration(const std::string& text) {
  std::size_t used = 0;
  double number = -1;
  try {
    number = std::stod(text, &used);
  } catch (const std::exception&) {
    return -1;
  }
  const std::string unit = text.substr(used);
  if (unit.empty() || unit == "s") return number;
  if (unit == "m") return number * 60;
  if (unit == "h") return number * 3600;
  return -1;
}

struct Arguments {
  RunnerOptions runner;
  double limit_s = -1;  // below zero: until told
  std::uint64_t seed = 0;
};

// Negative to go on, otherwise the exit status.
int Parse(int argc, char** argv, Arguments& arguments) {
  std::string time;
  std::string seed_text;
  double seconds = 5;
  CLI::App app{
      "Runs the properties round after round with new seeds, until the time is up or Ctrl-C.",
      "ipcsuite soak"};
  app.add_option("--time", time, "How long: 90s, 30m, 8h (default: until Ctrl-C)");
  app.add_option("--filter", arguments.runner.filter,
                 "Only properties that match (GoogleTest patterns)");
  app.add_option("--jobs", arguments.runner.jobs, "Properties at once (default: one for each CPU)");
  app.add_option("--seed", seed_text, "Seed of the first round (decimal or 0x...)");
  app.add_option("--seconds", seconds, "Seconds for each property in a round")
      ->capture_default_str();
  if (const int status = report::ParseArguments(app, argc, argv); status >= 0) return status;
  if (!time.empty()) {
    arguments.limit_s = ParseDuration(time);
    if (arguments.limit_s <= 0) {
      return report::Complain("--time " + time + ": not a duration like 90s, 30m or 8h");
    }
  }
  arguments.seed = RandomSeed();
  if (!seed_text.empty()) {
    char* end = nullptr;
    arguments.seed = std::strtoull(seed_text.c_str(), &end, 0);
    if (*end != '\0') {
      return report::Complain("--seed " + seed_text + ": not a number");
    }
  }
  arguments.runner.suites = {"props"};
  if (SelectTests(arguments.runner).empty()) {
    return report::Complain("no property matches " + arguments.runner.filter);
  }
  Options& options = GlobalOptions();
  options.profile = Profile::kSoak;
  options.seconds_per_property = seconds;
  return -1;
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
  while (!g_stop && (arguments.limit_s < 0 || elapsed_s() < arguments.limit_s)) {
    runner.seed = HashSeed(arguments.seed, std::to_string(totals.rounds));
    try {
      const RunnerOutcome outcome = RunTests(runner);
      for (const report::TestRecord& record : outcome.tests) Add(record, totals);
    } catch (const std::system_error& problem) {
      return report::Complain(problem.what());
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
