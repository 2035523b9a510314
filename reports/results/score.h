// How much of each interface was judged, and how it fared: one line each.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

struct Score {
  std::string name;  // a function (mq_notify), or an interface (mqueue) where there are many
  int clauses = 0;   // of the issue judged for
  int judged = 0;
  int violated = 0, known = 0;  // FAIL or FLAKY, and XFAIL
};

// In the order of the catalogue: by function while they are few, else by interface.
std::vector<Score> ScoresOf(const Run& run);

// "33 of 39 judged, 1 violated".
std::string ScoreText(const Score& score);

}  // namespace ipcsuite::report
