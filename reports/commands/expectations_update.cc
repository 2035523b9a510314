#include "reports/commands/expectations_update.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "reports/results/text.h"
#include "reports/verdicts/embedded.h"
#include "reports/verdicts/expectations.h"

namespace ipcsuite::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kEmptyFile = "{\n  \"expectations\": [\n  ]\n}\n";

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

struct Span {
  std::size_t begin = 0, end = 0;  // of one entry, braces included
};

// Position after a string or comment that starts at `at`, or `at` itself.
std::size_t SkipOpaque(std::string_view text, std::size_t at) {
  if (text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
    }
    return std::min(at + 1, text.size());
  }
  if (text.substr(at, 2) == "//") return std::min(text.find('\n', at), text.size());
  if (text.substr(at, 2) == "/*") return std::min(text.find("*/", at), text.size() - 2) + 2;
  return at;
}

// Where the list of entries ends, and the entries. The text is valid (ParseExpectations passed it).
std::vector<Span> Entries(std::string_view text, std::size_t* list_end) {
  std::vector<Span> spans;
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t after = SkipOpaque(text, at);
    if (after != at) {
      at = after;
      continue;
    }
    const char c = text[at++];
    if (c == '{' || c == '[') {
      if (++depth == 3 && c == '{') spans.push_back({at - 1, 0});
    } else if (c == '}' || c == ']') {
      if (depth == 3 && c == '}' && !spans.empty()) spans.back().end = at;
      if (depth == 2 && c == ']') *list_end = at - 1;
      --depth;
    }
  }
  return spans;
}

std::string IdOf(std::string_view entry) {
  const Json json = Json::parse(entry, nullptr, false, true);
  return json.is_object() ? json.value("id", "") : "";
}

std::size_t LineStart(std::string_view text, std::size_t at) {
  const auto newline = text.rfind('\n', at == 0 ? 0 : at - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

std::string Kebab(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !out.empty() && out.back() != '-') out += '-';
    out += upper ? static_cast<char>(c - 'A' + 'a') : c == '.' || c == '_' || c == '/' ? '-' : c;
  }
  return out;
}

// A year after the run, or a date that is past (so that the entry is looked at) if it is unknown.
std::string ReviewBy(const std::string& started) {
  if (started.size() < 10) return "2000-01-01";
  const int year = std::atoi(started.substr(0, 4).c_str()) + 1;
  std::string day = started.substr(4, 6);
  if (day == "-02-29") day = "-02-28";
  return std::to_string(year) + day;
}

std::string NewEntry(const TestRecord& test, const Run& run) {
  const Facts facts = FactsOf(run.environment);
  Json entry = {{"id", Kebab(facts.os.empty() ? test.name : facts.os + "-" + test.name)},
                {"tests", {test.name}}};
  std::vector<std::string> charged;
  std::string seen = test.reason;
  for (const Failure& f : test.failures) {
    if (!f.clause.empty() && std::find(charged.begin(), charged.end(), f.clause) == charged.end()) {
      charged.push_back(f.clause);
    }
    if (seen.empty()) seen = "expected " + f.expected + ", observed " + f.observed;
  }
  if (!charged.empty()) entry["clauses"] = charged;
  Json condition = Json::object();
  if (!facts.os.empty()) condition["os"] = facts.os;
  if (!facts.libc.empty()) condition["libc"] = facts.libc;
  if (facts.container != "none" && !facts.container.empty())
    condition["container"] = facts.container;
  if (facts.emulator != "none") condition["emulator"] = facts.emulator;
  if (!condition.empty()) entry["condition"] = condition;
  entry["expected"] = test.verdict == Verdict::kFlaky ? "FLAKY" : "FAIL";
  entry["reason"] = std::string(kNoReasonYet) + ". Seen on " + facts.os + " " + facts.kernel +
                    ": " + CleanUtf8(seen);
  entry["review_by"] = ReviewBy(run.started);
  const std::string dumped = entry.dump(2, ' ', false, Json::error_handler_t::replace);
  std::string text;
  for (const auto& line : SplitLines(dumped)) {
    text += (text.empty() ? "" : "\n") + std::string("    ") + std::string(line);
  }
  return text;
}

// The entry as it stands in the text without the test names that pass now; "" if it names others
// by pattern, so that a person must decide.
std::string Narrowed(std::string_view entry_text, const std::set<std::string>& passing) {
  Json entry = Json::parse(entry_text, nullptr, false, true);
  if (!entry.is_object() || !entry.contains("tests")) return "";
  Json kept = Json::array();
  for (const Json& name : entry["tests"]) {
    if (!passing.count(name.get<std::string>())) kept.push_back(name);
  }
  if (kept.empty() || kept.size() == entry["tests"].size()) return "";
  entry["tests"] = kept;
  const std::string dumped = entry.dump(2);
  std::string text;
  for (const auto& line : SplitLines(dumped)) {
    text += (text.empty() ? "" : "\n    ") + std::string(line);
  }
  return text;
}

struct Outdated {
  std::set<std::string> passing, failing;
};

// Applies the removals to one file's text.
std::string Prune(std::string text, const std::map<std::string, Outdated>& outdated) {
  for (const auto& [id, tests] : outdated) {
    if (tests.failing.empty()) {
      text = WithoutEntry(text, id);
      continue;
    }
    std::size_t list_end = 0;
    for (const Span& span : Entries(text, &list_end)) {
      const std::string_view entry =
          std::string_view(text).substr(span.begin, span.end - span.begin);
      if (IdOf(entry) != id) continue;
      const std::string narrowed = Narrowed(entry, tests.passing);
      if (!narrowed.empty()) text.replace(span.begin, span.end - span.begin, narrowed);
      break;
    }
  }
  return text;
}

}  // namespace

