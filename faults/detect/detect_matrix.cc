#include "faults/detect/detect_matrix.h"

#include <unistd.h>

#include <cstdio>
#include <mutex>

#include "faults/detect/detect_pool.h"

namespace ipcsuite::detect {
namespace {

// The detection of one fault after the other, by several threads.
class Matrix {
 public:
  Matrix(const Options& options, const TrialOptions& trial, const std::vector<TestInfo>& tests,
         std::vector<Implementation> faults)
      : options_(options), trial_(trial), tests_(tests) {
    for (Implementation& fault : faults)
      results_.push_back({std::move(fault), false, {}, kStages, "", 0});
  }

  std::vector<FaultResult> Run() {
    ForEachConcurrently(Jobs(options_), results_.size(), [this](std::size_t i) {
      FaultResult& result = results_[i];
      const Stopwatch watch;
      Detect(&result);
      result.seconds = watch.Seconds();
      result.done = !stop;
      if (result.done) Report(result);
    });
    return std::move(results_);
  }

 private:
  void Detect(FaultResult* result) {
    Stages stages;
    if (options_.test.empty()) {
      PlanStages(result->fault, tests_, &stages);
    } else {
      stages[kClaiming] = {options_.test};
    }
    for (int stage = 0; stage < kStages && !stop; ++stage) {
      // The canary breaks no clause in particular.
      if (options_.claiming && stage != kClaiming && !result->fault.meta()) return;
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
        // On a busy machine a property may end without a verdict.
        if (stage == kProperties ? outcome.verdict != "FAIL" : !outcome.Noticed()) continue;
        if (!options_.full && !GreenWithoutFault(name)) {
          doubtful.push_back(name);
          continue;
        }
        if (!result->detected()) result->stage = stage;
        result->detections.push_back(
            {name, outcome.verdict, outcome.reason, outcome.program, outcome.no_program});
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
      result->detections.push_back(
          {name, outcome.verdict, outcome.reason, outcome.program, outcome.no_program});
      if (!options_.full) break;
    }
    if (result->detected()) result->problem.clear();
  }

  // Of kernels all are confirmed in one boot at the end.
  bool GreenWithoutFault(const std::string& test) {
    if (!trial_.kernel.empty()) return true;
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
  std::size_t finished_ = 0;
  std::mutex mutex_;
};

}  // namespace

std::vector<FaultResult> DetectFaults(const Options& options, const TrialOptions& trial,
                                      const std::vector<TestInfo>& tests,
                                      std::vector<Implementation> faults) {
  return Matrix(options, trial, tests, std::move(faults)).Run();
}

}  // namespace ipcsuite::detect
