#include "cli/list.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "harness/runner/runner.h"
#include "harness/test/test.h"
#include "spec/clause.h"

namespace ipcsuite::cli {
namespace {

// Tests by the clause that they claim.
std::map<std::uint16_t, std::vector<std::string>> TestsByClause() {
  std::map<std::uint16_t, std::vector<std::string>> tests;
  for (const TestEntry& test : AllTests()) {
    for (ClauseRef clause : test.meta->clauses) tests[clause.index].push_back(test.name);
  }
  return tests;
}

std::string Disposition(const Clause& clause, bool claimed) {
  if (claimed) return IsRequirement(clause.kind) ? "tested" : "observed";
  return clause.untestable.empty() ? "untested" : "untestable";
}

std::string Issues(const Clause& clause) {
  if (clause.issues == (kIssue7 | kIssue8)) return "7, 8";
  return clause.issues & kIssue7 ? "7" : "8";
}

struct ListOptions {
  bool clauses = false, tests = false, coverage = false;
  std::vector<std::string> suites;
  int issue = 0;
  std::vector<std::string> kinds;
};

bool Selected(const Clause& clause, const ListOptions& options) {
  const auto has = [](const std::vector<std::string>& list, std::string_view value) {
    return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
  };
  return has(options.suites, SuiteOf(clause)) && has(options.kinds, ToString(clause.kind)) &&
         (options.issue == 0 || (clause.issues & IssueBit(options.issue)) != 0);
}

void ListClauses(const ListOptions& options) {
  const auto tests = TestsByClause();
  for (std::size_t i = 0; i < AllClauses().size(); ++i) {
    const Clause& clause = AllClauses()[i];
    if (!Selected(clause, options)) continue;
    const bool claimed = tests.count(static_cast<std::uint16_t>(i)) > 0;
    std::printf("%-55.*s %-22s %-5s %s\n", static_cast<int>(clause.id.size()), clause.id.data(),
                std::string(ToString(clause.kind)).c_str(), Issues(clause).c_str(),
                Disposition(clause, claimed).c_str());
  }
}

void ListTests(const ListOptions& options) {
  for (const TestEntry& test : AllTests()) {
    const auto& suites = options.suites;
    if (!suites.empty() &&
        std::find(suites.begin(), suites.end(), test.meta->suite) == suites.end())
      continue;
    std::string claims;
    bool selected = options.kinds.empty() && options.issue == 0;
    for (ClauseRef ref : test.meta->clauses) {
      claims += (claims.empty() ? "" : " ") + std::string(Get(ref).id);
      ListOptions any_suite = options;
      any_suite.suites.clear();
      selected = selected || Selected(Get(ref), any_suite);
    }
    if (selected) std::printf("%s  [%s]\n", test.name.c_str(), claims.c_str());
  }
}

void ListCoverage(const ListOptions& options) {
  const auto tests = TestsByClause();
  std::map<std::string, std::map<std::string, int>> rows;
  std::vector<const Clause*> missing;
  for (std::size_t i = 0; i < AllClauses().size(); ++i) {
    const Clause& clause = AllClauses()[i];
    if (!Selected(clause, options)) continue;
    const std::string disposition =
        Disposition(clause, tests.count(static_cast<std::uint16_t>(i)) > 0);
    for (const std::string& row : {std::string(clause.interface), std::string("all")}) {
      ++rows[row][disposition];
      ++rows[row]["clauses"];
    }
    if (disposition == "untested" && IsRequirement(clause.kind)) missing.push_back(&clause);
  }
  std::printf("%-14s %8s %8s %9s %11s %9s\n", "interface", "clauses", "tested", "observed",
              "untestable", "untested");
  for (auto& [row, counts] : rows) {
    if (row != "all") {
      std::printf("%-14s %8d %8d %9d %11d %9d\n", row.c_str(), counts["clauses"], counts["tested"],
                  counts["observed"], counts["untestable"], counts["untested"]);
    }
  }
  auto& counts = rows["all"];
  std::printf("%-14s %8d %8d %9d %11d %9d\n", "all", counts["clauses"], counts["tested"],
              counts["observed"], counts["untestable"], counts["untested"]);
  if (!missing.empty()) std::printf("\nRequirements that no test claims:\n");
  for (const Clause* clause : missing)
    std::printf("  %s (%s)\n", std::string(clause->id).c_str(),
                std::string(ToString(clause->kind)).c_str());
}

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

int ExplainClause(const Clause& clause) {
  Wrap("clause", clause.id);
  Wrap("function", clause.function);
  Wrap("source", clause.source);
  Wrap("issues", Issues(clause));
  Wrap("kind", ToString(clause.kind));
  Wrap("option", clause.level);
  Wrap("requires", clause.requires_text);
  Wrap("how to test", clause.test_hint);
  Wrap("known", clause.linux_note);
  Wrap("untestable", clause.untestable);
  if (clause.verify) Wrap("note", "the wording or the reading is arguable");
  const auto tests = TestsByClause();
  const auto it = tests.find(RefOf(clause).index);
  if (it == tests.end()) {
    Wrap("tests", "none");
  } else {
    for (const std::string& test : it->second) Wrap("test", test);
  }
  return 0;
}

int ExplainTest(const TestEntry& test) {
  Wrap("test", test.name);
  Wrap("defined", test.meta->file + ":" + std::to_string(test.meta->line));
  if (test.meta->exclusive) Wrap("runs", "alone");
  Wrap("dangerous", test.meta->dangerous);
  for (RegressionRef ref : test.meta->regressions)
    Wrap("regression", std::string(Get(ref).id) + ": " + std::string(Get(ref).wrong_result));
  for (ClauseRef ref : test.meta->clauses) {
    std::printf("\n");
    Wrap("clause", Get(ref).id);
    Wrap("kind", ToString(Get(ref).kind));
    Wrap("source", Get(ref).source);
    Wrap("requires", Get(ref).requires_text);
  }
  return 0;
}

}  // namespace

int ListMain(int argc, char** argv) {
  CLI::App app("Lists clauses, tests or coverage; default: --coverage.", "ipcsuite list");
  ListOptions options;
  app.add_flag("--clauses", options.clauses, "Each clause with its kind, issues and disposition");
  app.add_flag("--tests", options.tests, "Each test with the clauses that it claims");
  app.add_flag("--coverage", options.coverage,
               "Counts by interface and disposition; the requirements without a test");
  app.add_option("--suite", options.suites, "Only these suites")->delimiter(',');
  app.add_option("--issue", options.issue, "Only clauses of this issue")
      ->check(CLI::IsMember({7, 8}));
  app.add_option("--kind", options.kinds, "Only clauses of these kinds")->delimiter(',');
  if (const int status = report::ParseArguments(app, argc, argv); status >= 0) return status;
  for (const std::string& kind : options.kinds) {
    if (!KindFromString(kind)) {
      std::fprintf(stderr,
                   "ipcsuite: unknown kind '%s': shall, shall-error, limit, may-error, should, "
                   "unspecified, implementation-defined\n",
                   kind.c_str());
      return 2;
    }
  }
  if (options.clauses) ListClauses(options);
  if (options.tests) ListTests(options);
  if (options.coverage || (!options.clauses && !options.tests)) ListCoverage(options);
  return 0;
}

int ExplainMain(int argc, char** argv) {
  if (argc != 1 || std::string_view(argv[0]) == "--help") {
    std::fprintf(argc == 1 ? stdout : stderr, "usage: ipcsuite explain CLAUSE|TEST\n");
    return argc == 1 ? 0 : 2;
  }
  if (const Clause* clause = Find(argv[0])) return ExplainClause(*clause);
  for (const TestEntry& test : AllTests()) {
    if (test.name == argv[0] || test.meta->name == argv[0]) return ExplainTest(test);
  }
  std::fprintf(
      stderr,
      "ipcsuite: '%s' is neither a clause nor a test: see `ipcsuite list --clauses --tests`\n",
      argv[0]);
  return 2;
}

}  // namespace ipcsuite::cli
