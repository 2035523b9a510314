// JUnit XML as GitLab, Jenkins and GitHub's actions read it. What they agree on: testsuites >
// testsuite > testcase with name, classname and time; one of failure, error or skipped with a
// message attribute and text; properties. GitLab shows the text of failure and error, and
// system-out; all three merge cases of equal classname and name, so the pair is unique: classname
// is area.function, name the rest of the test's name.
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "reports/formats/format.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

std::string Attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + Escape(value) + "\"";
}

std::string Seconds(std::int64_t ns) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6f", static_cast<double>(ns) / 1e9);
  return text;
}

std::string Property(const std::string& name, const std::string& value) {
  return "<property" + Attribute("name", name) + Attribute("value", value) + "/>";
}

// The one line that a list of failures shows.
std::string Headline(const TestRecord& t) {
  if (!t.failures.empty()) {
    const Failure& f = t.failures.front();
    const std::string clause = f.clause.empty() ? "" : f.clause + ": ";
    if (!f.expected.empty() || !f.observed.empty()) {
      return clause + "expected " + f.expected + "; observed " + f.observed;
    }
    return clause + f.message.substr(0, f.message.find('\n'));
  }
  if (!t.reason.empty()) return t.reason;
  return std::string(ToString(t.verdict));
}

std::string Details(const TestRecord& t) {
  std::string text;
  const auto line = [&](const char* label, const std::string& value) {
    if (!value.empty()) text += std::string(label) + ": " + value + "\n";
  };
  line("reason", t.reason);
  for (const Failure& f : t.failures) {
    line("clause", f.clause);
    line("expected", f.expected);
    line("observed", f.observed);
    if (!f.file.empty()) line("at", f.file + ":" + std::to_string(f.line));
    line("message", f.message);
  }
  for (const std::string& e : t.evidence) line("evidence", e);
  if (t.expectation) line("expectation", t.expectation->id + ": " + t.expectation->reason);
  line("reproduce", t.command);
  return Shorten(text, 16 * 1024);
}

// Elements: failure for findings about the platform, error where no verdict could be earned,
// skipped for what was not judged or fails as expected.
std::string Outcome(const TestRecord& t) {
  const char* element = nullptr;
  switch (t.verdict) {
    case Verdict::kPass:
    case Verdict::kObserved: return "";
    case Verdict::kFail:
    case Verdict::kXpass:
    case Verdict::kFlaky: element = "failure"; break;
    case Verdict::kUnresolved: element = "error"; break;
    case Verdict::kNotInUse:
    case Verdict::kUnsupported:
    case Verdict::kUntested:
    case Verdict::kDisputed:
    case Verdict::kXfail: element = "skipped"; break;
  }
  const std::string verdict(ToString(t.verdict));
  const std::string message = verdict + ": " + Headline(t);
  if (std::string(element) == "skipped") {
    return "      <skipped" + Attribute("message", message) + "/>\n";
  }
  return std::string("      <") + element + Attribute("message", message) +
         Attribute("type", verdict) + ">" + Escape(Details(t)) + "</" + element + ">\n";
}

std::string Case(const TestRecord& t) {
  std::string out = "    <testcase" + Attribute("name", ShortName(t)) +
                    Attribute("classname", t.suite + "." + GroupOf(t)) +
                    Attribute("time", Seconds(t.duration_ns));
  if (!t.file.empty()) {
    out += Attribute("file", t.file) + Attribute("line", std::to_string(t.line));
  }
  out += ">\n      <properties>" + Property("verdict", std::string(ToString(t.verdict)));
  for (const auto& c : t.clauses) out += Property("clause", c);
  for (const auto& r : t.regressions) out += Property("regression", r);
  for (const auto& o : t.observations) out += Property("observed." + o.key, o.value);
  if (t.confidence != "certain") out += Property("confidence", t.confidence);
  if (t.seed != 0) out += Property("seed", Hex(t.seed));
  out += "</properties>\n" + Outcome(t);
  std::string output;
  if (t.verdict == Verdict::kXfail || t.verdict == Verdict::kDisputed) output = Details(t);
  for (const auto& o : t.observations) output += "observed " + o.key + " = " + o.value + "\n";
  for (const auto& m : t.metrics) output += m.name + " = " + Number(m.value) + "\n";
  if (!output.empty()) {
    out += "      <system-out>" + Escape(Shorten(output, 16 * 1024)) + "</system-out>\n";
  }
  return out + "    </testcase>\n";
}

struct Tally {
  int tests = 0, failures = 0, errors = 0, skipped = 0;
  std::int64_t ns = 0;
  void Add(const TestRecord& t) {
    ++tests;
    ns += t.duration_ns;
    const std::string outcome = Outcome(t).substr(0, 12);
    failures += outcome.find("<fail") != std::string::npos;
    errors += outcome.find("<err") != std::string::npos;
    skipped += outcome.find("<skip") != std::string::npos;
  }
  std::string Text() const {
    return Attribute("tests", std::to_string(tests)) +
           Attribute("failures", std::to_string(failures)) +
           Attribute("errors", std::to_string(errors)) +
           Attribute("skipped", std::to_string(skipped)) + Attribute("time", Seconds(ns));
  }
};

std::string RenderJunit(const Run& run) {
  std::vector<std::pair<std::string, std::vector<const TestRecord*>>> suites;
  std::map<std::string, std::size_t> index;
  for (const TestRecord& t : run.tests) {
    const auto [at, added] = index.emplace(t.suite, suites.size());
    if (added) suites.push_back({t.suite, {}});
    suites[at->second].second.push_back(&t);
  }
  std::string properties;
  for (const EnvironmentSection& section : run.environment) {
    for (const auto& [key, value] : section.facts) properties += Property(key, value);
  }
  properties += Property("issue", std::to_string(run.issue)) + Property("seed", Hex(run.seed)) +
                Property("verdict", run.summary.sentence);
  Tally total;
  for (const TestRecord& t : run.tests) total.Add(t);
  // ISO 8601 without the zone: the type that the schemas ask for.
  const std::string started = run.started.substr(0, 19);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
                    Attribute("name", "ipcsuite") + total.Text() + ">\n";
  for (const auto& [suite, tests] : suites) {
    Tally tally;
    for (const TestRecord* t : tests) tally.Add(*t);
    out += "  <testsuite" + Attribute("name", "ipcsuite." + suite) + tally.Text() +
           (started.empty() ? "" : Attribute("timestamp", started)) +
           Attribute("hostname", run.label) + ">\n    <properties>" + properties +
           "</properties>\n";
    for (const TestRecord* t : tests) out += Case(*t);
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

const RegisterFormat kRow({.name = "junit",
                           .file = "junit.xml",
                           .help = "JUnit XML, as GitLab, Jenkins and GitHub read it",
                           .render = RenderJunit});

}  // namespace
}  // namespace ipcsuite::report
