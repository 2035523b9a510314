#include "reports/compare/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "reports/results/text.h"
#include "reports/verdicts/judge.h"

namespace ipcsuite::report {
namespace {

constexpr std::size_t kFewestSamples = 5;
constexpr double kSmallestRatio = 1.05;

// What a comparison needs to know of a clause or a test in one run.
struct Seen {
  bool present = false;
  bool finding = false;
  Verdict verdict = Verdict::kUntested;
  std::map<std::string, std::set<std::string>> observed;
};

struct Entry {
  std::string id;
  std::vector<Seen> runs;
};

// Whether each run is of the same kind of platform as the first.
using Kinds = std::vector<bool>;

// Keeps the order in which ids first appear.
class Table {
 public:
  explicit Table(std::size_t runs) : runs_(runs) {}
  Seen& At(const std::string& id, std::size_t run) {
    const auto [at, added] = index_.emplace(id, entries_.size());
    if (added) entries_.push_back({id, std::vector<Seen>(runs_)});
    return entries_[at->second].runs[run];
  }
  const std::vector<Entry>& Entries() const { return entries_; }

 private:
  std::size_t runs_;
  std::map<std::string, std::size_t> index_;
  std::vector<Entry> entries_;
};

Change ChangeOf(const Entry& entry, const Kinds& same_kind) {
  const Seen& first = entry.runs.front();
  bool better = false, removed = false, other = false, lost = false;
  for (std::size_t i = 1; i < entry.runs.size(); ++i) {
    const Seen& later = entry.runs[i];
    if (first.present && later.present) {
      const bool worse = (IsRed(later.verdict) && later.finding) ||
                         (same_kind[i] && later.verdict == Verdict::kDisputed);
      if (IsGood(first.verdict) && worse) return Change::kRegression;
      better = better || (first.finding && IsGood(later.verdict));
      other = other || first.verdict != later.verdict;
    }
    removed = removed || (first.present && !later.present);
    lost = lost ||
           (same_kind[i] && first.present && IsJudged(first.verdict) && !IsJudged(later.verdict));
  }
  return lost             ? Change::kLost
         : !first.present ? Change::kAdded
         : better         ? Change::kImprovement
         : other          ? Change::kResult
         : removed        ? Change::kRemoved
                          : Change::kResult;
}

bool SameResult(const Entry& entry) {
  return std::all_of(entry.runs.begin(), entry.runs.end(), [&](const Seen& s) {
    return s.present == entry.runs.front().present && s.verdict == entry.runs.front().verdict;
  });
}

std::string Joined(const std::set<std::string>& values) {
  std::string text;
  for (const auto& v : values) text += (text.empty() ? "" : ", ") + v;
  return text;
}

void AddObserved(const Entry& entry, bool is_clause, std::vector<Difference>& out) {
  std::set<std::string> keys;
  for (const Seen& s : entry.runs) {
    for (const auto& [key, values] : s.observed) keys.insert(key);
  }
  for (const std::string& key : keys) {
    Difference d{Change::kObserved, is_clause, entry.id, key, {}};
    std::set<std::string> distinct;
    for (const Seen& s : entry.runs) {
      const auto found = s.observed.find(key);
      d.values.push_back(found == s.observed.end() ? "" : Joined(found->second));
      // A run that does not have the value (test absent, unsupported) is no other value.
      if (!d.values.back().empty()) distinct.insert(d.values.back());
    }
    if (distinct.size() > 1) out.push_back(std::move(d));
  }
}

void AddDifferences(const Table& table, bool is_clause, const Kinds& same_kind,
                    std::vector<Difference>& out) {
  for (const Entry& entry : table.Entries()) {
    if (!SameResult(entry)) {
      Difference d{ChangeOf(entry, same_kind), is_clause, entry.id, "", {}};
      for (const Seen& s : entry.runs) {
        d.values.push_back(s.present ? std::string(ToString(s.verdict)) : "");
      }
      out.push_back(std::move(d));
    }
    AddObserved(entry, is_clause, out);
  }
}

struct Range {
  double low = 0, high = 0, median = std::numeric_limits<double>::quiet_NaN();
  std::size_t samples = 0;
};

Range RangeOf(std::vector<double> samples) {
  std::erase_if(samples, [](double s) { return std::isnan(s); });
  Range range;
  range.samples = samples.size();
  if (samples.empty()) return range;
  std::sort(samples.begin(), samples.end());
  const std::size_t cut = samples.size() >= 10 ? samples.size() / 10 : 0;
  range.low = samples[cut];
  range.high = samples[samples.size() - 1 - cut];
  range.median = samples[samples.size() / 2];
  return range;
}

bool HigherIsBetter(const std::string& metric) {
  return metric.find("per_s") != std::string::npos ||
         metric.find("throughput") != std::string::npos;
}

bool Apart(const Range& a, const Range& b) {
  if (a.samples < kFewestSamples || b.samples < kFewestSamples) return false;
  if (a.low <= b.high && b.low <= a.high) return false;
  const double ratio = a.median / b.median;
  return !(ratio < kSmallestRatio && ratio > 1 / kSmallestRatio);
}

void ComparePerformance(const std::vector<Run>& runs, Comparison& out) {
  std::map<std::pair<std::string, std::string>, std::vector<Range>> figures;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const TestRecord& t : runs[i].tests) {
      for (const Metric& m : t.metrics) {
        auto& ranges = figures[{t.name, m.name}];
        ranges.resize(runs.size());
        ranges[i] = RangeOf(m.samples);
      }
    }
  }
  for (const auto& [name, ranges] : figures) {
    const auto enough = std::count_if(ranges.begin(), ranges.end(),
                                      [](const Range& r) { return r.samples >= kFewestSamples; });
    ++(enough >= 2 ? out.figures_compared : out.figures_not_compared);
    PerformanceDifference d{name.first, name.second, {}, {}, 1, false};
    bool differs = false;
    for (const Range& r : ranges) {
      d.medians.push_back(r.median);
      d.ranges.push_back(r.samples == 0 ? "" : Number(r.low) + " to " + Number(r.high));
      if (!Apart(ranges.front(), r)) continue;
      differs = true;
      const double ratio = r.median / ranges.front().median;
      if (std::fabs(std::log(ratio)) > std::fabs(std::log(d.ratio))) d.ratio = ratio;
    }
    d.worse = HigherIsBetter(d.metric) ? d.ratio < 1 : d.ratio > 1;
    if (differs) out.performance.push_back(std::move(d));
  }
}

