// Annotations of a GitHub workflow: printed by a step, they stand beside its log and the files.
// GitHub shows ten errors of a step, so causes come first.
#include "base/text.h"
#include "reports/formats/format.h"
#include "reports/results/finding.h"

namespace ipcsuite::report {
namespace {

std::string Encoded(const std::string& text, bool property) {
  std::string out;
  for (const char c : CleanUtf8(text)) {
    const bool special = c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ','));
    if (!special) {
      out += c;
      continue;
    }
    constexpr const char* kDigits = "0123456789ABCDEF";
    out += std::string("%") + kDigits[c / 16] + kDigits[c % 16];
  }
  return out;
}

std::string Annotation(const char* level, const std::string& title, const TestRecord* test,
                       const std::string& message) {
  std::string out = std::string("::") + level + " title=" + Encoded(title, true);
  if (test != nullptr && !test->file.empty())
    out += ",file=" + Encoded(test->file, true) + ",line=" + std::to_string(test->line);
  return out + "::" + Encoded(message, false) + "\n";
}

std::string RenderGithub(const Run& run) {
  const ClauseIndex clauses = IndexClauses(run);
  std::string out;
  for (const Cascade& cascade : Cascades(run)) {
    const TestRecord& first = *cascade.tests[0];
    const Outcome outcome = OutcomeOf(first);
    const char* level = outcome == Outcome::kFailed      ? "error"
                        : outcome == Outcome::kUndecided ? "warning"
                                                         : "notice";
    const std::string cause = CascadeTitle(cascade);
    out += Annotation(level, StandingText(first) + " " + (cause.empty() ? first.name : cause),
                      &first, ParagraphText(first, clauses));
  }
  for (const LostGroup& group : LostGroups(run)) {
    std::vector<std::string> names = group.clauses;
    names.insert(names.end(), group.tests.begin(), group.tests.end());
    out +=
        Annotation("error", "LOST", nullptr, group.what + "\n" + Shorten(Join(names, "\n"), 4096));
  }
  return out + Annotation(run.summary.exit_status == 0 ? "notice" : "error", "ipcsuite", nullptr,
                          run.summary.sentence);
}

const RegisterFormat kRow({.name = "github",
                           .file = "annotations.txt",
                           .help = "annotations of a GitHub workflow; print them in a step",
                           .render = RenderGithub});

}  // namespace
}  // namespace ipcsuite::report
