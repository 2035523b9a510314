#include "reports/verdicts/detection.h"

#include <nlohmann/json.hpp>

namespace ipcsuite::report {

Result<void> FoldDetection(std::string_view text, Run* run) {
  const auto document = nlohmann::ordered_json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    return Error{"is not valid JSON, or truncated"};
  }
  if (!document.is_object() || !document.contains("clauses") || !document["clauses"].is_object()) {
    return Error{"is not a result of a detection run (no \"clauses\")"};
  }
  const auto& states = document["clauses"];
  for (ClauseRecord& clause : run->clauses) {
    const auto found = states.find(clause.id);
    if (found == states.end() || !found->is_string()) continue;
    const auto state = found->get<std::string>();
    if (state == "proven" || state == "unproven" || state == "no fault") clause.detection = state;
  }
  run->detection_json = text;
  return {};
}

std::string DetectionScore(std::string_view text) {
  using nlohmann::json;
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return "";
  std::string score;
  const auto add = [&](const char* verb, const json& part, const char* count, const char* all) {
    if (!part.is_object() || !part.contains(count) || !part.contains(all)) return;
    score += (score.empty() ? "" : ", ") + std::string(verb) + " " +
             std::to_string(part.value(count, 0)) + " of " + std::to_string(part.value(all, 0)) +
             " " + all;
  };
  const auto at = [&](const char* path) {
    const json::json_pointer pointer(path);
    return document.contains(pointer) ? document[pointer] : json();
  };
  add("sees", at("/scores/all/all"), "detected", "faults");
  add("misjudges", at("/variants/score"), "misjudged", "variants");
  return score;
}

}  // namespace ipcsuite::report
