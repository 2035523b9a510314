#include "cli/options.h"

#include <algorithm>
#include <cstdio>

#include "base/args.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/resume.h"
#include "cli/selection.h"
#include "faults/detect/smoke.h"
#include "harness/test/registry.h"
#include "harness/test/test.h"
#include "reports/formats/report.h"
#include "reports/results/json.h"

namespace ipcsuite::cli {
namespace {

// Texts and flags, before they mean anything.
struct Raw {
  std::string shard, rerun_failed;
  nanoseconds timeout = 0ns;
  bool no_stress = false, no_isolation = false;
  CLI::Option* repeat = nullptr;
  CLI::Option* stress = nullptr;
};

// What is printed, where reports go, and what they are judged by.
void DescribeReports(CLI::App& app, RunOptions* options) {
  app.add_flag("--list", options->list, "Print the selected tests and run none");
  auto* const verbose =
      app.add_flag("-v,--verbose", options->verbose, "Print a line for each test");
  app.add_flag("-q,--quiet", options->quiet, "Print nothing but errors; the exit status has it all")
      ->excludes(verbose);
  app.add_option("--out", options->out, "Directory of the reports; '': none are written")
      ->type_name("DIR")
      ->capture_default_str();
  report::AddFormats(app, options->formats);
  report::AddJudgingOptions(app, options->judging);
  app.add_option("--detection", options->judging.detection,
                 "Result of `ipcsuite detect` to include; default: detection.json in --out")
      ->type_name("FILE");
  app.add_flag("--repro", options->repro,
               "Write a program in C for each new finding to the folder repro of the reports");
  app.add_flag("--repro-all", options->repro_all,
               "... for every test that can be written as a program");
  app.add_option("--label", options->label,
                 "Name of this platform in comparisons; default: the host's")
      ->type_name("NAME");
  app.add_option("--profile", options->profile,
                 "Effort of the properties: quick, full, soak; smoke: only the few tests that "
                 "together see most faults")
      ->type_name("NAME")
      ->check(CLI::IsMember({"quick", "full", "soak", "smoke"}))
      ->capture_default_str();
  app.add_option("--replay", options->replay,
                 "Run this program of a failed property (its finding prints it), not random ones")
      ->type_name("PROGRAM");
}

// How often, how many concurrently, and how long.
void DescribeRunning(CLI::App& app, RunnerOptions& runner, Raw& raw) {
  auto* const jobs =
      app.add_option(
             "-j,--jobs", runner.jobs,
             "Number of concurrent tests; default: three for each CPU, since many of them wait")
          ->check(CLI::Range(1, 512));
  raw.repeat = app.add_option("--repeat", runner.repeat, "Number of attempts of each test")
                   ->check(CLI::Range(1, 1000000));
  auto* const until_fail =
      app.add_flag("--until-fail", runner.until_fail,
                   "Stop at the first red result that no expectation explains; without --repeat, "
                   "repeat until then");
  app.add_flag("--shuffle", runner.shuffle, "Shuffle the order of tests in each round (seeded)");
  AddSeed(app, runner.seed, "Seed of the run; default: random, printed");
  AddDuration(app, "--timeout", raw.timeout, "Time limit of each test; default: its own (30s)");
  app.add_option("--time-scale", runner.time_scale,
                 "How many times as long as on an ordinary machine to wait before giving up; "
                 "default: as measured at the start")
      ->check(CLI::Range(1.0, 1000.0));
  app.add_option("--fifo-dir", runner.fifo_dirs,
                 "Make FIFOs in these directories, whatever file system they are on; default: in "
                 "the scratch directory (TMPDIR)")
      ->type_name("DIR,...")
      ->delimiter(',')
      ->check(CLI::ExistingDirectory);
  auto* const isolation = app.add_flag("--no-isolation", raw.no_isolation,
                                       "Run all tests in this process (for debuggers)");
  app.add_option("--shard", raw.shard, "i/n: run the i-th (from 0) of n parts")->type_name("I/N");
  isolation->excludes(jobs)->excludes(raw.repeat)->excludes(until_fail);
}

int ReadShard(const std::string& text, RunnerOptions& runner) {
  if (text.empty()) return -1;
  constexpr std::int64_t kMost = 100'000;
  const std::size_t slash = text.find('/');
  const auto index = ParseInteger(text.substr(0, slash), 0, kMost);
  const auto count =
      ParseInteger(slash == std::string::npos ? "" : text.substr(slash + 1), 1, kMost);
  if (!index || !count || *index >= *count)
    return Complain("--shard: '" + text + "' is not i/n with 0 <= i < n");
  runner.shard_index = static_cast<int>(*index);
  runner.shard_count = static_cast<int>(*count);
  return -1;
}

// The tests that failed or were not decided, for no known reason.
int ReadFailed(const std::string& path, RunnerOptions& runner) {
  if (path.empty()) return -1;
  const auto run = report::ReadRun(path);
  if (!run) return Complain(run.error());
  runner.names.clear();  // whatever the profile selects
  for (const report::TestRecord& test : run->tests) {
    if (report::IsRed(test.verdict) || report::IsFinding(test)) runner.names.push_back(test.name);
  }
  if (runner.names.empty()) {
    std::printf("ipcsuite: no test failed in %s: there is nothing to run again\n", path.c_str());
    return 0;
  }
  if (!SelectTests(runner).empty()) return -1;
  return Complain("--rerun-failed: none of the tests that failed in " + path +
                  " is selected: " + Join({runner.names.begin(), runner.names.begin() + 1}, ", "));
}

int CheckResumeAfter(const RunnerOptions& runner) {
  const std::string& last = runner.resume_after;
  const auto is_last = [&](const TestEntry& test) { return test.name == last; };
  if (last.empty() || std::ranges::any_of(SelectTests(runner), is_last)) return -1;
  return Complain("--resume-after: '" + last + "' is not among the selected tests: see --list");
}

int Resolve(const Raw& raw, RunOptions* options) {
  RunnerOptions& runner = options->runner;
  if (options->profile == "smoke") runner.names = detect::SmokeTests();
  runner.isolation = !raw.no_isolation;
  if (raw.no_stress) options->stress = 0ns;
  options->stress_asked_for = raw.stress->count() > 0;
  if (options->stream) options->out.clear();
  if (runner.until_fail && raw.repeat->count() == 0) runner.repeat = 0;
  runner.timeout_s = static_cast<int>((raw.timeout + 999'999'999ns) / 1s);
  if (const int status = ReadShard(raw.shard, runner); status >= 0) return status;
  if (const int status = CheckSelection(runner); status >= 0) return status;
  if (const int status = ReadFailed(raw.rerun_failed, runner); status >= 0) return status;
  if (const int status = CheckResumeAfter(runner); status >= 0) return status;
  options->filtered = IsPartial(runner);
  if (options->stress_asked_for && options->filtered &&
      !(options->short_stress &&
        options->short_stress(0ns, SelectedClauses(runner), {}, {}, nullptr)))
    return Complain("--stress-time: no workload of the stress concerns the selected clauses");
  return -1;
}

}  // namespace

int ParseRunOptions(const std::vector<std::string>& args, RunOptions* options) {
  CLI::App app("Judges this machine's POSIX IPC clause by clause and writes the reports.",
               "ipcsuite run");
  RunnerOptions& runner = options->runner;
  runner.seed = RandomSeed();
  Raw raw;
  std::string resume;
  AddSelection(app, runner);
  app.add_option("--issue", runner.issue, "Judge for POSIX.1-2017 (7) or POSIX.1-2024 (8)")
      ->check(CLI::IsMember({7, 8}))
      ->capture_default_str();
  app.add_option("--rerun-failed", raw.rerun_failed,
                 "Only the tests that failed or were not decided in this results.json")
      ->type_name("FILE");
  app.add_option(
         "--resume", resume,
         "Go on with the run whose reports are in DIR, after it broke off, with its options")
      ->type_name("DIR");
  DescribeRunning(app, runner, raw);
  DescribeReports(app, options);
  raw.stress = AddDuration(app, "--stress-time", options->stress,
                           "Time of the stress at the end of a whole run, or of a selection if "
                           "given; default: 15s");
  app.add_flag("--no-stress", raw.no_stress, "Leave out the stress at the end")
      ->excludes(raw.stress);
  app.add_flag("--allow-dangerous", runner.allow_dangerous,
               "Also run tests of known bugs that can crash an affected kernel");
  app.add_flag("--stream", options->stream,
               "Print results as lines for `ipcsuite on`; write no files");
  app.add_option("--resume-after", runner.resume_after,
                 "Begin after this test of the order: it brought the system down")
      ->type_name("TEST");
  return ParseArguments(app, WithResumedOptions(args), [&] {
    if (const int status = Resolve(raw, options); status >= 0) return status;
    return resume.empty() ? -1 : Resume(resume, options);
  });
}

}  // namespace ipcsuite::cli
