#include "cli/list.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/args.h"
#include "base/files.h"
#include "base/text.h"
#include "cli/selection.h"
#include "harness/runner/runner.h"
#include "harness/test/registry.h"
#include "harness/test/test.h"
#include "reports/verdicts/detection.h"
#include "spec/clause.h"

namespace ipcsuite::cli {
namespace {

// The ids of the clauses that a test claims.
std::set<std::string_view> ClaimedClauses() {
  std::set<std::string_view> claimed;
  for (const TestEntry& test : AllTests()) {
    for (ClauseRef clause : test.meta->clauses) claimed.insert(clause.id);
  }
  return claimed;
}

std::string Disposition(const Clause& clause, bool claimed) {
  if (claimed) return IsRequirement(clause.kind) ? "tested" : "observed";
  return clause.untestable.empty() ? "untested" : "untestable";
}

struct ListOptions {
  bool clauses = false, tests = false, coverage = false;
  RunnerOptions selection;
  int issue = 0;
  std::vector<std::string> kinds;
  std::string detection;  // the file
};

// The selected clauses of the kinds and the issue.
std::vector<const Clause*> Chosen(const ListOptions& options) {
  std::vector<const Clause*> chosen;
  for (const ClauseRef ref : SelectedClauses(options.selection)) {
    const Clause& clause = Get(ref);
    const bool of_kind =
        options.kinds.empty() || std::ranges::count(options.kinds, ToString(clause.kind)) > 0;
    if (of_kind && (options.issue == 0 || (clause.issues & IssueBit(options.issue)) != 0))
      chosen.push_back(&clause);
  }
  return chosen;
}

void ListClauses(const ListOptions& options) {
  const std::set<std::string_view> claimed = ClaimedClauses();
  for (const Clause* const clause : Chosen(options)) {
    std::printf("%-55.*s %-22s %-5s %s\n", static_cast<int>(clause->id.size()), clause->id.data(),
                std::string(ToString(clause->kind)).c_str(), IssuesOf(*clause).c_str(),
                Disposition(*clause, claimed.contains(clause->id)).c_str());
  }
}

void ListTests(const ListOptions& options) {
  const std::vector<const Clause*> chosen = Chosen(options);
  for (const TestEntry& test : SelectTests(options.selection)) {
    std::string claims;
    bool selected = options.kinds.empty() && options.issue == 0;
    for (ClauseRef ref : test.meta->clauses) {
      claims += (claims.empty() ? "" : " ") + std::string(ref.id);
      selected = selected || std::ranges::count(chosen, &Get(ref)) > 0;
    }
    if (selected) std::printf("%s  [%s]\n", test.name.c_str(), claims.c_str());
  }
}

void ListCoverage(const ListOptions& options) {
  const std::set<std::string_view> claimed = ClaimedClauses();
  std::map<std::string, std::map<std::string, int>> rows;
  std::vector<const Clause*> missing;
  for (const Clause* const clause : Chosen(options)) {
    const std::string disposition = Disposition(*clause, claimed.contains(clause->id));
    for (const std::string& row : {std::string(clause->interface), std::string("all")}) {
      ++rows[row][disposition];
      ++rows[row]["clauses"];
    }
    if (disposition == "untested" && IsRequirement(clause->kind)) missing.push_back(clause);
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

// What the suite is known to notice; nothing if there is no result of `ipcsuite detect`. False
// after one line of complaint.
bool ListScore(const ListOptions& options) {
  const bool named = !options.detection.empty();
  const auto document =
      ReadFile(named ? options.detection : std::string("ipcsuite-reports/detection.json"));
  if (!document && named) Complain(document.error());
  if (!document) return !named;
  const std::string score = report::DetectionScore(*document);
  if (!score.empty()) std::printf("\nThe suite %s.\n", score.c_str());
  return true;
}

}  // namespace

std::string IssuesOf(const Clause& clause) {
  if (clause.issues == (kIssue7 | kIssue8)) return "7, 8";
  return clause.issues & kIssue7 ? "7" : "8";
}

int ListMain(int argc, char** argv) {
  CLI::App app("Lists clauses, tests or coverage; default: --coverage.", "ipcsuite list");
  ListOptions options;
  app.add_flag("--clauses", options.clauses, "Each clause with its kind, issues and disposition");
  app.add_flag("--tests", options.tests, "Each test with the clauses that it claims");
  app.add_flag("--coverage", options.coverage,
               "Counts by interface and disposition; the requirements without a test");
  AddSelection(app, options.selection);
  app.add_option("--issue", options.issue, "Only clauses of this issue")
      ->check(CLI::IsMember({7, 8}));
  app.add_option("--detection", options.detection,
                 "Result of `ipcsuite detect`, whose score --coverage shows; default: "
                 "ipcsuite-reports/detection.json");
  std::vector<std::string> kinds;
  for (const Kind kind : AllKinds()) kinds.emplace_back(ToString(kind));
  app.add_option("--kind", options.kinds, "Only clauses of these kinds: " + Join(kinds, ", "))
      ->delimiter(',')
      ->type_name("NAME,...")
      ->check(CLI::IsMember(kinds));
  const auto resolve = [&] { return CheckSelection(options.selection); };
  if (const int status = ParseArguments(app, argc, argv, resolve); status >= 0) return status;
  if (options.clauses) ListClauses(options);
  if (options.tests) ListTests(options);
  if (options.coverage || (!options.clauses && !options.tests)) {
    ListCoverage(options);
    if (!ListScore(options)) return 2;
  }
  if (std::fflush(stdout) != 0)
    return Complain(std::string("standard output can't be written: ") + std::strerror(errno));
  return 0;
}

}  // namespace ipcsuite::cli
