// A finding as a paragraph that can be sent to the maintainers of a platform: the same labelled
// lines in every format. And findings that have one cause, put together.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

// Titles of attachments: the program that shows a finding, or why there is none.
inline constexpr std::string_view kProgramTitle = "Reproducer in C";
inline constexpr std::string_view kNoProgramTitle = "No reproducer in C";
// Begins the line "in C" of a test that can't be written as such a program.
inline constexpr std::string_view kNotPossible = "not possible: ";

// The first attachment with this title; null when there is none.
const Attachment* FindAttachment(const TestRecord& test, std::string_view title);

using ClauseIndex = std::unordered_map<std::string_view, const ClauseRecord*>;
// Views into `run`, which must outlive it.
ClauseIndex IndexClauses(const Run& run);

struct FindingLine {
  std::string_view label;  // "clause", "requires", "observed", "reproduce", ...
  std::string text;        // may have several lines
};

// In this order, those that are not empty: reason; for each of the first checks that failed clause,
// source, requires, expected, observed (or message), at; steps (the shortest program that fails)
// and replay; evidence; confidence; standing (new, known, lost); expects; reproduce. Failures
// without a clause name those that the test claims. Of long values the surroundings of the first
// difference are shown. What is left out is announced.
std::vector<FindingLine> Paragraph(const TestRecord& test, const ClauseIndex& clauses);

// "label: text" for each line, further lines of a text indented below it.
std::string ParagraphText(const TestRecord& test, const ClauseIndex& clauses);

// "mkfifo: ENOSYS", "read: timed out", "mq_open: killed by SIGSYS" of the first failure, or of the
// reason, that names a call with an error; "" if none does. A method that stands for several
// functions ("maker.make(...)") is named by the last word of GoogleTest's trace.
std::string CauseOf(const TestRecord& test);

// What formats with fewer words than ours say of a test.
enum class Outcome {
  kPassed,
  kSkipped,    // not judged, or disputed
  kKnown,      // a finding that the expectations or the baseline know
  kFailed,     // a finding that is new, or a verdict that is lost
  kUndecided,  // UNRESOLVED
};
Outcome OutcomeOf(const TestRecord& test);

// "NEW FAIL", "KNOWN XFAIL", "LOST: UNSUPPORTED", "PASS": standing and result code.
std::string StandingText(const TestRecord& test);

// Lost verdicts with one reason.
struct LostGroup {
  std::string what;  // "judged before, now UNSUPPORTED: no message queues"
  std::vector<std::string> clauses, tests;
};
// The largest groups first.
std::vector<LostGroup> LostGroups(const Run& run);

// The findings of one root cause (Run::causes), or a single finding.
struct Cascade {
  const Cause* cause = nullptr;  // of a single finding: none
  std::vector<const TestRecord*> tests;
};
// The findings of a judged run: the causes of most tests first, then the others. Views into `run`.
std::vector<Cascade> Cascades(const Run& run);
// "mq_open: ENOSYS: 14 clauses, 22 tests"; "" for a single finding.
std::string CascadeTitle(const Cascade& cascade);

}  // namespace ipcsuite::report
