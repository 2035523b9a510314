// Checks that a test made of what a call stored, not of its outcome: which call it was.
#pragma once

#include <map>
#include <string>

#include "harness/core/arena.h"
#include "harness/core/trace.h"

namespace ipcsuite::repro {

// For each failed comparison ("observed 1, expected 0") the last call before it that returned or
// stored what was observed, with the condition that did not hold: "number == 0". Comparisons of
// other things are left out.
std::map<const TraceEntry*, std::string> FailedComparisons(const Slot& slot);

}  // namespace ipcsuite::repro
