// The suites under each conforming variant: does any test misjudge one?
#pragma once

#include <string>
#include <vector>

#include "faults/detect/detect_options.h"
#include "faults/detect/variants.h"

namespace ipcsuite::detect {

// Runs `tests` without a variant, twice, then those of the suites concerned under each variant. A
// test that is red only under the variant, twice, misjudges it. Prints a line for each variant that
// is misjudged or not observed (for every one with --verbose). On failure *problem is set (one
// line).
std::vector<VariantResult> RunVariants(const Options& options, const TrialOptions& trial,
                                       const std::vector<TestInfo>& tests,
                                       std::vector<Implementation> variants, std::string* problem);

}  // namespace ipcsuite::detect
