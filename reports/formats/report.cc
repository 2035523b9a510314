#include "reports/formats/report.h"

#include <algorithm>

#include "base/args.h"
#include "base/files.h"
#include "reports/formats/format.h"

namespace ipcsuite::report {
namespace {

// The order in which files register themselves is the linker's; that of the rows is by name.
std::vector<Format>& Rows() {
  static std::vector<Format> rows;
  return rows;
}

Error Unknown(std::string_view name) {
  return {"unknown format '" + std::string(name) + "': choose from " + FormatNames()};
}

}  // namespace

RegisterFormat::RegisterFormat(const Format& row) {
  const auto at = std::ranges::lower_bound(Rows(), row.name, {}, &Format::name);
  Rows().insert(at, row);
}

const std::vector<Format>& Formats() { return Rows(); }

const Format* FindFormat(std::string_view name) {
  if (name == "md") name = "markdown";
  const auto at = std::ranges::find(Rows(), name, &Format::name);
  return at == Rows().end() ? nullptr : &*at;
}

std::string FormatNames() {
  std::string names;
  for (const Format& format : Rows())
    names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

CLI::Option* AddFormats(CLI::App& app, std::vector<std::string>& formats) {
  std::string defaults;
  for (const std::string& name : formats) defaults += (defaults.empty() ? "" : ",") + name;
  const auto known = [](const std::string& name) {
    return FindFormat(name) == nullptr ? Unknown(name).line : std::string();
  };
  return app.add_option("--format,-f", formats, FormatNames() + "; default: " + defaults)
      ->delimiter(',')
      ->type_name("NAME,...")
      ->check(CLI::Validator(known, ""));
}

std::string Render(const Run& run, std::string_view format) {
  return FindFormat(format)->render(run);
}

Result<void> WriteReport(const Run& run, std::string_view format, const std::string& path) {
  if (FindFormat(format) == nullptr) return Unknown(format);
  return WriteFile(path, Render(run, format));
}

Result<void> WriteReports(const Run& run, const std::vector<std::string>& formats,
                          const std::string& folder) {
  Result<void> all;
  for (const std::string& name : formats) {
    const Format* const format = FindFormat(name);
    Result<void> written = format == nullptr ? Unknown(name)
                                             : WriteFile(folder + "/" + std::string(format->file),
                                                         format->render(run));
    if (all && !written) all = std::move(written);
  }
  return all;
}

}  // namespace ipcsuite::report
