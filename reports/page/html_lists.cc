// The matrix and the two long lists: clauses and tests.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report::html {
namespace {

using TestIndex = std::unordered_map<std::string_view, const TestRecord*>;

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

Element Map(const FunctionGroup& group) {
  Element map = Styled("div", "map").Attr("aria-hidden", "true").Add("");
  for (const ClauseRecord* c : group.clauses) {
    map.Add(Styled("a", "v-" + std::string(ToString(c->verdict)))
                .Attr("tabindex", "-1")
                .Attr("href", "#" + Anchor("c", c->id))
                .Attr("title", c->id)
                .Text(Symbol(c->verdict)));
  }
  return map;
}

Element NumberCell(std::size_t n, const std::string& css_class) {
  return Styled("td", "n" + css_class).Text(Count(n));
}

std::string MatrixRow(const FunctionGroup& group, const std::vector<Verdict>& columns) {
  std::size_t counts[kVerdictCount] = {}, issue7 = 0, issue8 = 0;
  for (const ClauseRecord* c : group.clauses) {
    ++counts[static_cast<int>(c->verdict)];
    issue7 += (c->issues & 1) != 0;
    issue8 += (c->issues & 2) != 0;
  }
  const Element link = Element("a")
                           .Attr("href", "#" + Anchor("g", group.suite + "." + group.function))
                           .Add(Breakable(group.function));
  Element row("tr");
  row.Add(Element("th").Attr("scope", "row").Add(link)).Add(Element("td").Add(Map(group)));
  for (Verdict v : columns) {
    const std::size_t n = counts[static_cast<int>(v)];
    row.Add(NumberCell(n, n == 0 ? " zero" : " v-" + std::string(ToString(v))));
  }
  return row.Add(NumberCell(issue7, "")).Add(NumberCell(issue8, "")).str() + "\n";
}

std::string IssuesText(int issues) {
  return issues == 3 ? "both issues" : issues == 1 ? "Issue 7 only" : "Issue 8 only";
}

Element Item(Verdict verdict, const std::string& group, const std::string& confidence) {
  Element item = Styled("details", "item").Attr("data-r", ToString(verdict)).Attr("data-i", group);
  if (confidence != "certain") item.Attr("data-c", confidence);
  return item;
}

// What the tests of a violated clause expected and saw.
std::string Violations(const ClauseRecord& c, const TestIndex& tests) {
  constexpr std::size_t kShown = 3, kBytes = 400;
  std::string rows;
  std::size_t shown = 0;
  for (const std::string& name : c.tests) {
    const auto found = tests.find(name);
    if (found == tests.end() || shown == kShown) continue;
    for (const Failure& f : found->second->failures) {
      if (!f.clause.empty() && f.clause != c.id) continue;
      rows +=
          FactRow("Expected", f.expected.empty() ? "" : Code(Shorten(f.expected, kBytes))) +
          FactRow("Observed", f.observed.empty()
                                  ? ""
                                  : Element("strong").Add(Code(Shorten(f.observed, kBytes))).str());
      ++shown;
      break;
    }
  }
  return rows;
}

std::string ClauseItem(const ClauseRecord& c, const TestIndex& tests) {
  std::string seen;
  for (const auto& o : c.observations) {
    if (CellOf(o.key)) continue;  // shown as a table
    seen += (seen.empty() ? "" : "<br>") + Escape(o.key) + " = " + Code(o.value);
  }
  const std::string option = c.level.empty() || c.level == "base" ? "" : ", option " + c.level;
  const std::string violations = Violations(c, tests);
  const std::string rows =
      FactRow("Source", Escape(c.source + ", " + IssuesText(c.issues) + option)) + violations +
      FactRow("Why", violations.empty() ? Escape(Shorten(c.reason, 2000)) : "") +
      FactRow("Seen", seen) + FactRow("Tests", c.tests.empty() ? "none" : LinksTo("t", c.tests)) +
      FactRow("Detection", Escape(c.detection));
  const std::string tags = Tag(c.kind) + Tag(c.confidence == "certain" ? "" : c.confidence) +
                           Tag(c.detection == "unproven" ? "unproven" : "");
  Element item = Item(c.verdict, c.function, c.confidence);
  if (!c.kind.empty()) item.Attr("data-k", c.kind);
  return item.Add(Element("summary").Add(Badge(c.verdict) + " " + Code(c.id) + tags))
             .Add(Element("div")
                      .Attr("id", Anchor("c", c.id))
                      .Add(Element("p").Text(c.requires_text))
                      .Add(Facts(rows)))
             .str() +
         "\n";
}

std::string TestItem(const TestRecord& t, const References& references) {
  return Item(t.verdict, GroupOf(t), t.confidence)
             .Add(Element("summary").Add(Badge(t.verdict) + " " + Code(t.name) +
                                         Tag(t.confidence == "certain" ? "" : t.confidence)))
             .Add(Element("div").Attr("id", Anchor("t", t.name)).Add(TestBody(t, references)))
             .str() +
         "\n";
}

template <typename List>
std::string Counts(const List& list, const char* noun) {
  int counts[kVerdictCount] = {};
  for (const auto* one : list) ++counts[static_cast<int>(one->verdict)];
  return Counted(static_cast<std::int64_t>(list.size()), noun) + ": " + CountsText(counts);
}

}  // namespace

