// The suite against each fault: stage by stage until some test notices it.
#pragma once

#include <vector>

#include "faults/detect/detect_options.h"
#include "faults/detect/detect_plan.h"
#include "faults/detect/detect_trial.h"

namespace ipcsuite::detect {

// Tries `tests`, which are green without a fault, on each of the faults. A line of standard output
// for each fault that is missed (for every one with --verbose).
std::vector<FaultResult> DetectFaults(const Options& options, const TrialOptions& trial,
                                      const std::vector<TestInfo>& tests,
                                      std::vector<Implementation> faults);

}  // namespace ipcsuite::detect
