// Signals of LAVA test definitions: printed to the console by a step of a lab's job, each becomes a
// test case of the job. A name must be one word.
#include <cctype>
#include <map>
#include <vector>

#include "reports/formats/format.h"
#include "reports/results/finding.h"

namespace ipcsuite::report {
namespace {

std::string Word(const std::string& text) {
  std::string out = text;
  for (char& c : out) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    if (!plain) c = '_';
  }
  return out.empty() ? "_" : out;
}

// LAVA knows pass, fail, skip and unknown.
const char* Result(const TestRecord& test) {
  switch (OutcomeOf(test)) {
    case Outcome::kPassed: return "pass";
    case Outcome::kFailed: return "fail";
    case Outcome::kUndecided: return "unknown";
    case Outcome::kKnown:
    case Outcome::kSkipped: return "skip";
  }
  return "unknown";
}

std::string RenderLava(const Run& run) {
  std::vector<std::string> suites;
  std::map<std::string, std::string> signals;
  for (const TestRecord& t : run.tests) {
    const std::string suite = Word(t.suite);
    if (signals.emplace(suite, "").second) suites.push_back(suite);
    signals[suite] +=
        "<LAVA_SIGNAL_TESTCASE TEST_CASE_ID=" + Word(t.name) + " RESULT=" + Result(t) + ">\n";
  }
  std::string out;
  for (const std::string& suite : suites)
    out += "<LAVA_SIGNAL_TESTSET START " + suite + ">\n" + signals[suite] +
           "<LAVA_SIGNAL_TESTSET STOP>\n";
  return out;
}

const RegisterFormat kRow({.name = "lava",
                           .file = "lava-signals.txt",
                           .help = "signals of a LAVA test definition; print them in a step",
                           .render = RenderLava});

}  // namespace
}  // namespace ipcsuite::report
