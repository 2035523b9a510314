// Many runs over time: since when a clause or a test is violated or no longer judged, which results
// do not settle, and when a figure changed.
#pragma once

#include <string>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

struct HistoryRun {
  std::string label, started, platform, tool_version, sentence;
  int clauses[kVerdictCount] = {};
  int tests[kVerdictCount] = {};
  int exit_status = 0;
};

// How a result stands at the end of the history.
enum class Course {
  kRegressed,  // good before, a finding (FAIL, FLAKY) since `since`
  kLost,       // judged before, not judged or absent since `since`
  kUnsettled,  // good, a finding, and good again, or the reverse; or FLAKY
  kMended,     // a finding before, good since `since`
  kChanged,    // another change of result (for example PASS and XFAIL)
};
std::string_view ToString(Course course);
inline constexpr Course kAllCourses[] = {Course::kRegressed, Course::kLost, Course::kUnsettled,
                                         Course::kMended, Course::kChanged};

// A clause or a test whose result changed at least once.
struct Timeline {
  Course course = Course::kChanged;
  bool is_clause = false;
  std::string id;
  std::vector<std::string> results;  // result code of each run; "" where absent
  std::size_t since = 0;             // the run from which on the last result stands
  int findings = 0, changes = 0;     // runs with a finding; times that the result changed
};

// A measured figure over time.
struct FigureLine {
  std::string test, metric;
  std::vector<double> medians;  // of each run; NaN where absent
  // The run of the last change: beyond the noise of it and the run before it
  // (reports/compare/compare.h), with all later medians on one side of all earlier ones; 0: none.
  std::size_t changed = 0;
  double ratio = 1;  // of the median after it to the median before
  bool worse = false;
};

struct History {
  std::vector<HistoryRun> runs;     // in the order of their start
  std::vector<Timeline> timelines;  // by course, clauses before tests
  std::vector<FigureLine> figures;  // those that changed first
  std::size_t unchanged = 0;        // clauses and tests with one result in all runs
};

// Any number of runs, in any order; runs of one platform make most sense.
History MakeHistory(const std::vector<Run>& runs);

// For people. color: ANSI.
std::string HistoryText(const History& history, bool color);
// One offline page.
std::string HistoryHtml(const History& history);

}  // namespace ipcsuite::report
