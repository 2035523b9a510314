#include "reports/formats/report.h"

#include "base/files.h"
#include "reports/formats/writers.h"
#include "reports/page/html_run.h"
#include "reports/results/json.h"

namespace ipcsuite::report {
namespace {

struct Entry {
  Format format;
  std::string_view name;
  std::string_view file;
};

constexpr Entry kFormats[] = {
    {Format::kJson, "json", "results.json"}, {Format::kJunit, "junit", "junit.xml"},
    {Format::kCtrf, "ctrf", "ctrf.json"},    {Format::kTap, "tap", "results.tap"},
    {Format::kKtap, "ktap", "results.ktap"}, {Format::kMarkdown, "markdown", "summary.md"},
    {Format::kHtml, "html", "report.html"},  {Format::kText, "text", "summary.txt"},
};

}  // namespace

std::optional<Format> FormatFromString(std::string_view name) {
  if (name == "md") return Format::kMarkdown;
  for (const Entry& entry : kFormats) {
    if (entry.name == name) return entry.format;
  }
  return std::nullopt;
}

std::string FormatNames() {
  std::string names;
  for (const Entry& entry : kFormats)
    names += (names.empty() ? "" : ", ") + std::string(entry.name);
  return names;
}

std::string_view DefaultFileName(Format format) {
  for (const Entry& entry : kFormats) {
    if (entry.format == format) return entry.file;
  }
  return "";
}

std::string Render(const Run& run, Format format) {
  switch (format) {
    case Format::kJson: return ToJson(run);
    case Format::kJunit: return RenderJunit(run);
    case Format::kCtrf: return RenderCtrf(run);
    case Format::kTap: return RenderTap(run);
    case Format::kKtap: return RenderKtap(run);
    case Format::kMarkdown: return RenderMarkdown(run);
    case Format::kHtml: return RenderHtml(run);
    case Format::kText: return TextSummary(run, /*color=*/false, /*limit=*/0);
  }
  return "";
}

bool WriteReport(const Run& run, Format format, const std::string& path, std::string* error) {
  return WriteFile(path, Render(run, format), error);
}

bool WriteReport(const Run& run, std::string_view format, const std::string& path,
                 std::string* error) {
  const auto known = FormatFromString(format);
  if (!known) {
    *error = "unknown format \"" + std::string(format) + "\": choose from " + FormatNames();
    return false;
  }
  return WriteReport(run, *known, path, error);
}

}  // namespace ipcsuite::report
