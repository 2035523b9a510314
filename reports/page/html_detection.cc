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

Table::Cell ScoreCell(const Json& family, const char* difficulty) {
  const auto found = family.find(difficulty);
  if (found == family.end() || !found->is_object()) return {"", "n"};
  const int faults = found->value("faults", 0), all = found->value("detected", 0);
  const int suites = found->value("detected_by_suites", 0);
  std::string text =
      Element("strong").Text(std::to_string(all)).str() + " of " + std::to_string(faults);
  if (suites != all)
    text += "<br>" + Element("small").Text("suites alone: " + std::to_string(suites)).str();
  return {text, "n"};
}

std::string Scores(const Json& document, const std::string& caption) {
  const auto scores = document.find("scores");
  if (scores == document.end() || !scores->is_object()) return "";
  Table table(caption, {"Interface", "easy#", "medium#", "hard#", "all#"});
  const auto row = [&](const std::string& name, const Json& family) {
    std::vector<Table::Cell> cells = {Escape(name)};
    for (const char* difficulty : {"easy", "medium", "hard", "all"})
      cells.push_back(ScoreCell(family, difficulty));
    table.Row(cells);
  };
  for (const auto& [name, family] : scores->items()) {
    if (name != "all" && family.is_object()) row(name, family);
  }
  if (scores->contains("all")) row("all", (*scores)["all"]);
  return table.str();
}

std::string FaultTable(const Json& document, const std::string& result,
                       const std::string& caption) {
  const auto faults = document.find("faults");
  if (faults == document.end() || !faults->is_array()) return "";
  Table table(caption, {"Fault", "Interface", "Difficulty", "What it does", "First noticed by"});
  table.Stacks();
  for (const Json& fault : *faults) {
    if (!fault.is_object() || Text(fault, "result") != result) continue;
    std::string by = Escape(Text(fault, "problem"));
    if (fault.contains("detections") && fault["detections"].is_array() &&
        !fault["detections"].empty()) {
      by = BreakableCode(Text(fault["detections"][0], "test"));
    }
    table.Row({BreakableCode(Text(fault, "name")), Escape(Text(fault, "family")),
               Escape(Text(fault, "difficulty")), Escape(Text(fault, "what")), by});
  }
  return Folded(caption + " (" + Count(table.rows()) + ")", table.str());
}

std::string VariantTable(const Json& results, const std::string& caption,
                         bool (*chosen)(const Json&)) {
  Table table(caption, {"Variant", "Interface", "What it does", "Seen"});
  table.Stacks();
  for (const Json& variant : results) {
    if (!variant.is_object() || !chosen(variant)) continue;
    std::string shown;
    if (variant.contains("misjudged_by")) {
      for (const Json& test : variant["misjudged_by"])
        shown += BreakableCode(Text(test, "test")) + " " + Escape(Text(test, "reason")) + "<br>";
    } else if (variant.contains("changes") && !variant["changes"].empty()) {
      const Json& change = variant["changes"][0];
      shown = Escape(Text(change, "key") + ": " + Text(change, "after") + ", was " +
                     Text(change, "before"));
    }
    table.Row({BreakableCode(Text(variant, "name")), Escape(Text(variant, "family")),
               Escape(Text(variant, "what")), shown});
  }
  return Folded(caption + " (" + Count(table.rows()) + ")", table.str());
}

// Conforming implementations that decide open questions differently.
std::string Variants(const Json& document) {
  const Json::json_pointer at("/variants/results");
  if (!document.contains(at) || !document[at].is_array()) return "";
  const Json& results = document[at];
  return Paragraph("",
                   "Conforming variants decide differently what the standard leaves open: no test "
                   "may fail under one.") +
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

// Of the faults of the library (`where` is empty) or of a kernel.
std::string Faults(const Json& document, const std::string& where) {
  return Scores(document, "Planted faults" + where + " that the suite noticed") +
         FaultTable(document, "missed", "Faults" + where + " that nobody noticed") +
         FaultTable(document, "no result", "Faults" + where + " without a result") +
         FaultTable(document, "detected", "Faults" + where + " that were noticed");
}

}  // namespace

std::string Detection(const Run& run) {
  int proven = 0, no_fault = 0;
  std::int64_t unproven = 0;
  Element names = Styled("ul", "columns");
  for (const ClauseRecord& c : run.clauses) {
    proven += c.detection == "proven";
    no_fault += c.detection == "no fault";
    if (c.detection != "unproven") continue;
    ++unproven;
    names.Add(Element("li").Add(LinkTo("c", c.id)));
  }
  const Json document = Json::parse(run.detection_json, nullptr, false);
  std::string out;
  if (proven + unproven + no_fault > 0) {
    out =
        Element("p")
            .Text(
                "Faults are put between the program and the system, one at a time; a clause is "
                "proven if a fault that breaks it made a test fail. Of the clauses here, ")
            .Add(Element("strong").Text(std::to_string(proven) + " are proven"))
            .Text(", " + std::to_string(unproven) + " have a fault that nobody noticed, and for " +
                  std::to_string(no_fault) + " no fault exists.");
  }
  if (unproven > 0) out += Folded("Unproven clauses (" + std::to_string(unproven) + ")", names);
  if (!document.is_object()) return out;
  const std::string score = DetectionScore(run.detection_json);
  if (!score.empty())
    out = Element("p").Add(Element("strong").Text("The suite " + score + ".")).str() + out;
  out += Faults(document, "");
  if (document.contains("kernel")) out += Faults(document["kernel"], " in a kernel");
  return out + Variants(document);
}

}  // namespace ipcsuite::report::html
