// The page of a comparison: platforms, differences first, performance, then everything.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "reports/compare/compare.h"
#include "reports/compare/html_many.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace html {
namespace {

std::string LabelHeads(const Comparison& c) {
  std::string out;
  for (const auto& label : c.labels) out += "<th scope=\"col\">" + Escape(label) + "</th>";
  return out;
}

std::string OpenTable(const std::string& caption, const std::string& head) {
  return "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"" + Escape(caption) +
         "\"><table class=\"grid\"><caption>" + Escape(caption) + "</caption><thead><tr>" + head +
         "</tr></thead><tbody>";
}

bool Many(const Comparison& c) { return c.labels.size() > kMostColumns; }

// The labels above the columns of the lists.
std::string LabelRow(const Comparison& c) {
  if (Many(c)) return "";
  std::string out = "<div class=\"line heads\" aria-hidden=\"true\"><span class=\"name\"></span>";
  for (const auto& label : c.labels) out += "<span class=\"cell\">" + Escape(label) + "</span>";
  return out + "</div>";
}

constexpr const char* kCloseTable = "</tbody></table></div>\n";

std::string BadgeOrWord(const std::string& value) {
  const auto verdict = VerdictFromString(value);
  return verdict         ? Badge(*verdict)
         : value.empty() ? "<span class=\"tag\">absent</span>"
                         : Code(Shorten(value, 500));
}

// "2 clauses and 3 tests regressed"; "" if none did.
std::string Affected(const Comparison& c, Change change, const char* verb) {
  const auto clauses =
      std::count_if(c.differences.begin(), c.differences.end(),
                    [&](const Difference& d) { return d.change == change && d.is_clause; });
  const auto tests = c.Count(change) - clauses;
  std::string out;
  if (clauses > 0) out = std::to_string(clauses) + (clauses == 1 ? " clause" : " clauses");
  if (tests > 0)
    out += (out.empty() ? "" : " and ") + std::to_string(tests) + (tests == 1 ? " test" : " tests");
  return out.empty() ? out : out + " " + verb;
}

// Platforms that are not, or not wholly, in the comparison: nobody should miss that.
std::string Missing(const Comparison& c, const std::vector<Run>& runs) {
  std::string items;
  for (const auto& [label, why] : c.left_out)
    items += "<li><strong>" + Escape(label) + "</strong> left out: " + Escape(why) + "</li>";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].interrupted.empty()) continue;
    items += "<li><strong>" + Escape(c.labels[i]) + "</strong> incomplete, " +
             std::to_string(runs[i].tests.size()) +
             " tests came through: " + Escape(runs[i].interrupted) + "</li>";
  }
  return items.empty() ? "" : "<ul class=\"missing\">" + items + "</ul>";
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
  std::string title;
  for (const auto& label : c.labels) title += (title.empty() ? "" : ", ") + label;
  std::string counts;
  for (const Change change : kAllChanges) {
    const int n = c.Count(change);
    if (n > 0) {
      counts += "<li>" + std::to_string(n) + " &times; " + std::string(ToString(change)) + "</li>";
    }
  }
  counts += "<li>" + std::to_string(c.performance.size()) + " of " +
            std::to_string(c.figures_compared) + " figures differ beyond their noise" +
            (c.figures_not_compared > 0
                 ? "; " + std::to_string(c.figures_not_compared) + " have too few samples to say"
                 : "") +
            "</li>";
  return "<header><p class=\"over\">ipcsuite: comparison of " + std::to_string(c.labels.size()) +
         " runs</p><h1>" + Escape(title) + "</h1><p class=\"verdict " + (red ? "bad" : "good") +
         "\"><span class=\"mark\" aria-hidden=\"true\">" + (red ? "\u2717" : "\u2713") +
         "</span> <span><strong>" + Escape(verdict) + "</strong></span></p>" + Missing(c, runs) +
         "<ul>" + counts + "</ul></header>\n";
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
  std::string differing, equal;
  const auto row = [&](const std::string& key, const std::vector<std::string>& values,
                       bool differs) {
    std::string out = "<tr><th scope=\"row\">" + Escape(key) + "</th>";
    for (const auto& v : values)
      out +=
          "<td" + std::string(differs ? " class=\"differs\"" : "") + ">" + FoldedValue(v) + "</td>";
    return out + "</tr>";
  };
  std::vector<std::string> sentences, tests, clauses;
  for (const Run& run : runs) {
    sentences.push_back(run.summary.sentence);
    tests.push_back(CountsText(run.summary.tests));
    clauses.push_back(CountsText(run.summary.clauses));
  }
  differing += row("verdict", sentences, false) + row("tests", tests, false) +
               row("clauses", clauses, false);
  for (const auto& key : keys) {
    std::vector<std::string> values;
    for (const Run& run : runs) values.push_back(Fact(run, key));
    const bool differs =
        std::any_of(values.begin(), values.end(), [&](const auto& v) { return v != values[0]; });
    (differs ? differing : equal) += row(key, values, differs);
  }
  const std::string head = "<th scope=\"col\">Fact</th>" + LabelHeads(c);
  std::string out = OpenTable("What differs between the platforms", head) + differing + kCloseTable;
  if (!equal.empty()) {
    out += "<details class=\"more\"><summary>Facts that are equal everywhere</summary>" +
           OpenTable("Equal facts", head) + equal + kCloseTable + "</details>";
  }
  return out;
}

