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
  const nlohmann::ordered_json::json_pointer kernel("/kernel/clauses");
  const auto state_of = [](const auto& states, const std::string& id) -> std::string {
    const auto found = states.find(id);
    return found == states.end() || !found->is_string() ? "" : found->template get<std::string>();
  };
  for (ClauseRecord& clause : run->clauses) {
    // The strongest of what faults of the library and faults of a kernel show.
    const std::string by_library = state_of(document["clauses"], clause.id);
    const std::string by_kernel =
        document.contains(kernel) ? state_of(document[kernel], clause.id) : "";
    for (const char* state : {"no fault", "unproven", "proven"}) {
      if (by_library == state || by_kernel == state) clause.detection = state;
    }
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
  add("sees in a kernel", at("/kernel/scores/all/all"), "detected", "faults");
  add("misjudges", at("/variants/score"), "misjudged", "variants");
  return score;
}

}  // namespace ipcsuite::report
