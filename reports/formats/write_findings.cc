// The dossier of a run's findings, for triage by a person or a program: what the standard requires,
// what was expected and observed, what the processes did, and the reproducer
// (reports/results/schema/findings.schema.json).
#include <nlohmann/json.hpp>

#include "reports/formats/format.h"
#include "reports/results/finding.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

using Json = nlohmann::ordered_json;

// The text of the first attachment with this title; "" when there is none.
std::string Attached(const TestRecord& test, std::string_view title) {
  const Attachment* found = FindAttachment(test, title);
  return found ? CleanUtf8(found->content) : "";
}

Json ChecksOf(const TestRecord& test) {
  Json checks = Json::array();
  for (const Failure& failure : test.failures) {
    checks.push_back({{"clause", failure.clause},
                      {"expected", CleanUtf8(failure.expected)},
                      {"observed", CleanUtf8(failure.observed)},
                      {"at", failure.file + ":" + std::to_string(failure.line)}});
  }
  return checks;
}

Json ClausesOf(const TestRecord& test, const ClauseIndex& clauses) {
  Json list = Json::array();
  for (const std::string& id : test.clauses) {
    Json clause = {{"id", id}};
    if (const auto found = clauses.find(id); found != clauses.end()) {
      clause["source"] = CleanUtf8(found->second->source);
      clause["requires"] = CleanUtf8(found->second->requires_text);
    }
    list.push_back(std::move(clause));
  }
  return list;
}

Json FindingJson(const TestRecord& test, const ClauseIndex& clauses) {
  Json json = {{"test", test.name},         {"verdict", ToString(test.verdict)},
               {"standing", test.standing}, {"clauses", ClausesOf(test, clauses)},
               {"checks", ChecksOf(test)},  {"reproduce", CleanUtf8(test.command)}};
  const auto add = [&](const char* key, const std::string& text) {
    if (!text.empty()) json[key] = text;
  };
  add("reason", CleanUtf8(test.reason));
  for (const std::string& line : test.evidence) {
    constexpr std::string_view kStep = "step: ";
    if (line.starts_with(kStep)) json["steps"].push_back(CleanUtf8(line.substr(kStep.size())));
  }
  add("program", Attached(test, kProgramTitle));
  add("no_program", Attached(test, kNoProgramTitle));
  if (test.expectation) {
    json["expectation"] = {{"id", test.expectation->id},
                           {"reason", CleanUtf8(test.expectation->reason)}};
    if (!test.expectation->link.empty())
      json["expectation"]["page"] = CleanUtf8(test.expectation->link);
  }
  return json;
}

std::string RenderFindings(const Run& run) {
  const ClauseIndex clauses = IndexClauses(run);
  Json environment = Json::object();
  for (const EnvironmentSection& section : run.environment) {
    for (const auto& [key, value] : section.facts)
      environment[section.title][key] = CleanUtf8(value);
  }
  Json findings = Json::array();
  for (const TestRecord& test : run.tests) {
    const Outcome outcome = OutcomeOf(test);
    if (outcome == Outcome::kFailed || outcome == Outcome::kKnown)
      findings.push_back(FindingJson(test, clauses));
  }
  const Json document = {{"schema_version", 1}, {"tool", run.tool_version},
                         {"label", run.label},  {"started", run.started},
                         {"issue", run.issue},  {"environment", environment},
                         {"findings", findings}};
  return document.dump(2) + "\n";
}

const RegisterFormat kRow(
    {.name = "findings",
     .file = "findings.json",
     .help = "each finding with clause, checks, steps and program, for triage",
     .render = RenderFindings});

}  // namespace
}  // namespace ipcsuite::report
