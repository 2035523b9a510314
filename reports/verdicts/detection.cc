#include "reports/verdicts/detection.h"

#include <nlohmann/json.hpp>

namespace ipcsuite::report {

bool FoldDetection(std::string_view text, Run* run, std::string* error) {
  const auto document = nlohmann::ordered_json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    *error = "is not valid JSON, or truncated";
    return false;
  }
  if (!document.is_object() || !document.contains("clauses") || !document["clauses"].is_object()) {
    *error = "is no result of a detection run (no \"clauses\")";
    return false;
  }
  const auto& states = document["clauses"];
  for (ClauseRecord& clause : run->clauses) {
    const auto found = states.find(clause.id);
    if (found == states.end() || !found->is_string()) continue;
    const auto state = found->get<std::string>();
    if (state == "proven" || state == "unproven" || state == "no fault") clause.detection = state;
  }
  run->detection_json = text;
  return true;
}

}  // namespace ipcsuite::report
