// The list at the end of a comparison: one item for each clause and test, a badge for each run.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "reports/compare/html_many.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report::html {
namespace {

// The labels above the columns of the lists.
std::string LabelRow(const Comparison& c) {
  if (Many(c)) return "";
  Element row = Styled("div", "line heads").Attr("aria-hidden", "true");
  row.Add(Styled("span", "name").Add(""));
  for (const auto& label : c.labels) row.Add(Styled("span", "cell").Text(label));
  return row;
}

struct Cell {
  Verdict verdict;
  std::string detail;  // HTML
};

struct Line {
  std::string group, suite, id, kind, text;
  std::vector<std::optional<Cell>> cells;  // one for each run
};

std::string Item(const Comparison& c, const Line& line, const char* anchor) {
  std::vector<std::string> words, results;
  std::string badges;
  // What several runs say alike stands once.
  std::vector<std::pair<std::string, std::string>> details;
  for (std::size_t i = 0; i < line.cells.size(); ++i) {
    const std::optional<Cell>& cell = line.cells[i];
    const std::string word = cell ? std::string(ToString(cell->verdict)) : "";
    if (cell && std::ranges::find(results, word) == results.end()) results.push_back(word);
    words.push_back(word);
    badges += Styled("span", "cell")
                  .Add(Styled("span", "visually-hidden").Text(c.labels[i] + ": "))
                  .Add(BadgeOrWord(word));
    if (!cell || cell->detail.empty()) continue;
    const auto same =
        std::ranges::find(details, cell->detail, &std::pair<std::string, std::string>::second);
    if (same == details.end()) {
      details.emplace_back(c.labels[i], cell->detail);
    } else {
      same->first += ", " + c.labels[i];
    }
  }
  const bool differs =
      std::any_of(words.begin(), words.end(), [&](const auto& word) { return word != words[0]; });
  if (Many(c)) badges = Styled("span", "sets").Add(Groups(c.labels, words, BadgeOrWord));
  std::string body;
  for (const auto& [labels, detail] : details) body += FactRow(labels, detail);
  Element item = Styled("details", "item").Attr("data-rs", Join(results, " "));
  item.Attr("data-i", line.group);
  if (!line.kind.empty()) item.Attr("data-k", line.kind);
  if (differs) item.Attr("data-d", "");
  Element content = Element("div").Attr("id", Anchor(anchor, line.id)).Add("");
  if (!line.text.empty()) content.Add(Element("p").Text(line.text));
  const std::string name = Code(line.id) + Tag(differs ? "differs" : "");
  return item.Add(Element("summary").Add(
                      Styled("span", "line").Add(Styled("span", "name").Add(name)).Add(badges)))
             .Add(content.Add(Facts(body)))
             .str() +
         "\n";
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
           ", observed " + Element("strong").Add(Code(Shorten(f.observed, 400))).str();
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
  struct Group {
    std::string suite, name, items;
    std::size_t lines = 0, differing = 0;
  };
  std::vector<Group> groups;
  std::map<std::string, std::size_t> index;
  for (const Line& line : all.lines) {
    const auto [at, added] = index.emplace(line.suite + "/" + line.group, groups.size());
    if (added) groups.push_back({line.suite, line.group, "", 0, 0});
    Group& group = groups[at->second];
    const std::string item = Item(c, line, anchor);
    ++group.lines;
    group.differing += item.find(" data-d=") != std::string::npos;
    group.items += item;
  }
  std::string items;
  const std::string one = std::string(noun).substr(0, std::string_view(noun).size() - 1);
  for (const Group& group : groups) {
    const std::string counts = Counted(static_cast<std::int64_t>(group.lines), one) + ", " +
                               Count(group.differing) + " of them differ";
    items += ListGroup("", group.name, group.suite, counts, group.items);
  }
  return Element("h3")
             .Text("All " + std::string(noun) + " (" + Count(all.lines.size()) + ")")
             .str() +
         Element("noscript").Add(LabelRow(c)).str() +
         Styled("div", "list").Attr("data-noun", noun).Add("\n" + items).str() + "\n";
}

}  // namespace

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
  const Element show =
      Element("label").Text("Show ").Add(Element("select")
                                             .Attr("name", "show")
                                             .Add(Element("option").Attr("value", "").Text("all"))
                                             .Add(Element("option").Text("differences")));
  return FilterBar(interfaces, kinds, order, show, /*confidence=*/false, LabelRow(c)) +
         List(c, clauses, "c", "clauses") + List(c, tests, "t", "tests");
}

}  // namespace ipcsuite::report::html
