// The matrix and the two long lists: clauses and tests.
#include <algorithm>
#include <map>
#include <utility>

#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report::html {
namespace {

std::vector<Verdict> Occurring(const std::vector<ClauseRecord>& clauses) {
  std::vector<Verdict> out;
  for (Verdict v : ReadingOrder()) {
    if (std::any_of(clauses.begin(), clauses.end(),
                    [&](const ClauseRecord& c) { return c.verdict == v; })) {
      out.push_back(v);
    }
  }
  return out;
}

std::string Map(const FunctionGroup& group) {
  std::string out = "<div class=\"map\" aria-hidden=\"true\">";
  for (const ClauseRecord* c : group.clauses) {
    out += "<a tabindex=\"-1\" class=\"v-" + std::string(ToString(c->verdict)) + "\" href=\"#" +
           Anchor("c", c->id) + "\" title=\"" + Escape(c->id) + "\">" +
           std::string(Symbol(c->verdict)) + "</a>";
  }
  return out + "</div>";
}

std::string MatrixRow(const FunctionGroup& group, const std::vector<Verdict>& columns) {
  int counts[kVerdictCount] = {}, issue7 = 0, issue8 = 0;
  for (const ClauseRecord* c : group.clauses) {
    ++counts[static_cast<int>(c->verdict)];
    issue7 += (c->issues & 1) != 0;
    issue8 += (c->issues & 2) != 0;
  }
  std::string out = "<tr><th scope=\"row\"><a href=\"#" +
                    Anchor("g", group.suite + "." + group.function) + "\">" +
                    Escape(group.function) + "</a></th><td>" + Map(group) + "</td>";
  for (Verdict v : columns) {
    const int n = counts[static_cast<int>(v)];
    out += n == 0 ? "<td class=\"n zero\">0</td>"
                  : "<td class=\"n v-" + std::string(ToString(v)) + "\">" + std::to_string(n) +
                        "</td>";
  }
  return out + "<td class=\"n\">" + std::to_string(issue7) + "</td><td class=\"n\">" +
         std::to_string(issue8) + "</td></tr>\n";
}

std::string IssuesText(int issues) {
  return issues == 3 ? "both issues" : issues == 1 ? "Issue 7 only" : "Issue 8 only";
}

std::string Data(const char* name, const std::string& value) {
  return value.empty() ? "" : std::string(" data-") + name + "=\"" + Escape(value) + "\"";
}

std::string Tag(const std::string& text) {
  return text.empty() ? "" : "<span class=\"tag\">" + Escape(text) + "</span>";
}

std::string ClauseItem(const ClauseRecord& c) {
  std::string out =
      "<details class=\"item\"" + Data("r", std::string(ToString(c.verdict))) + Data("k", c.kind) +
      Data("i", c.function) + Data("c", c.confidence == "certain" ? "" : c.confidence) +
      "><summary>" + Badge(c.verdict) + " " + Code(c.id) + Tag(c.kind) +
      (c.confidence == "certain" ? "" : Tag(c.confidence)) +
      (c.detection == "unproven" ? Tag("unproven") : "") + "</summary><div id=\"" +
      Anchor("c", c.id) + "\"><p>" + Escape(c.requires_text) + "</p><table class=\"facts\">";
  out += Row("Source",
             Escape(c.source) + ", " + IssuesText(c.issues) +
                 (c.level.empty() || c.level == "base" ? "" : ", option " + Escape(c.level)));
  out += Row("Why", Escape(Shorten(c.reason, 2000)));
  std::string seen;
  for (const auto& o : c.observations) {
    if (CellOf(o.key)) continue;  // shown as a table
    seen += (seen.empty() ? "" : "<br>") + Escape(o.key) + " = " + Code(o.value);
  }
  out += Row("Observed", seen);
  std::string tests;
  for (const auto& t : c.tests) tests += (tests.empty() ? "" : "<br>") + LinkTo("t", t);
  out += Row("Tests", tests.empty() ? "none" : tests);
  out += Row("Detection", Escape(c.detection));
  return out + "</table></div></details>\n";
}

std::string FailureTable(const Failure& f) {
  std::string out = "<table class=\"facts\">";
  out += Row("Clause", f.clause.empty() ? "" : LinkTo("c", f.clause));
  out += Row("Expected", f.expected.empty() ? "" : Code(Shorten(f.expected, 4000)));
  out += Row("Observed",
             f.observed.empty() ? "" : "<strong>" + Code(Shorten(f.observed, 4000)) + "</strong>");
  out += Row("At", f.file.empty() ? "" : Code(Place(f.file, f.line)));
  out += "</table>";
  if (!f.message.empty()) {
    out +=
        "<details class=\"more\"><summary>Whole message</summary>" + Pre(f.message) + "</details>";
  }
  return out;
}

std::string Attachments(const TestRecord& t) {
  std::string out;
  for (const Attachment& a : t.attachments) {
    if (a.kind == "svg") {
      out += Drawing(a.title, "", a.content);
    } else {
      out += "<details class=\"more\"><summary>" + Escape(a.title.empty() ? a.kind : a.title) +
             "</summary>" + Pre(a.content) + "</details>";
    }
  }
  return out;
}

std::string Origin(const TestRecord& t) {
  std::string text = t.file.empty() ? "" : Code(Place(t.file, t.line)) + ", ";
  text += Duration(t.duration_ns);
  if (t.attempts > 1) {
    text +=
        ", " + std::to_string(t.passes) + " of " + std::to_string(t.attempts) + " repeats passed";
  }
  return text + (t.seed == 0 ? "" : ", seed " + Hex(t.seed));
}

std::string Expectation(const ExpectationRef& e) {
  const std::string link = SafeLink(e.link);
  return Code(e.id) + ": " + Escape(e.reason) +
         (link.empty() ? "" : " (<a href=\"" + Escape(link) + "\">more</a>)") +
         (e.review_by.empty() ? "" : ", review by " + Escape(e.review_by));
}

std::string TestItem(const TestRecord& t) {
  return "<details class=\"item\"" + Data("r", std::string(ToString(t.verdict))) +
         Data("i", GroupOf(t)) + Data("c", t.confidence == "certain" ? "" : t.confidence) +
         "><summary>" + Badge(t.verdict) + " " + Code(t.name) +
         (t.confidence == "certain" ? "" : Tag(t.confidence)) + "</summary><div id=\"" +
         Anchor("t", t.name) + "\">" + TestBody(t, false) + "</div></details>\n";
}

}  // namespace

