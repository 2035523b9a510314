// A made-up run that holds every verdict and every kind of content: for the tests of this folder
// and for looking at the page. Not part of the program.
#pragma once

#include "reports/results/model.h"

namespace ipcsuite::report {

// About 40 tests, finished (clauses and summary filled). `variant` 0, 1, 2: three platforms that
// differ in results, OBSERVED values and performance.
Run SampleRun(int variant = 0);

// `tests` tests over as many clauses: for size and speed.
Run LargeRun(int tests, int variant);

}  // namespace ipcsuite::report