std::string WithoutEntry(std::string_view text, std::string_view id) {
  std::size_t list_end = 0;
  const auto spans = Entries(text, &list_end);
  const auto found = std::find_if(spans.begin(), spans.end(), [&](const Span& s) {
    return IdOf(text.substr(s.begin, s.end - s.begin)) == id;
  });
  if (found == spans.end()) return std::string(text);
  std::size_t begin = LineStart(text, found->begin), end = found->end;
  while (begin > 0) {  // comments directly above belong to the entry
    const std::size_t above = LineStart(text, begin - 1);
    const std::string_view line = text.substr(above, begin - above);
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line.substr(first, 2) != "//") break;
    begin = above;
  }
  const bool last = found + 1 == spans.end();
  if (!last) {
    end = text.find(',', end) + 1;
  }
  if (end < text.size() && text[end] == '\n') ++end;
  std::string out(text.substr(0, begin));
  if (last && found != spans.begin()) {  // the comma behind the entry that is the last now
    const auto comma = out.find(',', (found - 1)->end);
    if (comma != std::string::npos) out.erase(comma, 1);
  }
  return out + std::string(text.substr(end));
}

std::string WithEntry(std::string_view text, const std::string& entry) {
  std::size_t list_end = 0;
  const auto spans = Entries(text, &list_end);
  std::string out(text);
  if (spans.empty()) {
    const bool own_line =
        text.substr(LineStart(text, list_end), list_end - LineStart(text, list_end))
            .find_first_not_of(" \t") == std::string_view::npos;
    out.insert(own_line ? LineStart(text, list_end) : list_end,
               (own_line ? "" : "\n") + entry + "\n");
  } else {
    out.insert(spans.back().end, ",\n" + entry);
  }
  return out;
}

std::string UnifiedDiff(const std::string& old_path, std::string_view old_text,
                        const std::string& new_path, std::string_view new_text) {
  if (old_text == new_text) return "";
  const auto a = SplitLines(old_text), b = SplitLines(new_text);
  // Longest common subsequence; these files have hundreds of lines, not thousands.
  std::vector<std::vector<int>> length(a.size() + 1, std::vector<int>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i][j] =
          a[i] == b[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
    }
  }
  struct Step {
    char mark;
    std::string_view line;
    std::size_t i, j;
  };
  std::vector<Step> steps;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      steps.push_back({' ', a[i], i, j});
      ++i;
      ++j;
    } else if (j == b.size() || (i < a.size() && length[i + 1][j] >= length[i][j + 1])) {
      steps.push_back({'-', a[i], i, j});
      ++i;
    } else {
      steps.push_back({'+', b[j], i, j});
      ++j;
    }
  }
  constexpr std::size_t kContext = 3;
  std::string out = "--- " + old_path + "\n+++ " + new_path + "\n";
  for (std::size_t at = 0; at < steps.size();) {
    if (steps[at].mark == ' ') {
      ++at;
      continue;
    }
    const std::size_t begin = at < kContext ? 0 : at - kContext;
    std::size_t end = at, quiet = 0;
    for (; end < steps.size() && quiet <= 2 * kContext; ++end)
      quiet = steps[end].mark == ' ' ? quiet + 1 : 0;
    end -= quiet > kContext ? quiet - kContext : 0;
    std::size_t olds = 0, news = 0;
    std::string body;
    for (std::size_t k = begin; k < end; ++k) {
      olds += steps[k].mark != '+';
      news += steps[k].mark != '-';
      body += steps[k].mark + std::string(steps[k].line) + "\n";
    }
    const auto range = [](std::size_t start, std::size_t count) {
      return std::to_string(count == 0 ? start : start + 1) + "," + std::to_string(count);
    };
    out +=
        "@@ -" + range(steps[begin].i, olds) + " +" + range(steps[begin].j, news) + " @@\n" + body;
    at = end;
  }
  return out;
}

Result<std::string> ProposeExpectations(const Run& run, const std::string& target) {
  std::map<std::string, Outdated> outdated;
  for (const TestRecord& t : run.tests) {
    if (!t.expectation) continue;
    if (t.verdict == Verdict::kXpass) outdated[t.expectation->id].passing.insert(t.name);
    if (t.verdict == Verdict::kXfail) outdated[t.expectation->id].failing.insert(t.name);
  }
  std::erase_if(outdated, [](const auto& entry) { return entry.second.passing.empty(); });

  std::string diff;
  for (const EmbeddedFile& file : EmbeddedExpectations()) {
    const std::string path = "reports/verdicts/expectations/" + std::string(file.name);
    diff += UnifiedDiff("a/" + path, file.content, "b/" + path,
                        Prune(std::string(file.content), outdated));
  }
  std::string before, after = kEmptyFile;
  const bool exists = ::access(target.c_str(), F_OK) == 0;
  if (exists) {
    std::vector<Expectation> unused;
    const auto text = ReadFile(target);
    if (!text) return Error{text.error()};
    if (const auto parsed = ParseExpectations(*text, target, &unused); !parsed)
      return Error{parsed.error()};
    before = *text;
    after = Prune(before, outdated);
  }
  bool added = false;
  for (const TestRecord& t : run.tests) {
    if (t.verdict != Verdict::kFail && t.verdict != Verdict::kFlaky) continue;
    after = WithEntry(after, NewEntry(t, run));
    added = true;
  }
  if (exists || added) {
    diff += UnifiedDiff(exists ? "a/" + target : "/dev/null", before, "b/" + target, after);
  }
  return diff;
}

}  // namespace ipcsuite::report
