// `ipcsuite run`: judges this machine and writes the reports.
#pragma once

#include "cli/options.h"

namespace ipcsuite::cli {

// Arguments without the program's name and the word "run". Returns the exit status: that
// of docs/verdicts.md.
// `stress`: the short stress at the end; null: none.
int RunMain(int argc, char** argv, ShortStress stress);

// main() of a suite's own test target: the same run over the tests that are linked in, with
// Bazel's conventions (XML_OUTPUT_FILE, TESTBRIDGE_TEST_ONLY, TEST_TOTAL_SHARDS).
int SuiteMain(int argc, char** argv);

}  // namespace ipcsuite::cli
