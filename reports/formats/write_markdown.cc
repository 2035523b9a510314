// A summary for a CI job's page (GitHub's $GITHUB_STEP_SUMMARY, a GitLab note): GitHub's dialect.
#include <algorithm>

#include "reports/formats/format.h"
#include "reports/results/finding.h"
#include "reports/results/score.h"
#include "reports/results/text.h"

namespace ipcsuite::report {
namespace {

constexpr std::size_t kFindingsShown = 50;
constexpr std::size_t kRowsShown = 100;
constexpr std::size_t kTestsNamed = 5;

// Inside a table cell or a line of text: no markup of ours or of what was observed may break it.
std::string Plain(const std::string& text) {
  std::string out;
  for (const char c : CleanUtf8(text)) {
    if (c == '\n') {
      out += ' ';
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      if (c == '|' || c == '*' || c == '_' || c == '`' || c == '\\' || c == '[' || c == ']') {
        out += '\\';
      }
      out += c;
    }
  }
  return out;
}

// A code span that holds any text: its fence is longer than any run of backticks inside.
std::string Code(const std::string& text) {
  std::string line = CleanUtf8(text);
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  std::size_t run = 0, longest = 0;
  for (const char c : line) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const std::string pad = longest > 0 ? " " : "";
  std::string escaped;  // a table splits at | even inside code
  for (const char c : line) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return fence + pad + escaped + pad + fence;
}

std::string Block(const std::string& text) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) fence += '`';
  return fence + "text\n" + Shorten(CleanUtf8(text), 4096) + "\n" + fence + "\n";
}

void AppendFinding(std::string& out, const TestRecord& t, const ClauseIndex& clauses) {
  out += "<details><summary>" + std::string(Symbol(t.verdict)) + " <b>" + Escape(StandingText(t)) +
         "</b> " + Escape(t.name) + "</summary>\n\n";
  if (t.verdict == Verdict::kFlaky) {
    out += std::to_string(t.passes) + " of " + std::to_string(t.attempts) + " repeats passed.\n\n";
  }
  out += "| | |\n|---|---|\n";
  std::string blocks;
  for (const FindingLine& line : Paragraph(t, clauses)) {
    const std::string label(line.label);
    const bool block = line.text.find('\n') != std::string::npos;
    const bool words = label == "requires" || label == "reason" || label == "source" ||
                       label == "expects" || label == "standing";
    if (block) {
      blocks += label + ":\n\n" + Block(line.text) + "\n";
    } else {
      out += "| " + label + " | " + (words ? Plain(line.text) : Code(line.text)) + " |\n";
    }
  }
  out += "\n" + blocks + "</details>\n\n";
}

void AppendFindings(std::string& out, const Run& run) {
  const ClauseIndex clauses = IndexClauses(run);
  const auto cascades = Cascades(run);
  if (!cascades.empty()) out += "### Findings\n\n";
  std::size_t shown = 0, more = 0;
  for (const Cascade& cascade : cascades) {
    if (shown == kFindingsShown) {
      more += cascade.tests.size();
      continue;
    }
    ++shown;
    if (cascade.cause != nullptr)
      out += "**" + Plain(CascadeTitle(cascade)) + "**, for example:\n\n";
    AppendFinding(out, *cascade.tests[0], clauses);
    if (cascade.cause == nullptr) continue;
    std::string names;
    for (std::size_t i = 1; i < cascade.tests.size(); ++i) names += cascade.tests[i]->name + "\n";
    out += "<details><summary>Its other tests</summary>\n\n" + Block(names) + "</details>\n\n";
  }
  if (more > 0) {
    out += std::to_string(more) + " more findings are in the HTML report and the JSON result.\n\n";
  }
}

void AppendLost(std::string& out, const Run& run) {
  const auto groups = LostGroups(run);
  if (groups.empty()) return;
  out += "### Lost verdicts\n\n| Why | Clauses | Tests |\n|---|---|---|\n";
  const auto names = [](const std::vector<std::string>& all) {
    std::string text;
    for (std::size_t i = 0; i < all.size() && i < kTestsNamed; ++i)
      text += (i > 0 ? "<br>" : "") + Code(all[i]);
    if (all.size() > kTestsNamed)
      text += "<br>and " + std::to_string(all.size() - kTestsNamed) + " more";
    return text;
  };
  for (std::size_t i = 0; i < groups.size() && i < kRowsShown; ++i) {
    out += "| " + Plain(groups[i].what) + " | " + names(groups[i].clauses) + " | " +
           names(groups[i].tests) + " |\n";
  }
  out += "\n";
}

