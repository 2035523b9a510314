#include "faults/detect/detect_plan.h"

#include <algorithm>

#include "spec/clause.h"

namespace ipcsuite::detect {

bool IsConformance(const std::string& suite) { return suite != "props" && suite != "stress"; }

const char* ToString(Stage stage) {
  static const char* const kNames[] = {"tests of its clauses", "other tests", "properties",
                                       "stress", "nothing"};
  return kNames[stage];
}

std::set<std::string> SuitesOf(const Implementation& fault) {
  std::set<std::string> suites;
  for (const ClauseRef clause : fault.clauses) suites.emplace(SuiteOf(Get(clause)));
  for (const faults::FamilyName& row : faults::kFamilies) {
    if (fault.meta() || row.family == fault.family) suites.insert(row.suite);
  }
  return suites;
}

std::set<std::string> SuitesOf(const std::vector<Implementation>& implementations) {
  const bool any =
      std::ranges::any_of(implementations, [](const auto& one) { return !one.meta(); });
  std::set<std::string> suites;
  for (const Implementation& one : implementations) {
    if (!any || !one.meta()) suites.merge(SuitesOf(one));
  }
  return suites;
}

bool Concerns(const TestInfo& test, const std::set<std::string>& suites) {
  return std::ranges::any_of(test.clauses, [&](ClauseRef clause) {
    return suites.count(std::string(SuiteOf(Get(clause)))) != 0;
  });
}

void PlanStages(const Implementation& fault, const std::vector<TestInfo>& tests, Stages* stages) {
  const std::set<std::string> suites = SuitesOf(fault);
  for (const TestInfo& test : tests) {
    const bool claims =
        std::find_first_of(test.clauses.begin(), test.clauses.end(), fault.clauses.begin(),
                           fault.clauses.end()) != test.clauses.end();
    if (!IsConformance(test.suite)) {
      if (Concerns(test, suites)) (*stages)[kProperties].push_back(test.name);
    } else if (claims) {
      (*stages)[kClaiming].push_back(test.name);
    } else if (suites.count(test.suite)) {
      (*stages)[kNeighbours].push_back(test.name);
    }
  }
}

std::map<std::string, std::map<std::string, Score>> Scores(
    const std::vector<FaultResult>& results) {
  std::map<std::string, std::map<std::string, Score>> scores;
  for (const FaultResult& result : results) {
    if (!result.done || result.fault.meta()) continue;
    for (const char* family : {ToString(result.fault.family), "all"}) {
      for (const char* difficulty : {ToString(result.fault.difficulty), ""}) {
        Score& score = scores[family][difficulty];
        ++score.faults;
        score.detected += result.detected();
        score.by_suites += result.detected() && result.stage < kProperties;
      }
    }
  }
  return scores;
}

std::map<std::string, std::string> ClauseStates(const std::vector<FaultResult>& results) {
  std::map<std::string, std::string> states;
  for (const Clause& clause : AllClauses()) {
    if (IsRequirement(clause.kind)) states[std::string(clause.id)] = "no fault";
  }
  for (const FaultResult& result : results) {
    if (!result.done) continue;
    for (const ClauseRef clause : result.fault.clauses) {
      std::string& state = states[std::string(clause.id)];
      if (result.detected()) state = "proven";
      if (state == "no fault") state = "unproven";
    }
  }
  return states;
}

std::vector<std::string> SmallestCover(const std::vector<FaultResult>& results,
                                       const std::map<std::string, double>& seconds,
                                       std::size_t most) {
  std::map<std::string, std::set<std::string>> sees;
  for (const FaultResult& result : results) {
    if (result.fault.meta()) continue;
    for (const Detection& detection : result.detections) {
      // A hang costs the whole time limit, and may be the busy machine's.
      if (detection.verdict == "FAIL") sees[detection.test].insert(result.fault.name);
    }
  }
  const auto time = [&](const std::string& test) {
    const auto known = seconds.find(test);
    return known == seconds.end() ? 0 : known->second;
  };
  std::vector<std::string> chosen;
  while (chosen.size() < most) {
    const auto best = std::ranges::max_element(sees, [&](const auto& a, const auto& b) {
      if (a.second.size() != b.second.size()) return a.second.size() < b.second.size();
      return time(a.first) > time(b.first);
    });
    if (best == sees.end() || best->second.empty()) break;
    chosen.push_back(best->first);
    const std::set<std::string> seen = std::move(best->second);
    for (auto& [test, faults] : sees)
      std::erase_if(faults, [&](const std::string& fault) { return seen.count(fault) > 0; });
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace ipcsuite::detect
