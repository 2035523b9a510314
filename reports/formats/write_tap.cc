// TAP 14 and KTAP (the kernel's dialect, as kselftest and KUnit tools read it).
#include <map>
#include <utility>
#include <vector>

#include "reports/formats/format.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

// TAP's directive for a test that may fail.
constexpr const char* kExpectedDirective =
    " # TO"
    "DO ";

bool Green(Verdict v) {
  return v == Verdict::kPass || v == Verdict::kObserved || v == Verdict::kNotInUse ||
         v == Verdict::kUnsupported || v == Verdict::kUntested;
}

bool Skipped(Verdict v) {
  return v == Verdict::kNotInUse || v == Verdict::kUnsupported || v == Verdict::kUntested;
}

// Not as the standard is read here, and yet not red.
bool Expected(Verdict v) { return v == Verdict::kXfail || v == Verdict::kDisputed; }

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
  const std::string code(ToString(t.verdict));
  if (t.verdict == Verdict::kXfail && t.expectation) {
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

std::string YamlList(const char* key, const std::vector<std::string>& values) {
  if (values.empty()) return "";
  std::string out = std::string("  ") + key + ":\n";
  for (const auto& value : values) out += "    - " + Quoted(value) + "\n";
  return out;
}

std::string YamlBlock(const TestRecord& t) {
  std::string out = "  ---\n  verdict: " + std::string(ToString(t.verdict)) + "\n";
  const auto line = [&](const char* key, const std::string& value) {
    if (!value.empty()) out += std::string("  ") + key + ": " + Quoted(value) + "\n";
  };
  line("reason", t.reason);
  out += YamlList("clauses", t.clauses);
  if (!t.failures.empty()) {
    out += "  failures:\n";
    for (const Failure& f : t.failures) {
      out += "    - clause: " + Quoted(f.clause) + "\n      expected: " + Quoted(f.expected) +
             "\n      observed: " + Quoted(f.observed) +
             "\n      at: " + Quoted(f.file + ":" + std::to_string(f.line)) + "\n";
    }
  }
  out += YamlList("evidence", t.evidence);
  if (!t.observations.empty()) {
    out += "  observed:\n";
    for (const auto& o : t.observations) {
      out += "    - " + Quoted(o.key + " = " + o.value) + "\n";
    }
  }
  if (!Green(t.verdict)) line("command", t.command);
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
  if (Skipped(t.verdict)) return " # SKIP " + Why(t);
  if (Expected(t.verdict)) return " # XFAIL " + Why(t);
  if (t.verdict == Verdict::kUnresolved) {
    const bool late = t.reason.find("timed out") != std::string::npos;
    return (late ? " # TIMEOUT " : " # ERROR ") + Why(t);
  }
  return "";
}

void AppendKtapTest(std::string& out, int number, const TestRecord& t) {
  const std::string indent = "  ";
  const auto diagnostic = [&](const std::string& text) {
    out += indent + "# " + t.name + ": " + OneLine(text) + "\n";
  };
  for (const Failure& f : t.failures) {
    diagnostic(f.clause + ": expected " + f.expected + "; observed " + f.observed);
  }
  if (!Green(t.verdict)) {
    if (t.failures.empty()) diagnostic(Why(t));
    for (const auto& line : t.evidence) diagnostic(line);
    if (!t.command.empty()) diagnostic("reproduce: " + t.command);
  }
  // An expected failure is ok with its directive, as kselftest's own helpers print it.
  const bool ok = Green(t.verdict) || Expected(t.verdict);
  out += indent + (ok ? "ok " : "not ok ") + std::to_string(number) + " " + OneLine(t.name) +
         OneLine(KtapDirective(t)) + "\n";
}

std::string RenderTap(const Run& run) {
  std::string out = "TAP version 14\n1.." + std::to_string(run.tests.size());
  out += run.tests.empty() ? " # SKIP no test ran\n" : "\n";
  out += "# " + OneLine(PlatformLine(run)) + "\n";
  int number = 0;
  for (const TestRecord& t : run.tests) {
    out += (Green(t.verdict) ? "ok " : "not ok ") + std::to_string(++number) + " - " +
           Description(t.suite + "/" + t.name);
    if (Skipped(t.verdict)) out += " # SKIP " + Description(Why(t));
    if (Expected(t.verdict)) out += kExpectedDirective + Description(Why(t));
    out += "\n";
    if (!Green(t.verdict) || !t.observations.empty()) out += YamlBlock(t);
  }
  return out + "# " + OneLine(run.summary.sentence) + "\n";
}

std::string RenderKtap(const Run& run) {
  const Suites suites = BySuite(run);
  std::string out = "KTAP version 1\n1.." + std::to_string(suites.size()) + "\n";
  int suite_number = 0;
  for (const auto& [suite, tests] : suites) {
    out +=
        "  KTAP version 1\n  # Subtest: " + suite + "\n  1.." + std::to_string(tests.size()) + "\n";
    int number = 0;
    bool red = false, judged = false;
    for (const TestRecord* t : tests) {
      AppendKtapTest(out, ++number, *t);
      red = red || (!Green(t->verdict) && !Expected(t->verdict));
      judged = judged || !Skipped(t->verdict);
    }
    out += std::string(red ? "not ok " : "ok ") + std::to_string(++suite_number) + " " + suite +
           (judged ? "" : " # SKIP nothing was judged") + "\n";
  }
  return out + "# " + OneLine(run.summary.sentence) + "\n";
}

const RegisterFormat kTap(
    {.name = "tap", .file = "results.tap", .help = "Test Anything Protocol", .render = RenderTap});
const RegisterFormat kKtap({.name = "ktap",
                            .file = "results.ktap",
                            .help = "the dialect of the kernel's selftests",
                            .render = RenderKtap});

}  // namespace
}  // namespace ipcsuite::report
