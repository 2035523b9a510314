// Report formats: each is one row (format.h) in its own file, made from the result model alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "reports/results/finding.h"
#include "reports/results/model.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ipcsuite::report {

struct Format {
  std::string_view name;  // of --format: "junit"
  std::string_view file;  // its usual name in a folder of reports: "junit.xml"
  std::string_view help;  // one line
  std::string (*render)(const Run& run);
};

// All formats, by name.
const std::vector<Format>& Formats();
// nullptr if there is none of that name ("md" is also "markdown").
const Format* FindFormat(std::string_view name);
// "ctrf, html, ..." for messages.
std::string FormatNames();
// "--format NAME,..." of a command: unknown names are usage errors. `formats` holds the default.
CLI::Option* AddFormats(CLI::App& app, std::vector<std::string>& formats);

// The name must be known.
std::string Render(const Run& run, std::string_view format);
// Renders to a temporary name, then renames; path "-" is standard output.
Result<void> WriteReport(const Run& run, std::string_view format, const std::string& path);
// Each format under its usual name in a folder that exists. What can be written is; the error is
// that of the first that cannot.
Result<void> WriteReports(const Run& run, const std::vector<std::string>& formats,
                          const std::string& folder);

// What a terminal shows after the last test: each finding as its paragraph (results/finding.h),
// those of one cause together, then lost verdicts, counts by result code and the verdict sentence.
// color: ANSI colours beside the words.
// limit: findings shown in full; the rest is announced with their number. 0: no limit.
std::string TextSummary(const Run& run, bool color, std::size_t limit = 20);

// One finding of the above, for live output as it happens.
std::string TextFinding(const TestRecord& test, const ClauseIndex& clauses, bool color);

}  // namespace ipcsuite::report
