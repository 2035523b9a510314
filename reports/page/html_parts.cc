#include "reports/page/html_parts.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "base/text.h"
#include "reports/results/text.h"
#include "reports/verdicts/embedded.h"

namespace ipcsuite::report::html {
namespace {

std::string_view Asset(std::string_view name) {
  for (const EmbeddedFile& file : EmbeddedAssets()) {
    if (file.name == name) return file.content;
  }
  return "";
}

// A value that no text inside the page can name beforehand, and that is the same for the same
// result: two FNV-1a hashes of the content.
std::string Nonce(std::string_view text) {
  std::uint64_t a = 14695981039346656037ULL, b = 0x6a09e667f3bcc908ULL;
  for (const char c : text) {
    a = (a ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    b = (b ^ static_cast<unsigned char>(c)) * 0x9e3779b97f4a7c15ULL + (b >> 29);
  }
  char out[40];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return out;
}

bool IsOneSvg(const std::string& text) {
  const auto start = text.find_first_not_of(" \n\t");
  const auto end = text.find_last_not_of(" \n\t");
  if (start == std::string::npos || text.compare(start, 4, "<svg") != 0) return false;
  constexpr std::string_view kEnd = "</svg>";
  return end + 1 >= kEnd.size() && text.compare(end + 1 - kEnd.size(), kEnd.size(), kEnd) == 0 &&
         text.find("</svg>") == end + 1 - kEnd.size() &&
         text.find("<foreignObject") == std::string::npos;
}

std::string Options(const std::string& name, const std::string& label,
                    const std::vector<std::string>& values) {
  Element select = Element("select").Attr("name", name);
  select.Add(Element("option").Attr("value", "").Text("any"));
  for (const auto& v : values) select.Add(Element("option").Text(v));
  return Element("label").Text(label + " ").Add(select);
}

}  // namespace

std::string Page(const std::string& title, const std::string& body, std::string_view text_id) {
  const std::string nonce = Nonce(text_id);
  const auto meta = [](const char* name, const char* content) {
    return std::string(Element("meta").Attr("name", name).Attr("content", content)) + "\n";
  };
  const std::string policy =
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'nonce-" + nonce +
      "'; base-uri 'none'; form-action 'none'";
  Element head("head");
  head.Add(std::string(Element("meta").Attr("charset", "utf-8")) + "\n")
      .Add(meta("viewport", "width=device-width, initial-scale=1"))
      .Add(meta("color-scheme", "light dark"))
      .Add(Element("meta").Attr("http-equiv", "Content-Security-Policy").Attr("content", policy))
      .Add(Element("title").Text(title))
      .Add(Element("style").Add(Asset("page.css")));
  const Element script = Element("script").Attr("nonce", nonce).Add(Asset("page.js"));
  return "<!DOCTYPE html>\n" +
         Element("html")
             .Attr("lang", "en")
             .Add(head)
             .Add("\n")
             .Add(Element("body").Add(body).Add(script))
             .str() +
         "\n";
}

Element Styled(std::string_view name, std::string_view css_class) {
  return Element(name).Attr("class", css_class);
}

std::string Paragraph(std::string_view css_class, std::string_view text) {
  return Styled("p", css_class).Text(text);
}

std::string Badge(Verdict verdict) {
  const std::string word(ToString(verdict));
  return Styled("b", "badge v-" + word)
      .Add(Element("i").Attr("aria-hidden", "true").Text(Symbol(verdict)))
      .Text(" " + word);
}

std::string Tag(std::string_view text) {
  return text.empty() ? "" : Styled("span", "tag").Text(text).str();
}

std::string Code(std::string_view text) { return Element("code").Text(text); }

std::string Count(std::size_t n) { return std::to_string(n); }

std::string BreakableCode(std::string_view text) {
  std::string out;
  std::string_view rest = text;
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  std::size_t start = 0, since = 0;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    ++since;
    const bool behind = std::string_view("._/|,:").find(rest[i - 1]) != std::string_view::npos;
    const bool capital = lower(rest[i - 1]) && rest[i] >= 'A' && rest[i] <= 'Z';
    if (since < 5 || (!behind && !capital)) continue;
    out += Escape(rest.substr(start, i - start)) + "<wbr>";
    start = i;
    since = 0;
  }
  return "<code>" + out + Escape(rest.substr(std::min(start, rest.size()))) + "</code>";
}

std::string Breakable(std::string_view name) {
  std::string out;
  for (const char c : Escape(name)) {
    out += c;
    if (c == '_' || c == '.') out += "<wbr>";
  }
  return out;
}

std::string Anchor(const char* kind, std::string_view name) {
  std::string out = std::string(kind) + "-";
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-' || c == '/';
    out += plain ? c : '_';
  }
  return out;
}