std::string TestBody(const TestRecord& t, bool finding) {
  std::string out;
  if (!t.reason.empty()) out += "<p class=\"reason\">" + Escape(Shorten(t.reason, 4000)) + "</p>";
  constexpr std::size_t kFailures = 5;
  for (std::size_t i = 0; i < t.failures.size() && i < kFailures; ++i)
    out += FailureTable(t.failures[i]);
  if (t.failures.size() > kFailures) {
    out += "<p class=\"cut\">" + std::to_string(t.failures.size() - kFailures) +
           " more failures of this test are in the JSON result.</p>";
  }
  if (!t.evidence.empty()) {
    std::string lines;
    for (const auto& line : t.evidence) lines += line + "\n";
    out +=
        std::string(finding ? "<h4>Evidence</h4>" : "<p class=\"label\">Evidence</p>") + Pre(lines);
  }
  out += Attachments(t);
  out += "<table class=\"facts\">";
  std::string clauses;
  for (const auto& c : t.clauses) clauses += (clauses.empty() ? "" : "<br>") + LinkTo("c", c);
  out += Row("Clauses", clauses);
  std::string regressions;
  for (const auto& r : t.regressions) regressions += (regressions.empty() ? "" : ", ") + Code(r);
  out += Row("Known bugs", regressions);
  if (t.expectation) out += Row("Expectation", Expectation(*t.expectation));
  std::string seen;
  std::size_t in_tables = 0;
  for (const auto& o : t.observations) {
    if (CellOf(o.key)) {
      ++in_tables;
      continue;
    }
    seen += (seen.empty() ? "" : "<br>") + Escape(o.key) + " = " + Code(o.value);
  }
  if (in_tables > 0) {
    seen += (seen.empty() ? "" : "<br>") + std::to_string(in_tables) +
            " cells of a <a href=\"#observed\">table</a>";
  }
  out += Row("Observed", seen);
  std::string metrics;
  for (const auto& m : t.metrics) {
    metrics += (metrics.empty() ? "" : "<br>") + Escape(m.name) + " = " + Escape(Number(m.value));
  }
  out += Row("Measured", metrics);
  out += Row("Run", Origin(t));
  // Green tests are many, and their command differs from the others' in the name alone.
  const bool green = t.verdict == Verdict::kPass || t.verdict == Verdict::kObserved;
  out +=
      Row("Reproduce",
          t.command.empty() || green ? "" : "<span class=\"copy\">" + Code(t.command) + "</span>");
  return out + "</table>";
}

