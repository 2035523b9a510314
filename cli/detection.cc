#include "cli/detection.h"

#include <string.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace ipcsuite::cli {

bool LoadDetection(const std::string& path, const std::string& out, std::string* document, std::string* error) {
  const std::string name = !path.empty() ? path : out.empty() ? "" : out + "/detection.json";
  if (name.empty()) return true;
  errno = 0;
  std::ifstream file(name);
  if (!file) {
    if (path.empty()) return true;
    *error = "can't read " + name + ": " + strerror(errno);
    return false;
  }
  std::stringstream text;
  text << file.rdbuf();
  const nlohmann::json json = nlohmann::json::parse(text.str(), nullptr, false);
  if (!json.is_object() || !json.contains("clauses") || !json["clauses"].is_object() || !json.contains("faults")) {
    *error = name + " is no result of `ipcsuite detect`: make it anew or remove it";
    return false;
  }
  *document = json.dump();
  return true;
}

void FoldDetection(const std::string& document, report::Run* run) {
  if (document.empty()) return;
  run->detection_json = document;
  const nlohmann::json clauses = nlohmann::json::parse(document)["clauses"];
  for (report::ClauseRecord& clause : run->clauses) {
    const auto found = clauses.find(clause.id);
    if (found != clauses.end() && found->is_string()) clause.detection = *found;
  }
}

}  // namespace ipcsuite::cli
