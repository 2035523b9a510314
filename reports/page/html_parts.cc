#include "reports/page/html_parts.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

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
  std::string out =
      "<label>" + label + " <select name=\"" + name + "\"><option value=\"\">any</option>";
  for (const auto& v : values) out += "<option>" + Escape(v) + "</option>";
  return out + "</select></label>";
}

}  // namespace

std::string Page(const std::string& title, const std::string& body, std::string_view text_id) {
  const std::string nonce = Nonce(text_id);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "style-src 'unsafe-inline'; img-src data:; script-src 'nonce-" +
      nonce + "'; base-uri 'none'; form-action 'none'\">\n<title>" + Escape(title) +
      "</title>\n<style>\n";
  out += Asset("page.css");
  out += "</style>\n</head>\n<body>\n";
  out += body;
  out += "<script nonce=\"" + nonce + "\">\n";
  out += Asset("page.js");
  return out + "</script>\n</body>\n</html>\n";
}

std::string Badge(Verdict verdict) {
  const std::string word(ToString(verdict));
  return "<b class=\"badge v-" + word + "\"><i aria-hidden=\"true\">" +
         std::string(Symbol(verdict)) + "</i> " + word + "</b>";
}

std::string Code(std::string_view text) { return "<code>" + Escape(text) + "</code>"; }

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
  return "<a href=\"#" + Anchor(kind, name) + "\">" + BreakableCode(name) + "</a>";
}

std::string Section(const std::string& id, const std::string& title, const std::string& body) {
  if (body.empty()) return "";
  return "<section aria-labelledby=\"" + id + "\">\n<h2 id=\"" + id + "\">" + Escape(title) +
         "</h2>\n" + body + "</section>\n";
}

std::string Row(const std::string& label, const std::string& content) {
  if (content.empty()) return "";
  return "<tr><th>" + label + "</th><td>" + content + "</td></tr>";
}

std::string Drawing(const std::string& title, const std::string& description,
                    const std::string& svg) {
  const std::string caption = "<figcaption><strong>" + Escape(title) + "</strong>" +
                              (description.empty() ? "" : " " + Escape(description)) +
                              "</figcaption>";
  if (!IsOneSvg(svg)) return "<figure>" + caption + Pre(svg) + "</figure>\n";
  // Wide drawings scroll, so the box must be reachable from the keyboard.
  return "<figure>" + caption +
         "<div class=\"scroll drawing\" tabindex=\"0\" role=\"group\" aria-label=\"" +
         Escape(title) + "\">" + CleanUtf8(svg) + "</div></figure>\n";
}

std::string Pre(const std::string& text) {
  return "<pre tabindex=\"0\">" + Escape(Shorten(text, 64 * 1024)) + "</pre>";
}

std::string FoldedValue(const std::string& value) {
  const std::string text = Escape(Shorten(value, 4000));
  if (value.size() <= 200) return text;
  const auto words = std::count(value.begin(), value.end(), ' ') + 1;
  return "<details><summary>" + std::to_string(words) + " entries</summary>" + text + "</details>";
}

std::string FilterBar(const std::vector<std::string>& interfaces,
                      const std::vector<std::string>& kinds, const std::vector<Verdict>& verdicts,
                      const std::string& show_options, bool confidence, const std::string& tail) {
  std::vector<std::string> words;
  for (Verdict v : verdicts) words.emplace_back(ToString(v));
  std::string out =
      "<form id=\"filter\" role=\"search\" aria-label=\"Clauses and tests\" hidden>"
      "<label class=\"wide\">Search <input type=\"search\" name=\"q\" autocomplete=\"off\" "
      "placeholder=\"words of a name, requirement, value ( / )\"></label>";
  out += show_options + Options("interface", "Interface", interfaces) +
         Options("result", "Result", words) + Options("kind", "Kind", kinds) +
         (confidence ? Options("confidence", "Confidence", {"certain", "heuristic"}) : "") +
         "<button type=\"reset\">Clear</button>"
         "<output name=\"shown\" aria-live=\"polite\"></output>" +
         tail + "</form>\n";
  return out;
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
