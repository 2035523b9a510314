// Folds the result of a detection run (`ipcsuite detect`) into a run.
#pragma once

#include <string_view>

#include "base/result.h"
#include "reports/results/model.h"

namespace ipcsuite::report {

// Keeps the document in run->detection_json and sets `detection` ("proven", "unproven", "no fault")
// of each clause that it names. Expects an object whose member `clauses` maps clause ids to these
// words. On failure the run is unchanged.
Result<void> FoldDetection(std::string_view text, Run* run);

// What the document amounts to, as one line: "sees 590 of 597 faults, sees in a kernel 50 of 52
// faults, misjudges 0 of 140 variants", or the parts of it that it has; empty if it has none.
std::string DetectionScore(std::string_view text);

}  // namespace ipcsuite::report
