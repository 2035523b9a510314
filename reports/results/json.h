// Canonical JSON: all of the result model, so that every other format can be made from the file.
//
// Two shapes: one line for each test, appended and flushed while a run goes on (a crash loses
// nothing that was measured), and one document for a whole run
// (reports/results/schema/run.schema.json). Fields that hold their default are left out. Readers
// ignore fields they don't know, so adding one keeps kSchemaVersion; changing the meaning of one
// raises it, and older programs then refuse.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "reports/results/model.h"

namespace ipcsuite::report {

inline constexpr int kSchemaVersion = 1;

// One line, no newline at its end. Bytes that are not UTF-8 become U+FFFD.
std::string ToJsonLine(const TestRecord& test);

// Inverse of ToJsonLine.
Result<TestRecord> TestFromJsonLine(std::string_view line);

// The whole run, indented, ending in a newline.
std::string ToJson(const Run& run);

// The error says what is wrong with the text: broken, truncated, of a newer schema, not an ipcsuite
// result at all.
Result<Run> RunFromJson(std::string_view text);

// The run without tests; of its clauses only the ids.
Run WithoutResults(const Run& run);

// What stands before the lines of tests in results.jsonl: WithoutResults() as one line; interrupted
// until it has written its results.
std::string ToJsonHeader(const Run& run);

// The lines of a run that was killed (results.jsonl), with or without a header. A last line that is
// cut short is left out; of attempts of one test the last counts.
Result<Run> RunFromJsonLines(std::string_view text);

// Reads a result file, either kind; "-" is standard input. The error begins with the path.
Result<Run> ReadRun(const std::string& path);

}  // namespace ipcsuite::report
