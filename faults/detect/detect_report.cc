#include "faults/detect/detect_report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "reports/verdicts/detection.h"
#include "spec/clause.h"

namespace ipcsuite::detect {
namespace {

using nlohmann::json;

json Identifiers(const std::vector<ClauseRef>& clauses) {
  json ids = json::array();
  for (const ClauseRef clause : clauses) ids.push_back(clause.id);
  return ids;
}

json ResultJson(const FaultResult& result) {
  json out = {{"name", result.fault.name},
              {"family", ToString(result.fault.family)},
              {"difficulty", ToString(result.fault.difficulty)},
              {"what", result.fault.what},
              {"source", result.fault.source},
              {"breaks", Identifiers(result.fault.clauses)},
              {"result", !result.done              ? "not run"
                         : !result.problem.empty() ? "no result"
                         : result.detected()       ? "detected"
                                                   : "missed"},
              {"duration_s", result.seconds}};
  if (!result.problem.empty()) out["problem"] = result.problem;
  if (result.detected()) out["by"] = ToString(result.stage);
  for (const Detection& detection : result.detections) {
    out["detections"].push_back(
        {{"test", detection.test}, {"verdict", detection.verdict}, {"reason", detection.reason}});
  }
  return out;
}

json VariantJson(const VariantResult& result) {
  json out = {{"name", result.variant.name},
              {"family", ToString(result.variant.family)},
              {"what", result.variant.what},
              {"source", result.variant.source},
              {"clauses", Identifiers(result.variant.clauses)},
              {"observes", result.variant.observed},
              {"result", !result.done                ? "not run"
                         : !result.problem.empty()   ? "no result"
                         : !result.misjudged.empty() ? "misjudged"
                                                     : "green"},
              {"observed", result.observed()},
              {"decisions", result.decisions},
              {"no_longer_judged", result.unjudged},
              {"duration_s", result.seconds}};
  if (!result.problem.empty()) out["problem"] = result.problem;
  for (const Detection& one : result.misjudged) {
    out["misjudged_by"].push_back(
        {{"test", one.test}, {"verdict", one.verdict}, {"reason", one.reason}});
  }
  for (const Change& change : result.changes) {
    out["changes"].push_back({{"test", change.test},
                              {"clause", change.clause},
                              {"key", change.key},
                              {"before", change.before},
                              {"after", change.after}});
  }
  return out;
}

json ScoresJson(const DetectionRun& run) {
  json out = json::object();
  for (const auto& [family, difficulties] : Scores(run.results)) {
    for (const auto& [difficulty, score] : difficulties) {
      out[family][difficulty.empty() ? "all" : difficulty] = {
          {"faults", score.faults},
          {"detected_by_suites", score.by_suites},
          {"detected", score.detected}};
    }
  }
  return out;
}

json FaultsJson(const DetectionRun& run) {
  json out = {{"schema_version", 1},
              {"command_line", run.command_line},
              {"started", run.started},
              {"duration_s", run.seconds},
              {"interrupted", run.interrupted},
              {"full", run.full},
              {"baseline",
               {{"tests_judged", run.baseline_tests},
                {"duration_s", run.baseline_seconds},
                {"not_used", run.not_used}}},
              {"neutral", {{"duration_s", run.neutral_seconds}, {"differs", run.neutral_differs}}},
              {"scores", ScoresJson(run)},
              {"clauses", ClauseStates(run.results)},
              {"faults", json::array()}};
  for (const FaultResult& result : run.results) out["faults"].push_back(ResultJson(result));
  if (run.full) out["tests_detecting_nothing"] = run.detecting_nothing;
  for (const Proof& proof : run.proofs) {
    out["reproducers"].push_back({{"fault", proof.fault},
                                  {"test", proof.test},
                                  {"result", ToString(proof.result)},
                                  {"reason", proof.why},
                                  {"lines", proof.lines}});
  }
  return out;
}

json VariantsJson(const VariantRun& run) {
  const VariantScore score = ScoreOf(run.results);
  json part = {{"command_line", run.command_line},
               {"started", run.started},
               {"duration_s", run.seconds},
               {"interrupted", run.interrupted},
               {"score",
                {{"variants", score.variants},
                 {"misjudged", score.misjudged},
                 {"observed", score.observed},
                 {"unobserved", score.unobserved},
                 {"unmet", score.unmet}}},
               {"results", json::array()}};
  for (const VariantResult& result : run.results) part["results"].push_back(VariantJson(result));
  return {{"variants", std::move(part)}};
}

// Puts the part into the file, and keeps the others. The faults of the library are the file itself;
// variants and the faults of a kernel are members of their own.
bool Merge(const json& part, const std::string& path, std::string* score, std::string* error) {
  json whole = json::object();
  if (const auto before = ReadFile(path)) {
    const json old = json::parse(*before, nullptr, false);
    if (old.is_object() && !part.contains("faults")) whole = old;
    for (const char* other : {"variants", "kernel"}) {
      if (old.is_object() && old.contains(other)) whole[other] = old[other];
    }
  }
  whole.update(part);
  // What reads the file expects the states of clauses, which the other parts do not give.
  if (!whole.contains("clauses")) whole["clauses"] = json::object();
  const std::string text = whole.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
  *score = report::DetectionScore(text);
  const auto written = WriteFile(path, text);
  if (!written) *error = written.error();
  return written.ok();
}

std::string Percent(int part, int whole) {
  if (whole == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%d/%d %.1f%%", part, whole, 100.0 * part / whole);
  return text;
}

void PrintScores(const DetectionRun& run) {
  auto scores = Scores(run.results);
  std::vector<std::string> families, difficulties;
  for (const faults::FamilyName& row : faults::kFamilies) families.push_back(row.name);
  for (const faults::DifficultyName& row : faults::kDifficulties) difficulties.push_back(row.name);
  families.push_back("all");
  difficulties.push_back("");
  for (const bool alone : {true, false}) {
    std::printf("\nDetected by %s:\n  %-8s",
                alone ? "the conformance suites alone" : "suites, properties and stress", "");
    for (const std::string& difficulty : difficulties)
      std::printf("%-17s", difficulty.empty() ? "all" : difficulty.c_str());
    std::printf("\n");
    for (const std::string& family : families) {
      if (!scores.count(family)) continue;
      std::printf("  %-8s", family.c_str());
      for (const std::string& difficulty : difficulties) {
        const Score& score = scores[family][difficulty];
        std::printf("%-17s",
                    Percent(alone ? score.by_suites : score.detected, score.faults).c_str());
      }
      std::printf("\n");
    }
  }
}

// Faults that no conformance test saw, and what saw them.
void PrintLateDetections(const DetectionRun& run) {
  for (const Stage stage : {kProperties, kStress}) {
    bool any = false;
    for (const FaultResult& result : run.results) {
      if (!result.detected() || result.stage != stage) continue;
      if (!any) std::printf("\nDetected by %s:\n", ToString(stage));
      any = true;
      std::printf("  %-42s %-7s %s\n", result.fault.name.c_str(), ToString(result.fault.difficulty),
                  result.detections[0].test.c_str());
    }
  }
}

void PrintClauses(const DetectionRun& run) {
  std::map<std::string, std::map<std::string, int>> counts;
  const auto states = ClauseStates(run.results);
  for (const auto& [id, state] : states) ++counts[std::string(Find(id)->interface)][state];
  std::printf("\nRequirements by interface:\n  %-12s%-10s%-10s%s\n", "", "proven", "unproven",
              "no fault");
  for (auto& [interface, count] : counts) {
    if (count["proven"] + count["unproven"] == 0) continue;  // not of the faults run
    std::printf("  %-12s%-10d%-10d%d\n", interface.c_str(), count["proven"], count["unproven"],
                count["no fault"]);
  }
}

}  // namespace

bool CanarySeen(const DetectionRun& run) {
  for (const FaultResult& result : run.results) {
    if (result.fault.name == "canary") return result.detected();
  }
  return false;
}

std::vector<const FaultResult*> Missed(const DetectionRun& run) {
  std::vector<const FaultResult*> missed;
  for (const FaultResult& result : run.results) {
    if (result.done && !result.detected()) missed.push_back(&result);
  }
  return missed;
}

bool Save(const DetectionRun& run, const std::string& path, std::string* score,
          std::string* error) {
  const json faults = FaultsJson(run);
  return Merge(run.kernel ? json{{"kernel", faults}} : faults, path, score, error);
}

bool Save(const VariantRun& run, const std::string& path, std::string* score, std::string* error) {
  return Merge(VariantsJson(run), path, score, error);
}

void PrintSummary(const DetectionRun& run) {
  if (run.results.empty()) return;
  PrintScores(run);
  PrintLateDetections(run);
  const auto missed = Missed(run);
  if (!missed.empty()) std::printf("\nMissed:\n");
  for (const FaultResult* result : missed) {
    std::printf("  %-42s %-7s %-7s %s\n", result->fault.name.c_str(),
                ToString(result->fault.family), ToString(result->fault.difficulty),
                result->problem.empty() ? result->fault.what.c_str() : result->problem.c_str());
  }
  if (run.full) {
    std::printf("\nTests that detected no fault (they may still matter for kernels): %zu\n",
                run.detecting_nothing.size());
    for (const std::string& test : run.detecting_nothing) std::printf("  %s\n", test.c_str());
  }
  PrintClauses(run);
  std::printf("\n%zu faults in %.0f s%s%s\n", run.results.size(), run.seconds,
              run.interrupted.empty() ? "" : "; interrupted: ", run.interrupted.c_str());
}

void PrintVariants(const VariantRun& run) {
  const VariantScore score = ScoreOf(run.results);
  const auto name_those = [&](const char* title, const auto& chosen) {
    bool any = false;
    for (const VariantResult& result : run.results) {
      if (!result.done || !result.problem.empty() || !chosen(result)) continue;
      if (!any) std::printf("\n%s:\n", title);
      any = true;
      std::printf("  %-42s %-7s %s\n", result.variant.name.c_str(), ToString(result.variant.family),
                  result.variant.what.c_str());
    }
  };
  name_those("Misjudged", [](const VariantResult& r) { return !r.misjudged.empty(); });
  name_those("Observation unchanged", [](const VariantResult& r) {
    return !r.variant.observed.empty() && !r.observed() && r.decisions > 0;
  });
  name_those("Not met by any test",
             [](const VariantResult& r) { return r.decisions == 0 && !r.observed(); });
  std::printf(
      "\n%d variants in %.0f s: %d misjudged; %d observed, %d with their observation unchanged, "
      "%d not met by any test%s%s\n",
      score.variants, run.seconds, score.misjudged, score.observed, score.unobserved, score.unmet,
      run.interrupted.empty() ? "" : "; interrupted: ", run.interrupted.c_str());
}

}  // namespace ipcsuite::detect
