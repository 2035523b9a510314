#include "reports/verdicts/causes.h"

#include <algorithm>
#include <map>

#include "reports/results/finding.h"

namespace ipcsuite::report {
namespace {

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
