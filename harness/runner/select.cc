// Which tests a run performs.

#include <algorithm>
#include <string_view>

#include "harness/runner/runner.h"

namespace ipcsuite {
namespace {

bool MatchesGlob(std::string_view name, std::string_view pattern) {
  std::size_t n = 0, p = 0, star = std::string_view::npos, star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, star_n = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1, n = ++star_n;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool MatchesAny(std::string_view name, std::string_view patterns) {
  for (;;) {
    const std::size_t colon = patterns.find(':');
    if (MatchesGlob(name, patterns.substr(0, colon))) return true;
    if (colon == std::string_view::npos) return false;
    patterns.remove_prefix(colon + 1);
  }
}

bool ClaimsOneOf(const TestMeta& meta, const std::vector<std::string>& patterns) {
  for (ClauseRef clause : meta.clauses) {
    for (const std::string& pattern : patterns) {
      if (MatchesGlob(clause.id, pattern)) return true;
    }
  }
  return false;
}

bool Names(std::string_view name, std::string_view word) {
  return name == word || (name.starts_with(word) && name[word.size()] == '_');
}

bool IsAboutOneOf(const TestMeta& meta, const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    return meta.suite == word || std::ranges::any_of(meta.clauses, [&](ClauseRef clause) {
             return IsAbout(Get(clause), word);
           });
  });
}

}  // namespace

bool IsAbout(const Clause& clause, std::string_view word) {
  return SuiteOf(clause) == word || Names(clause.interface, word) || Names(clause.function, word);
}

bool MatchesFilter(const std::string& name, const std::string& filter) {
  const std::size_t dash = filter.find('-');
  const std::string wanted = dash == std::string::npos ? filter : filter.substr(0, dash);
  if (!MatchesAny(name, wanted.empty() ? "*" : wanted)) return false;
  return dash == std::string::npos || !MatchesAny(name, std::string_view(filter).substr(dash + 1));
}

std::vector<TestEntry> SelectTests(const RunnerOptions& options) {
  std::vector<TestEntry> selected;
  int number = 0;
  for (TestEntry& test : AllTests()) {
    const TestMeta& meta = *test.meta;
    if (!options.suites.empty() &&
        std::count(options.suites.begin(), options.suites.end(), meta.suite) == 0)
      continue;
    if (!options.clauses.empty() && !ClaimsOneOf(meta, options.clauses)) continue;
    if (!options.about.empty() && !IsAboutOneOf(meta, options.about)) continue;
    if (!options.names.empty() && std::ranges::count(options.names, test.name) == 0) continue;
    if (!MatchesFilter(test.name, options.filter)) continue;
    if (number++ % options.shard_count != options.shard_index) continue;
    selected.push_back(std::move(test));
  }
  return selected;
}

}  // namespace ipcsuite
