// The options of `ipcsuite stress`.
#pragma once

#include <string>
#include <vector>

#include "stress/campaign/campaign.h"

namespace ipcsuite::stress {

struct StressOptions {
  Options campaign;
  std::string out = "ipcsuite-stress";
  std::vector<std::string> formats = {"json", "html", "junit", "markdown"};
  bool list = false;
};

// Parses the arguments. Returns -1 to go on, or the exit status (0 after --help, 2 after one line
// on standard error).
int ParseStressOptions(int argc, char** argv, StressOptions* options);

// "30s", "2m", "500ms", "1.5" (seconds). False when it is none of them or not positive.
bool ParseDuration(const std::string& text, double* seconds);
// "64", "4k", "1M": bytes. False when it is none of them.
bool ParseSize(const std::string& text, std::size_t* bytes);

}  // namespace ipcsuite::stress
