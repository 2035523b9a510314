#include "faults/detect/detect.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/args.h"
#include "base/files.h"
#include "base/os/os.h"
#include "base/text.h"
#include "faults/detect/detect_matrix.h"
#include "faults/detect/detect_pool.h"
#include "faults/detect/detect_report.h"
#include "faults/detect/detect_repro.h"
#include "faults/detect/detect_variants.h"
#include "faults/detect/kernel_faults.h"
#include "faults/detect/smoke.h"
#include "harness/test/registry.h"
#include "reports/environment/environment.h"
#include "spec/clause.h"

namespace ipcsuite::detect {
namespace {

std::vector<TestInfo> KnownTests() {
  std::vector<TestInfo> tests;
  for (const TestEntry& entry : AllTests()) {
    if (!entry.meta->dangerous.empty()) continue;
    tests.push_back(
        {entry.name, entry.meta->suite, {entry.meta->clauses.begin(), entry.meta->clauses.end()}});
  }
  return tests;
}

// The plain run and the neutral one. Returns the tests that may serve as detectors: passed in both.
std::vector<TestInfo> Baseline(const TrialOptions& trial, const std::vector<TestInfo>& tests,
                               DetectionRun* run, std::string* problem) {
  TrialOptions quick = trial;
  std::vector<std::string> names;
  for (const TestInfo& test : tests) names.push_back(test.name);
  if (names.empty()) return {};
  quick.jobs = os::AllowedCpuCount();
  TrialResult plain = RunTrial(quick, "", names, {}, false);
  if (!plain.problem.empty())
    return *problem = "the run without a fault failed: " + plain.problem, std::vector<TestInfo>();
  TrialResult neutral = RunTrial(quick, "neutral", names, {}, false);
  if (!neutral.problem.empty())
    return *problem = "the run with the neutral fault failed: " + neutral.problem,
           std::vector<TestInfo>();
  run->baseline_seconds = plain.seconds;
  run->neutral_seconds = neutral.seconds;
  std::vector<TestInfo> usable;
  for (const TestInfo& test : tests) {
    const TestOutcome& before = plain.tests[test.name];
    const TestOutcome& after = neutral.tests[test.name];
    if (before.Red()) run->not_used.push_back(test.name);
    if (before.Judged() && after.Red()) run->neutral_differs.push_back(test.name);
    // A test that is expected to fail would end each run immediately and proves nothing.
    if (before.Judged() && after.Judged() && before.verdict != "XFAIL" && after.verdict != "XFAIL")
      usable.push_back(test);
    run->baseline_tests += before.Judged();
    run->test_seconds[test.name] = before.seconds;
  }
  return usable;
}

// The tests that detected something, in the kernel without a fault: what is not green there has
// detected nothing. In the end, since boots are expensive.
std::string Confirm(const TrialOptions& trial, DetectionRun* run) {
  std::set<std::string> names;
  for (const FaultResult& result : run->results) {
    for (const Detection& detection : result.detections) names.insert(detection.test);
  }
  if (names.empty()) return "";
  TrialResult neutral = RunTrial(trial, "neutral", {names.begin(), names.end()}, {}, false);
  if (!neutral.problem.empty()) return "the neutral kernel failed: " + neutral.problem;
  run->neutral_seconds = neutral.seconds;
  for (const std::string& name : names) {
    if (neutral.tests[name].Judged()) {
      ++run->baseline_tests;
    } else {
      run->neutral_differs.push_back(name);
    }
  }
  for (FaultResult& result : run->results) {
    std::erase_if(result.detections, [&](const Detection& detection) {
      return Contains(run->neutral_differs, detection.test);
    });
  }
  return "";
}

// The neutral fault must not fail a stress run.
std::string StressBaseline(const TrialOptions& trial, double seconds, DetectionRun* run) {
  const TrialResult neutral = RunStressTrial(trial, "neutral", seconds);
  for (const auto& [name, outcome] : neutral.tests) {
    if (outcome.verdict == "FAIL") run->neutral_differs.push_back(name);
  }
  return neutral.problem.empty()
             ? ""
             : "the stress run with the neutral fault failed: " + neutral.problem;
}

void List(const std::vector<Implementation>& all) {
  for (const Implementation& one : all) {
    const bool variant = one.role == faults::Role::variant;
    std::printf("%-42s %-7s %-7s %s\n", one.name.c_str(), ToString(one.family),
                variant ? "variant" : ToString(one.difficulty), one.what.c_str());
  }
}

// Tests that some fault detected are not in the list; those that never ran are not either.
std::vector<std::string> DetectingNothing(const std::vector<TestInfo>& tests,
                                          const std::vector<FaultResult>& results) {
  std::set<std::string> seen;
  for (const FaultResult& result : results) {
    if (result.fault.meta()) continue;
    for (const Detection& detection : result.detections) seen.insert(detection.test);
  }
  std::vector<std::string> nothing;
  for (const TestInfo& test : tests) {
    if (IsConformance(test.suite) && !seen.count(test.name)) nothing.push_back(test.name);
  }
  return nothing;
}

// Whether the test claims a clause that one of them breaks; the canary breaks none in particular.
bool ClaimsOne(const TestInfo& test, const std::vector<Implementation>& implementations) {
  return std::ranges::any_of(implementations, [&](const Implementation& one) {
    return one.meta() ||
           std::ranges::find_first_of(test.clauses, one.clauses) != test.clauses.end();
  });
}

// The tests that are tried: one that is named, or those of the suites and parts concerned.
std::vector<TestInfo> ChosenTests(const Options& options,
                                  const std::vector<Implementation>& implementations) {
  const std::set<std::string> suites = SuitesOf(implementations);
  std::vector<TestInfo> tests = KnownTests();
  std::erase_if(tests, [&](const TestInfo& test) {
    if (options.profile == "smoke" && !Contains(SmokeTests(), test.name)) return true;
    if (!options.test.empty()) return test.name != options.test;
    if (options.variants) return !suites.count(test.suite);
    if (options.claiming && !ClaimsOne(test, implementations)) return true;
    const bool concerned = Concerns(test, suites);
    return IsConformance(test.suite) ? options.no_suites || !(concerned || suites.count(test.suite))
                                     : options.no_properties || !concerned;
  });
  return tests;
}

// The tests of `run --profile smoke`; a line for each.
Result<void> WriteSmoke(const std::string& path, const DetectionRun& run) {
  const std::vector<std::string> names =
      SmallestCover(run.results, run.test_seconds, kSmokeTestsMax);
  std::printf("%s for the smoke profile: %s\n",
              Counted(static_cast<std::int64_t>(names.size()), "test").c_str(), path.c_str());
  return WriteFile(path, Join(names, "\n") + "\n");
}

// What to complain of when there is nothing to try.
std::string WhyNoTests(const Options& options) {
  if (!options.test.empty())
    return "unknown test '" + options.test + "': see `ipcsuite list --tests`";
  if (options.no_suites && options.no_properties)
    return "nothing is left to detect with: name seconds of --stress";
  return "no test is linked in";
}

template <class Run>
int SaveAndPrint(const Options& options, const Run& run) {
  std::string problem, score;
  const std::string path = options.out + "/detection.json";
  if (!Save(run, path, &score, &problem)) return Complain(problem);
  std::printf("%s\n%s\n", score.c_str(), path.c_str());
  return 0;
}

void PrintBaseline(const DetectionRun& run) {
  std::printf("  %d judged; %.1f s without, %.1f s with the neutral fault%s\n", run.baseline_tests,
              run.baseline_seconds, run.neutral_seconds,
              run.neutral_differs.empty() ? ", all green" : "");
  for (const std::string& name : run.neutral_differs)
    std::printf("  red with the neutral fault: %s\n", name.c_str());
  for (const std::string& name : run.not_used)
    std::printf("  red without a fault, not used: %s\n", name.c_str());
}

int PerformFaults(const Options& options, const std::vector<Implementation>& faults,
                  const TrialOptions& trial, DetectionRun* run) {
  const Stopwatch watch;
  const std::vector<TestInfo> tests = ChosenTests(options, faults);
  if (tests.empty() && options.stress_s <= 0) return Complain(WhyNoTests(options));
  std::string problem;
  const bool kernel = !options.kernel.empty();
  if (!kernel) {
    std::printf("%zu tests without a fault and with the neutral one ...\n", tests.size());
    std::fflush(stdout);
  }
  const std::vector<TestInfo> usable = kernel ? tests : Baseline(trial, tests, run, &problem);
  if (problem.empty() && options.stress_s > 0)
    problem = StressBaseline(trial, options.stress_s, run);
  if (!problem.empty()) return Complain(problem);
  if (!kernel) PrintBaseline(*run);
  std::printf("%zu faults ...\n", faults.size());
  std::fflush(stdout);
  run->full = options.full;
  run->kernel = kernel;
  run->results = DetectFaults(options, trial, usable, faults);
  if (kernel) problem = Confirm(trial, run);
  if (!problem.empty()) return Complain(problem);
  if (stop) run->interrupted = "by a signal";
  if (options.repro) run->proofs = ProveReproducers(options, trial, run->results);
  if (options.full) run->detecting_nothing = DetectingNothing(usable, run->results);
  run->seconds = watch.Seconds();
  PrintSummary(*run);
  if (!options.smoke.empty()) {
    if (const auto written = WriteSmoke(options.smoke, *run); !written)
      return Complain(written.error());
  }
  PrintProofs(run->proofs);
  if (const int status = SaveAndPrint(options, *run); status != 0) return status;
  const bool canary =
      run->kernel || !options.names.empty() || !options.test.empty() || CanarySeen(*run);
  if (!canary) std::printf("The canary was not seen: this run proves nothing.\n");
  return options.test.empty() &&
                 (!canary || stop || !Missed(*run).empty() || !run->neutral_differs.empty())
             ? 1
             : 0;
}

int PerformVariants(const Options& options, const std::vector<Implementation>& variants,
                    const TrialOptions& trial, VariantRun* run) {
  const Stopwatch watch;
  const std::vector<TestInfo> tests = ChosenTests(options, variants);
  if (tests.empty()) return Complain(WhyNoTests(options));
  std::string problem;
  run->results = RunVariants(options, trial, tests, variants, &problem);
  if (!problem.empty()) return Complain(problem);
  if (stop) run->interrupted = "by a signal";
  run->seconds = watch.Seconds();
  PrintVariants(*run);
  if (const int status = SaveAndPrint(options, *run); status != 0) return status;
  const VariantScore score = ScoreOf(run->results);
  return stop || score.misjudged > 0 || score.variants < static_cast<int>(run->results.size());
}

// The kernel's faults, or what the library has; on failure *problem is set (one line).
std::vector<Implementation> LoadAll(Options* options, std::string* problem) {
  if (!options->kernel.empty()) {
    if (access((options->kernel + "/linux").c_str(), X_OK) != 0) {
      *problem = options->kernel + " has no program linux: faults/kernel/build makes it";
      return {};
    }
    auto faults = LoadKernelFaults(options->kernel);
    if (!faults) *problem = faults.error();
    return faults ? std::move(*faults) : std::vector<Implementation>();
  }
  if (options->library.empty()) options->library = FindLibrary();
  if (options->library.empty()) {
    *problem =
        "libipcfaults.so is not beside the program: build //faults:libipcfaults.so or name it with "
        "--library";
    return {};
  }
  return LoadLibrary(options->library, problem);
}

// The chosen implementations; on failure *problem is set (one line).
std::vector<Implementation> Load(Options* options, std::string* problem) {
  const std::vector<Implementation> all = LoadAll(options, problem);
  const std::vector<Implementation> chosen = Choose(*options, all);
  for (const std::string& name : options->names) {
    const bool known = std::any_of(chosen.begin(), chosen.end(),
                                   [&](const Implementation& one) { return one.name == name; });
    if (!known && problem->empty()) {
      *problem = std::string("unknown ") + (options->variants ? "variant" : "fault") + " '" + name +
                 "': `ipcsuite detect " + (options->variants ? "--variants " : "") +
                 "--list` names all";
    }
  }
  return chosen;
}

}  // namespace

int DetectMain(int argc, char** argv) {
  Options options;
  if (const int status = ParseOptions(argc, argv, &options); status >= 0) return status;
  std::string problem;
  const std::vector<Implementation> chosen = Load(&options, &problem);
  if (!problem.empty()) return Complain(problem);
  if (options.list) return List(chosen), 0;
  std::error_code code;
  std::filesystem::create_directories(options.out, code);
  if (code || access(options.out.c_str(), W_OK) != 0)
    return Complain("can't write to " + options.out + ": name a writable place with --out");
  TrialOptions trial;
  trial.program = os::OwnPath();
  if (options.kernel.empty()) {
    trial.library = std::filesystem::absolute(options.library).string();
  } else {
    trial.kernel = std::filesystem::absolute(options.kernel + "/linux").string();
    trial.jobs = 4;
  }
  trial.folder = options.out + "/.detect-" + std::to_string(getpid());
  // A kernel that is a program among others is slow.
  trial.timeout_s = options.timeout_s * (options.kernel.empty() ? 1 : 4);
  trial.programs = options.repro;
  std::string command_line = "ipcsuite detect";
  for (int i = 0; i < argc; ++i) command_line += std::string(" ") + argv[i];
  const Result<void> own_names = OwnNames();
  trial.own_names = own_names.ok();
  if (!own_names) {
    std::printf("names that faults leave behind stay in the system: %s\n",
                own_names.error().c_str());
  }
  StopOnSignals();
  int status;
  if (options.variants) {
    VariantRun run;
    run.command_line = command_line;
    run.started = report::UtcNow();
    status = PerformVariants(options, chosen, trial, &run);
  } else {
    DetectionRun run;
    run.command_line = command_line;
    run.started = report::UtcNow();
    status = PerformFaults(options, chosen, trial, &run);
  }
  std::filesystem::remove_all(trial.folder, code);
  return status;
}

}  // namespace ipcsuite::detect
