#include "reports/verdicts/causes.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

namespace ipcsuite::report {
namespace {

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The identifier that ends before `end`; "" if none does.
std::string_view WordBefore(std::string_view text, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && IsWord(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

// "ENOSYS" of the first word that looks like the name of an error; "" if there is none.
std::string_view ErrnoIn(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (!IsWord(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && IsWord(text[end])) ++end;
    const std::string_view word = text.substr(at, end - at);
    const auto upper = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (word.size() >= 3 && word[0] == 'E' && std::ranges::all_of(word, upper)) return word;
    at = end;
  }
  return "";
}

// How the call in the text ended; "" if it ended in no way that explains anything.
std::string EndIn(std::string_view text) {
  for (const std::string_view end : {"killed by SIG", "timed out", "still blocked"}) {
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) continue;
    if (!end.ends_with("SIG")) return std::string(end);
    std::size_t last = at + end.size();
    while (last < text.size() && IsWord(text[last])) ++last;
    return std::string(text.substr(at, last - at));
  }
  // The error of "f(...) = -1 EACCES", not one that was expected or is the value of an argument.
  const std::size_t failed = text.find("= -1 ");
  if (failed != std::string_view::npos) return std::string(ErrnoIn(text.substr(failed)));
  const std::size_t absent = text.find("absent");
  return absent == std::string_view::npos ? "" : std::string(ErrnoIn(text.substr(absent)));
}

// The function that the text is about.
std::string FunctionIn(std::string_view text) {
  const std::size_t call = text.find('(');
  if (call == std::string_view::npos) return "";
  const std::string_view name = WordBefore(text, call);
  const std::size_t begin = call - name.size();
  const bool method = begin > 0 && (text[begin - 1] == '.' || text[begin - 1] == '>');
  if (!method) return std::string(name);
  const std::size_t trace = text.find("Google Test trace:");
  if (trace == std::string_view::npos) return std::string(name);
  const std::size_t last = text.find_last_not_of(" \n");
  const std::string_view traced = WordBefore(text, last + 1);
  return std::string(traced.empty() ? name : traced);
}

bool CanBelong(const TestRecord& test) {
  return IsRed(test.verdict) || test.verdict == Verdict::kUnresolved ||
         test.verdict == Verdict::kUnsupported || test.standing == "lost";
}

void AddClauses(const TestRecord& test, std::vector<std::string>& clauses) {
  const auto add = [&](const std::string& id) {
    if (!id.empty() && std::ranges::find(clauses, id) == clauses.end()) clauses.push_back(id);
  };
  const bool charged =
      std::ranges::any_of(test.failures, [](const Failure& f) { return !f.clause.empty(); });
  for (const Failure& failure : test.failures) add(failure.clause);
  if (charged) return;
  for (const std::string& id : test.clauses) add(id);
}

}  // namespace

std::string CauseOf(const TestRecord& test) {
  const std::string& text =
      test.reason.empty() && !test.failures.empty() ? test.failures.front().observed : test.reason;
  const std::string end = EndIn(text);
  const std::string function = end.empty() ? "" : FunctionIn(text);
  return function.empty() ? "" : function + ": " + end;
}

std::vector<Cause> CausesOf(const std::vector<TestRecord>& tests) {
  struct Group {
    Cause cause;
    bool matters = false;
  };
  std::map<std::string, Group> groups;
  for (const TestRecord& test : tests) {
    const std::string what = CanBelong(test) ? CauseOf(test) : "";
    if (what.empty()) continue;
    Group& group = groups[what];
    group.cause.what = what;
    group.cause.tests.push_back(test.name);
    AddClauses(test, group.cause.clauses);
    group.matters =
        group.matters || test.verdict != Verdict::kUnsupported || !test.standing.empty();
  }
  std::vector<Cause> causes;
  for (auto& [what, group] : groups) {
    if (group.matters && group.cause.tests.size() > 1) causes.push_back(std::move(group.cause));
  }
  std::ranges::stable_sort(
      causes, [](const Cause& a, const Cause& b) { return a.tests.size() > b.tests.size(); });
  return causes;
}

}  // namespace ipcsuite::report
