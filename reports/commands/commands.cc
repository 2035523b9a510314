#include "reports/commands/commands.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/args.h"
#include "base/files.h"
#include "reports/commands/expectations_update.h"
#include "reports/compare/compare.h"
#include "reports/formats/report.h"
#include "reports/results/json.h"
#include "reports/verdicts/aggregate.h"
#include "reports/verdicts/detection.h"
#include "reports/verdicts/expectations.h"

namespace ipcsuite::report {
namespace {

bool IsFolder(const std::string& path) {
  struct stat status {};
  return path.back() == '/' || (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode));
}

bool SameFile(const std::string& a, const std::string& b) {
  struct stat x {
  }, y{};
  return ::stat(a.c_str(), &x) == 0 && ::stat(b.c_str(), &y) == 0 && x.st_dev == y.st_dev &&
         x.st_ino == y.st_ino;
}

bool ColorWanted() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr && term != nullptr &&
         std::string(term) != "dumb";
}

std::optional<std::vector<Run>> ReadRuns(const std::vector<std::string>& paths,
                                         std::string* error) {
  std::vector<Run> runs;
  for (const std::string& path : paths) {
    auto run = ReadRun(path, error);
    if (!run) return std::nullopt;
    runs.push_back(std::move(*run));
  }
  return runs;
}

// Where each format goes; "" and a line in *error if that cannot be meant.
std::vector<std::pair<Format, std::string>> Outputs(const std::vector<std::string>& names,
                                                    const std::string& out,
                                                    const std::string& input, std::string* error) {
  std::vector<std::pair<Format, std::string>> outputs;
  std::set<Format> seen;
  for (const std::string& name : names) {
    const auto format = FormatFromString(name);
    if (!format) {
      *error = "unknown format '" + name + "': choose from " + FormatNames();
      return {};
    }
    if (!seen.insert(*format).second) continue;
    std::string path = out.empty() ? "-" : out;
    if (path != "-" && IsFolder(path))
      path += (path.back() == '/' ? "" : "/") + std::string(DefaultFileName(*format));
    outputs.emplace_back(*format, path);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].second != "-" && SameFile(outputs[i].second, input)) {
      *error = outputs[i].second + ": is the input: name another place with --out";
      return {};
    }
    if (i > 0 && outputs[i].second == outputs[i - 1].second) {
      *error = "several formats need a folder that exists: --out DIR";
      return {};
    }
  }
  return outputs;
}

}  // namespace

int ReportMain(int argc, char** argv) {
  CLI::App app("Makes any format from a result file alone.", "ipcsuite report");
  std::string input, out, detection;
  std::vector<std::string> formats = {"text"};
  app.add_option("RESULTS", input, "results.json of a run")->required();
  app.add_option("--format,-f", formats, FormatNames() + "; default: text")->delimiter(',');
  app.add_option("--out,-o", out, "File, or folder for the usual names; default: standard output");
  app.add_option("--detection", detection,
                 "detection.json of a detection run, to be shown with it");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  std::string error;
  auto run = ReadRun(input, &error);
  if (!run) return Complain(error);
  if (!detection.empty()) {
    const auto text = ReadFile(detection, &error);
    if (!text) return Complain(error);
    if (!FoldDetection(*text, &*run, &error)) return Complain(detection + ": " + error);
  }
  const auto outputs = Outputs(formats, out, input, &error);
  if (outputs.empty()) return Complain(error);
  for (const auto& [format, path] : outputs) {
    const bool colored = format == Format::kText && path == "-" && ColorWanted();
    const std::string text = colored ? TextSummary(*run, true, 0) : Render(*run, format);
    if (!WriteFile(path, text, &error)) return Complain(error);
  }
  return 0;
}

