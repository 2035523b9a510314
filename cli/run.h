// `ipcsuite run`: judges this machine and writes the reports.
#pragma once

#include "reports/results/model.h"

namespace ipcsuite::cli {

// Arguments without the program's name and the word "run". Returns the exit status: 0
// conforming or as expected, 1 findings, 2 usage or set-up error.
int RunMain(int argc, char** argv);

// The short stress at the end of a whole run: adds its records and its document to `run`. The full
// program sets it; a suite's own test target has none.
using ShortStress = void (*)(double seconds, report::Run* run);
void SetShortStress(ShortStress stress);

// main() of a suite's own test target: the same run over the tests that are linked in, with
// Bazel's conventions (XML_OUTPUT_FILE, TESTBRIDGE_TEST_ONLY, TEST_TOTAL_SHARDS).
int SuiteMain(int argc, char** argv);

}  // namespace ipcsuite::cli
