// The page of a comparison: platforms, differences first, performance, then everything.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "base/text.h"
#include "reports/compare/compare.h"
#include "reports/compare/html_many.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace html {
namespace {

constexpr std::size_t kDifferencesOpen = 40;  // of each kind

// `first`, the labels of the runs, `last` if it is not empty.
std::vector<std::string> Columns(const Comparison& c, const std::string& first,
                                 const std::string& last = "") {
  std::vector<std::string> columns = {first};
  columns.insert(columns.end(), c.labels.begin(), c.labels.end());
  if (!last.empty()) columns.push_back(last);
  return columns;
}

// "2 clauses and 3 tests regressed"; "" if none did.
std::string Affected(const Comparison& c, Change change, const char* verb) {
  const auto clauses =
      std::count_if(c.differences.begin(), c.differences.end(),
                    [&](const Difference& d) { return d.change == change && d.is_clause; });
  const auto tests = c.Count(change) - clauses;
  std::vector<std::string> parts;
  if (clauses > 0) parts.push_back(Counted(clauses, "clause"));
  if (tests > 0) parts.push_back(Counted(tests, "test"));
  return parts.empty() ? "" : Join(parts, " and ") + " " + verb;
}

// Platforms that are not, or not wholly, in the comparison: nobody should miss that.
std::string Missing(const Comparison& c, const std::vector<Run>& runs) {
  Element list = Styled("ul", "missing");
  bool any = false;
  const auto item = [&](const std::string& label, const std::string& text) {
    list.Add(Element("li").Add(Element("strong").Text(label)).Text(text));
    any = true;
  };
  for (const auto& [label, why] : c.left_out) item(label, " left out: " + why);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].interrupted.empty()) continue;
    item(c.labels[i], " incomplete, " + std::to_string(runs[i].tests.size()) +
                          " tests came through: " + runs[i].interrupted);
  }
  return any ? list.str() : "";
}

std::string Header(const Comparison& c, const std::vector<Run>& runs) {
  const std::string regressed = Affected(c, Change::kRegression, "regressed");
  const std::string lost = Affected(c, Change::kLost, "no longer judged");
  const bool red = !regressed.empty() || !lost.empty();
  const bool same = c.differences.empty() && c.performance.empty();
  const std::string verdict =
      red ? regressed + (regressed.empty() || lost.empty() ? "" : ", ") + lost + " against " +
                c.labels.front() + "."
      : same ? "No difference."
             : "Differences, but no regression against " + c.labels.front() + ".";
  Element counts("ul");
  for (const Change change : kAllChanges) {
    const int n = c.Count(change);
    if (n > 0)
      counts.Add(
          Element("li").Text(std::to_string(n) + " \u00D7 " + std::string(ToString(change))));
  }
  std::string figures = std::to_string(c.performance.size()) + " of " +
                        std::to_string(c.figures_compared) + " figures differ beyond their noise";
  if (c.figures_not_compared > 0)
    figures += "; " + std::to_string(c.figures_not_compared) + " have too few samples to say";
  counts.Add(Element("li").Text(figures));
  return Element("header")
             .Add(Heading("ipcsuite: comparison of " + std::to_string(c.labels.size()) + " runs",
                          Join(c.labels, ", "), red ? "bad" : "good", verdict))
             .Add(Missing(c, runs))
             .Add(counts)
             .str() +
         "\n";
}

bool Differ(const std::vector<std::string>& values) {
  return std::any_of(values.begin(), values.end(), [&](const auto& v) { return v != values[0]; });
}

void AddFact(Table& table, const std::string& key, const std::vector<std::string>& values,
             bool differs) {
  std::vector<Table::Cell> cells = {Escape(key)};
  for (const auto& v : values) cells.push_back({FoldedValue(v), differs ? "differs" : ""});
  table.Row(cells);
}

// Facts that differ stand first; the equal ones are folded.
std::string Platforms(const Comparison& c, const std::vector<Run>& runs) {
  std::vector<std::string> keys;
  std::set<std::string> known;
  for (const Run& run : runs) {
    for (const auto& section : run.environment) {
      for (const auto& fact : section.facts) {
        if (known.insert(fact.first).second) keys.push_back(fact.first);
      }
    }
  }
  std::vector<std::string> tests, clauses;
  for (const Run& run : runs) {
    tests.push_back(CountsText(run.summary.tests));
    clauses.push_back(CountsText(run.summary.clauses));
  }
  Table differing("What differs between the platforms", Columns(c, "Fact"));
  Table equal("Equal facts", Columns(c, "Fact"));
  differing.Stacks();
  equal.Stacks();
  std::vector<Table::Cell> verdicts = {std::string("verdict")};
  for (const Run& run : runs) verdicts.push_back(Escape(run.summary.sentence));
  differing.Row(verdicts);
  AddFact(differing, "tests", tests, false);
  AddFact(differing, "clauses", clauses, false);
  for (const auto& key : keys) {
    std::vector<std::string> values;
    for (const Run& run : runs) values.push_back(Fact(run, key));
    const bool differs = Differ(values);
    AddFact(differs ? differing : equal, key, values, differs);
  }
  return differing.str() + Folded("Facts that are equal everywhere", equal.str());
}