int CompareMain(int argc, char** argv) {
  CLI::App app(
      "Sets runs side by side: differences first, then performance beyond its noise. The first "
      "file is "
      "what the others are compared with.",
      "ipcsuite compare");
  std::vector<std::string> inputs;
  std::string out, html, format = "text", fail_on = "regressions";
  app.add_option("RESULTS", inputs, "two or more results.json")->required();
  app.add_option("--format,-f", format, "text, markdown, json or html")
      ->check(CLI::IsMember({"text", "markdown", "json", "html"}))
      ->capture_default_str();
  app.add_option("--out,-o", out, "File; default: standard output");
  app.add_option("--html", html, "Write the page of the comparison to this file too");
  app.add_option("--fail-on", fail_on,
                 "What makes the exit status 1: regressions, any-difference or nothing")
      ->check(CLI::IsMember({"regressions", "any-difference", "nothing"}))
      ->capture_default_str();
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  if (inputs.size() < 2) return Complain("compare needs two or more result files");
  std::string error;
  const auto runs = ReadRuns(inputs, &error);
  if (!runs) return Complain(error);
  for (const std::string& input : inputs) {
    for (const std::string& path : {out, html}) {
      if (!path.empty() && SameFile(path, input))
        return Complain(path + ": is an input: name another place");
    }
  }
  if (!html.empty() && html == out) return Complain("--html and --out name the same file");
  const Comparison comparison = Compare(*runs);
  const std::string path = out.empty() ? "-" : out;
  const std::string text = format == "markdown" ? ComparisonMarkdown(comparison, *runs)
                           : format == "json"   ? ComparisonJson(comparison)
                           : format == "html"
                               ? ComparisonHtml(comparison, *runs)
                               : ComparisonText(comparison, *runs, path == "-" && ColorWanted());
  if (!WriteFile(path, text, &error)) return Complain(error);
  if (!html.empty() && !WriteFile(html, ComparisonHtml(comparison, *runs), &error))
    return Complain(error);
  const bool any = !comparison.differences.empty() || !comparison.performance.empty();
  return fail_on == "regressions"      ? comparison.HasRegression()
         : fail_on == "any-difference" ? any
                                       : 0;
}

int MergeMain(int argc, char** argv) {
  CLI::App app("Joins the result files of shards or suites of one platform.", "ipcsuite merge");
  std::vector<std::string> inputs;
  std::string out;
  app.add_option("RESULTS", inputs, "results.json of each part")->required();
  app.add_option("--out,-o", out, "File of the whole")->required();
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  std::string error;
  const auto runs = ReadRuns(inputs, &error);
  if (!runs) return Complain(error);
  Run merged;
  if (!MergeRuns(*runs, &merged, &error) || !WriteFile(out, ToJson(merged), &error))
    return Complain(error);
  if (out != "-") std::printf("%s\n", merged.summary.sentence.c_str());
  return merged.summary.exit_status;
}

namespace {

bool Load(const std::vector<std::string>& files, bool defaults, std::vector<Expectation>* all,
          std::string* error) {
  if (defaults && !DefaultExpectations(all, error)) return false;
  return std::all_of(files.begin(), files.end(),
                     [&](const std::string& path) { return ReadExpectations(path, all, error); });
}

int ListExpectations(const std::vector<Expectation>& all) {
  for (const Expectation& e : all) {
    std::printf("%s (%s): %s\n", e.id.c_str(), e.origin.c_str(), e.reason.c_str());
    for (const auto& [key, value] : e.condition)
      std::printf("    if %s %s\n", key.c_str(), value.c_str());
    for (const auto& name : e.tests) std::printf("    test %s\n", name.c_str());
    for (const auto& id : e.clauses) std::printf("    clause %s\n", id.c_str());
    if (!e.review_by.empty()) std::printf("    review by %s\n", e.review_by.c_str());
  }
  return 0;
}

}  // namespace

int ExpectationsMain(int argc, char** argv) {
  CLI::App app("Known deviations of platforms: shows, checks, and proposes edits from a run.",
               "ipcsuite expectations");
  app.require_subcommand(1);
  std::string results, target = "expectations.json";
  std::vector<std::string> files;
  bool no_defaults = false;
  CLI::App* update = app.add_subcommand(
      "update", "Prints the edits that a result file calls for, as a diff for patch -p1");
  update->add_option("RESULTS", results, "results.json of a run")->required();
  update->add_option("--expect", target, "File that new entries go to; it may not exist yet")
      ->capture_default_str();
  CLI::App* check = app.add_subcommand("check", "Checks files of expectations");
  check->add_option("FILE", files, "files of expectations")->required();
  CLI::App* list = app.add_subcommand("list", "Shows the expectations");
  list->add_option("--expect", files, "Files besides the shipped ones");
  list->add_flag("--no-default-expectations", no_defaults, "Without the shipped ones");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  std::string error;
  if (update->parsed()) {
    const auto run = ReadRun(results, &error);
    if (!run) return Complain(error);
    const auto diff = ProposeExpectations(*run, target, &error);
    if (!diff) return Complain(error);
    if (diff->empty()) {
      std::fprintf(
          stderr,
          "ipcsuite: nothing to edit: no finding is new and no expectation is out of date\n");
      return 0;
    }
    return WriteFile("-", *diff, &error) ? 0 : Complain(error);
  }
  std::vector<Expectation> all;
  if (!Load(files, list->parsed() && !no_defaults, &all, &error)) return Complain(error);
  if (check->parsed()) {
    std::printf("%zu expectations are well formed\n", all.size());
    return 0;
  }
  return ListExpectations(all);
}

}  // namespace ipcsuite::report
