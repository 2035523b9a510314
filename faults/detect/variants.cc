#include "faults/detect/variants.h"

#include <algorithm>

#include "base/text.h"

namespace ipcsuite::detect {
namespace {

using Values = std::vector<std::string>;

// The values of each observation of the clauses in one test, in the order in which it made them.
std::map<std::pair<std::string, std::string>, Values> ValuesOf(const TestOutcome& test,
                                                               const Values& clauses) {
  std::map<std::pair<std::string, std::string>, Values> values;
  for (const Observation& observation : test.observations) {
    if (std::find(clauses.begin(), clauses.end(), observation.clause) != clauses.end())
      values[{observation.clause, observation.key}].push_back(observation.value);
  }
  return values;
}

// Whether the values come from somewhere else than chance: where two runs without the variant
// agree, any difference; where they do not, a value that neither has.
bool Differ(const Values& first, const Values& second, const Values& now) {
  if (first == second) return now != first;
  return std::any_of(now.begin(), now.end(), [&](const std::string& value) {
    return std::find(first.begin(), first.end(), value) == first.end() &&
           std::find(second.begin(), second.end(), value) == second.end();
  });
}

const TestOutcome* Outcome(const TrialResult& trial, const std::string& test) {
  const auto found = trial.tests.find(test);
  return found == trial.tests.end() ? nullptr : &found->second;
}

}  // namespace

bool VariantResult::observed() const {
  return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
    return variant.observed.empty() || change.key == variant.observed;
  });
}

bool VariantBaseline::Green(const std::string& test) const {
  const TestOutcome* a = Outcome(first, test);
  const TestOutcome* b = Outcome(second, test);
  return a && b && !a->Red() && !b->Red();
}

void CompareWithBaseline(const VariantBaseline& baseline, const TrialResult& trial,
                         VariantResult* result) {
  Values clauses;
  for (const ClauseRef clause : result->variant.clauses) clauses.emplace_back(Get(clause).id);
  for (const auto& [name, now] : trial.tests) {
    const TestOutcome* first = Outcome(baseline.first, name);
    const TestOutcome* second = Outcome(baseline.second, name);
    if (!first || !second) continue;
    if (first->Judged() && second->Judged() && !now.Judged() && !now.Red())
      result->unjudged.push_back(name);
    auto before = ValuesOf(*first, clauses), again = ValuesOf(*second, clauses);
    for (const auto& [key, values] : ValuesOf(now, clauses)) {
      if (Differ(before[key], again[key], values)) {
        result->changes.push_back(
            {name, key.first, key.second, Join(before[key], ", "), Join(values, ", ")});
      }
    }
  }
}

VariantScore ScoreOf(const std::vector<VariantResult>& results) {
  VariantScore score;
  for (const VariantResult& result : results) {
    if (!result.done || !result.problem.empty()) continue;
    ++score.variants;
    score.misjudged += !result.misjudged.empty();
    score.observed += result.observed();
    score.unobserved += !result.variant.observed.empty() && !result.observed();
    score.unmet += result.decisions == 0 && !result.observed();
  }
  return score;
}

}  // namespace ipcsuite::detect
