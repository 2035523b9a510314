// Findings: the paragraph of reports/results/finding.h as markup, cards of the findings by cause,
// lost verdicts, and the body of a test in the list.
#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report::html {
namespace {

constexpr std::size_t kFindingsShown = 100, kNamesShown = 20;

std::string Command(const std::string& command) {
  return Styled("span", "copy").Add(Code(command));
}

// What the standard requires, with the clause and its place: from lines[i] on, which is a clause.
std::string Requirement(const std::vector<FindingLine>& lines, std::size_t& i) {
  const std::string clause = lines[i].text;
  std::string source, text;
  for (; i + 1 < lines.size(); ++i) {
    const FindingLine& next = lines[i + 1];
    if (next.label != "source" && next.label != "requires") break;
    (next.label == "source" ? source : text) = next.text;
  }
  Element where = Styled("p", "quiet").Add(LinkTo("c", clause));
  if (!source.empty()) where.Text(", " + source);
  return Styled("blockquote", "requires").Add(Element("p").Text(text)).Add(where);
}

// Several clauses, "id: requirement" in each line.
std::string Requirements(const std::string& text) {
  std::string out;
  for (const std::string& line : Lines(text)) {
    const std::size_t colon = line.find(": ");
    const std::string id = line.substr(0, colon);
    Element item("li");
    item.Add(LinkTo("c", id));
    if (colon != std::string::npos) item.Text(line.substr(colon));
    out += item;
  }
  return Styled("blockquote", "requires")
      .Add(Paragraph("quiet", "One of these is violated:"))
      .Add(Element("ul").Add(out));
}

std::string Titled(std::string_view title, const std::string& text) {
  return Paragraph("label", title) + Pre(text);
}

// Lines that are not a row of the table of facts; "" for the others.
std::string Block(const std::vector<FindingLine>& lines, std::size_t& i) {
  const auto& [label, text] = lines[i];
  if (label == "clause") return Requirement(lines, i);
  if (label == "clauses") return Requirements(text);
  if (label == "reason") return Paragraph("reason", text);
  if (label == "steps") return Titled("Steps of the processes", text);
  if (label == "evidence") return Titled("Evidence", text);
  if (label == "message") return Pre(text);
  if (label == "more") return Paragraph("cut", text);
  return "";
}

// "file:12", a link to the line where the environment says where the sources are.
std::string SourcePlace(const std::string& sources, const std::string& place) {
  const std::size_t colon = place.rfind(':');
  const std::string line = colon == std::string::npos ? "1" : place.substr(colon + 1);
  std::string link = sources;
  for (const auto& [word, value] :
       {std::pair<std::string, std::string>("{file}", place.substr(0, colon)), {"{line}", line}}) {
    if (const std::size_t at = link.find(word); at != std::string::npos)
      link.replace(at, word.size(), value);
  }
  const bool local = link.starts_with("file:///");
  const std::string safe = SafeLink(local ? "http:" + link.substr(5) : link);
  if (safe.empty()) return Code(place);
  return Element("a").Attr("href", link).Add(Code(place));
}

std::string Value(std::string_view label, const std::string& text, const References& references) {
  if (label == "at") return SourcePlace(references.sources, text);
  if (label == "observed") return Element("strong").Add(Code(text));
  if (label == "in C" && text.starts_with(report::kNotPossible)) return Escape(text);
  if (label == "reproduce" || label == "replay" || label == "in C") return Command(text);
  if (label == "standing" || label == "confidence" || label == "expects") return Escape(text);
  return Code(text);
}

std::string ParagraphMarkup(const TestRecord& test, const References& references) {
  const auto lines = report::Paragraph(test, references.clauses);
  std::string out, rows;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const FindingLine line = lines[i];
    const std::string block = Block(lines, i);
    if (block.empty()) {
      std::string label(line.label);
      label[0] = static_cast<char>(label[0] - 'a' + 'A');
      rows += FactRow(label, Value(line.label, line.text, references));
      continue;
    }
    out += Facts(rows) + block;
    rows.clear();
  }
  return out + Facts(rows);
}

std::string Attachments(const TestRecord& t) {
  std::string out;
  for (const Attachment& a : t.attachments) {
    if (a.title == report::kNoProgramTitle) continue;  // the paragraph has it
    out += a.kind == "svg" ? Drawing(a.title, "", a.content)
                           : Folded(a.title.empty() ? a.kind : a.title, Pre(a.content));
  }
  return out;
}

std::string Messages(const TestRecord& t) {
  constexpr std::size_t kMessages = 5;
  std::string text;
  std::size_t shown = 0;
  for (const Failure& f : t.failures) {
    if (f.message.empty() || shown == kMessages || text.find(f.message) != text.npos) continue;
    ++shown;
    text += (text.empty() ? "" : "\n\n") + f.message;
  }
  return text.empty() ? "" : Folded("Whole messages", Pre(text));
}

std::string Origin(const TestRecord& t, const References& references) {
  std::string text =
      t.file.empty() ? "" : SourcePlace(references.sources, Place(t.file, t.line)) + ", ";
  text += Duration(t.duration_ns);
  if (t.attempts > 1) {
    text +=
        ", " + std::to_string(t.passes) + " of " + std::to_string(t.attempts) + " repeats passed";
  }
  return text + (t.seed == 0 ? "" : ", seed " + Hex(t.seed));
}

