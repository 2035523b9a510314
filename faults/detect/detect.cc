#include "faults/detect/detect.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "base/args.h"
#include "base/files.h"
#include "base/os/os.h"
#include "faults/detect/detect_plan.h"
#include "faults/detect/detect_report.h"
#include "faults/detect/detect_trial.h"
#include "faults/detect/library.h"
#include "harness/runner/runner.h"
#include "harness/test/registry.h"
#include "reports/environment/environment.h"
#include "spec/clause.h"

namespace ipcsuite::detect {
namespace {

struct Options {
  std::vector<std::string> faults, families, difficulties;
  std::string test, library, out = "ipcsuite-reports";
  int jobs = 0, timeout_s = 5, sample = 1;
  double stress_s = 0;
  bool full = false, list = false, no_suites = false, no_properties = false, verbose = false;
};

std::atomic<bool> stop{false};

std::vector<TestInfo> KnownTests() {
  std::vector<TestInfo> tests;
  for (const TestEntry& entry : AllTests()) {
    if (!entry.meta->dangerous.empty()) continue;
    tests.push_back(
        {entry.name, entry.meta->suite, {entry.meta->clauses.begin(), entry.meta->clauses.end()}});
  }
  return tests;
}

bool Contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// Those that the options name, the canary among them unless single faults are named; not the
// neutral one, which is run apart.
std::vector<Implementation> ChosenFaults(const Options& options,
                                         const std::vector<Implementation>& all) {
  std::vector<Implementation> chosen;
  int number = 0;
  for (const Implementation& fault : all) {
    if (fault.name == "neutral") continue;
    const bool canary = fault.name == "canary";
    if (!options.faults.empty()) {
      if (!Contains(options.faults, fault.name)) continue;
    } else if (!canary) {
      if (!options.families.empty() && !Contains(options.families, ToString(fault.family)))
        continue;
      if (!options.difficulties.empty() &&
          !Contains(options.difficulties, ToString(fault.difficulty)))
        continue;
      if (number++ % options.sample != 0) continue;
    }
    chosen.push_back(fault);
  }
  return chosen;
}

// The detection of one fault after the other, by several threads.
class Matrix {
 public:
  Matrix(const Options& options, const TrialOptions& trial, const std::vector<TestInfo>& tests,
         std::vector<Implementation> faults)
      : options_(options), trial_(trial), tests_(tests) {
    for (Implementation& fault : faults)
      results_.push_back({std::move(fault), false, {}, kStages, "", 0});
  }