std::string ClauseMatrix(const Run& run) {
  if (run.clauses.empty()) return "";
  const auto columns = Occurring(run.clauses);
  std::string head = "<tr><th scope=\"col\">Interface</th><th scope=\"col\">Clauses</th>";
  for (Verdict v : columns) {
    head += "<th scope=\"col\" class=\"n\"><span>" + std::string(ToString(v)) + "</span></th>";
  }
  head +=
      "<th scope=\"col\" class=\"n\"><span>in Issue 7</span></th><th scope=\"col\" "
      "class=\"n\"><span>in Issue 8</span></th></tr>";
  std::string out =
      "<p class=\"quiet\">Judged for Issue " + std::to_string(run.issue) +
      "; the last two columns count the clauses that each issue holds. Each mark is a clause and "
      "leads to it.</p><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Clause "
      "matrix\"><table class=\"matrix\"><caption class=\"visually-hidden\">Verdicts of the clauses "
      "of "
      "each interface</caption><thead>" +
      head + "</thead>\n";
  std::string suite;
  for (const FunctionGroup& group : GroupByFunction(run.clauses)) {
    if (group.suite != suite) {
      if (!suite.empty()) out += "</tbody>\n";
      suite = group.suite;
      out += "<tbody><tr class=\"suite\"><th scope=\"rowgroup\" colspan=\"" +
             std::to_string(columns.size() + 4) + "\">" + Escape(suite) + "</th></tr>\n";
    }
    out += MatrixRow(group, columns);
  }
  return out + "</tbody></table></div>\n";
}

std::string ClauseList(const Run& run) {
  std::string out;
  for (const FunctionGroup& group : GroupByFunction(run.clauses)) {
    out += "<div class=\"group\"><h4 id=\"" + Anchor("g", group.suite + "." + group.function) +
           "\">" + Escape(group.function) + " <span class=\"tag\">" + Escape(group.suite) +
           "</span></h4>\n";
    for (const ClauseRecord* c : group.clauses) out += ClauseItem(*c);
    out += "</div>\n";
  }
  return out;
}

std::string TestList(const Run& run) {
  // Tests that ran in parallel may come in any order: put the groups together again.
  std::vector<std::pair<std::string, std::vector<const TestRecord*>>> groups;
  std::map<std::string, std::size_t> index;
  for (const TestRecord& t : run.tests) {
    const auto [at, added] = index.emplace(t.suite + "/" + GroupOf(t), groups.size());
    if (added) groups.push_back({at->first, {}});
    groups[at->second].second.push_back(&t);
  }
  std::string out;
  for (const auto& [name, tests] : groups) {
    out += "<div class=\"group\"><h4>" + Escape(GroupOf(*tests.front())) + " <span class=\"tag\">" +
           Escape(tests.front()->suite) + "</span></h4>\n";
    for (const TestRecord* t : tests) out += TestItem(*t);
    out += "</div>\n";
  }
  return out;
}

}  // namespace ipcsuite::report::html
