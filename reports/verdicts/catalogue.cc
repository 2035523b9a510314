#include "reports/verdicts/catalogue.h"

#include <algorithm>

#include "spec/clause.h"

namespace ipcsuite::report {

std::vector<ClauseRecord> CatalogueClauses(const std::vector<std::string>& suites) {
  std::vector<ClauseRecord> records;
  for (const Clause& clause : AllClauses()) {
    const std::string suite(SuiteOf(clause));
    if (!suites.empty() && std::find(suites.begin(), suites.end(), suite) == suites.end()) continue;
    ClauseRecord r;
    r.id = clause.id;
    r.interface = clause.interface;
    r.suite = suite;
    r.function = clause.function;
    r.source = clause.source;
    r.kind = ToString(clause.kind);
    r.level = clause.level;
    r.requires_text = clause.requires_text;
    r.issues = static_cast<int>(clause.issues);
    r.untestable = clause.untestable;
    r.text = TextRead(clause);
    r.issues_read = static_cast<int>(IssuesRead(clause));
    r.readings.assign(clause.readings.begin(), clause.readings.end());
    r.decides = clause.decides;
    records.push_back(std::move(r));
  }
  return records;
}

}  // namespace ipcsuite::report