std::string Differences(const Comparison& c) {
  if (c.differences.empty()) return "<p>None in results or observed values.</p>";
  std::string out;
  for (std::size_t i = 0; i < c.differences.size(); ++i) {
    const Difference& d = c.differences[i];
    if (i == 0 || d.change != c.differences[i - 1].change) {
      if (i > 0) out += kCloseTable;
      std::string title(ToString(d.change));
      title[0] = static_cast<char>(title[0] - 'a' + 'A');
      out += OpenTable(title + " (" + std::to_string(c.Count(d.change)) + ")",
                       "<th scope=\"col\">Clause or test</th>" +
                           (Many(c) ? "<th scope=\"col\">Results</th>" : LabelHeads(c)));
    }
    out += "<tr><th scope=\"row\">" + LinkTo(d.is_clause ? "c" : "t", d.id) +
           (d.key.empty() ? "" : "<br>" + Escape(d.key)) + "</th>";
    const auto show = [&](const std::string& v) {
      return d.key.empty() ? BadgeOrWord(v)
             : v.empty()   ? Many(c) ? "<span class=\"tag\">none</span>" : ""
                           : BreakableCode(Shorten(v, 500));
    };
    if (Many(c)) {
      out += "<td>" + Groups(c.labels, d.values, show) + "</td>";
    } else {
      for (const auto& v : d.values) out += "<td>" + show(v) + "</td>";
    }
    out += "</tr>";
  }
  return out + kCloseTable;
}

std::string PerformanceDifferences(const Comparison& c) {
  if (c.performance.empty()) return "";
  std::string out =
      OpenTable("Figures whose samples differ beyond their noise: median (range)",
                "<th scope=\"col\">Figure</th>" + LabelHeads(c) + "<th scope=\"col\">Change</th>");
  for (const auto& d : c.performance) {
    out += "<tr><th scope=\"row\">" + LinkTo("t", d.test) + "<br>" + Escape(d.metric) + "</th>";
    for (std::size_t i = 0; i < d.medians.size(); ++i) {
      out += "<td class=\"n\">" +
             (std::isnan(d.medians[i]) ? ""
                                       : Escape(Number(d.medians[i])) + "<br><small>" +
                                             Escape(d.ranges[i]) + "</small>") +
             "</td>";
    }
    char text[32];
    std::snprintf(text, sizeof text, "%+.0f %%", (d.ratio - 1) * 100);
    out += "<td class=\"n\">" + std::string(text) + (d.worse ? " worse" : " better") + "</td></tr>";
  }
  return out + kCloseTable;
}

// ---- Everything: one item for each clause and test, one badge for each run ----------------------

struct Cell {
  Verdict verdict;
  std::string detail;  // HTML
};

struct Line {
  std::string group, suite, id, kind, text;
  std::vector<std::optional<Cell>> cells;  // one for each run
};

