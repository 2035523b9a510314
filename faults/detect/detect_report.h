// What a detection run says: lines on the terminal, and detection.json.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "faults/detect/detect_plan.h"
#include "faults/detect/detect_repro.h"
#include "faults/detect/variants.h"

namespace ipcsuite::detect {

struct DetectionRun {
  std::string command_line, started;  // UTC
  double seconds = 0;
  std::string interrupted;  // empty: complete
  int baseline_tests = 0;   // judged without a fault
  double baseline_seconds = 0, neutral_seconds = 0;
  std::map<std::string, double> test_seconds;  // of each test, without a fault
  std::vector<std::string> neutral_differs;    // tests that the neutral fault turns red
  std::vector<std::string> not_used;           // tests that are red without a fault: no detectors
  std::vector<FaultResult> results;
  bool kernel = false;                         // the faults are in a kernel
  bool full = false;                           // every test ran against each fault of its interface
  std::vector<std::string> detecting_nothing;  // of a full run
  std::vector<Proof> proofs;                   // with --repro
};

// The canary is seen; false also if it was not among the faults run.
bool CanarySeen(const DetectionRun& run);
std::vector<const FaultResult*> Missed(const DetectionRun& run);

// A run of the suites under the variants.
struct VariantRun {
  std::string command_line, started;  // UTC
  double seconds = 0;
  std::string interrupted;  // empty: complete
  std::vector<VariantResult> results;
};

// Writes the run's part of detection.json to the file, in one step; the other parts (of
// faults of the library, faults of a kernel, variants) stay as an earlier run left it. *score is
// the line that says what the whole file amounts to. False and *error (one line) if that fails.
bool Save(const DetectionRun& run, const std::string& path, std::string* score, std::string* error);
bool Save(const VariantRun& run, const std::string& path, std::string* score, std::string* error);

// The table of scores, the misses by name, clauses by interface.
void PrintSummary(const DetectionRun& run);
// The variants misjudged, not observed and not met, by name, and their numbers.
void PrintVariants(const VariantRun& run);

}  // namespace ipcsuite::detect
