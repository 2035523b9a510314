// The page of one run.
#include "reports/page/html_run.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "reports/page/html_parts.h"
#include "reports/results/json.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace html {
namespace {

std::string CountsTable(const Run& run) {
  Element body("tbody");
  for (Verdict v : ReadingOrder()) {
    const int tests = run.summary.tests[static_cast<int>(v)];
    const int clauses = run.summary.clauses[static_cast<int>(v)];
    if (tests == 0 && clauses == 0) continue;
    const Element link = Styled("a", "plain")
                             .Attr("href", "#filter?result=" + std::string(ToString(v)))
                             .Add(Badge(v));
    body.Add(Element("tr")
                 .Add(Element("th").Attr("scope", "row").Add(link))
                 .Add(Styled("td", "n").Text(std::to_string(tests)))
                 .Add(Styled("td", "n").Text(std::to_string(clauses)))
                 .Add(Element("td").Text(Meaning(v))));
  }
  const auto head = [](const char* css_class, const char* name) {
    return Styled("th", css_class).Attr("scope", "col").Text(name);
  };
  return Styled("table", "counts")
             .Add(Styled("caption", "visually-hidden").Text("Counts by result"))
             .Add(Element("thead").Add(Element("tr")
                                           .Add(head("", "Result"))
                                           .Add(head("n", "Tests"))
                                           .Add(head("n", "Clauses"))
                                           .Add(head("", "Meaning"))))
             .Add(body.Add(""))
             .str() +
         "\n";
}

// A bar whose parts are as wide as the clauses (or tests) with each result are many.
std::string Bar(const Run& run) {
  const bool clauses = !run.clauses.empty();
  const auto& counts = clauses ? run.summary.clauses : run.summary.tests;
  Element bar = Styled("div", "bar").Attr("role", "img");
  bar.Attr("aria-label", (clauses ? "Clauses: " : "Tests: ") + CountsText(counts)).Add("");
  for (Verdict v : ReadingOrder()) {
    const int n = counts[static_cast<int>(v)];
    if (n == 0) continue;
    bar.Add(Styled("span", "v-" + std::string(ToString(v)))
                .Attr("style", "flex-grow:" + std::to_string(n))
                .Add(""));
  }
  return bar.str() + "\n";
}

std::string Header(const Run& run) {
  const bool good = run.summary.exit_status == 0;
  const bool known = good && run.summary.tests[static_cast<int>(Verdict::kXfail)] > 0;
  Element facts = Styled("p", "quiet");
  facts.Text(run.started + ", " + Duration(run.duration_ns) + ", seed " + Hex(run.seed));
  if (!run.tool_version.empty()) facts.Text(", ipcsuite " + run.tool_version);
  if (!run.command_line.empty()) facts.Add("<br>" + Code(run.command_line));
  return Element("header")
             .Add(Heading("ipcsuite: POSIX IPC conformance, Issue " + std::to_string(run.issue),
                          run.label,
                          known  ? "known"
                          : good ? "good"
                                 : "bad",
                          run.summary.sentence))
             .Add(Paragraph("platform", PlatformLine(run)))
             .Add(facts)
             .Add(Bar(run))
             .Add(CountsTable(run))
             .str() +
         "\n";
}

std::vector<std::string> NamesOf(const std::vector<const TestRecord*>& tests) {
  std::vector<std::string> names;
  for (const TestRecord* t : tests) names.push_back(t->name);
  return names;
}

std::string DeviationTable(const Run& run) {
  Table table("Known deviations", {"Expectation", "Reason", "Tests", "Review by#"});
  table.HideCaption().Stacks();
  for (const KnownDeviation& known : KnownDeviations(run)) {
    const ExpectationRef& e = known.expectation;
    const std::string link = SafeLink(e.link);
    std::string reason = Escape(e.reason);
    if (!link.empty()) reason += " " + Element("a").Attr("href", link).Text("more").str();
    table.Row({BreakableCode(e.id),
               reason,
               LinksTo("t", NamesOf(known.tests)),
               {Escape(e.review_by), "n"}});
  }
  if (table.rows() == 0) return "";
  return Paragraph("quiet",
                   "Violations that the expectations name, each with its reason: they stay "
                   "visible, and the exit status does not count them.") +
         table.str();
}

std::string OpenQuestionTable(const Run& run) {
  Table table("Open questions of the standard",
              {"Clause", "Seen", "Readings", "Decided by", "Tests"});
  table.HideCaption().Stacks();
  for (const OpenQuestion& question : OpenQuestions(run)) {
    const ClauseRecord& c = *question.clause;
    Element readings("ol");
    for (const std::string& reading : ReadingsOf(c)) readings.Add(Element("li").Text(reading));
    table.Row({LinkTo("c", c.id), Escape(c.reason), readings.Add("").str(), Escape(c.decides),
               LinksTo("t", NamesOf(question.tests))});
  }
  if (table.rows() == 0) return "";
  return Paragraph("quiet",
                   "What was seen differs from the first reading; another one is possible, or the "
                   "text could not be read. Not counted against this platform.") +
         table.str();
}

// Strict clauses that no test decides: said by name, since silence would look like conformance.
std::string Gaps(const Run& run) {
  Element list = Styled("ul", "columns");
  std::int64_t n = 0;
  for (const ClauseRecord& c : run.clauses) {
    if (c.disposition != "untested" || c.verdict == Verdict::kNotInUse) continue;
    if (c.kind != "shall" && c.kind != "shall-error" && c.kind != "limit") continue;
    ++n;
    list.Add(Element("li").Add(LinkTo("c", c.id)));
  }
  if (n == 0) return "";
  return Folded(Counted(n, "required clause") + " without a test in this run", list);
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
  const auto list = [](const char* noun, const std::string& title, const std::string& items) {
    return Element("h3").Attr("id", noun).Text(title).str() +
           Styled("div", "list").Attr("data-noun", noun).Add("\n" + items).str() + "\n";
  };
  std::string out = FilterBar(interfaces, kinds, verdicts, "", /*confidence=*/true);
  if (!run.clauses.empty())
    out += list("clauses", "Clauses (" + Count(run.clauses.size()) + ")", ClauseList(run));
  return out + list("tests", "Tests (" + Count(run.tests.size()) + ")", TestList(run));
}

}  // namespace

