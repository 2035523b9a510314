// Canonical JSON: all of the result model, so that every other format can be made from the file.
//
// Two shapes: one line for each test, appended and flushed while a run goes on (a crash loses
// nothing that was measured), and one document for a whole run
// (reports/results/schema/run.schema.json). Fields that hold their default are left out. Readers
// ignore fields they don't know, so adding one keeps kSchemaVersion; changing the meaning of one
// raises it, and older programs then refuse.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reports/results/model.h"

namespace ipcsuite::report {

inline constexpr int kSchemaVersion = 1;

// One line, no newline at its end. Bytes that are not UTF-8 become U+FFFD.
std::string ToJsonLine(const TestRecord& test);

// Inverse of ToJsonLine. On failure: nullopt, and *error (may be null) holds one line.
std::optional<TestRecord> TestFromJsonLine(std::string_view line, std::string* error = nullptr);

// The whole run, indented, ending in a newline.
std::string ToJson(const Run& run);

// On failure: nullopt, and *error (may be null) holds one line that says what is wrong with the
// text: broken, truncated, of a newer schema, not an ipcsuite result at all.
std::optional<Run> RunFromJson(std::string_view text, std::string* error = nullptr);

// Reads a result file. The line in *error begins with the path.
std::optional<Run> ReadRun(const std::string& path, std::string* error);

}  // namespace ipcsuite::report