std::string LinkTo(const char* kind, std::string_view name) {
  return Element("a").Attr("href", "#" + Anchor(kind, name)).Add(BreakableCode(name));
}

std::string LinksTo(const char* kind, const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : "<br>") + LinkTo(kind, name);
  return out;
}

std::string Section(const std::string& id, const std::string& title, const std::string& body) {
  if (body.empty()) return "";
  return Element("section")
             .Attr("aria-labelledby", id)
             .Add(Element("h2").Attr("id", id).Text(title))
             .Add("\n" + body)
             .str() +
         "\n";
}

std::string Folded(const std::string& summary, const std::string& content) {
  if (content.empty()) return "";
  return Styled("details", "more").Add(Element("summary").Text(summary)).Add(content).str() + "\n";
}

std::string FactRow(std::string_view label, const std::string& content) {
  if (content.empty()) return "";
  return Element("tr").Add(Element("th").Text(label)).Add(Element("td").Add(content));
}

std::string Facts(const std::string& rows) {
  return rows.empty() ? "" : Styled("table", "facts").Add(rows).str();
}

Table::Table(std::string caption, const std::vector<std::string>& columns)
    : caption_(std::move(caption)), columns_(columns) {}

Table& Table::HideCaption() {
  hide_caption_ = true;
  return *this;
}

Table& Table::Stacks() {
  stacks_ = true;
  return *this;
}

namespace {
// The text of a column's head: without the mark of numbers at its end.
std::string Head(const std::string& column) {
  return column.ends_with('#') ? column.substr(0, column.size() - 1) : column;
}
}  // namespace

Table& Table::Row(const std::vector<Cell>& cells) {
  Element row("tr");
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i == 0) {
      row.Add(Element("th").Attr("scope", "row").Add(cells[i].html));
      continue;
    }
    Element cell("td");
    if (!cells[i].css_class.empty()) cell.Attr("class", cells[i].css_class);
    if (stacks_) cell.Attr("data-label", Head(columns_[i]));
    row.Add(cell.Add(cells[i].html));
  }
  body_ += row;
  ++rows_;
  return *this;
}

std::string Table::str() const {
  if (rows_ == 0) return "";
  Element caption("caption"), heads("tr");
  if (hide_caption_) caption.Attr("class", "visually-hidden");
  for (const std::string& column : columns_) {
    const std::string name = Head(column);
    if (name.empty()) {
      heads.Add(Element("td").Add(""));
      continue;
    }
    Element head = Element("th").Attr("scope", "col");
    if (column != name) head.Attr("class", "n");
    heads.Add(head.Text(name));
  }
  return Styled("div", "scroll")
             .Attr("tabindex", "0")
             .Attr("role", "group")
             .Attr("aria-label", caption_)
             .Add(Styled("table", stacks_ ? "grid stacks" : "grid")
                      .Add(caption.Text(caption_))
                      .Add(Element("thead").Add(heads))
                      .Add(Element("tbody").Add(body_)))
             .str() +
         "\n";
}

std::string Drawing(const std::string& title, const std::string& description,
                    const std::string& svg) {
  Element figure("figure"), caption("figcaption");
  caption.Add(Element("strong").Text(title));
  if (!description.empty()) caption.Text(" " + description);
  figure.Add(caption);
  if (!IsOneSvg(svg)) return figure.Add(Pre(svg)).str() + "\n";
  // Wide drawings scroll, so the box must be reachable from the keyboard.
  return figure
             .Add(Styled("div", "scroll drawing")
                      .Attr("tabindex", "0")
                      .Attr("role", "group")
                      .Attr("aria-label", title)
                      .Add(CleanUtf8(svg)))
             .str() +
         "\n";
}

std::string Pre(const std::string& text) {
  return Element("pre").Attr("tabindex", "0").Text(Shorten(text, 64 * 1024));
}

