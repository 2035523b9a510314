#include <algorithm>
#include <cctype>

#include "base/text.h"
#include "reports/formats/format.h"
#include "reports/results/finding.h"
#include "reports/results/score.h"
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

constexpr std::size_t kIndent = 16;

std::string Labelled(std::string_view label, const std::string& text) {
  if (text.empty()) return "";
  std::string block = Indented(CleanUtf8(text), std::string(kIndent, ' '));
  std::string head = "    " + std::string(label) + ":";
  head.resize(kIndent, ' ');
  return head + block.substr(kIndent);
}

constexpr std::size_t kNamed = 8;

std::string FirstLines(std::vector<std::string> names) {
  const std::size_t more = names.size() > kNamed ? names.size() - kNamed : 0;
  if (more > 0) names.resize(kNamed);
  return Join(names, "\n") + (more > 0 ? "\nand " + std::to_string(more) + " more" : "");
}

// All but the first.
std::string Names(const std::vector<const TestRecord*>& tests) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < tests.size(); ++i) names.push_back(tests[i]->name);
  return FirstLines(names);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// One line for programs: words KEY=NUMBER, all of them always, in this order (docs/verdicts.md).
std::string SummaryLine(const Run& run) {
  const auto word = [](const std::string& key, std::int64_t value) {
    return " " + key + "=" + std::to_string(value);
  };
  std::string line = "Summary: " + word("exit", run.summary.exit_status) +
                     word("incomplete", !run.interrupted.empty()) +
                     word("tests", static_cast<std::int64_t>(run.tests.size()));
  for (const Verdict v : ReadingOrder())
    line += word(Lower(ToString(v)), run.summary.tests[static_cast<int>(v)]);
  const auto heuristic = std::ranges::count_if(
      run.tests, [](const TestRecord& test) { return test.confidence == "heuristic"; });
  const auto judged = std::ranges::count_if(
      run.clauses, [](const ClauseRecord& clause) { return IsJudged(clause.verdict); });
  return line + word("heuristic", heuristic) +
         word("clauses", static_cast<std::int64_t>(run.clauses.size())) +
         word("judged_clauses", judged) + " seed=" + Hex(run.seed) + "\n";
}

}  // namespace

std::string TextFinding(const TestRecord& test, const ClauseIndex& clauses, bool color) {
  const Paint paint(color);
  std::string out = paint.Word(test.verdict) + " " + paint("1", test.name);
  if (test.verdict == Verdict::kFlaky) {
    out += " (" + std::to_string(test.passes) + " of " + std::to_string(test.attempts) + " passed)";
  }
  out += "\n";
  for (const FindingLine& line : Paragraph(test, clauses)) out += Labelled(line.label, line.text);
  return out;
}

std::string TextSummary(const Run& run, bool color, std::size_t limit) {
  const Paint paint(color);
  std::string out;
  const ClauseIndex clauses = IndexClauses(run);
  const auto cascades = Cascades(run);
  std::size_t more = 0;
  for (std::size_t i = 0; i < cascades.size(); ++i) {
    const Cascade& cascade = cascades[i];
    if (limit != 0 && i >= limit) {
      more += cascade.tests.size();
      continue;
    }
    if (cascade.cause != nullptr) out += paint("1", CascadeTitle(cascade)) + ". For example:\n";
    out += TextFinding(*cascade.tests[0], clauses, color);
    if (cascade.cause != nullptr) out += Labelled("also", Names(cascade.tests));
    out += "\n";
  }
  if (more > 0) out += "... and " + std::to_string(more) + " more findings: see the report\n\n";
  for (const LostGroup& group : LostGroups(run)) {
    out += paint("1;31", "LOST") + " " + group.what + "\n" +
           Labelled("clauses", FirstLines(group.clauses)) +
           Labelled("tests", FirstLines(group.tests)) + "\n";
  }
  for (const KnownDeviation& known : KnownDeviations(run)) {
    out += paint.Word(Verdict::kXfail) + " " + known.expectation.id + ": " +
           known.expectation.reason + "\n";
    constexpr std::size_t kShown = 4;
    for (std::size_t i = 0; i < known.tests.size() && i < kShown; ++i)
      out += "    " + known.tests[i]->name + "\n";
    if (known.tests.size() > kShown) {
      out += "    and " + std::to_string(known.tests.size() - kShown) + " more tests\n";
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
    for (const Score& score : ScoresOf(run)) {
      std::string name = "  " + score.name;
      name.resize(std::max<std::size_t>(name.size() + 1, 20), ' ');
      out += paint(score.violated > 0 ? "1;31" : "2", name + ScoreText(score)) + "\n";
    }
  }
  const bool good = run.summary.exit_status == 0;
  out += paint(good ? "1;32" : "1;31", "Verdict:  " + run.summary.sentence) + "\n";
  return out + SummaryLine(run);
}

namespace {

std::string RenderText(const Run& run) { return TextSummary(run, /*color=*/false, /*limit=*/0); }

const RegisterFormat kRow({.name = "text",
                           .file = "summary.txt",
                           .help = "what the terminal shows, without a limit",
                           .render = RenderText});

}  // namespace
}  // namespace ipcsuite::report
