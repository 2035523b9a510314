#include "cli/explain.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/args.h"
#include "cli/list.h"
#include "faults/detect/library.h"
#include "harness/test/registry.h"
#include "reports/verdicts/expectations.h"
#include "reports/verdicts/finding_pages.h"
#include "spec/clause.h"

namespace ipcsuite::cli {
namespace {

void Wrap(const char* label, std::string_view text) {
  if (text.empty()) return;
  std::string line = std::string(label) + ":";
  line.resize(14, ' ');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (line.size() + word.size() > 98) {
      std::printf("%s\n", line.c_str());
      line.assign(14, ' ');
    }
    if (!word.empty()) line += (line.size() > 14 ? " " : "") + std::string(word);
    at = end + 1;
  }
  std::printf("%s\n", line.c_str());
}

bool AnyMatches(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return report::GlobMatches(pattern, name);
  });
}

bool Claims(const TestMeta& test, std::string_view clause) {
  return std::any_of(test.clauses.begin(), test.clauses.end(),
                     [&](ClauseRef claimed) { return claimed.id == clause; });
}

// "name (file:line)" of each definition that claims the clause; instances share one.
void ExplainTests(ClauseRef clause) {
  std::vector<const TestMeta*> definitions;
  std::map<const TestMeta*, int> instances;
  for (const TestEntry& test : AllTests()) {
    if (!Claims(*test.meta, clause.id)) continue;
    if (instances[test.meta]++ == 0) definitions.push_back(test.meta);
  }
  for (const TestMeta* const meta : definitions) {
    const int count = instances[meta];
    Wrap("test", meta->name + " (" + meta->file + ":" + std::to_string(meta->line) + ")" +
                     (count > 1 ? ", " + std::to_string(count) + " instances" : ""));
  }
  if (definitions.empty()) Wrap("tests", "none");
}

void ExplainRegressions(ClauseRef clause) {
  for (const Regression& bug : AllRegressions()) {
    if (std::find(bug.clauses.begin(), bug.clauses.end(), clause) != bug.clauses.end())
      Wrap("known bug", std::string(bug.id) + " (" + std::string(bug.status) +
                            "): " + std::string(bug.wrong_result));
  }
}

// The expectations that `concerns` picks, each with its place and reason.
template <typename F>
void ExplainExpectations(F concerns) {
  std::vector<report::Expectation> expectations;
  if (!report::DefaultExpectations(&expectations)) return;
  for (const report::Expectation& entry : expectations) {
    if (!concerns(entry)) continue;
    Wrap("expectation", entry.id + " (reports/verdicts/expectations/" + entry.origin + ":" +
                            std::to_string(entry.line) + "): " + entry.reason);
    Wrap("finding", report::FindingPage(entry.id));
  }
}

// Whether the entry names the clause, or covers whatever fails in a test that claims it.
bool Concerns(const report::Expectation& entry, const Clause& clause) {
  if (!entry.clauses.empty()) return AnyMatches(entry.clauses, clause.id);
  const std::vector<TestEntry> tests = AllTests();
  return std::any_of(tests.begin(), tests.end(), [&](const TestEntry& test) {
    return Claims(*test.meta, clause.id) && AnyMatches(entry.tests, test.name);
  });
}

// Whether the entry can cover a failure of the test.
bool Concerns(const report::Expectation& entry, const TestEntry& test) {
  if (!entry.tests.empty()) return AnyMatches(entry.tests, test.name);
  return std::any_of(test.meta->clauses.begin(), test.meta->clauses.end(),
                     [&](ClauseRef clause) { return AnyMatches(entry.clauses, clause.id); });
}

// "name (easy, faults/bank/mkfifo.cc:12)".
std::string Headline(const detect::Implementation& one) {
  const std::string difficulty = faults::ToString(one.difficulty);
  return one.name + " (" + difficulty + (difficulty.empty() ? "" : ", ") + one.file + ":" +
         std::to_string(one.line) + ")";
}

// The faults that break the clause, and the variants that decide it differently. A static program
// can't read the library.
void ExplainFaults(ClauseRef clause) {
  const std::string library = detect::FindLibrary();
  if (library.empty()) return;
  std::string error;
  for (const detect::Implementation& one : detect::LoadLibrary(library, &error)) {
    if (std::find(one.clauses.begin(), one.clauses.end(), clause) == one.clauses.end()) continue;
    const bool variant = one.role == faults::Role::variant;
    Wrap(variant ? "variant" : "fault", Headline(one) + ": " + one.what);
  }
}

int ExplainClause(const Clause& clause) {
  Wrap("clause", clause.id);
  Wrap("function", clause.function);
  Wrap("source", clause.source);
  Wrap("issues", IssuesOf(clause));
  Wrap("kind", ToString(clause.kind));
  Wrap("option", clause.level);
  Wrap("requires", clause.requires_text);
  Wrap("how to test", clause.test_hint);
  Wrap("known", clause.linux_note);
  Wrap("untestable", clause.untestable);
  Wrap("text read", TextRead(clause));
  for (const std::string_view reading : clause.readings) Wrap("reading", reading);
  Wrap("decided by", clause.decides);
  ExplainTests(RefOf(clause));
  ExplainFaults(RefOf(clause));
  ExplainRegressions(RefOf(clause));
  ExplainExpectations([&](const report::Expectation& entry) { return Concerns(entry, clause); });
  return 0;
}

