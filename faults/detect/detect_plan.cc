#include "faults/detect/detect_plan.h"

#include <algorithm>

#include "spec/clause.h"

namespace ipcsuite::faults {

bool IsConformance(const std::string& suite) { return suite != "props" && suite != "stress"; }

const char* ToString(Stage stage) {
  static const char* const kNames[] = {"tests of its clauses", "other tests", "properties",
                                       "stress", "nothing"};
  return kNames[stage];
}

std::set<std::string> SuitesOf(const FaultInfo& fault) {
  std::set<std::string> suites;
  for (const std::string& id : fault.breaks) {
    if (const Clause* clause = Find(id)) suites.insert(std::string(SuiteOf(*clause)));
  }
  if (fault.family == "notify") {
    suites.insert("mqueue");
  } else if (fault.family == "meta") {
    suites.insert({"pipe", "fifo", "poll", "shm", "mqueue"});
  } else {
    suites.insert(fault.family);
  }
  return suites;
}

void PlanStages(const FaultInfo& fault, const std::vector<TestInfo>& tests, Stages* stages) {
  const std::set<std::string> suites = SuitesOf(fault);
  const std::set<std::string> broken(fault.breaks.begin(), fault.breaks.end());
  for (const TestInfo& test : tests) {
    const bool claims = std::any_of(test.clauses.begin(), test.clauses.end(),
                                    [&](const std::string& id) { return broken.count(id) != 0; });
    if (!IsConformance(test.suite)) {
      (*stages)[kProperties].push_back(test.name);
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
    if (!result.done || result.fault.family == "meta") continue;
    for (const std::string& family : {result.fault.family, std::string("all")}) {
      for (const std::string& difficulty : {result.fault.difficulty, std::string()}) {
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
    for (const std::string& id : result.fault.breaks) {
      std::string& state = states[id];
      if (result.detected()) state = "proven";
      if (state == "no fault") state = "unproven";
    }
  }
  return states;
}

}  // namespace ipcsuite::faults
