// Common Test Report Format (ctrf.io). Its statuses are fewer than ours: `rawStatus` holds ours.
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

#include "reports/formats/format.h"
#include "reports/results/finding.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

using Json = nlohmann::ordered_json;

const char* Status(const TestRecord& test) {
  switch (OutcomeOf(test)) {
    case Outcome::kPassed: return "passed";
    case Outcome::kFailed: return "failed";
    case Outcome::kUndecided: return "other";
    case Outcome::kKnown:
    case Outcome::kSkipped: return "skipped";
  }
  return "other";
}

std::int64_t Milliseconds(std::int64_t ns) { return (ns + 500'000) / 1'000'000; }

// Milliseconds since the epoch of an ISO 8601 time in UTC; 0 if it is none.
std::int64_t EpochMilliseconds(const std::string& iso) {
  std::tm parts{};
  std::istringstream in(iso);
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
  return in.fail() ? 0 : static_cast<std::int64_t>(::timegm(&parts)) * 1000;
}

Json TestJson(const TestRecord& t, const ClauseIndex& clauses, std::int64_t start_ms) {
  Json json = {{"name", CleanUtf8(t.name)},
               {"status", Status(t)},
               {"duration", Milliseconds(t.duration_ns)},
               {"start", start_ms + t.start_ns / 1'000'000},
               {"stop", start_ms + (t.start_ns + t.duration_ns) / 1'000'000},
               {"suite", Json::array({t.suite.empty() ? "ipcsuite" : t.suite, GroupOf(t)})},
               {"rawStatus", ToString(t.verdict)}};
  std::string message = t.reason;
  if (message.empty() && !t.failures.empty()) {
    const Failure& f = t.failures[0];
    message = f.clause + ": expected " + f.expected + "; observed " + f.observed;
  }
  const bool shown = OutcomeOf(t) != Outcome::kPassed && OutcomeOf(t) != Outcome::kSkipped;
  const std::string trace = shown ? ParagraphText(t, clauses) : "";
  if (!message.empty()) json["message"] = CleanUtf8(message);
  if (!trace.empty()) json["trace"] = CleanUtf8(Shorten(trace, 16 * 1024));
  if (!t.file.empty()) {
    json["filePath"] = t.file;
    json["line"] = t.line;
  }
  if (!t.clauses.empty()) json["tags"] = t.clauses;
  if (t.attempts > 1) {
    json["retries"] = t.attempts - 1;
    json["flaky"] = t.verdict == Verdict::kFlaky;
  }
  Json extra = Json::object();
  for (const auto& o : t.observations) extra["observed." + o.key] = CleanUtf8(o.value);
  for (const auto& m : t.metrics) extra[m.name] = m.value;
  if (t.expectation)
    extra["expectation"] = CleanUtf8(t.expectation->id + ": " + t.expectation->reason);
  if (!t.standing.empty()) extra["standing"] = t.standing;
  if (!t.command.empty()) extra["command"] = CleanUtf8(t.command);
  if (!extra.empty()) json["extra"] = std::move(extra);
  return json;
}

std::string RenderCtrf(const Run& run) {
  const std::int64_t start = EpochMilliseconds(run.started);
  int passed = 0, failed = 0, skipped = 0, other = 0;
  Json tests = Json::array();
  const ClauseIndex clauses = IndexClauses(run);
  for (const TestRecord& t : run.tests) {
    const std::string status = Status(t);
    ++(status == "passed"    ? passed
       : status == "failed"  ? failed
       : status == "skipped" ? skipped
                             : other);
    tests.push_back(TestJson(t, clauses, start));
  }
  Json facts = Json::object();
  for (const EnvironmentSection& section : run.environment) {
    for (const auto& [key, value] : section.facts) facts[key] = CleanUtf8(value);
  }
  const Json report = {
      {"reportFormat", "CTRF"},
      {"specVersion", "0.0.0"},
      {"results",
       {{"tool", {{"name", "ipcsuite"}, {"version", CleanUtf8(run.tool_version)}}},
        {"summary",
         {{"tests", run.tests.size()},
          {"passed", passed},
          {"failed", failed},
          {"pending", 0},
          {"skipped", skipped},
          {"other", other},
          {"start", start},
          {"stop", start + Milliseconds(run.duration_ns)},
          {"extra",
           {{"verdict", run.summary.sentence}, {"exit_status", run.summary.exit_status}}}}},
        {"tests", std::move(tests)},
        {"environment",
         {{"reportName", CleanUtf8(run.label)},
          {"osPlatform", Fact(run, "os")},
          {"osRelease", Fact(run, "distribution")},
          {"osVersion", Fact(run, "kernel")},
          {"extra", std::move(facts)}}}}}};
  return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

const RegisterFormat kRow({.name = "ctrf",
                           .file = "ctrf.json",
                           .help = "Common Test Report Format",
                           .render = RenderCtrf});

}  // namespace
}  // namespace ipcsuite::report