void AppendExpected(std::string& out, const Run& run) {
  const auto known = KnownDeviations(run);
  if (known.empty()) return;
  out +=
      "### Known deviations (XFAIL)\n\n| Expectation | Reason | Tests | Review by "
      "|\n|---|---|---|---|\n";
  for (std::size_t i = 0; i < known.size() && i < kRowsShown; ++i) {
    const ExpectationRef& ref = known[i].expectation;
    std::string tests;
    for (std::size_t t = 0; t < known[i].tests.size() && t < kTestsNamed; ++t) {
      tests += (t > 0 ? "<br>" : "") + Code(known[i].tests[t]->name);
    }
    if (known[i].tests.size() > kTestsNamed) {
      tests += "<br>and " + std::to_string(known[i].tests.size() - kTestsNamed) + " more";
    }
    out +=
        "| " +
        (SafeLink(ref.link).empty() ? Plain(ref.id) : "[" + Plain(ref.id) + "](" + ref.link + ")") +
        " | " + Plain(ref.reason) + " | " + tests + " | " + Plain(ref.review_by) + " |\n";
  }
  if (known.size() > kRowsShown) {
    out += "\n" + std::to_string(known.size() - kRowsShown) + " more are in the JSON result.\n";
  }
  out += "\n";
}

void AppendOpenQuestions(std::string& out, const Run& run) {
  const auto questions = OpenQuestions(run);
  if (questions.empty()) return;
  out +=
      "### Open questions of the standard\n\nNot counted against this platform.\n\n"
      "| Clause | Seen | Readings | Decided by |\n|---|---|---|---|\n";
  for (const OpenQuestion& question : questions) {
    const ClauseRecord& c = *question.clause;
    std::string readings;
    for (const std::string& reading : ReadingsOf(c)) {
      readings += (readings.empty() ? "" : "<br>") + Plain(reading);
    }
    out += "| " + Code(c.id) + " | " + Plain(c.reason) + " | " + readings + " | " +
           Plain(c.decides) + " |\n";
  }
  out += "\n";
}

void AppendScores(std::string& out, const Run& run) {
  const auto scores = ScoresOf(run);
  if (scores.empty()) return;
  out +=
      "### Interfaces\n\n| Interface | Clauses | Judged | Violated | As known "
      "|\n|---|--:|--:|--:|--:|\n";
  for (const Score& score : scores) {
    out += "| " + Code(score.name) + " | " + std::to_string(score.clauses) + " | " +
           std::to_string(score.judged) + " | " + std::to_string(score.violated) + " | " +
           std::to_string(score.known) + " |\n";
  }
  out += "\n";
}

std::string RenderMarkdown(const Run& run) {
  std::string out = "## " + std::string(run.summary.exit_status == 0 ? "\u2705 " : "\u274C ") +
                    "POSIX IPC on " + Plain(run.label) + "\n\n**" + Plain(run.summary.sentence) +
                    "**\n\n" + Plain(PlatformLine(run)) + "  \nipcsuite " +
                    Plain(run.tool_version) + ", " + Plain(run.started) + ", " +
                    Duration(run.duration_ns) + ", seed " + Hex(run.seed) +
                    "\n\n| Result | Tests | Clauses | Meaning |\n"
                    "|---|--:|--:|---|\n";
  for (Verdict v : ReadingOrder()) {
    const int tests = run.summary.tests[static_cast<int>(v)];
    const int clauses = run.summary.clauses[static_cast<int>(v)];
    if (tests == 0 && clauses == 0) continue;
    out += "| " + std::string(Symbol(v)) + " " + std::string(ToString(v)) + " | " +
           std::to_string(tests) + " | " + std::to_string(clauses) + " | " +
           std::string(Meaning(v)) + " |\n";
  }
  out += "\n";
  AppendFindings(out, run);
  AppendLost(out, run);
  AppendExpected(out, run);
  AppendOpenQuestions(out, run);
  AppendScores(out, run);
  return out;
}

const RegisterFormat kRow({.name = "markdown",
                           .file = "summary.md",
                           .help = "a summary for the page of a CI job",
                           .render = RenderMarkdown});

}  // namespace
}  // namespace ipcsuite::report