std::string Observed(const TestRecord& t) {
  std::string seen;
  std::size_t in_tables = 0;
  for (const auto& o : t.observations) {
    in_tables += CellOf(o.key).has_value();
    if (!CellOf(o.key))
      seen += (seen.empty() ? "" : "<br>") + Escape(o.key) + " = " + Code(o.value);
  }
  if (in_tables == 0) return seen;
  return seen + (seen.empty() ? "" : "<br>") + Count(in_tables) + " cells of a " +
         Element("a").Attr("href", "#observed").Text("table").str();
}

std::string MoreFacts(const TestRecord& t, const References& references, bool paragraph) {
  std::string metrics, regressions;
  for (const auto& m : t.metrics) {
    metrics += (metrics.empty() ? "" : "<br>") + Escape(m.name) + " = " + Escape(Number(m.value));
  }
  for (const auto& r : t.regressions) regressions += (regressions.empty() ? "" : ", ") + Code(r);
  std::string expectation;
  if (t.expectation) {
    const std::string link = SafeLink(t.expectation->link);
    expectation = Code(t.expectation->id);
    if (!paragraph) expectation += ": " + Escape(t.expectation->reason);
    if (!link.empty())
      expectation += " (" + Element("a").Attr("href", link).Text("more").str() + ")";
    if (!t.expectation->review_by.empty())
      expectation += ", review by " + Escape(t.expectation->review_by);
  }
  return Facts(
      FactRow("Clauses", paragraph && t.clauses.size() < 2 ? "" : LinksTo("c", t.clauses)) +
      FactRow("Known bugs", regressions) + FactRow("Expectation", expectation) +
      FactRow("Observed values", Observed(t)) + FactRow("Measured", metrics) +
      FactRow("Run", Origin(t, references)));
}

std::string Card(const TestRecord& t, const References& references) {
  return Styled("article", "finding v-" + std::string(ToString(t.verdict)))
             .Attr("id", Anchor("f", t.name))
             .Attr("tabindex", "-1")
             .Add(Element("h3").Add(Badge(t.verdict) + Tag(t.standing) + " " + LinkTo("t", t.name)))
             .Add(TestBody(t, references))
             .str() +
         "\n";
}

std::string FirstNames(const char* kind, const std::vector<std::string>& names,
                       const std::vector<std::string>& known) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) {
    const bool here = std::ranges::find(known, names[i]) != known.end();
    out += (i > 0 ? "<br>" : "") + (here ? LinkTo(kind, names[i]) : BreakableCode(names[i]));
  }
  if (names.size() > kNamesShown) out += "<br>and " + Count(names.size() - kNamesShown) + " more";
  return out;
}

}  // namespace

References::References(const Run& run)
    : clauses(IndexClauses(run)), sources(Fact(run, "sources")) {}

std::string TestBody(const TestRecord& t, const References& references) {
  const Outcome outcome = OutcomeOf(t);
  const bool paragraph = outcome == Outcome::kFailed || outcome == Outcome::kUndecided ||
                         outcome == Outcome::kKnown || !t.failures.empty();
  if (paragraph)
    return ParagraphMarkup(t, references) + Attachments(t) + Messages(t) +
           MoreFacts(t, references, paragraph);
  std::string evidence;
  for (const auto& line : t.evidence) evidence += line + "\n";
  return (t.reason.empty() ? "" : Paragraph("reason", Shorten(t.reason, 4000))) +
         (evidence.empty() ? "" : Titled("Evidence", evidence)) + Attachments(t) +
         MoreFacts(t, references, paragraph);
}

std::string FindingCards(const Run& run) {
  const auto cascades = Cascades(run);
  if (cascades.empty())
    return "<p>None: nothing here is violated, flaky, out of date or undecided.</p>";
  const References references(run);
  std::string out;
  std::size_t shown = 0, hidden = 0;
  for (const Cascade& cascade : cascades) {
    if (shown == kFindingsShown) {
      hidden += cascade.tests.size();
      continue;
    }
    ++shown;
    const std::string card = Card(*cascade.tests[0], references);
    if (cascade.cause == nullptr) {
      out += card;
      continue;
    }
    std::vector<std::string> others;
    for (const TestRecord* t : cascade.tests) others.push_back(t->name);
    others.erase(others.begin());
    out += Styled("div", "cascade")
               .Add(Element("h3").Text(CascadeTitle(cascade)))
               .Add(card)
               .Add(Folded(Counted(static_cast<std::int64_t>(others.size()), "more finding") +
                               " of this cause",
                           others.empty() ? "" : LinksTo("t", others)));
  }
  if (hidden > 0)
    out += Paragraph("cut", std::to_string(hidden) +
                                " more findings are not repeated here: they stand in the list of "
                                "tests below.");
  return out;
}

std::string LostTable(const Run& run) {
  std::vector<std::string> tests, clauses;
  for (const TestRecord& t : run.tests) tests.push_back(t.name);
  for (const ClauseRecord& c : run.clauses) clauses.push_back(c.id);
  Table table("Verdicts that are lost", {"Why", "Clauses", "Tests"});
  table.HideCaption().Stacks();
  for (const LostGroup& group : LostGroups(run)) {
    table.Row({Escape(group.what), FirstNames("c", group.clauses, clauses),
               FirstNames("t", group.tests, tests)});
  }
  return table.str();
}

}  // namespace ipcsuite::report::html
