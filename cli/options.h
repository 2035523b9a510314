// The options of `ipcsuite run`.
#pragma once

#include <string>
#include <vector>

#include "harness/runner/runner.h"

namespace ipcsuite::cli {

struct RunOptions {
  RunnerOptions runner;
  std::string out = "ipcsuite-reports";  // directory of the reports; empty: none are written
  std::vector<std::string> formats = {"json", "html", "junit", "tap", "markdown"};
  std::vector<std::string> expect;  // files of expectations, besides the defaults
  bool no_default_expectations = false;
  std::string baseline;           // older results: only regressions against it are red
  std::string detection;          // result of `ipcsuite detect`; empty: the one in `out`, if any
  std::string label;              // name of this platform in comparisons
  std::string profile = "quick";  // of the properties: quick, full, soak
  double stress_s = 15;           // of the short stress; 0: none
  bool list = false;
  bool verbose = false;    // a line for every test
  bool whole = true;       // nothing was filtered away
  bool stream = false;     // results as lines for a host (platforms/stream.h)
  std::string junit_path;  // one more JUnit file (Bazel's XML_OUTPUT_FILE)
};

// Parses the arguments. Returns -1 to go on, or the exit status (0 after --help, 2 after one line
// on standard error).
int ParseRunOptions(int argc, char** argv, RunOptions* options);

}  // namespace ipcsuite::cli
