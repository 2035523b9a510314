// The page of one run.
#include "reports/page/html_run.h"

#include <algorithm>
#include <set>

#include "reports/page/html_parts.h"
#include "reports/results/json.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace html {
namespace {

constexpr std::size_t kFindingsShown = 100;

std::string CountsTable(const Run& run) {
  std::string out =
      "<table class=\"counts\"><caption class=\"visually-hidden\">Counts by result</caption><thead>"
      "<tr><th scope=\"col\">Result</th><th scope=\"col\" class=\"n\">Tests</th>"
      "<th scope=\"col\" class=\"n\">Clauses</th><th "
      "scope=\"col\">Meaning</th></tr></thead><tbody>";
  for (Verdict v : ReadingOrder()) {
    const int tests = run.summary.tests[static_cast<int>(v)];
    const int clauses = run.summary.clauses[static_cast<int>(v)];
    if (tests == 0 && clauses == 0) continue;
    const std::string word(ToString(v));
    out += "<tr><th scope=\"row\"><a class=\"plain\" href=\"#filter?result=" + word + "\">" +
           Badge(v) + "</a></th><td class=\"n\">" + std::to_string(tests) +
           "</td><td class=\"n\">" + std::to_string(clauses) + "</td><td>" + Escape(Meaning(v)) +
           "</td></tr>";
  }
  return out + "</tbody></table>\n";
}

// A bar whose parts are as wide as the clauses (or tests) with each result are many.
std::string Bar(const Run& run) {
  const bool clauses = !run.clauses.empty();
  const auto& counts = clauses ? run.summary.clauses : run.summary.tests;
  std::string out = "<div class=\"bar\" role=\"img\" aria-label=\"" +
                    std::string(clauses ? "Clauses: " : "Tests: ") + Escape(CountsText(counts)) +
                    "\">";
  for (Verdict v : ReadingOrder()) {
    const int n = counts[static_cast<int>(v)];
    if (n == 0) continue;
    out += "<span class=\"v-" + std::string(ToString(v)) +
           "\" style=\"flex-grow:" + std::to_string(n) + "\"></span>";
  }
  return out + "</div>\n";
}

// The first part of the sentence is what most readers came for; the rest is set lighter.
std::string VerdictText(const std::string& sentence) {
  const auto end = sentence.find("; ");
  if (end == std::string::npos) return "<span><strong>" + Escape(sentence) + "</strong></span>";
  return "<span><strong>" + Escape(sentence.substr(0, end + 1)) + "</strong>" +
         Escape(sentence.substr(end + 1)) + "</span>";
}

std::string Header(const Run& run) {
  const bool good = run.summary.exit_status == 0;
  std::string out = "<header><p class=\"over\">ipcsuite: POSIX IPC conformance, Issue " +
                    std::to_string(run.issue) + "</p><h1>" + Escape(run.label) + "</h1>";
  const bool known = good && run.summary.tests[static_cast<int>(Verdict::kXfail)] > 0;
  out += "<p class=\"verdict " +
         std::string(known  ? "known"
                     : good ? "good"
                            : "bad") +
         "\"><span class=\"mark\" aria-hidden=\"true\">" +
         (known  ? "\u2248"
          : good ? "\u2713"
                 : "\u2717") +
         "</span> " + VerdictText(run.summary.sentence) + "</p>";
  out += "<p class=\"platform\">" + Escape(PlatformLine(run)) + "</p><p class=\"quiet\">" +
         Escape(run.started) + ", " + Duration(run.duration_ns) + ", seed " + Hex(run.seed) +
         (run.tool_version.empty() ? "" : ", ipcsuite " + Escape(run.tool_version)) +
         (run.command_line.empty() ? "" : "<br>" + Code(run.command_line)) + "</p>";
  return out + Bar(run) + CountsTable(run) + "</header>\n";
}

std::string FindingCards(const Run& run) {
  const auto findings = Findings(run);
  if (findings.empty())
    return "<p>None: nothing here is violated, flaky, out of date or undecided.</p>";
  std::string out;
  for (std::size_t i = 0; i < findings.size() && i < kFindingsShown; ++i) {
    const TestRecord& t = *findings[i];
    out += "<article class=\"finding v-" + std::string(ToString(t.verdict)) + "\" id=\"" +
           Anchor("f", t.name) + "\" tabindex=\"-1\"><h3>" + Badge(t.verdict) + " " +
           LinkTo("t", t.name) + "</h3>" + TestBody(t, true) + "</article>\n";
  }
  if (findings.size() > kFindingsShown) {
    out += "<p class=\"cut\">" + std::to_string(findings.size() - kFindingsShown) +
           " more findings are not repeated here: they stand in the list of tests below.</p>";
  }
  return out;
}

std::string DeviationTable(const Run& run) {
  std::string rows;
  for (const KnownDeviation& known : KnownDeviations(run)) {
    const ExpectationRef& e = known.expectation;
    const std::string link = SafeLink(e.link);
    std::string tests;
    for (const TestRecord* t : known.tests)
      tests += (tests.empty() ? "" : "<br>") + LinkTo("t", t->name);
    rows += "<tr><th scope=\"row\">" + BreakableCode(e.id) + "</th><td>" + Escape(e.reason) +
            (link.empty() ? "" : " <a href=\"" + Escape(link) + "\">more</a>") + "</td><td>" +
            tests + "</td><td class=\"n\">" + Escape(e.review_by) + "</td></tr>";
  }
  if (rows.empty()) return "";
  return "<p class=\"quiet\">Violations that the expectations name, each with its reason: they "
         "stay visible, "
         "and the exit status does not count them.</p><div class=\"scroll\" tabindex=\"0\" "
         "role=\"group\" "
         "aria-label=\"Known deviations\"><table class=\"grid\"><caption "
         "class=\"visually-hidden\">Known "
         "deviations</caption><thead><tr><th scope=\"col\">Expectation</th><th "
         "scope=\"col\">Reason</th>"
         "<th scope=\"col\">Tests</th><th scope=\"col\">Review by</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

std::string OpenQuestionTable(const Run& run) {
  std::string rows;
  for (const OpenQuestion& question : OpenQuestions(run)) {
    const ClauseRecord& c = *question.clause;
    std::string readings, tests;
    for (const std::string& reading : ReadingsOf(c)) readings += "<li>" + Escape(reading) + "</li>";
    for (const TestRecord* t : question.tests)
      tests += (tests.empty() ? "" : "<br>") + LinkTo("t", t->name);
    rows += "<tr><th scope=\"row\">" + LinkTo("c", c.id) + "</th><td>" + Escape(c.reason) +
            "</td><td><ol>" + readings + "</ol></td><td>" + Escape(c.decides) + "</td><td>" +
            tests + "</td></tr>";
  }
  if (rows.empty()) return "";
  return "<p class=\"quiet\">What was seen differs from the first reading; another one is "
         "possible, "
         "or the text could not be read. Not counted against this platform.</p>"
         "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
         "aria-label=\"Open questions of the standard\"><table class=\"grid\"><caption "
         "class=\"visually-hidden\">Open questions of the standard</caption><thead><tr>"
         "<th scope=\"col\">Clause</th><th scope=\"col\">Seen</th><th scope=\"col\">Readings</th>"
         "<th scope=\"col\">Decided by</th><th scope=\"col\">Tests</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

// Strict clauses that no test decides: said by name, since silence would look like conformance.
std::string Gaps(const Run& run) {
  std::string rows;
  int n = 0;
  for (const ClauseRecord& c : run.clauses) {
    if (c.disposition != "untested" || c.verdict == Verdict::kNotInUse) continue;
    if (c.kind != "shall" && c.kind != "shall-error" && c.kind != "limit") continue;
    ++n;
    rows += "<li>" + LinkTo("c", c.id) + "</li>";
  }
  if (n == 0) return "";
  return "<details class=\"more\"><summary>" + std::to_string(n) +
         " required clauses have no test in this run</summary><ul class=\"columns\">" + rows +
         "</ul></details>";
}

std::string Lists(const Run& run) {
  std::vector<std::string> interfaces, kinds;
  std::set<std::string> seen_interfaces, seen_kinds;
  std::set<Verdict> seen;
  for (const ClauseRecord& c : run.clauses) {
    if (seen_interfaces.insert(c.function).second) interfaces.push_back(c.function);
    if (seen_kinds.insert(c.kind).second) kinds.push_back(c.kind);
    seen.insert(c.verdict);
  }
  for (const TestRecord& t : run.tests) {
    if (seen_interfaces.insert(GroupOf(t)).second) interfaces.push_back(GroupOf(t));
    seen.insert(t.verdict);
  }
  std::vector<Verdict> verdicts;
  for (Verdict v : ReadingOrder()) {
    if (seen.count(v)) verdicts.push_back(v);
  }
  std::string out = FilterBar(interfaces, kinds, verdicts, "", /*confidence=*/true);
  if (!run.clauses.empty()) {
    out += "<h3 id=\"clauses\">Clauses (" + std::to_string(run.clauses.size()) +
           ")</h3>\n<div class=\"list\" data-noun=\"clauses\">\n" + ClauseList(run) + "</div>\n";
  }
  out += "<h3 id=\"tests\">Tests (" + std::to_string(run.tests.size()) +
         ")</h3>\n<div class=\"list\" data-noun=\"tests\">\n" + TestList(run) + "</div>\n";
  return out;
}

struct Part {
  const char* id;
  const char* title;
  std::string body;
};

// Long names of settings may break behind their separators.
std::string Breakable(const std::string& key) {
  std::string out;
  for (const char c : Escape(key)) {
    out += c;
    if (c == '_' || c == '.') out += "<wbr>";
  }
  return out;
}

}  // namespace

std::string EnvironmentCard(const Run& run) {
  if (run.environment.empty()) return "";
  std::string out = "<div class=\"cards\">\n";
  for (const EnvironmentSection& section : run.environment) {
    out += "<table class=\"card facts\"><caption>" + Escape(section.title) + "</caption><tbody>";
    for (const auto& [key, value] : section.facts) {
      out += "<tr><th scope=\"row\">" + Breakable(key) + "</th><td>" + FoldedValue(value) +
             "</td></tr>";
    }
    out += "</tbody></table>\n";
  }
  return out + "</div>\n";
}

}  // namespace html

std::string RenderHtml(const Run& run) {
  using namespace html;
  const Part parts[] = {
      {"findings", "Findings", FindingCards(run)},
      {"deviations", "Known deviations", DeviationTable(run)},
      {"questions", "Open questions of the standard", OpenQuestionTable(run)},
      {"environment", "Environment", EnvironmentCard(run)},
      {"matrix", "Clauses by interface and issue",
       run.clauses.empty() ? "" : ClauseMatrix(run) + Gaps(run)},
      {"observed", "Observed values", ObservedValues(run)},
      {"performance", "Performance", Performance(run)},
      {"detection", "Detection: would the suite have noticed?", Detection(run)},
      {"browse", "All clauses and tests", Lists(run)},
  };
  std::string navigation = "<nav aria-label=\"Sections\"><ul>", sections;
  for (const Part& part : parts) {
    if (part.body.empty()) continue;
    std::string name = part.title;
    name = name.substr(0, name.find(':'));
    navigation += "<li><a href=\"#" + std::string(part.id) + "\">" + Escape(name) + "</a></li>";
    sections += Section(part.id, part.title, part.body);
  }
  navigation += "</ul></nav>\n";
  const std::string body = Header(run) + navigation + "<main>\n" + sections + "</main>\n";
  return Page("ipcsuite: " + run.label + ": " + run.summary.sentence, body, body);
}

}  // namespace ipcsuite::report
