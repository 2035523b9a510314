// `ipcsuite repro TEST`: a C program that shows what a test judges, without the suite.
#pragma once

#include <string>

#include "base/result.h"
#include "harness/core/arena.h"
#include "harness/test/registry.h"
#include "reports/results/model.h"

namespace ipcsuite::repro {

// Arguments without the program's name and the word "repro". Returns 0 when the program was
// written, 1 when the test can't be written as one, 2 for usage and set-up.
int ReproMain(int argc, char** argv);

// For RunnerOptions::inspect: attaches the program of a finding to its record, or why it has none.
void AttachProgram(const Slot& slot, const TestEntry& test, report::TestRecord& record);
// The same for every test.
void AttachAny(const Slot& slot, const TestEntry& test, report::TestRecord& record);
// Writes the attached programs of new findings, or all of them, to a folder that is made: one file
// for each test, named after it.
Result<void> WritePrograms(const report::Run& run, bool all, const std::string& folder);

}  // namespace ipcsuite::repro
