#include "reports/history/history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "reports/compare/compare.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

// The results of one clause or test, in the order in which ids first appear.
class Results {
 public:
  explicit Results(std::size_t runs) : runs_(runs) {}
  void Add(const std::string& id, std::size_t run, Verdict verdict) {
    const auto [at, added] = index_.emplace(id, lines_.size());
    if (added) lines_.push_back({id, std::vector<std::string>(runs_)});
    lines_[at->second].second[run] = ToString(verdict);
  }
  const std::vector<std::pair<std::string, std::vector<std::string>>>& lines() const {
    return lines_;
  }

 private:
  std::size_t runs_;
  std::map<std::string, std::size_t> index_;
  std::vector<std::pair<std::string, std::vector<std::string>>> lines_;
};

enum class Kind { kGood, kFinding, kJudged, kNotJudged };

Kind KindOf(const std::string& result) {
  const auto verdict = VerdictFromString(result);
  if (!verdict || !IsJudged(*verdict)) return Kind::kNotJudged;
  if (IsGood(*verdict)) return Kind::kGood;
  return IsRed(*verdict) ? Kind::kFinding : Kind::kJudged;
}

Timeline TimelineOf(const std::string& id, const std::vector<std::string>& results,
                    bool is_clause) {
  Timeline line;
  line.is_clause = is_clause;
  line.id = id;
  line.results = results;
  int turns = 0;  // from good to a finding or back
  bool judged_before = false, flaky = false;
  Kind side = Kind::kNotJudged;
  std::size_t kind_since = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Kind kind = KindOf(results[i]);
    line.findings += kind == Kind::kFinding;
    if (i > 0 && kind != KindOf(results[i - 1])) kind_since = i;
    flaky = flaky || results[i] == ToString(Verdict::kFlaky);
    if (kind == Kind::kGood || kind == Kind::kFinding) {
      turns += side != Kind::kNotJudged && side != kind;
      side = kind;
    }
    if (i == 0 || results[i] == results[i - 1]) continue;
    ++line.changes;
    line.since = i;
  }
  for (std::size_t i = 0; i < line.since; ++i)
    judged_before = judged_before || KindOf(results[i]) != Kind::kNotJudged;
  const Kind last = KindOf(results.back());
  // Against the first reading of an open question, which it followed before.
  const bool other_reading = side == Kind::kGood && results.back() == ToString(Verdict::kDisputed);
  line.course = flaky || turns > 1                          ? Course::kUnsettled
                : last == Kind::kNotJudged && judged_before ? Course::kLost
                : other_reading                             ? Course::kRegressed
                : turns == 1 && last == Kind::kFinding      ? Course::kRegressed
                : turns == 1 && last == Kind::kGood         ? Course::kMended
                                                            : Course::kChanged;
  // An absent result after an UNSUPPORTED one is not a second loss.
  if (line.course != Course::kChanged) line.since = kind_since;
  return line;
}

// Only what the comparison of figures needs.
Run FiguresOf(const Run& run) {
  Run out;
  out.label = run.label;
  for (const TestRecord& t : run.tests) {
    if (t.metrics.empty()) continue;
    out.tests.emplace_back();
    out.tests.back().name = t.name;
    out.tests.back().metrics = t.metrics;
  }
  return out;
}

