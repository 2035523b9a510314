// Do reproducers say what the tests say? The program of each test that detects a fault must deviate
// under that fault and conform without it.
#pragma once

#include <string>
#include <vector>

#include "faults/detect/detect_options.h"
#include "faults/detect/detect_plan.h"
#include "faults/detect/detect_trial.h"

namespace ipcsuite::detect {

struct Proof {
  enum class Result {
    kAgrees,
    kCannotTell,             // exit status 77 with the fault or without it
    kConformsUnderTheFault,  // the test fails there
    kDeviatesWithoutIt,      // the test passes there
    kDoesNotCompile,
    kNoProgram,  // the test can't be written as one
  };
  std::string fault, test;
  Result result = Result::kNoProgram;
  std::string why = {};  // empty when it agrees
  int lines = 0;         // of the program
};
const char* ToString(Proof::Result result);

// For each fault the first test that failed; with --full every one. Compiles with `cc`.
std::vector<Proof> ProveReproducers(const Options& options, const TrialOptions& trial,
                                    const std::vector<FaultResult>& results);
// How many agree, how long programs are, and each that disagrees.
void PrintProofs(const std::vector<Proof>& proofs);

}  // namespace ipcsuite::detect
