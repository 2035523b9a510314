#include "cli/selection.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/args.h"
#include "base/text.h"
#include "harness/test/registry.h"
#include "harness/test/test.h"
#include "reports/verdicts/expectations.h"

namespace ipcsuite::cli {
namespace {

std::vector<std::string> Suites() {
  std::set<std::string> suites;
  for (const TestEntry& test : AllTests()) suites.insert(test.meta->suite);
  return {suites.begin(), suites.end()};
}

template <typename F>
bool AnyClause(F holds) {
  return std::ranges::any_of(AllClauses(), holds);
}

int CheckClause(const std::string& pattern) {
  if (AnyClause([&](const Clause& c) { return report::GlobMatches(pattern, c.id); })) return -1;
  std::vector<std::string> known;
  for (const Clause& clause : AllClauses()) known.emplace_back(clause.id);
  const bool prefix = AnyClause([&](const Clause& c) { return c.id.starts_with(pattern + "."); });
  return Complain("unknown clause '" + pattern + "'" +
                  (prefix ? ": did you mean '" + pattern + ".*'?" : DidYouMean(pattern, known)) +
                  " (`ipcsuite list --clauses` prints all)");
}

int CheckAbout(const std::string& word) {
  const std::vector<std::string> suites = Suites();
  if (std::ranges::count(suites, word) > 0 ||
      AnyClause([&](const Clause& c) { return IsAbout(c, word); }))
    return -1;
  std::set<std::string> known(suites.begin(), suites.end());
  for (const Clause& clause : AllClauses()) {
    known.emplace(clause.interface);
    known.emplace(clause.function);
  }
  return Complain("--about: '" + word + "' is neither a suite, an interface nor a function" +
                  DidYouMean(word, {known.begin(), known.end()}));
}

int CheckFilter(const RunnerOptions& options) {
  if (options.filter.empty()) return Complain("--filter: the pattern is empty: '*' selects all");
  RunnerOptions alone;
  alone.filter = options.filter;
  if (!SelectTests(alone).empty()) return -1;
  if (options.filter.find(',') != std::string::npos)
    return Complain("no test matches --filter '" + options.filter +
                    "': patterns are separated by ':', not by ','");
  std::vector<std::string> names;
  for (const TestEntry& test : AllTests()) names.push_back(test.name);
  return Complain("no test matches --filter '" + options.filter + "'" +
                  DidYouMean(options.filter, names) + " (`ipcsuite list --tests` prints all)");
}

}  // namespace

void AddSelection(CLI::App& app, RunnerOptions& options) {
  app.add_option("--suite", options.suites,
                 "Only the tests of these suites: " + Join(Suites(), ", "))
      ->delimiter(',')
      ->type_name("NAME,...");
  app.add_option("--about", options.about,
                 "All that concerns these suites, interfaces or functions (mq, pipe, sem_wait): "
                 "conformance tests, properties and stress")
      ->delimiter(',')
      ->type_name("NAME,...");
  app.add_option("--clause", options.clauses,
                 "Only tests that claim these clauses ('*' matches anything)")
      ->delimiter(',')
      ->type_name("ID,...");
  app.add_option("--filter", options.filter,
                 "Only tests that match these GoogleTest patterns: 'A*:B.C-*Slow*'")
      ->type_name("PATTERN");
}

int CheckSelection(const RunnerOptions& options) {
  const std::vector<std::string> suites = Suites();
  for (const std::string& suite : options.suites) {
    if (std::ranges::count(suites, suite) > 0) continue;
    return Complain("unknown suite '" + suite + "'" + DidYouMean(suite, suites) + " (there are " +
                    Join(suites, ", ") + ")");
  }
  for (const std::string& pattern : options.clauses) {
    if (const int status = CheckClause(pattern); status >= 0) return status;
  }
  for (const std::string& word : options.about) {
    if (const int status = CheckAbout(word); status >= 0) return status;
  }
  if (const int status = CheckFilter(options); status >= 0) return status;
  RunnerOptions whole = options;
  whole.shard_index = 0;
  whole.shard_count = 1;
  if (!SelectTests(whole).empty()) return -1;
  return Complain("no test is selected: no test fits all of the options");
}

bool IsPartial(const RunnerOptions& options) {
  return options.filter != "*" || !options.clauses.empty() || !options.suites.empty() ||
         !options.about.empty() || !options.names.empty();
}

std::vector<ClauseRef> SelectedClauses(const RunnerOptions& options) {
  RunnerOptions whole = options;
  whole.shard_index = 0;
  whole.shard_count = 1;
  std::set<std::string_view> claimed;
  for (const TestEntry& test : SelectTests(whole)) {
    for (const ClauseRef clause : test.meta->clauses) claimed.insert(clause.id);
  }
  const bool by_test = options.filter != "*" || !options.names.empty();
  std::vector<ClauseRef> selected;
  for (const Clause& clause : AllClauses()) {
    const auto& [suites, about, patterns] =
        std::tie(options.suites, options.about, options.clauses);
    const bool of_suite = suites.empty() || std::ranges::count(suites, SuiteOf(clause)) > 0 ||
                          (claimed.count(clause.id) != 0 && patterns.empty() && about.empty());
    const bool fits =
        of_suite && (!by_test || claimed.count(clause.id) != 0) &&
        (about.empty() ||
         std::ranges::any_of(about, [&](const auto& word) { return IsAbout(clause, word); })) &&
        (patterns.empty() || std::ranges::any_of(patterns, [&](const auto& pattern) {
           return report::GlobMatches(pattern, clause.id);
         }));
    if (fits) selected.push_back(RefOf(clause));
  }
  return selected;
}

std::string LeftOut(const RunnerOptions& options) {
  if (options.suites.empty() || !options.clauses.empty() || options.filter != "*") return "";
  std::map<std::string, int> others;
  for (const TestEntry& test : AllTests()) {
    if (std::ranges::count(options.suites, test.meta->suite) > 0) continue;
    const bool same = std::ranges::any_of(test.meta->clauses, [&](ClauseRef clause) {
      return std::ranges::count(options.suites, SuiteOf(Get(clause))) > 0;
    });
    if (same) ++others[test.meta->suite];
  }
  std::vector<std::string> parts;
  for (const auto& [suite, count] : others)
    parts.push_back(Counted(count, "test") + " of " + suite);
  if (parts.empty()) return "";
  return Join(parts, ", ") + " also judge clauses of " + Join(options.suites, ", ") + ": --about " +
         Join(options.suites, ",") + " runs them too";
}

}  // namespace ipcsuite::cli