std::string ClauseMatrix(const Run& run) {
  if (run.clauses.empty()) return "";
  const auto columns = Occurring(run.clauses);
  std::vector<std::string> names;
  for (Verdict v : columns) names.emplace_back(ToString(v));
  names.insert(names.end(), {"in Issue 7", "in Issue 8"});
  Element head("tr");
  head.Add(Element("th").Attr("scope", "col").Text("Interface"))
      .Add(Element("th").Attr("scope", "col").Text("Clauses"));
  for (const auto& name : names) {
    head.Add(Styled("th", "n").Attr("scope", "col").Add(Element("span").Text(name)));
  }
  Element table = Styled("table", "matrix");
  table.Add(Styled("caption", "visually-hidden").Text("Verdicts of the clauses of each interface"))
      .Add(Element("thead").Add(head));
  std::map<std::string, std::string> bodies;
  std::vector<std::string> suites;
  for (const FunctionGroup& group : GroupByFunction(run.clauses)) {
    if (bodies.emplace(group.suite, "").second) suites.push_back(group.suite);
    bodies[group.suite] += MatrixRow(group, columns);
  }
  for (const std::string& suite : suites) {
    const Element name = Element("th")
                             .Attr("scope", "rowgroup")
                             .Attr("colspan", static_cast<double>(columns.size() + 4))
                             .Text(suite);
    table.Add(Element("tbody").Add(Styled("tr", "suite").Add(name)).Add(bodies[suite]));
  }
  return Paragraph("quiet", "Judged for Issue " + std::to_string(run.issue) +
                                "; the last two columns count the clauses that each issue holds. "
                                "Each mark is a clause and leads to it.") +
         Styled("div", "scroll")
             .Attr("tabindex", "0")
             .Attr("role", "group")
             .Attr("aria-label", "Clause matrix")
             .Add(table)
             .str() +
         "\n";
}

std::string ClauseList(const Run& run) {
  TestIndex tests;
  for (const TestRecord& t : run.tests) {
    if (!t.failures.empty()) tests.emplace(t.name, &t);
  }
  std::string out;
  for (const FunctionGroup& group : GroupByFunction(run.clauses)) {
    std::string items;
    for (const ClauseRecord* c : group.clauses) items += ClauseItem(*c, tests);
    out += ListGroup(Anchor("g", group.suite + "." + group.function), group.function, group.suite,
                     Counts(group.clauses, "clause"), items);
  }
  return out;
}

std::string TestList(const Run& run) {
  const References references(run);
  // Tests that ran in parallel may come in any order: put the groups together again.
  std::vector<std::vector<const TestRecord*>> groups;
  std::map<std::string, std::size_t> index;
  for (const TestRecord& t : run.tests) {
    const auto [at, added] = index.emplace(t.suite + "/" + GroupOf(t), groups.size());
    if (added) groups.emplace_back();
    groups[at->second].push_back(&t);
  }
  std::string out;
  for (const auto& tests : groups) {
    std::string items;
    for (const TestRecord* t : tests) items += TestItem(*t, references);
    out +=
        ListGroup("", GroupOf(*tests.front()), tests.front()->suite, Counts(tests, "test"), items);
  }
  return out;
}

}  // namespace ipcsuite::report::html
