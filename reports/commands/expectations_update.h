// Edits that a run calls for in the files of expectations, proposed as a diff.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "reports/results/model.h"

namespace ipcsuite::report {

// A unified diff for patch -p1; "" if nothing needs an edit.
//
// - FAIL and FLAKY tests that no expectation covers get an entry each in `target` (made anew if it
//   does not exist). Its reason is what was observed: somebody has to say why before it is used, so
//   the entry asks for that, and is reviewed within a year of the run.
// - Entries all of whose tests are XPASS are removed; one some of whose exactly named tests pass
//   loses those names. Entries of the shipped files are edited under
//   reports/verdicts/expectations/.
Result<std::string> ProposeExpectations(const Run& run, const std::string& target);

// Unified diff with three lines of context; "" if the texts are equal. Paths are written as given.
std::string UnifiedDiff(const std::string& old_path, std::string_view old_text,
                        const std::string& new_path, std::string_view new_text);

// The text of a file of expectations without the entry of that id, comments directly above it
// included; unchanged if there is none.
std::string WithoutEntry(std::string_view text, std::string_view id);

// The same text with `entry` (lines of JSON, indented by four) added at the end of the list.
std::string WithEntry(std::string_view text, const std::string& entry);

}  // namespace ipcsuite::report