std::string Item(const Comparison& c, const Line& line, const char* anchor) {
  std::string results;
  bool differs = false;
  std::string first;
  std::string badges;
  std::vector<std::string> words;
  std::vector<std::pair<std::string, std::string>>
      details;  // what several runs say alike stands once
  for (std::size_t i = 0; i < line.cells.size(); ++i) {
    const std::optional<Cell>& cell = line.cells[i];
    const std::string word = cell ? std::string(ToString(cell->verdict)) : "absent";
    if (i == 0) first = word;
    differs = differs || word != first;
    if (cell && std::find(words.begin(), words.end(), word) == words.end())
      results += (results.empty() ? "" : " ") + word;
    words.push_back(cell ? word : "");
    badges += "<span class=\"cell\"><span class=\"visually-hidden\">" + Escape(c.labels[i]) +
              ": </span>" + (cell ? Badge(cell->verdict) : "<span class=\"tag\">absent</span>") +
              "</span>";
    if (!cell || cell->detail.empty()) continue;
    const auto same = std::find_if(details.begin(), details.end(),
                                   [&](const auto& d) { return d.second == cell->detail; });
    if (same == details.end()) {
      details.emplace_back(c.labels[i], cell->detail);
    } else {
      same->first += ", " + c.labels[i];
    }
  }
  if (Many(c)) badges = "<span class=\"sets\">" + Groups(c.labels, words, BadgeOrWord) + "</span>";
  std::string body;
  for (const auto& [labels, detail] : details) body += Row(Escape(labels), detail);
  std::string out =
      "<details class=\"item\" data-rs=\"" + results + "\" data-i=\"" + Escape(line.group) + "\"";
  if (!line.kind.empty()) out += " data-k=\"" + Escape(line.kind) + "\"";
  if (differs) out += " data-d";
  out += "><summary><span class=\"line\"><span class=\"name\">" + Code(line.id) +
         (differs ? "<span class=\"tag\">differs</span>" : "") + "</span>" + badges +
         "</span></summary><div id=\"" + Anchor(anchor, line.id) + "\">";
  if (!line.text.empty()) out += "<p>" + Escape(line.text) + "</p>";
  if (!body.empty()) out += "<table class=\"facts\">" + body + "</table>";
  return out + "</div></details>\n";
}

std::string ClauseDetail(const ClauseRecord& r) {
  std::string out = Escape(Shorten(r.reason, 400));
  for (const auto& o : r.observations) {
    out += (out.empty() ? "" : "<br>") + Escape(o.key) + " = " + Code(Shorten(o.value, 400));
  }
  return out;
}

std::string TestDetail(const TestRecord& t) {
  std::string out = Escape(Shorten(t.reason, 400));
  constexpr std::size_t kFailures = 3;
  if (t.failures.size() > kFailures)
    out +=
        (out.empty() ? "" : "<br>") + std::to_string(t.failures.size()) + " failures, the first:";
  for (std::size_t i = 0; i < t.failures.size() && i < kFailures; ++i) {
    const Failure& f = t.failures[i];
    out += (out.empty() ? "" : "<br>") + std::string("expected ") + Code(Shorten(f.expected, 400)) +
           ", observed <strong>" + Code(Shorten(f.observed, 400)) + "</strong>";
  }
  for (const auto& o : t.observations) {
    if (t.clauses.size() == 1 || !o.clause.empty()) continue;  // shown with the clause
    out += (out.empty() ? "" : "<br>") + Escape(o.key) + " = " + Code(Shorten(o.value, 400));
  }
  if (!t.failures.empty() && !t.command.empty()) out += "<br>" + Code(t.command);
  return out;
}

struct Lines {
  std::vector<Line> lines;
  std::map<std::string, std::size_t> index;
  Line& At(const std::string& id, std::size_t runs) {
    const auto [at, added] = index.emplace(id, lines.size());
    if (added) {
      lines.emplace_back();
      lines.back().id = id;
      lines.back().cells.resize(runs);
    }
    return lines[at->second];
  }
};

