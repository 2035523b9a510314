// The options of `ipcsuite run`.
#pragma once

#include <string>
#include <vector>

#include "harness/runner/runner.h"
#include "reports/verdicts/judge.h"

namespace ipcsuite::cli {

struct RunOptions {
  RunnerOptions runner;
  std::string out = "ipcsuite-reports";  // directory of the reports; empty: none are written
  std::vector<std::string> formats = {"json", "html", "junit", "tap", "markdown"};
  report::JudgingOptions judging;  // `detection` empty: the one in `out`, if any
  std::string label;               // name of this platform in comparisons
  std::string profile = "quick";   // of the properties: quick, full, soak
  double stress_s = 15;            // of the short stress; 0: none
  bool list = false;
  bool verbose = false;    // a line for every test
  bool filtered = false;   // some of the tests were selected; shards are another matter
  bool stream = false;     // results as lines for a host (platforms/stream.h)
  std::string junit_path;  // one more JUnit file (Bazel's XML_OUTPUT_FILE)
};

// Parses the arguments. Returns -1 to go on, or the exit status (0 after --help, 2 after one line
// on standard error).
int ParseRunOptions(int argc, char** argv, RunOptions* options);

}  // namespace ipcsuite::cli