// Why a clause or a test has its result in each of the runs: "" where that is plain.
class Reasons {
 public:
  explicit Reasons(const std::vector<Run>& runs) {
    for (const Run& run : runs) {
      auto& reasons = by_id_.emplace_back();
      for (const ClauseRecord& r : run.clauses) reasons.emplace("c" + r.id, &r.reason);
      for (const TestRecord& t : run.tests) reasons.emplace("t" + t.name, &t.reason);
    }
  }
  std::string Of(const Difference& d, std::size_t run) const {
    const auto verdict = VerdictFromString(d.values[run]);
    if (!verdict || IsGood(*verdict)) return "";
    const auto found = by_id_[run].find((d.is_clause ? "c" : "t") + d.id);
    if (found == by_id_[run].end() || found->second->empty()) return "";
    return "<br>" + Element("small").Text(Shorten(*found->second, 300)).str();
  }

 private:
  std::vector<std::map<std::string, const std::string*>> by_id_;
};

std::string DifferingValue(const Comparison& c, const Difference& d, const std::string& value) {
  if (d.key.empty()) return BadgeOrWord(value);
  if (value.empty()) return Many(c) ? Tag("none") : "";
  return BreakableCode(Shorten(value, 500));
}

std::string Differences(const Comparison& c, const std::vector<Run>& runs) {
  if (c.differences.empty()) return "<p>None in results or observed values.</p>";
  const Reasons reasons(runs);
  std::string out;
  for (const Change change : kAllChanges) {
    std::string title(ToString(change));
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
    const auto columns = Many(c) ? std::vector<std::string>{"Clause or test", "Results"}
                                 : Columns(c, "Clause or test");
    title += " (" + std::to_string(c.Count(change)) + ")";
    Table open(title, columns), folded(title + ", continued", columns);
    open.Stacks();
    folded.Stacks();
    for (const Difference& d : c.differences) {
      if (d.change != change) continue;
      std::string name = LinkTo(d.is_clause ? "c" : "t", d.id);
      if (!d.key.empty()) name += "<br>" + Escape(d.key);
      std::vector<Table::Cell> cells = {name};
      if (Many(c)) {
        cells.push_back(
            Groups(c.labels, d.values, [&](const auto& v) { return DifferingValue(c, d, v); }));
      } else {
        for (std::size_t i = 0; i < d.values.size(); ++i)
          cells.push_back(DifferingValue(c, d, d.values[i]) + reasons.Of(d, i));
      }
      (open.rows() < kDifferencesOpen ? open : folded).Row(cells);
    }
    out += open.str() + Folded(Count(folded.rows()) + " more", folded.str());
  }
  return out;
}

std::string PerformanceDifferences(const Comparison& c) {
  Table table("Figures whose samples differ beyond their noise: median (range)",
              Columns(c, "Figure", "Change#"));
  table.Stacks();
  for (const auto& d : c.performance) {
    std::vector<Table::Cell> cells = {LinkTo("t", d.test) + "<br>" + Escape(d.metric)};
    for (std::size_t i = 0; i < d.medians.size(); ++i) {
      const bool absent = std::isnan(d.medians[i]);
      cells.push_back({absent ? ""
                              : Escape(Number(d.medians[i])) + "<br>" +
                                    Element("small").Text(d.ranges[i]).str(),
                       "n"});
    }
    char text[32];
    std::snprintf(text, sizeof text, "%+.0f %%", (d.ratio - 1) * 100);
    cells.push_back({std::string(text) + (d.worse ? " worse" : " better"), "n"});
    table.Row(cells);
  }
  return table.str();
}

// Interface x platform: how many clauses of each result.
std::string Matrix(const Comparison& c, const std::vector<Run>& runs) {
  std::vector<std::pair<std::string, std::string>> order;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> cells;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const FunctionGroup& group : GroupByFunction(runs[i].clauses)) {
      const std::pair key(group.suite, group.function);
      auto [at, added] = cells.emplace(key, std::vector<std::string>(runs.size()));
      if (added) order.push_back(key);
      int counts[kVerdictCount] = {};
      for (const ClauseRecord* r : group.clauses) ++counts[static_cast<int>(r->verdict)];
      at->second[i] = CountsText(counts);
    }
  }
  Table differing("Interfaces that differ: clauses by result", Columns(c, "Interface"));
  Table equal("Interfaces that are equal", Columns(c, "Interface"));
  differing.Stacks();
  equal.Stacks();
  for (const auto& key : order) {
    const auto& values = cells[key];
    const bool differs = Differ(values);
    std::vector<Table::Cell> row = {Escape(key.second) + Tag(key.first)};
    for (const auto& v : values)
      row.push_back({Escape(v.empty() ? "absent" : v), differs ? "differs" : ""});
    (differs ? differing : equal).Row(row);
  }
  return differing.str() +
         Folded("Interfaces that are equal (" + Count(equal.rows()) + ")", equal.str());
}

}  // namespace
}  // namespace html

std::string ComparisonHtml(const Comparison& c, const std::vector<Run>& runs) {
  using namespace html;
  const std::string body =
      html::Header(c, runs) +
      NavigationAndSections({{"glance", "At a glance", Many(c) ? Glance(c, runs) : ""},
                             {"differences", "Differences", Differences(c, runs)},
                             {"performance", "Performance", PerformanceDifferences(c)},
                             {"platforms", "Platforms", Platforms(c, runs)},
                             {"matrix", "Interfaces", Matrix(c, runs)},
                             {"browse", "All clauses and tests", Everything(c, runs)}});
  return Page("ipcsuite: " + Join(c.labels, " / "), body, body);
}

}  // namespace ipcsuite::report
