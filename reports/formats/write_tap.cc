// TAP 13 and KTAP (the kernel's dialect, as kselftest and KUnit tools read it).
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "reports/formats/format.h"
#include "reports/results/finding.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

// TAP's directive for a test that may fail.
constexpr const char* kExpectedDirective =
    " # TO"
    "DO ";

bool Ok(const TestRecord& t) {
  const Outcome outcome = OutcomeOf(t);
  return outcome == Outcome::kPassed || outcome == Outcome::kSkipped;
}

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return CleanUtf8(text);
}

// '#' starts a directive and '\' escapes.
std::string Description(const std::string& text) {
  std::string out;
  for (const char c : OneLine(text)) {
    if (c == '#' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string Why(const TestRecord& t) {
  const std::string code = StandingText(t);
  if (OutcomeOf(t) == Outcome::kKnown && t.expectation) {
    return code + " " + t.expectation->id + ": " + t.expectation->reason;
  }
  return t.reason.empty() ? code : code + ": " + t.reason;
}

// JSON's quoting is a subset of YAML's double-quoted style.
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : CleanUtf8(text)) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Keys and quoted texts only: what the readers of Perl and node both take. A key is one word, and
// one that comes again has a number.
std::string YamlBlock(const TestRecord& t, const ClauseIndex& clauses) {
  std::string out = "  ---\n  verdict: " + std::string(ToString(t.verdict)) + "\n";
  std::map<std::string, int> uses;
  const auto line = [&](std::string key, const std::string& value) {
    std::ranges::replace(key, ' ', '_');
    const int n = ++uses[key];
    out += "  " + key + (n > 1 ? std::to_string(n) : "") + ": " + Quoted(value) + "\n";
  };
  if (!Ok(t)) {
    for (const FindingLine& one : Paragraph(t, clauses)) line(std::string(one.label), one.text);
  }
  for (const auto& o : t.observations) line("seen", o.key + " = " + o.value);
  out += "  duration_ms: " + std::to_string(static_cast<double>(t.duration_ns) / 1e6) + "\n";
  return out + "  ...\n";
}

using Suites = std::vector<std::pair<std::string, std::vector<const TestRecord*>>>;

Suites BySuite(const Run& run) {
  Suites suites;
  std::map<std::string, std::size_t> index;
  for (const TestRecord& t : run.tests) {
    const auto [at, added] = index.emplace(t.suite, suites.size());
    if (added) suites.push_back({t.suite, {}});
    suites[at->second].second.push_back(&t);
  }
  return suites;
}

std::string KtapDirective(const TestRecord& t) {
  const Outcome outcome = OutcomeOf(t);
  if (outcome == Outcome::kSkipped) return " # SKIP " + Why(t);
  if (outcome == Outcome::kKnown) return " # XFAIL " + Why(t);
  if (outcome == Outcome::kUndecided) {
    const bool late =
        t.reason.find("hung") != std::string::npos || t.reason.find("time") != std::string::npos;
    return (late ? " # TIMEOUT " : " # ERROR ") + Why(t);
  }
  return "";
}

void AppendKtapTest(std::string& out, int number, const TestRecord& t, const ClauseIndex& clauses) {
  const std::string indent = "  ";
  if (!Ok(t)) {
    for (const FindingLine& line : Paragraph(t, clauses)) {
      for (const std::string& part : Lines(line.text))
        out += indent + "# " + OneLine(t.name) + ": " + std::string(line.label) + ": " +
               OneLine(part) + "\n";
    }
  }
  // A known failure is ok with its directive, as kselftest's own helpers print it.
  const bool ok = Ok(t) || OutcomeOf(t) == Outcome::kKnown;
  out += indent + (ok ? "ok " : "not ok ") + std::to_string(number) + " " + OneLine(t.name) +
         OneLine(KtapDirective(t)) + "\n";
}

// Verdicts that no test of the run stands for.
std::string LostComments(const Run& run) {
  std::string out;
  for (const LostGroup& group : LostGroups(run)) {
    std::vector<std::string> names = group.clauses;
    names.insert(names.end(), group.tests.begin(), group.tests.end());
    out += "# LOST " + OneLine(group.what) + ": " + OneLine(Join(names, " ")) + "\n";
  }
  return out;
}

// Version 13: Perl's prove does not know 14, and node's tap-parser takes both.
std::string RenderTap(const Run& run) {
  const ClauseIndex clauses = IndexClauses(run);
  std::string out = "TAP version 13\n1.." + std::to_string(run.tests.size());
  out += run.tests.empty() ? " # SKIP no test ran\n" : "\n";
  out += "# " + OneLine(PlatformLine(run)) + "\n";
  int number = 0;
  for (const TestRecord& t : run.tests) {
    const Outcome outcome = OutcomeOf(t);
    out += (Ok(t) ? "ok " : "not ok ") + std::to_string(++number) + " - " +
           Description(t.suite + "/" + t.name);
    if (outcome == Outcome::kSkipped) out += " # SKIP " + Description(Why(t));
    if (outcome == Outcome::kKnown) out += kExpectedDirective + Description(Why(t));
    out += "\n";
    if (!Ok(t) || !t.observations.empty()) out += YamlBlock(t, clauses);
  }
  return out + LostComments(run) + "# " + OneLine(run.summary.sentence) + "\n";
}

std::string RenderKtap(const Run& run) {
  const ClauseIndex clauses = IndexClauses(run);
  const Suites suites = BySuite(run);
  std::string out = "KTAP version 1\n1.." + std::to_string(suites.size()) + "\n";
  int suite_number = 0;
  for (const auto& [suite, tests] : suites) {
    out +=
        "  KTAP version 1\n  # Subtest: " + suite + "\n  1.." + std::to_string(tests.size()) + "\n";
    int number = 0;
    bool red = false, judged = false;
    for (const TestRecord* t : tests) {
      AppendKtapTest(out, ++number, *t, clauses);
      red = red || (!Ok(*t) && OutcomeOf(*t) != Outcome::kKnown);
      judged = judged || OutcomeOf(*t) != Outcome::kSkipped;
    }
    out += std::string(red ? "not ok " : "ok ") + std::to_string(++suite_number) + " " + suite +
           (judged ? "" : " # SKIP nothing was judged") + "\n";
  }
  return out + LostComments(run) + "# " + OneLine(run.summary.sentence) + "\n";
}

const RegisterFormat kTap(
    {.name = "tap", .file = "results.tap", .help = "Test Anything Protocol", .render = RenderTap});
const RegisterFormat kKtap({.name = "ktap",
                            .file = "results.ktap",
                            .help = "the dialect of the kernel's selftests",
                            .render = RenderKtap});

}  // namespace
}  // namespace ipcsuite::report
