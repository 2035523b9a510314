// JUnit XML as GitLab, Jenkins and GitHub's actions read it. What they agree on: testsuites >
// testsuite > testcase with name, classname and time; one of failure, error or skipped with a
// message attribute and text; properties. GitLab shows the text of failure and error, and
// system-out; all three merge cases of equal classname and name, so the pair is unique: classname
// is area.function, name the rest of the test's name.
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "reports/formats/format.h"
#include "reports/results/finding.h"
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

std::string Details(const TestRecord& t, const ClauseIndex& clauses) {
  return Shorten(ParagraphText(t, clauses), 16 * 1024);
}

// Elements: failure for findings and lost verdicts, error where no verdict was reached, skipped for
// what was not judged or is known.
std::string Element(const TestRecord& t, const ClauseIndex& clauses) {
  const Outcome outcome = OutcomeOf(t);
  if (outcome == Outcome::kPassed) return "";
  const std::string message = Attribute("message", StandingText(t) + ": " + Headline(t));
  if (outcome == Outcome::kSkipped || outcome == Outcome::kKnown)
    return "      <skipped" + message + "/>\n";
  const std::string name = outcome == Outcome::kFailed ? "failure" : "error";
  const std::string type = t.standing == "lost" ? "LOST" : std::string(ToString(t.verdict));
  return "      <" + name + message + Attribute("type", type) + ">" + Escape(Details(t, clauses)) +
         "</" + name + ">\n";
}

// Verdicts whose test is absent or whose clause is required: no test stands for them.
std::string LostCase(const LostGroup& group) {
  std::vector<std::string> names = group.clauses;
  names.insert(names.end(), group.tests.begin(), group.tests.end());
  return "    <testcase" + Attribute("name", group.what) + Attribute("classname", "lost") +
         Attribute("time", "0") + ">\n      <failure" + Attribute("message", group.what) +
         Attribute("type", "LOST") + ">" + Escape(Shorten(Join(names, "\n"), 16 * 1024)) +
         "</failure>\n    </testcase>\n";
}

std::string Case(const TestRecord& t, const ClauseIndex& clauses) {
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
  if (!t.standing.empty()) out += Property("standing", t.standing);
  out += "</properties>\n" + Element(t, clauses);
  std::string output;
  if (t.verdict == Verdict::kXfail || t.verdict == Verdict::kDisputed) output = Details(t, clauses);
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
    const Outcome outcome = OutcomeOf(t);
    failures += outcome == Outcome::kFailed;
    errors += outcome == Outcome::kUndecided;
    skipped += outcome == Outcome::kSkipped || outcome == Outcome::kKnown;
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
  const ClauseIndex clauses = IndexClauses(run);
  const auto lost = LostGroups(run);
  Tally total;
  for (const TestRecord& t : run.tests) total.Add(t);
  total.tests += static_cast<int>(lost.size());
  total.failures += static_cast<int>(lost.size());
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
    for (const TestRecord* t : tests) out += Case(*t, clauses);
    out += "  </testsuite>\n";
  }
  if (!lost.empty()) {
    Tally tally;
    tally.tests = tally.failures = static_cast<int>(lost.size());
    out += "  <testsuite" + Attribute("name", "ipcsuite.lost") + tally.Text() +
           Attribute("hostname", run.label) + ">\n";
    for (const LostGroup& group : lost) out += LostCase(group);
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
