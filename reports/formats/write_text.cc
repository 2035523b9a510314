#include "reports/formats/format.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

class Paint {
 public:
  explicit Paint(bool on) : on_(on) {}
  std::string operator()(const char* code, const std::string& text) const {
    return on_ ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
  std::string Word(Verdict v) const {
    const char* code =
        v == Verdict::kPass || v == Verdict::kObserved                                 ? "32"
        : v == Verdict::kXfail || v == Verdict::kUnresolved || v == Verdict::kDisputed ? "33"
        : IsRed(v)                                                                     ? "1;31"
                                                                                       : "2";
    return (*this)(code, std::string(ToString(v)));
  }

 private:
  bool on_;
};

// Every line of `text` behind `indent`, so that a message of several lines stays a block.
std::string Indented(const std::string& text, const std::string& indent) {
  std::string out = indent;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += indent;
  }
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n')) out.pop_back();
  return out + "\n";
}

std::string Labelled(const char* label, const std::string& text) {
  if (text.empty()) return "";
  std::string block = Indented(CleanUtf8(text), "               ");
  std::string head = std::string("    ") + label + ":";
  head.resize(15, ' ');
  return head + block.substr(15);
}

std::string FailureText(const Failure& f) {
  std::string out = Labelled("clause", f.clause);
  out += Labelled("expected", f.expected);
  out += Labelled("observed", f.observed);
  if (f.expected.empty() && f.observed.empty()) out += Labelled("message", f.message);
  out += Labelled("at", Place(f.file, f.line));
  return out;
}

}  // namespace

std::string TextFinding(const TestRecord& test, bool color) {
  const Paint paint(color);
  std::string out = paint.Word(test.verdict) + " " + paint("1", test.name);
  if (test.verdict == Verdict::kFlaky) {
    out += " (" + std::to_string(test.passes) + " of " + std::to_string(test.attempts) + " passed)";
  }
  out += "\n";
  out += Labelled("reason", test.reason);
  constexpr std::size_t kFailures = 5;
  for (std::size_t i = 0; i < test.failures.size() && i < kFailures; ++i)
    out += FailureText(test.failures[i]);
  if (test.failures.size() > kFailures) {
    out += "    [" + std::to_string(test.failures.size() - kFailures) +
           " more failures of it in the report]\n";
  }
  if (test.failures.empty()) {
    std::string clauses;
    for (const auto& c : test.clauses) clauses += (clauses.empty() ? "" : "\n") + c;
    out += Labelled("clause", clauses);
  }
  std::string evidence;
  constexpr std::size_t kShown = 12;
  for (std::size_t i = 0; i < test.evidence.size() && i < kShown; ++i) {
    evidence += (i > 0 ? "\n" : "") + test.evidence[i];
  }
  if (test.evidence.size() > kShown) {
    evidence +=
        "\n[" + std::to_string(test.evidence.size() - kShown) + " more lines in the report]";
  }
  out += Labelled("evidence", evidence);
  if (test.confidence != "certain") out += Labelled("confidence", test.confidence);
  if (test.expectation) {
    out += Labelled("expects", test.expectation->id + ": " + test.expectation->reason);
  }
  out += Labelled("reproduce", test.command);
  return out;
}

std::string TextSummary(const Run& run, bool color, std::size_t limit) {
  const Paint paint(color);
  std::string out;
  const auto findings = Findings(run);
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (limit != 0 && i == limit) {
      out += "... and " + std::to_string(findings.size() - limit) +
             " more findings: see the report\n\n";
      break;
    }
    out += TextFinding(*findings[i], color) + "\n";
  }
  for (const KnownDeviation& known : KnownDeviations(run)) {
    out += paint.Word(Verdict::kXfail) + " " + known.expectation.id + ": " +
           known.expectation.reason + "\n";
    constexpr std::size_t kNamed = 4;
    for (std::size_t i = 0; i < known.tests.size() && i < kNamed; ++i)
      out += "    " + known.tests[i]->name + "\n";
    if (known.tests.size() > kNamed) {
      out += "    and " + std::to_string(known.tests.size() - kNamed) + " more tests\n";
    }
  }
  const auto questions = OpenQuestions(run);
  if (!questions.empty())
    out += "Open questions of the standard (not counted against this platform):\n";
  for (const OpenQuestion& question : questions) {
    out += paint.Word(Verdict::kDisputed) + " " + question.clause->id + ": " +
           question.clause->reason + "\n";
    for (const std::string& reading : ReadingsOf(*question.clause))
      out += Labelled("reading", reading);
    out += Labelled("decides", question.clause->decides);
    for (const TestRecord* test : question.tests) out += Labelled("test", test->name);
  }
  out += "Platform: " + PlatformLine(run) + "\n";
  out += "Tests:    " + std::to_string(run.tests.size()) + " (" + CountsText(run.summary.tests) +
         ") in " + Duration(run.duration_ns) + ", seed " + Hex(run.seed) + "\n";
  if (!run.clauses.empty()) {
    out += "Clauses:  " + std::to_string(run.clauses.size()) + " (" +
           CountsText(run.summary.clauses) + ")\n";
  }
  const bool good = run.summary.exit_status == 0;
  out += paint(good ? "1;32" : "1;31", "Verdict:  " + run.summary.sentence) + "\n";
  return out;
}

namespace {

std::string RenderText(const Run& run) { return TextSummary(run, /*color=*/false, /*limit=*/0); }

const RegisterFormat kRow({.name = "text",
                           .file = "summary.txt",
                           .help = "what the terminal shows, without a limit",
                           .render = RenderText});

}  // namespace
}  // namespace ipcsuite::report
