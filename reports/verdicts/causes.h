// Root causes: one absent or broken call makes many tests fail, and many others undecidable. They
// are grouped by the call and how it ended.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

// "mkfifo: ENOSYS", "read: timed out", "mq_open: killed by SIGSYS" of the first failure of a test,
// or of its reason; "" if no call is named with an error. A method that stands for several
// functions ("maker.make(...)") is named by the last word of GoogleTest's trace.
std::string CauseOf(const TestRecord& test);

// Groups of two tests or more, the most frequent first. A group holds a finding or a lost verdict;
// what the same cause left UNSUPPORTED or UNRESOLVED belongs to it. Known deviations (XFAIL) don't.
std::vector<Cause> CausesOf(const std::vector<TestRecord>& tests);

}  // namespace ipcsuite::report