std::string List(const Comparison& c, Lines& all, const char* anchor, const char* noun) {
  if (all.lines.empty()) return "";
  std::stable_sort(all.lines.begin(), all.lines.end(),
                   [](const Line& a, const Line& b) { return a.suite < b.suite; });
  // Groups of one suite keep the order in which they first appear.
  std::vector<std::pair<std::string, std::string>> groups;
  std::map<std::string, std::string> html;
  for (const Line& line : all.lines) {
    const std::string key = line.suite + "/" + line.group;
    auto [at, added] = html.emplace(key, "");
    if (added) {
      groups.emplace_back(key, "<div class=\"group\"><h4>" + Escape(line.group) +
                                   " <span class=\"tag\">" + Escape(line.suite) + "</span></h4>\n");
    }
    at->second += Item(c, line, anchor);
  }
  std::string out = "<h3>All " + std::string(noun) + " (" + std::to_string(all.lines.size()) +
                    ")</h3>\n<noscript>" + LabelRow(c) +
                    "</noscript>\n<div class=\"list\" data-noun=\"" + noun + "\">\n";
  for (const auto& [key, head] : groups) out += head + html[key] + "</div>\n";
  return out + "</div>\n";
}

std::string Everything(const Comparison& c, const std::vector<Run>& runs) {
  Lines clauses, tests;
  std::vector<std::string> interfaces, kinds;
  std::set<std::string> known, known_kinds;
  std::set<Verdict> verdicts;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const ClauseRecord& r : runs[i].clauses) {
      Line& line = clauses.At(r.id, runs.size());
      line.group = r.function;
      line.suite = r.suite;
      line.kind = r.kind;
      line.text = r.requires_text;
      line.cells[i] = Cell{r.verdict, ClauseDetail(r)};
      if (known.insert(r.function).second) interfaces.push_back(r.function);
      if (known_kinds.insert(r.kind).second) kinds.push_back(r.kind);
      verdicts.insert(r.verdict);
    }
    for (const TestRecord& t : runs[i].tests) {
      Line& line = tests.At(t.name, runs.size());
      line.group = GroupOf(t);
      line.suite = t.suite;
      line.cells[i] = Cell{t.verdict, TestDetail(t)};
      if (known.insert(GroupOf(t)).second) interfaces.push_back(GroupOf(t));
      verdicts.insert(t.verdict);
    }
  }
  std::vector<Verdict> order;
  for (Verdict v : ReadingOrder()) {
    if (verdicts.count(v)) order.push_back(v);
  }
  return FilterBar(
             interfaces, kinds, order,
             "<label>Show <select name=\"show\"><option value=\"\">all</option><option>differences"
             "</option></select></label>",
             /*confidence=*/false, LabelRow(c)) +
         List(c, clauses, "c", "clauses") + List(c, tests, "t", "tests");
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
  if (order.empty()) return "";
  std::string out =
      OpenTable("Clauses of each interface by result",
                "<th scope=\"col\">Suite</th><th scope=\"col\">Interface</th>" + LabelHeads(c));
  for (const auto& key : order) {
    const auto& values = cells[key];
    const bool differs =
        std::any_of(values.begin(), values.end(), [&](const auto& v) { return v != values[0]; });
    out +=
        "<tr><td>" + Escape(key.first) + "</td><th scope=\"row\">" + Escape(key.second) + "</th>";
    for (const auto& v : values) {
      out += "<td" + std::string(differs ? " class=\"differs\"" : "") + ">" +
             Escape(v.empty() ? "absent" : v) + "</td>";
    }
    out += "</tr>";
  }
  return out + kCloseTable;
}

}  // namespace
}  // namespace html

std::string ComparisonHtml(const Comparison& c, const std::vector<Run>& runs) {
  using namespace html;
  std::string body =
      html::Header(c, runs) +
      "<nav aria-label=\"Sections\"><ul><li><a href=\"#differences\">Differences</a></li>";
  if (!c.performance.empty()) body += "<li><a href=\"#performance\">Performance</a></li>";
  body +=
      "<li><a href=\"#platforms\">Platforms</a></li><li><a href=\"#matrix\">Interfaces</a></li>"
      "<li><a href=\"#browse\">All clauses and tests</a></li></ul></nav>\n<main>\n";
  if (Many(c)) body += Section("glance", "At a glance", Glance(c, runs));
  body += Section("differences", "Differences", Differences(c)) +
          Section("performance", "Performance", PerformanceDifferences(c)) +
          Section("platforms", "Platforms", Platforms(c, runs)) +
          Section("matrix", "Interfaces", Matrix(c, runs)) +
          Section("browse", "All clauses and tests", Everything(c, runs)) + "</main>\n";
  std::string title;
  for (const auto& label : c.labels) title += (title.empty() ? "ipcsuite: " : " / ") + label;
  return Page(title, body, body);
}

}  // namespace ipcsuite::report