// The middle one of the medians of runs [from, to); NaN without any.
double MiddleOf(const FigureLine& line, std::size_t from, std::size_t to) {
  std::vector<double> known;
  for (std::size_t i = from; i < to; ++i) {
    if (!std::isnan(line.medians[i])) known.push_back(line.medians[i]);
  }
  if (known.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::sort(known.begin(), known.end());
  return known[known.size() / 2];
}

// True if all medians from run `at` on lie on one side of all earlier ones.
bool Separates(const FigureLine& line, std::size_t at) {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (std::size_t i = 0; i < line.medians.size(); ++i) {
    if (std::isnan(line.medians[i])) continue;
    const int side = i >= at;
    low[side] = std::min(low[side], line.medians[i]);
    high[side] = std::max(high[side], line.medians[i]);
  }
  return high[0] < low[1] || high[1] < low[0];
}

// Candidates are steps from one run to the next beyond their noise, by line.
void FindChange(FigureLine& line, const std::vector<std::pair<std::size_t, bool>>& steps) {
  for (const auto& [at, worse] : steps) {
    if (!Separates(line, at)) continue;
    line.changed = at;
    line.worse = worse;
    line.ratio = MiddleOf(line, at, line.medians.size()) / MiddleOf(line, 0, at);
  }
}

std::vector<FigureLine> FiguresOf(const std::vector<const Run*>& runs) {
  std::vector<FigureLine> lines;
  std::vector<std::vector<std::pair<std::size_t, bool>>> steps;
  std::map<std::pair<std::string, std::string>, std::size_t> index;
  std::vector<Run> figures;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    figures.push_back(FiguresOf(*runs[i]));
    for (const TestRecord& t : figures.back().tests) {
      for (const Metric& m : t.metrics) {
        const auto [at, added] = index.emplace(std::pair(t.name, m.name), lines.size());
        if (added) {
          const double nan = std::numeric_limits<double>::quiet_NaN();
          lines.push_back({t.name, m.name, std::vector<double>(runs.size(), nan)});
        }
        lines[at->second].medians[i] = m.value;
      }
    }
    steps.resize(lines.size());
    if (i == 0) continue;
    for (const PerformanceDifference& d : Compare({figures[i - 1], figures[i]}).performance)
      steps[index.at({d.test, d.metric})].emplace_back(i, d.worse);
  }
  for (std::size_t i = 0; i < lines.size(); ++i) FindChange(lines[i], steps[i]);
  std::stable_sort(lines.begin(), lines.end(),
                   [](const FigureLine& a, const FigureLine& b) { return a.changed > b.changed; });
  return lines;
}

HistoryRun RowOf(const Run& run) {
  HistoryRun row;
  row.label = run.label;
  row.started = run.started;
  row.platform = PlatformLine(run);
  row.tool_version = run.tool_version;
  row.sentence = run.summary.sentence;
  row.exit_status = run.summary.exit_status;
  std::copy(std::begin(run.summary.clauses), std::end(run.summary.clauses), row.clauses);
  std::copy(std::begin(run.summary.tests), std::end(run.summary.tests), row.tests);
  return row;
}

}  // namespace

std::string_view ToString(Course course) {
  switch (course) {
    case Course::kRegressed: return "regressed";
    case Course::kLost: return "no longer judged";
    case Course::kUnsettled: return "unsettled";
    case Course::kMended: return "mended";
    case Course::kChanged: return "other changes";
  }
  return "";
}

History MakeHistory(const std::vector<Run>& runs) {
  History history;
  std::vector<const Run*> sorted;
  for (const Run& run : runs) sorted.push_back(&run);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Run* a, const Run* b) { return a->started < b->started; });
  Results clauses(sorted.size()), tests(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    history.runs.push_back(RowOf(*sorted[i]));
    for (const ClauseRecord& c : sorted[i]->clauses) clauses.Add(c.id, i, c.verdict);
    for (const TestRecord& t : sorted[i]->tests) tests.Add(t.name, i, t.verdict);
  }
  for (const bool is_clause : {true, false}) {
    for (const auto& [id, results] : (is_clause ? clauses : tests).lines()) {
      Timeline line = TimelineOf(id, results, is_clause);
      // Flaky from the first run to the last is not settled either.
      if (line.changes == 0 && line.course != Course::kUnsettled) {
        ++history.unchanged;
        continue;
      }
      history.timelines.push_back(std::move(line));
    }
  }
  std::stable_sort(history.timelines.begin(), history.timelines.end(),
                   [](const Timeline& a, const Timeline& b) { return a.course < b.course; });
  history.figures = FiguresOf(sorted);
  return history;
}

}  // namespace ipcsuite::report