std::vector<std::string> DistinctLabels(const std::vector<Run>& runs) {
  std::vector<std::string> labels;
  std::map<std::string, int> uses;
  for (const Run& run : runs) ++uses[run.label];
  std::map<std::string, int> number;
  for (const Run& run : runs) {
    std::string label = run.label.empty() ? "run" : run.label;
    if (uses[run.label] > 1) label += " #" + std::to_string(++number[run.label]);
    labels.push_back(label);
  }
  return labels;
}

}  // namespace

std::string_view ToString(Change change) {
  switch (change) {
    case Change::kRegression: return "regression";
    case Change::kLost: return "lost verdict";
    case Change::kImprovement: return "improvement";
    case Change::kResult: return "other result";
    case Change::kObserved: return "other observed value";
    case Change::kAdded: return "added";
    case Change::kRemoved: return "removed";
  }
  return "";
}

int Comparison::Count(Change change) const {
  return static_cast<int>(std::count_if(differences.begin(), differences.end(),
                                        [&](const Difference& d) { return d.change == change; }));
}

Comparison Compare(const std::vector<Run>& runs) {
  Comparison out;
  out.labels = DistinctLabels(runs);
  Table clauses(runs.size()), tests(runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const ClauseRecord& c : runs[i].clauses) {
      Seen& seen = clauses.At(c.id, i);
      seen.present = true;
      seen.verdict = c.verdict;
      seen.finding = c.verdict == Verdict::kFail || c.verdict == Verdict::kFlaky ||
                     c.verdict == Verdict::kUnresolved;
      for (const auto& o : c.observations) seen.observed[o.key].insert(o.value);
    }
    for (const TestRecord& t : runs[i].tests) {
      Seen& seen = tests.At(t.name, i);
      seen.present = true;
      seen.verdict = t.verdict;
      seen.finding = IsFinding(t);
      for (const auto& o : t.observations) {
        // Those of a clause are compared with the clause.
        const bool in_clause =
            !runs[i].clauses.empty() && (!o.clause.empty() || t.clauses.size() == 1);
        if (!in_clause) seen.observed[o.key].insert(o.value);
      }
    }
  }
  Kinds same_kind;
  for (const Run& run : runs) same_kind.push_back(SameKind(runs.front(), run));
  AddDifferences(clauses, true, same_kind, out.differences);
  AddDifferences(tests, false, same_kind, out.differences);
  std::stable_sort(out.differences.begin(), out.differences.end(),
                   [](const Difference& a, const Difference& b) { return a.change < b.change; });
  ComparePerformance(runs, out);
  return out;
}

}  // namespace ipcsuite::report