std::string FoldedValue(const std::string& value) {
  const std::string text = Escape(Shorten(value, 4000));
  if (value.size() <= 200) return text;
  const auto words = std::count(value.begin(), value.end(), ' ') + 1;
  return Folded(std::to_string(words) + " entries", text);
}

std::string Heading(const std::string& over, const std::string& title, std::string_view good,
                    const std::string& verdict) {
  const char* mark = good == "good" ? "\u2713" : good == "known" ? "\u2248" : "\u2717";
  // The first part of the sentence is what most readers came for; the rest is set lighter.
  const auto end = verdict.find("; ");
  const std::size_t first = end == std::string::npos ? verdict.size() : end + 1;
  return Paragraph("over", over) + Element("h1").Text(title).str() +
         Styled("p", "verdict " + std::string(good))
             .Add(Styled("span", "mark").Attr("aria-hidden", "true").Text(mark))
             .Add(Element("span")
                      .Add(Element("strong").Text(verdict.substr(0, first)))
                      .Text(verdict.substr(first)))
             .str();
}

std::string NavigationAndSections(const std::vector<Part>& parts) {
  Element list("ul");
  std::string sections;
  for (const Part& part : parts) {
    if (part.body.empty()) continue;
    const std::string title = part.title;
    list.Add(Element("li").Add(Element("a")
                                   .Attr("href", "#" + std::string(part.id))
                                   .Text(title.substr(0, title.find(':')))));
    sections += Section(part.id, title, part.body);
  }
  return std::string(Element("nav").Attr("aria-label", "Sections").Add(list.Add(""))) + "\n" +
         Element("main").Add("\n" + sections).str() + "\n";
}

std::string FilterBar(const std::vector<std::string>& interfaces,
                      const std::vector<std::string>& kinds, const std::vector<Verdict>& verdicts,
                      const std::string& show_options, bool confidence, const std::string& tail) {
  std::vector<std::string> words;
  for (Verdict v : verdicts) words.emplace_back(ToString(v));
  Element form = Element("form").Attr("id", "filter").Attr("role", "search");
  form.Attr("aria-label", "Clauses and tests").Attr("hidden", "");
  form.Add(Styled("label", "wide")
               .Text("Search ")
               .Add(Element("input")
                        .Attr("type", "search")
                        .Attr("name", "q")
                        .Attr("autocomplete", "off")
                        .Attr("placeholder", "words of a name, requirement, value ( / )")));
  form.Add(show_options)
      .Add(Options("interface", "Interface", interfaces))
      .Add(Options("result", "Result", words));
  if (!kinds.empty()) form.Add(Options("kind", "Kind", kinds));
  if (confidence) form.Add(Options("confidence", "Confidence", {"certain", "heuristic"}));
  form.Add(Element("button").Attr("type", "reset").Text("Clear"))
      .Add(Element("output").Attr("name", "shown").Attr("aria-live", "polite").Add(""));
  return form.Add(tail).str() + "\n";
}

std::string ListGroup(const std::string& id, const std::string& name, const std::string& suite,
                      const std::string& counts, const std::string& items) {
  Element summary("summary");
  summary.Add(Element("h4").Text(name).Add(Tag(suite))).Add(Styled("span", "quiet").Text(counts));
  Element group = Styled("details", "group");
  if (!id.empty()) group.Attr("id", id);
  return group.Add(summary).Add("\n" + items).str() + "\n";
}

std::vector<FunctionGroup> GroupByFunction(const std::vector<ClauseRecord>& clauses) {
  std::vector<FunctionGroup> groups;
  std::map<std::pair<std::string, std::string>, std::size_t> index;
  for (const ClauseRecord& c : clauses) {
    const auto [at, added] = index.emplace(std::pair(c.suite, c.function), groups.size());
    if (added) groups.push_back({c.suite, c.function, {}});
    groups[at->second].clauses.push_back(&c);
  }
  // Interfaces of one suite stand together even if the catalogue's files interleave them.
  std::map<std::string, std::size_t> suite_rank;
  for (const auto& g : groups) suite_rank.emplace(g.suite, suite_rank.size());
  std::stable_sort(groups.begin(), groups.end(), [&](const auto& a, const auto& b) {
    return suite_rank[a.suite] < suite_rank[b.suite];
  });
  return groups;
}

}  // namespace ipcsuite::report::html