int ExplainTest(const TestEntry& test) {
  Wrap("test", test.name);
  Wrap("defined", test.meta->file + ":" + std::to_string(test.meta->line));
  if (test.meta->exclusive) Wrap("runs", "alone");
  Wrap("dangerous", test.meta->dangerous);
  for (RegressionRef ref : test.meta->regressions)
    Wrap("regression", std::string(ref.id) + ": " + std::string(Get(ref).wrong_result));
  for (ClauseRef ref : test.meta->clauses) {
    std::printf("\n");
    Wrap("clause", ref.id);
    Wrap("kind", ToString(Get(ref).kind));
    Wrap("source", Get(ref).source);
    Wrap("requires", Get(ref).requires_text);
  }
  ExplainExpectations([&](const report::Expectation& entry) { return Concerns(entry, test); });
  return 0;
}

// An expectation by its id, with all that it says.
bool ExplainDeviation(const std::string& id) {
  std::vector<report::Expectation> expectations;
  if (!report::DefaultExpectations(&expectations)) return false;
  for (const report::Expectation& entry : expectations) {
    if (entry.id != id) continue;
    Wrap("deviation", entry.id);
    Wrap("defined",
         "reports/verdicts/expectations/" + entry.origin + ":" + std::to_string(entry.line));
    Wrap("expected", entry.expected);
    for (const auto& [key, value] : entry.condition) Wrap("condition", key + " " + value);
    Wrap("reason", entry.reason);
    Wrap("link", entry.link);
    Wrap("review by", entry.review_by);
    for (const std::string& pattern : entry.clauses) {
      for (const Clause& clause : AllClauses()) {
        if (report::GlobMatches(pattern, clause.id))
          Wrap("clause", std::string(clause.id) + ": " + std::string(clause.requires_text));
      }
    }
    for (const TestEntry& test : AllTests()) {
      if (AnyMatches(entry.tests, test.name))
        Wrap("test",
             test.name + " (" + test.meta->file + ":" + std::to_string(test.meta->line) + ")");
    }
    return true;
  }
  return false;
}

// A fault or a variant of the fault bank.
bool ExplainFault(const std::string& name) {
  const std::string library = detect::FindLibrary();
  std::string error;
  if (library.empty()) return false;
  for (const detect::Implementation& one : detect::LoadLibrary(library, &error)) {
    if (one.name != name) continue;
    Wrap(one.role == faults::Role::variant ? "variant" : "fault", Headline(one));
    Wrap("does", one.what);
    Wrap("like", one.source);
    for (const ClauseRef clause : one.clauses)
      Wrap("clause", std::string(clause.id) + ": " + std::string(Get(clause).requires_text));
    return true;
  }
  return false;
}

// Every name that can be explained.
std::vector<std::string> KnownNames() {
  std::vector<std::string> names;
  for (const Clause& clause : AllClauses()) {
    names.emplace_back(clause.id);
    names.emplace_back(clause.function);
  }
  for (const TestEntry& test : AllTests()) names.push_back(test.name);
  std::vector<report::Expectation> expectations;
  if (report::DefaultExpectations(&expectations)) {
    for (const report::Expectation& entry : expectations) names.push_back(entry.id);
  }
  return names;
}

// What a pattern or the name of a function selects, shortly.
int ExplainSeveral(const std::string& name) {
  bool found = false;
  for (const Clause& clause : AllClauses()) {
    if (clause.function != name && !report::GlobMatches(name, clause.id)) continue;
    if (found) std::printf("\n");
    found = true;
    Wrap("clause", std::string(clause.id) + " (" + std::string(ToString(clause.kind)) + ")");
    Wrap("requires", clause.requires_text);
    ExplainTests(RefOf(clause));
    ExplainExpectations([&](const report::Expectation& entry) { return Concerns(entry, clause); });
  }
  for (const TestEntry& test : AllTests()) {
    if (!report::GlobMatches(name, test.name) && !report::GlobMatches(name, test.meta->name))
      continue;
    found = true;
    Wrap("test", test.name + " (" + test.meta->file + ":" + std::to_string(test.meta->line) + ")");
    ExplainExpectations([&](const report::Expectation& entry) { return Concerns(entry, test); });
  }
  if (found) return 0;
  return Complain("'" + name +
                  "' is neither a clause, a function, a test, a known deviation, a fault nor a "
                  "pattern" +
                  DidYouMean(name, KnownNames()) + " (`ipcsuite list --clauses --tests`)");
}

}  // namespace

int ExplainMain(int argc, char** argv) {
  CLI::App app(
      "Shows what a clause requires and where it is tested, what a test judges, what is "
      "known of a deviation, or what a fault breaks.",
      "ipcsuite explain");
  std::string name;
  app.add_option(
         "NAME", name,
         "Id of a clause or of a known deviation (an expectation), name of a function, a test or a "
         "fault, or a pattern (* and ?) of ids or names")
      ->required();
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  if (const Clause* clause = Find(name)) return ExplainClause(*clause);
  for (const TestEntry& test : AllTests()) {
    if (test.name == name || test.meta->name == name) return ExplainTest(test);
  }
  if (ExplainDeviation(name) || ExplainFault(name)) return 0;
  return ExplainSeveral(name);
}

}  // namespace ipcsuite::cli
