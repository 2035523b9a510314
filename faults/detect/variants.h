// What a run of the suites under a conforming variant shows. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "faults/detect/detect_plan.h"
#include "faults/detect/detect_trial.h"

namespace ipcsuite::detect {

// An observation that the variant changed.
struct Change {
  std::string test, clause, key, before, after;
};

struct VariantResult {
  Implementation variant;
  bool done = false;                  // false: the run was interrupted before
  std::vector<Detection> misjudged;   // tests that are red with the variant only: they are wrong
  std::vector<std::string> unjudged;  // tests that judge the neutral implementation but not this
  std::vector<Change> changes;        // of the variant's clauses
  std::uint64_t decisions = 0;        // how often the variant decided differently
  std::string problem;                // why there is no result
  double seconds = 0;
  // What it names as observable was observed: a value of the key (of any key if it names none).
  bool observed() const;
};

// The tests without the variant, twice: what differs between the two is not the variant's work.
struct VariantBaseline {
  TrialResult first, second;
  bool Green(const std::string& test) const;
};

// The differences of a run of the variant from the baseline: changes and unjudged tests; not which
// tests are misjudged, which takes further runs.
void CompareWithBaseline(const VariantBaseline& baseline, const TrialResult& trial,
                         VariantResult* result);

struct VariantScore {
  int variants = 0;    // with a result
  int misjudged = 0;   // some test calls them wrong
  int observed = 0;    // the observation that they name changed
  int unobserved = 0;  // they name an observation, and it did not change
  int unmet = 0;       // no test came to the point where they differ
};
VariantScore ScoreOf(const std::vector<VariantResult>& results);

}  // namespace ipcsuite::detect
