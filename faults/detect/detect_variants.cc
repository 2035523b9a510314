#include "faults/detect/detect_variants.h"

#include <cstdio>
#include <mutex>

#include "base/os/os.h"
#include "faults/detect/detect_pool.h"

namespace ipcsuite::detect {
namespace {

// Red by the variant. An expected failure that passes is not: expectations are of the system below.
bool Wrong(const TestOutcome& outcome) { return outcome.Red() && outcome.verdict != "XPASS"; }

class VariantRuns {
 public:
  VariantRuns(const Options& options, const TrialOptions& trial, const std::vector<TestInfo>& tests,
              const VariantBaseline& baseline)
      : options_(options), trial_(trial), tests_(tests), baseline_(baseline) {}

  void Run(VariantResult* result) {
    const Stopwatch watch;
    const std::set<std::string> suites = SuitesOf(result->variant);
    std::vector<std::string> names;
    for (const TestInfo& test : tests_) {
      if (suites.count(test.suite) || !options_.test.empty()) names.push_back(test.name);
    }
    const TrialResult trial = RunTrial(trial_, result->variant.name, names, {}, false);
    result->problem = trial.problem;
    result->decisions = trial.decisions;
    CompareWithBaseline(baseline_, trial, result);
    for (const auto& [name, outcome] : trial.tests) {
      if (stop) return;
      if (Wrong(outcome) && baseline_.Green(name) && StaysWrong(result->variant.name, name)) {
        result->misjudged.push_back({name, outcome.verdict, outcome.reason});
      }
    }
    result->seconds = watch.Seconds();
    result->done = !stop;
    if (result->done) Report(*result);
  }

 private:
  // Alone and with more time, the test is red with the variant again, and green without.
  bool StaysWrong(const std::string& variant, const std::string& test) const {
    TrialOptions alone = trial_;
    alone.timeout_s *= 4;
    TrialResult with = RunTrial(alone, variant, {test}, {}, false);
    TrialResult without = RunTrial(alone, "neutral", {test}, {}, false);
    return Wrong(with.tests[test]) && !Wrong(without.tests[test]);
  }

  void Report(const VariantResult& result) {
    std::lock_guard<std::mutex> lock(mutex_);
    const bool silent = !result.variant.observed.empty() && !result.observed();
    const bool unmet = result.decisions == 0 && !result.observed();
    const char* word = !result.problem.empty()     ? "NO RESULT"
                       : !result.misjudged.empty() ? "MISJUDGED"
                       : unmet                     ? "not met"
                       : silent                    ? "not seen"
                                                   : "green";
    if (word == std::string("green") && !options_.verbose) return;
    std::printf("%-9s %-42s %s\n", word, result.variant.name.c_str(), result.problem.c_str());
    for (const Detection& one : result.misjudged)
      std::printf("            %s: %s\n", one.test.c_str(), one.reason.c_str());
    for (const Change& change : result.changes) {
      if (options_.verbose) {
        std::printf("            %s: %s: %s, was %s\n", change.test.c_str(), change.key.c_str(),
                    change.after.c_str(), change.before.c_str());
      }
    }
    std::fflush(stdout);
  }

  const Options& options_;
  const TrialOptions& trial_;
  const std::vector<TestInfo>& tests_;
  const VariantBaseline& baseline_;
  std::mutex mutex_;
};

}  // namespace

std::vector<VariantResult> RunVariants(const Options& options, const TrialOptions& trial,
                                       const std::vector<TestInfo>& tests,
                                       std::vector<Implementation> variants, std::string* problem) {
  std::vector<std::string> names;
  for (const TestInfo& test : tests) names.push_back(test.name);
  TrialOptions quick = trial;
  quick.jobs = os::AllowedCpuCount();
  // A hang is not what is looked for, and a variant may be slow.
  TrialOptions patient = trial;
  patient.timeout_s *= 4;
  VariantBaseline baseline;
  std::printf("%zu tests without a variant, twice ...\n", tests.size());
  std::fflush(stdout);
  for (TrialResult* run : {&baseline.first, &baseline.second}) {
    *run = RunTrial(quick, "neutral", names, {}, false);
    if (!run->problem.empty()) {
      *problem = "the run without a variant failed: " + run->problem;
      return {};
    }
  }
  std::vector<VariantResult> results(variants.size());
  for (std::size_t i = 0; i < variants.size(); ++i) results[i].variant = std::move(variants[i]);
  std::printf("%zu variants ...\n", results.size());
  std::fflush(stdout);
  VariantRuns runs(options, patient, tests, baseline);
  ForEachConcurrently(Jobs(options), results.size(), [&](std::size_t i) { runs.Run(&results[i]); });
  return results;
}

}  // namespace ipcsuite::detect
