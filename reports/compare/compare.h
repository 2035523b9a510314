// Runs of several platforms side by side, and the gate against an older run of the same one.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

enum class Change {
  kRegression,   // judged good in the first run, a finding (or DISPUTED) in a later one
  kLost,         // judged in the first run, not judged or absent in a later one of the same kind
  kImprovement,  // the other way round
  kResult,       // another result, neither of the above (for example PASS and UNSUPPORTED)
  kObserved,     // the same result, another OBSERVED value
  kAdded,        // absent in the first run
  kRemoved,      // absent in a later run
};
std::string_view ToString(Change change);
inline constexpr Change kAllChanges[] = {
    Change::kRegression, Change::kLost,  Change::kImprovement, Change::kResult,
    Change::kObserved,   Change::kAdded, Change::kRemoved};

// One thing that is not the same in all runs.
struct Difference {
  Change change = Change::kResult;
  bool is_clause = false;           // otherwise a test
  std::string id;                   // of the clause, or name of the test
  std::string key;                  // of the OBSERVED value; empty for results
  std::vector<std::string> values;  // one for each run: result code or value; "" where absent
};

// A figure whose samples differ by more than their noise.
struct PerformanceDifference {
  std::string test, metric;
  std::vector<double> medians;      // one for each run; NaN where absent
  std::vector<std::string> ranges;  // "min to max" of the samples
  double ratio = 1;                 // of the later run that differs most, to the first
  bool worse = false;
};

struct Comparison {
  std::vector<std::string> labels;  // one for each run, made distinct
  // Platforms that gave no results, set by who tried them: label, why. They have no column.
  std::vector<std::pair<std::string, std::string>> left_out;
  // Regressions first, then lost coverage, improvements, results, observed values, added, removed;
  // clauses before tests. A test whose difference shows in a clause that it claims is still listed.
  std::vector<Difference> differences;
  std::vector<PerformanceDifference> performance;
  int figures_compared = 0;      // with enough samples in at least two runs
  int figures_not_compared = 0;  // fewer than 5 samples: noise unknown
  int Count(Change change) const;
  bool HasRegression() const { return Count(Change::kRegression) > 0; }
  bool LostCoverage() const { return Count(Change::kLost) > 0; }
};

// Compares each run with the first. At least two runs.
//
// A result is good if it is PASS, OBSERVED or XPASS; a finding if it is FAIL, FLAKY or UNRESOLVED
// (unless the surroundings caused it). XFAIL is neither: the expectations answer for it. On another
// kind of platform (SameKind() in reports/verdicts/judge.h), what is not judged is not lost, and
// DISPUTED is another reading, not a regression. Figures are compared if both have at least 5
// samples. They differ if the ranges of the samples (from 10 on: without the lowest and highest
// tenth) do not overlap and the medians are more than 5 % apart: for equal distributions that
// happens by chance in under 1 % of the pairs.
Comparison Compare(const std::vector<Run>& runs);

// For people: differences first, then counts. color: ANSI.
std::string ComparisonText(const Comparison& comparison, const std::vector<Run>& runs, bool color);
std::string ComparisonMarkdown(const Comparison& comparison, const std::vector<Run>& runs);
std::string ComparisonJson(const Comparison& comparison);
// One offline page: platforms, differences, performance, platform x clause matrix.
std::string ComparisonHtml(const Comparison& comparison, const std::vector<Run>& runs);

}  // namespace ipcsuite::report
