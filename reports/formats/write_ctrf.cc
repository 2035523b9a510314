// Common Test Report Format (ctrf.io). Its statuses are fewer than ours: `rawStatus` holds ours.
#include <cstdlib>
#include <ctime>
#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

#include "reports/formats/format.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

using Json = nlohmann::ordered_json;

const char* Status(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
    case Verdict::kObserved: return "passed";
    case Verdict::kFail:
    case Verdict::kXpass:
    case Verdict::kFlaky: return "failed";
    case Verdict::kDisputed:
    case Verdict::kUnresolved: return "other";
    case Verdict::kNotInUse:
    case Verdict::kUnsupported:
    case Verdict::kUntested:
    case Verdict::kXfail: return "skipped";
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

Json TestJson(const TestRecord& t, std::int64_t start_ms) {
  Json json = {{"name", CleanUtf8(t.name)},
               {"status", Status(t.verdict)},
               {"duration", Milliseconds(t.duration_ns)},
               {"start", start_ms + t.start_ns / 1'000'000},
               {"stop", start_ms + (t.start_ns + t.duration_ns) / 1'000'000},
               {"suite", Json::array({t.suite.empty() ? "ipcsuite" : t.suite, GroupOf(t)})},
               {"rawStatus", ToString(t.verdict)}};
  std::string message = t.reason;
  std::string trace;
  for (const Failure& f : t.failures) {
    if (message.empty()) {
      message = f.clause + ": expected " + f.expected + "; observed " + f.observed;
    }
    trace += f.message + "\n";
  }
  for (const auto& line : t.evidence) trace += line + "\n";
  if (!t.command.empty() && !t.failures.empty()) trace += "reproduce: " + t.command + "\n";
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
  if (!t.command.empty()) extra["command"] = CleanUtf8(t.command);
  if (!extra.empty()) json["extra"] = std::move(extra);
  return json;
}

std::string RenderCtrf(const Run& run) {
  const std::int64_t start = EpochMilliseconds(run.started);
  int passed = 0, failed = 0, skipped = 0, other = 0;
  Json tests = Json::array();
  for (const TestRecord& t : run.tests) {
    const std::string status = Status(t.verdict);
    ++(status == "passed"    ? passed
       : status == "failed"  ? failed
       : status == "skipped" ? skipped
                             : other);
    tests.push_back(TestJson(t, start));
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
