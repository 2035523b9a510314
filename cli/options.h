// The options of `ipcsuite run`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "harness/runner/runner.h"
#include "reports/verdicts/judge.h"

namespace ipcsuite::cli {

// The workloads of the stress that claim one of the clauses, for `time` in all: adds their records
// and the document to `run` and gives `say` a line now and then; `known` answers whether
// expectations explain a red record. `run` null: only asks. False if there is none.
using ShortStress = bool (*)(nanoseconds time, const std::vector<ClauseRef>& clauses,
                             const std::function<bool(const report::TestRecord&)>& known,
                             const std::function<void(const std::string&)>& say, report::Run* run);

struct RunOptions {
  RunnerOptions runner;
  std::string out = "ipcsuite-reports";  // directory of the reports; empty: none are written
  std::vector<std::string> formats = {"json", "html", "junit", "tap", "markdown"};
  report::JudgingOptions judging;  // `detection` empty: the one in `out`, if any
  std::string label;               // name of this platform in comparisons
  // Of the properties: quick, full, soak; smoke: only the tests of that list.
  std::string profile = "quick";
  nanoseconds stress = 15s;  // of the short stress; zero: none
  bool stress_asked_for = false;
  ShortStress short_stress = nullptr;  // null: this program has none
  std::string replay;  // program that properties run in place of random ones; empty: none
  bool list = false;
  bool verbose = false;    // a line for every test
  bool quiet = false;      // nothing but errors
  bool filtered = false;   // some of the tests were selected; shards are another matter
  bool stream = false;     // results as lines for a host (platforms/stream.h)
  bool repro = false;      // programs in C for new findings are written to `out`/repro
  bool repro_all = false;  // ... and for every test
  std::string junit_path;  // one more JUnit file (Bazel's XML_OUTPUT_FILE)
};

// Parses the arguments. Returns -1 to go on, or the exit status (0 after --help, 2 after one line
// on standard error).
int ParseRunOptions(const std::vector<std::string>& args, RunOptions* options);

}  // namespace ipcsuite::cli
