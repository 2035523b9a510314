// The detection score: whether the suite was seen to notice planted faults.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "reports/page/html_parts.h"
#include "reports/results/text.h"
#include "reports/verdicts/detection.h"

namespace ipcsuite::report::html {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string OpenTable(const std::string& caption, const std::vector<std::string>& columns) {
  std::string out = "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"" +
                    Escape(caption) + "\"><table class=\"grid\"><caption>" + Escape(caption) +
                    "</caption><thead><tr>";
  for (const auto& c : columns) out += "<th scope=\"col\">" + Escape(c) + "</th>";
  return out + "</tr></thead><tbody>";
}

std::string ScoreCell(const Json& family, const char* difficulty) {
  const auto found = family.find(difficulty);
  if (found == family.end() || !found->is_object()) return "<td class=\"n\"></td>";
  const int faults = found->value("faults", 0), all = found->value("detected", 0);
  const int suites = found->value("detected_by_suites", 0);
  return "<td class=\"n\"><strong>" + std::to_string(all) + "</strong> of " +
         std::to_string(faults) +
         (suites != all ? "<br><small>suites alone: " + std::to_string(suites) + "</small>" : "") +
         "</td>";
}

std::string Scores(const Json& document) {
  const auto scores = document.find("scores");
  if (scores == document.end() || !scores->is_object()) return "";
  std::string out = OpenTable("Planted faults that the suite noticed",
                              {"Interface", "easy", "medium", "hard", "all"});
  const auto row = [&](const std::string& name, const Json& family) {
    out += "<tr><th scope=\"row\">" + Escape(name) + "</th>";
    for (const char* difficulty : {"easy", "medium", "hard", "all"})
      out += ScoreCell(family, difficulty);
    out += "</tr>";
  };
  for (const auto& [name, family] : scores->items()) {
    if (name != "all" && family.is_object()) row(name, family);
  }
  if (scores->contains("all")) row("all", (*scores)["all"]);
  return out + "</tbody></table></div>\n";
}

std::string FaultTable(const Json& document, const std::string& result,
                       const std::string& caption) {
  const auto faults = document.find("faults");
  if (faults == document.end() || !faults->is_array()) return "";
  std::string rows;
  int n = 0;
  for (const Json& fault : *faults) {
    if (!fault.is_object() || Text(fault, "result") != result) continue;
    ++n;
    std::string by;
    if (fault.contains("detections") && fault["detections"].is_array() &&
        !fault["detections"].empty()) {
      by = BreakableCode(Text(fault["detections"][0], "test"));
    }
    rows += "<tr><th scope=\"row\">" + BreakableCode(Text(fault, "name")) + "</th><td>" +
            Escape(Text(fault, "family")) + "</td><td>" + Escape(Text(fault, "difficulty")) +
            "</td><td>" + Escape(Text(fault, "what")) + "</td><td>" +
            (by.empty() ? Escape(Text(fault, "problem")) : by) + "</td></tr>";
  }
  if (n == 0) return "";
  return "<details class=\"more\"><summary>" + Escape(caption) + " (" + std::to_string(n) +
         ")</summary>" +
         OpenTable(caption,
                   {"Fault", "Interface", "Difficulty", "What it does", "First noticed by"}) +
         rows + "</tbody></table></div></details>\n";
}

std::string VariantTable(const Json& results, const std::string& caption,
                         bool (*chosen)(const Json&)) {
  std::string rows;
  int n = 0;
  for (const Json& variant : results) {
    if (!variant.is_object() || !chosen(variant)) continue;
    ++n;
    std::string shown;
    if (variant.contains("misjudged_by")) {
      for (const Json& test : variant["misjudged_by"])
        shown += BreakableCode(Text(test, "test")) + " " + Escape(Text(test, "reason")) + "<br>";
    } else if (variant.contains("changes") && !variant["changes"].empty()) {
      const Json& change = variant["changes"][0];
      shown = Escape(Text(change, "key") + ": " + Text(change, "after") + ", was " +
                     Text(change, "before"));
    }
    rows += "<tr><th scope=\"row\">" + BreakableCode(Text(variant, "name")) + "</th><td>" +
            Escape(Text(variant, "family")) + "</td><td>" + Escape(Text(variant, "what")) +
            "</td><td>" + shown + "</td></tr>";
  }
  if (n == 0) return "";
  return "<details class=\"more\"><summary>" + Escape(caption) + " (" + std::to_string(n) +
         ")</summary>" + OpenTable(caption, {"Variant", "Interface", "What it does", "Seen"}) +
         rows + "</tbody></table></div></details>\n";
}

// Conforming implementations that decide open questions differently.
std::string Variants(const Json& document) {
  const Json::json_pointer at("/variants/results");
  if (!document.contains(at) || !document[at].is_array()) return "";
  const Json& results = document[at];
  return "<p>Conforming variants decide differently what the standard leaves open: no test may "
         "fail "
         "under one.</p>" +
         VariantTable(results, "Conforming variants that a test misjudged",
                      [](const Json& v) { return Text(v, "result") == "misjudged"; }) +
         VariantTable(results, "Conforming variants that no test observed",
                      [](const Json& v) {
                        return Text(v, "result") == "green" && !v.value("observed", false);
                      }) +
         VariantTable(results, "Conforming variants that were observed", [](const Json& v) {
           return Text(v, "result") == "green" && v.value("observed", false);
         });
}

}  // namespace

std::string Detection(const Run& run) {
  int proven = 0, unproven = 0, no_fault = 0;
  std::string names;
  for (const ClauseRecord& c : run.clauses) {
    proven += c.detection == "proven";
    no_fault += c.detection == "no fault";
    if (c.detection != "unproven") continue;
    ++unproven;
    names += "<li>" + LinkTo("c", c.id) + "</li>";
  }
  const Json document = Json::parse(run.detection_json, nullptr, false);
  std::string out;
  if (proven + unproven + no_fault > 0) {
    out =
        "<p>Faults are put between the program and the system, one at a time; a clause is proven "
        "if a fault that "
        "breaks it made a test fail. Of the clauses here, <strong>" +
        std::to_string(proven) + " are proven</strong>, " + std::to_string(unproven) +
        " have a fault that nobody noticed, and for " + std::to_string(no_fault) +
        " no fault exists.</p>";
  }
  if (unproven > 0) {
    out += "<details class=\"more\"><summary>Unproven clauses (" + std::to_string(unproven) +
           ")</summary><ul class=\"columns\">" + names + "</ul></details>";
  }
  if (!document.is_object()) return out;
  const std::string score = DetectionScore(run.detection_json);
  if (!score.empty()) out = "<p><strong>The suite " + Escape(score) + ".</strong></p>" + out;
  return out + Scores(document) + FaultTable(document, "missed", "Faults that nobody noticed") +
         FaultTable(document, "no result", "Faults without a result") +
         FaultTable(document, "detected", "Faults that were noticed") + Variants(document);
}

}  // namespace ipcsuite::report::html
