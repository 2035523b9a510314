// Kernel CI reports, schema 5.3: the checkout and the build are what the platform says of itself,
// so that the file is complete. A lab that knows both replaces their ids
// (reports/examples/kcidb.sh). Expectations are issues, and what they cover are incidents.
#include <cctype>
#include <set>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "reports/formats/format.h"
#include "reports/results/finding.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kOrigin = "ipcsuite";
constexpr std::size_t kExcerptBytes = 15 * 1024;  // the schema allows 16384 characters

std::string Id(const std::string& rest) { return std::string(kOrigin) + ":" + CleanUtf8(rest); }

// Dots separate the levels of the tree of tests.
std::string Path(const TestRecord& t) {
  std::string path = "ipcsuite." + (t.suite.empty() ? "" : t.suite + ".") + t.name;
  for (char& c : path) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '_';
  }
  return path;
}

// A known deviation stays FAIL: the incident says that it is known.
const char* Status(const TestRecord& t) {
  if (t.verdict == Verdict::kXfail) return "FAIL";
  switch (OutcomeOf(t)) {
    case Outcome::kPassed: return "PASS";
    case Outcome::kKnown: return IsRed(t.verdict) ? "FAIL" : "ERROR";
    case Outcome::kFailed: return IsRed(t.verdict) ? "FAIL" : "MISS";
    case Outcome::kUndecided: return t.surroundings ? "MISS" : "ERROR";
    case Outcome::kSkipped: return "SKIP";
  }
  return "SKIP";
}

Json TestJson(const TestRecord& t, const std::string& id, const std::string& build,
              const std::string& started, const ClauseIndex& clauses) {
  Json misc = {{"verdict", ToString(t.verdict)}};
  if (!t.clauses.empty()) misc["clauses"] = t.clauses;
  if (!t.standing.empty()) misc["standing"] = t.standing;
  if (!t.command.empty()) misc["reproduce"] = CleanUtf8(t.command);
  for (const auto& o : t.observations) misc["observed"][CleanUtf8(o.key)] = CleanUtf8(o.value);
  for (const auto& m : t.metrics) misc["metrics"][CleanUtf8(m.name)] = m.value;
  Json json = {{"build_id", build},
               {"id", id},
               {"origin", kOrigin},
               {"path", Path(t)},
               {"status", Status(t)},
               {"duration", static_cast<double>(t.duration_ns) / 1e9},
               {"comment", CleanUtf8(t.name)},
               {"misc", std::move(misc)}};
  if (!started.empty()) json["start_time"] = started;
  if (OutcomeOf(t) != Outcome::kPassed)
    json["log_excerpt"] = Shorten(ParagraphText(t, clauses), kExcerptBytes);
  return json;
}

Json IssueJson(const ExpectationRef& e) {
  Json json = {{"id", Id(e.id)},
               {"version", 1},
               {"origin", kOrigin},
               {"comment", CleanUtf8(e.reason)},
               {"culprit", {{"code", true}}}};
  if (!SafeLink(e.link).empty()) json["report_url"] = e.link;
  return json;
}

std::string RenderKcidb(const Run& run) {
  const ClauseIndex clauses = IndexClauses(run);
  const std::string kernel = Fact(run, "kernel"), arch = Fact(run, "arch");
  const std::string checkout = Id("kernel:" + kernel), build = Id("kernel:" + kernel + ":" + arch);
  const std::string id = run.started + ":" + Hex(run.seed) + ":";
  // ISO 8601 with its zone, as the schema asks.
  const std::string started = run.started.size() == 20 ? run.started : "";
  Json tests = Json::array(), issues = Json::array(), incidents = Json::array();
  std::set<std::string> known;
  for (const TestRecord& t : run.tests) {
    const std::string test = Id(id + t.name);
    tests.push_back(TestJson(t, test, build, started, clauses));
    if (!t.expectation) continue;
    if (known.insert(t.expectation->id).second) issues.push_back(IssueJson(*t.expectation));
    incidents.push_back({{"id", Id(id + t.name + ":" + t.expectation->id)},
                         {"origin", kOrigin},
                         {"issue_id", Id(t.expectation->id)},
                         {"issue_version", 1},
                         {"test_id", test},
                         {"present", t.verdict != Verdict::kXpass}});
  }
  Json build_json = {{"id", build},
                     {"checkout_id", checkout},
                     {"origin", kOrigin},
                     {"comment", CleanUtf8(PlatformLine(run))}};
  if (!arch.empty()) build_json["architecture"] = CleanUtf8(arch);
  const Json report = {{"version", {{"major", 5}, {"minor", 3}}},
                       {"checkouts",
                        {{{"id", checkout},
                          {"origin", kOrigin},
                          {"comment", CleanUtf8(Fact(run, "os") + " " + kernel)}}}},
                       {"builds", Json::array({build_json})},
                       {"tests", std::move(tests)},
                       {"issues", std::move(issues)},
                       {"incidents", std::move(incidents)}};
  return report.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

const RegisterFormat kRow({.name = "kcidb",
                           .file = "kcidb.json",
                           .help = "report for KernelCI's database, schema 5.3",
                           .render = RenderKcidb});

}  // namespace
}  // namespace ipcsuite::report
