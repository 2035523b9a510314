// What a test requires of a call, as a condition in C.
#pragma once

#include <map>
#include <string>

#include "harness/core/arena.h"
#include "harness/core/trace.h"

namespace ipcsuite::repro {

// What is required of an outcome, as a condition on r and e; "" when nothing is.
std::string ConditionOf(const TraceEntry& entry, const Requirement& required);
// For what a test looks at by itself: that it goes as it went when the test passed.
Requirement AsSeen(const TraceEntry& entry);
// The first failed check was that a call blocks or stays blocked, but it has returned: notes that
// in its entry.
void NoteReturnedWaiter(const Slot& slot);
// For the first failed check, if it is a comparison ("observed 1, expected 0"): the last call
// before it that returned or stored what was observed, with the condition that did not hold:
// "number == 0". Comparisons of other things are left out.
std::map<const TraceEntry*, std::string> FailedComparisons(const Slot& slot);

}  // namespace ipcsuite::repro
