// A C program from the trace of a test: its processes, its calls in the order in which they
// happened, and what was required of each.
#pragma once

#include <string>

#include "base/result.h"
#include "harness/core/arena.h"
#include "harness/test/registry.h"
#include "reports/results/model.h"

namespace ipcsuite::repro {

// C11 that needs libc alone and ends with 0 (conforms), 1 (deviates) or 77 (cannot tell). The
// order of the trace is kept by a turn in shared memory; a call during which others do something
// gives its turn away before it begins. The error says why the test can't be written as such a
// program.
Result<std::string> WriteProgram(const Slot& slot, const TestEntry& test,
                                 const report::TestRecord& record);

}  // namespace ipcsuite::repro
