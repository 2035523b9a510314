// A C program from the shortest program of a property that fails: what each process called, in the
// order in which it was given to them, and the outcome that no order of the calls allows.
#pragma once

#include <string>

#include "base/result.h"
#include "harness/test/registry.h"
#include "reports/results/model.h"

namespace ipcsuite::repro {

// Of traffic on queues and semaphores, sequential or in lockstep: the program deviates when the
// last outcome is the one that was found, or when the same calls stay blocked. The error says why
// the failure can't be written as such a program: processes that run freely, other objects.
Result<std::string> CounterexampleInC(const TestEntry& test, const report::TestRecord& record);

}  // namespace ipcsuite::repro