  std::vector<FaultResult> Run(int jobs) {
    std::vector<std::thread> workers;
    for (int i = 0; i < jobs; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    return std::move(results_);
  }

 private:
  void Work() {
    for (std::size_t i; !stop && (i = next_++) < results_.size();) {
      FaultResult& result = results_[i];
      const auto start = std::chrono::steady_clock::now();
      Detect(&result);
      result.seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      result.done = !stop;
      if (result.done) Report(result);
    }
  }

  void Detect(FaultResult* result) {
    Stages stages;
    if (options_.test.empty()) {
      PlanStages(result->fault, tests_, &stages);
    } else {
      stages[kClaiming] = {options_.test};
    }
    for (int stage = 0; stage < kStages && !stop; ++stage) {
      if (stage == kStress) {
        if (options_.stress_s > 0) RunStress(result);
      } else if (!stages[stage].empty()) {
        RunStage(static_cast<Stage>(stage), stages[stage], result);
      }
      if (result->detected() && !options_.full) return;
    }
  }

  void RunStage(Stage stage, std::vector<std::string> tests, FaultResult* result) {
    // A test that is red under the neutral fault too, at this moment, has seen the busy machine and
    // not the fault: it is left out and the others get their chance.
    for (int attempt = 0; attempt < 4 && !tests.empty() && !stop; ++attempt) {
      const TrialResult trial = RunTrial(trial_, result->fault.name, tests, {}, !options_.full);
      if (!trial.problem.empty()) result->problem = trial.problem;
      std::vector<std::string> doubtful;
      for (const auto& [name, outcome] : trial.tests) {
        if (!outcome.Noticed()) continue;
        if (!options_.full && !GreenWithoutFault(name)) {
          doubtful.push_back(name);
          continue;
        }
        if (!result->detected()) result->stage = stage;
        result->detections.push_back({name, outcome.verdict, outcome.reason});
        if (!options_.full) break;
      }
      if (result->detected()) result->problem.clear();
      if (result->detected() || doubtful.empty()) return;
      std::erase_if(tests, [&](const std::string& name) { return Contains(doubtful, name); });
    }
  }

  // Only findings count: a stress run on a busy machine may end without a verdict.
  void RunStress(FaultResult* result) {
    const TrialResult trial = RunStressTrial(trial_, result->fault.name, options_.stress_s);
    if (!trial.problem.empty()) result->problem = trial.problem;
    for (const auto& [name, outcome] : trial.tests) {
      if (outcome.verdict != "FAIL") continue;
      if (!result->detected()) result->stage = kStress;
      result->detections.push_back({name, outcome.verdict, outcome.reason});
      if (!options_.full) break;
    }
    if (result->detected()) result->problem.clear();
  }

  bool GreenWithoutFault(const std::string& test) {
    const TrialResult trial = RunTrial(trial_, "neutral", {test}, {}, false);
    const auto found = trial.tests.find(test);
    return found != trial.tests.end() && !found->second.Noticed();
  }

  void Report(const FaultResult& result) {
    std::lock_guard<std::mutex> lock(mutex_);
    ++finished_;
    if (result.detected() && options_.test.empty() && !options_.verbose) {
      if (isatty(1)) std::printf("\r%zu/%zu ", finished_, results_.size());
    } else {
      std::printf("%s%-9s %-42s %s\n", isatty(1) ? "\r" : "",
                  result.detected()        ? "detected"
                  : result.problem.empty() ? "MISSED"
                                           : "NO RESULT",
                  result.fault.name.c_str(),
                  result.detected() ? result.detections[0].test.c_str() : result.problem.c_str());
    }
    std::fflush(stdout);
  }

  const Options& options_;
  const TrialOptions& trial_;
  const std::vector<TestInfo>& tests_;
  std::vector<FaultResult> results_;
  std::atomic<std::size_t> next_{0};
  std::size_t finished_ = 0;
  std::mutex mutex_;
};

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
  }
  return usable;
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

void ListFaults(const std::vector<Implementation>& faults) {
  for (const Implementation& fault : faults) {
    std::printf("%-42s %-7s %-7s %s\n", fault.name.c_str(), ToString(fault.family),
                ToString(fault.difficulty), fault.what.c_str());
  }
}

template <class Rows>
std::vector<std::string> Names(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

int Parse(int argc, char** argv, Options* options) {
  CLI::App app("Runs the suite against a bank of broken implementations: would it have noticed?",
               "ipcsuite detect");
  app.add_option("--fault", options->faults, "Only these faults")->delimiter(',');
  app.add_option("--family", options->families, "Only faults of these families")
      ->delimiter(',')
      ->check(CLI::IsMember(Names(faults::kFamilies)));
  app.add_option("--difficulty", options->difficulties, "Only faults of these difficulties")
      ->delimiter(',')
      ->check(CLI::IsMember(Names(faults::kDifficulties)));
  app.add_option("--sample", options->sample, "Only every n-th fault")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--test", options->test, "Only this test: which faults does it detect?");
  app.add_option("--jobs,-j", options->jobs,
                 "Faults tried concurrently; default: two for each CPU (many of them wait)")
      ->check(CLI::Range(1, 256));
  app.add_option("--timeout", options->timeout_s, "Seconds that a test may take")
      ->check(CLI::Range(2, 600))
      ->capture_default_str();
  app.add_flag("--full", options->full,
               "All tests of the interface against each fault, not until the first detection");
  app.add_flag("--no-suites", options->no_suites,
               "Properties (and stress) only: what would they find alone?");
  app.add_flag("--no-properties", options->no_properties, "Conformance suites (and stress) only");
  app.add_option("--stress", options->stress_s,
                 "Seconds of stress against each fault that is still undetected; 0: none")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--out", options->out, "Directory of detection.json")->capture_default_str();
  app.add_option("--library", options->library,
                 "The fault library; default: libipcfaults.so beside the program");
  app.add_flag("--list", options->list, "Name the faults and run none");
  app.add_flag("--verbose,-v", options->verbose, "A line for every fault");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  return -1;
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

int Perform(const Options& options, const std::vector<Implementation>& faults, TrialOptions trial,
            DetectionRun* run) {
  const auto start = std::chrono::steady_clock::now();
  std::set<std::string> suites;
  for (const Implementation& fault : faults) suites.merge(SuitesOf(fault));
  std::vector<TestInfo> tests = KnownTests();
  std::erase_if(tests, [&](const TestInfo& test) {
    if (!options.test.empty()) return test.name != options.test;
    return IsConformance(test.suite) ? options.no_suites || !suites.count(test.suite)
                                     : options.no_properties;
  });
  if (tests.empty() && options.stress_s <= 0) {
    return Complain(!options.test.empty()
                        ? "unknown test '" + options.test + "': see `ipcsuite list --tests`"
                    : options.no_suites && options.no_properties
                        ? "nothing is left to detect with: name seconds of --stress"
                        : "no test is linked in");
  }
  std::printf("%zu tests without a fault and with the neutral one ...\n", tests.size());
  std::fflush(stdout);
  std::string problem;
  const std::vector<TestInfo> usable = Baseline(trial, tests, run, &problem);
  if (problem.empty() && options.stress_s > 0)
    problem = StressBaseline(trial, options.stress_s, run);
  if (!problem.empty()) return Complain(problem);
  std::printf("  %d judged; %.1f s without, %.1f s with the neutral fault%s\n", run->baseline_tests,
              run->baseline_seconds, run->neutral_seconds,
              run->neutral_differs.empty() ? ", all green" : "");
  for (const std::string& name : run->neutral_differs)
    std::printf("  red with the neutral fault: %s\n", name.c_str());
  for (const std::string& name : run->not_used)
    std::printf("  red without a fault, not used: %s\n", name.c_str());
  std::printf("%zu faults ...\n", faults.size());
  const int jobs = options.jobs ? options.jobs : 2 * os::AllowedCpuCount();
  run->full = options.full;
  run->results = Matrix(options, trial, usable, faults).Run(jobs);
  if (stop) run->interrupted = "by a signal";
  if (options.full) run->detecting_nothing = DetectingNothing(usable, run->results);
  run->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  PrintSummary(*run);
  if (options.out.empty()) return 0;
  if (!WriteFile(options.out + "/detection.json", ToJson(*run), &problem))
    return Complain(problem);
  std::printf("%s/detection.json\n", options.out.c_str());
  return 0;
}

}  // namespace

int DetectMain(int argc, char** argv) {
  Options options;
  if (const int status = Parse(argc, argv, &options); status >= 0) return status;
  if (options.library.empty()) options.library = FindLibrary();
  if (options.library.empty())
    return Complain(
        "libipcfaults.so is not beside the program: build //faults:libipcfaults.so or name it with "
        "--library");
  std::string error;
  const std::vector<Implementation> all = LoadLibrary(options.library, &error);
  if (!error.empty()) return Complain(error);
  for (const std::string& name : options.faults) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Implementation& fault) {
      return fault.name == name && name != "neutral";
    });
    if (!known) return Complain("unknown fault '" + name + "': `ipcsuite detect --list` names all");
  }
  const std::vector<Implementation> faults = ChosenFaults(options, all);
  if (options.list) return ListFaults(faults), 0;
  std::error_code code;
  std::filesystem::create_directories(options.out, code);
  if (code || access(options.out.c_str(), W_OK) != 0)
    return Complain("can't write to " + options.out + ": name a writable place with --out");
  TrialOptions trial;
  trial.program = std::filesystem::read_symlink("/proc/self/exe", code).string();
  trial.library = std::filesystem::absolute(options.library).string();
  trial.folder = options.out + "/.detect-" + std::to_string(getpid());
  trial.timeout_s = options.timeout_s;
  DetectionRun run;
  run.started = report::UtcNow();
  run.command_line = "ipcsuite detect";
  for (int i = 0; i < argc; ++i) run.command_line += std::string(" ") + argv[i];
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = [](int) { stop = true; };
    sigaction(signal, &action, nullptr);
  }
  const int status = Perform(options, faults, trial, &run);
  std::filesystem::remove_all(trial.folder, code);
  if (status != 0) return status;
  const bool canary = !options.faults.empty() || !options.test.empty() || CanarySeen(run);
  if (!canary) std::printf("The canary was not seen: this run proves nothing.\n");
  return options.test.empty() && (!canary || !run.interrupted.empty() || !Missed(run).empty() ||
                                  !run.neutral_differs.empty())
             ? 1
             : 0;
}

}  // namespace ipcsuite::detect
