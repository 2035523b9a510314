// Writers: every format is made from the result model alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report {

enum class Format { kJson, kJunit, kCtrf, kTap, kKtap, kMarkdown, kHtml, kText };

// "json", "junit", "ctrf", "tap", "ktap", "markdown" (also "md"), "html", "text".
std::optional<Format> FormatFromString(std::string_view name);
// "json, junit, ..." for messages.
std::string FormatNames();
// "results.json", "junit.xml", "ctrf.json", "results.tap", "results.ktap", "summary.md",
// "report.html", "summary.txt"
std::string_view DefaultFileName(Format format);

std::string Render(const Run& run, Format format);

// Renders to a temporary name, then renames; path "-" is standard output. On failure: false and one
// line in *error.
bool WriteReport(const Run& run, Format format, const std::string& path, std::string* error);

// The same by name; an unknown one is an error too.
bool WriteReport(const Run& run, std::string_view format, const std::string& path,
                 std::string* error);

// What a terminal shows after the last test: each finding with clause, expected, observed, evidence
// and the command that reproduces it, then counts by result code and the verdict sentence.
// color: ANSI colours beside the words.
// limit: findings shown in full; the rest is announced with their number. 0: no limit.
std::string TextSummary(const Run& run, bool color, std::size_t limit = 20);

// One finding of the above, for live output as it happens.
std::string TextFinding(const TestRecord& test, bool color);

}  // namespace ipcsuite::report
