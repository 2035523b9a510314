// Root causes: one absent or broken call makes many tests fail, and many others undecidable. They
// are grouped by the call and how it ended.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

// Groups of two tests or more, the most frequent first. A group holds a finding or a lost verdict;
// what the same cause left UNSUPPORTED or UNRESOLVED belongs to it. Known deviations (XFAIL) don't.
std::vector<Cause> CausesOf(const std::vector<TestRecord>& tests);

}  // namespace ipcsuite::report
