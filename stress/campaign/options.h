// The options of `ipcsuite stress`.
#pragma once

#include <string>
#include <vector>

#include "reports/verdicts/judge.h"
#include "stress/campaign/campaign.h"

namespace ipcsuite::stress {

struct StressOptions {
  Options campaign;
  std::string out = "ipcsuite-stress";
  std::vector<std::string> formats = {"json", "html", "junit", "markdown"};
  bool list = false;
  report::JudgingOptions judging;
};

// Parses the arguments. Returns -1 to go on, or the exit status (0 after --help, 2 after one line
// on standard error).
int ParseStressOptions(int argc, char** argv, StressOptions* options);

}  // namespace ipcsuite::stress