std::string EnvironmentCard(const Run& run) {
  if (run.environment.empty()) return "";
  Element cards = Styled("div", "cards");
  for (const EnvironmentSection& section : run.environment) {
    Element body("tbody");
    for (const auto& [key, value] : section.facts) {
      body.Add(Element("tr")
                   .Add(Element("th").Attr("scope", "row").Add(Breakable(key)))
                   .Add(Element("td").Add(FoldedValue(value))));
    }
    cards.Add(Styled("table", "card facts")
                  .Add(Element("caption").Text(section.title))
                  .Add(body.Add("")));
  }
  return cards.str() + "\n";
}

}  // namespace html

std::string RenderHtml(const Run& run) {
  using namespace html;
  const std::string body =
      Header(run) + NavigationAndSections({
                        {"findings", "Findings", FindingCards(run)},
                        {"lost", "Lost verdicts", LostTable(run)},
                        {"deviations", "Known deviations", DeviationTable(run)},
                        {"questions", "Open questions of the standard", OpenQuestionTable(run)},
                        {"matrix", "Clauses by interface and issue",
                         run.clauses.empty() ? "" : ClauseMatrix(run) + Gaps(run)},
                        {"performance", "Performance", Performance(run)},
                        {"detection", "Detection: would the suite have noticed?", Detection(run)},
                        {"environment", "Environment", EnvironmentCard(run)},
                        {"observed", "Observed values", ObservedValues(run)},
                        {"browse", "All clauses and tests", Lists(run)},
                    });
  return Page("ipcsuite: " + run.label + ": " + run.summary.sentence, body, body);
}

}  // namespace ipcsuite::report
