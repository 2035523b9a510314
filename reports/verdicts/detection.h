// Folds the result of a detection run (`ipcsuite detect`) into a run.
#pragma once

#include <string>
#include <string_view>

#include "reports/results/model.h"

namespace ipcsuite::report {

// Keeps the document in run->detection_json and sets `detection` ("proven", "unproven", "no fault")
// of each clause that it names. Expects an object whose member `clauses` maps clause ids to these
// words. On failure: false, one line in *error, run unchanged.
bool FoldDetection(std::string_view text, Run* run, std::string* error);

}  // namespace ipcsuite::report
