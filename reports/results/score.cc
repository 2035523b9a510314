#include "reports/results/score.h"

#include <algorithm>

namespace ipcsuite::report {
namespace {

constexpr std::size_t kMostFunctions = 30;

std::vector<Score> ScoresBy(const Run& run, std::string ClauseRecord::*key) {
  std::vector<Score> scores;
  for (const ClauseRecord& clause : run.clauses) {
    if (clause.verdict == Verdict::kNotInUse) continue;
    auto at = std::ranges::find(scores, clause.*key, &Score::name);
    if (at == scores.end()) at = scores.insert(at, Score{.name = clause.*key});
    ++at->clauses;
    at->judged += IsJudged(clause.verdict);
    at->violated += clause.verdict == Verdict::kFail || clause.verdict == Verdict::kFlaky;
    at->known += clause.verdict == Verdict::kXfail;
  }
  return scores;
}

}  // namespace

std::vector<Score> ScoresOf(const Run& run) {
  std::vector<Score> scores = ScoresBy(run, &ClauseRecord::function);
  return scores.size() <= kMostFunctions ? scores : ScoresBy(run, &ClauseRecord::interface);
}

std::string ScoreText(const Score& score) {
  std::string text =
      std::to_string(score.judged) + " of " + std::to_string(score.clauses) + " judged";
  if (score.violated > 0) text += ", " + std::to_string(score.violated) + " violated";
  if (score.known > 0) text += ", " + std::to_string(score.known) + " violated as known";
  return text;
}

}  // namespace ipcsuite::report
