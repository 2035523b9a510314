#include "reports/commands/commands.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/args.h"
#include "base/files.h"
#include "base/text.h"
#include "reports/commands/expectations_update.h"
#include "reports/compare/compare.h"
#include "reports/formats/report.h"
#include "reports/results/json.h"
#include "reports/verdicts/aggregate.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/expectations.h"
#include "reports/verdicts/judge.h"

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

Result<std::vector<Run>> ReadRuns(const std::vector<std::string>& paths) {
  std::vector<Run> runs;
  for (const std::string& path : paths) {
    auto run = ReadRun(path);
    if (!run) return Error{run.error()};
    runs.push_back(std::move(*run));
  }
  return runs;
}

// Where each format goes; an error if that cannot be meant.
Result<std::vector<std::pair<const Format*, std::string>>> Outputs(
    const std::vector<std::string>& names, const std::string& out, const std::string& input) {
  std::vector<std::pair<const Format*, std::string>> outputs;
  std::set<const Format*> seen;
  for (const std::string& name : names) {
    const Format* const format = FindFormat(name);
    if (!seen.insert(format).second) continue;
    std::string path = out.empty() ? "-" : out;
    if (path != "-" && IsFolder(path))
      path += (path.back() == '/' ? "" : "/") + std::string(format->file);
    outputs.emplace_back(format, path);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].second != "-" && SameFile(outputs[i].second, input)) {
      return Error{outputs[i].second + ": is the input: name another place with --out"};
    }
    if (i > 0 && outputs[i].second == outputs[i - 1].second) {
      return Error{"several formats need a folder: --out DIR/"};
    }
  }
  return outputs;
}

}  // namespace

int ReportMain(int argc, char** argv) {
  CLI::App app(
      "Makes any format from a result file alone. The exit status is that of the verdict if "
      "--baseline, --require, --fail-on or --bisect asks for one, else 0.",
      "ipcsuite report");
  std::string input, out;
  std::vector<std::string> formats = {"text"};
  JudgingOptions judging;
  judging.keep_expectations = true;
  app.add_option("RESULTS", input, "results.json or results.jsonl of a run; -: standard input")
      ->required();
  AddFormats(app, formats);
  app.add_option("-o,--out", out,
                 "File, or folder for the usual names (made if it ends in /); default: standard "
                 "output")
      ->type_name("PATH");
  AddJudgingOptions(app, judging);
  app.add_option("--detection", judging.detection,
                 "detection.json of a detection run, to be shown with it");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  const auto judge = Judge::Load(judging);
  if (!judge) return Complain(judge.error());
  auto raw = ReadRun(input);
  if (!raw) return Complain(raw.error());
  const auto outputs = Outputs(formats, out, input);
  if (!outputs) return Complain(outputs.error());
  if (out.ends_with('/')) {
    std::error_code error;
    std::filesystem::create_directories(out, error);
    if (error) return Complain("can't create " + out + ": " + error.message());
  }
  auto catalogue = CatalogueOf(*raw);
  const Run run = judge->Apply(std::move(*raw), std::move(catalogue));
  for (const auto& [format, path] : *outputs) {
    const bool colored = format->name == "text" && path == "-" && WantsColor(STDOUT_FILENO);
    const std::string text = colored ? TextSummary(run, true, 0) : format->render(run);
    if (const auto written = WriteFile(path, text); !written) return Complain(written.error());
  }
  const bool gates = !judging.baseline.empty() || !judging.require.empty() ||
                     !judging.fail_on.empty() || judging.bisect;
  return gates ? judge->ExitStatus(run) : 0;
}

namespace {

struct CompareOptions {
  std::vector<std::string> inputs, fail_on = {"regressions", "lost-coverage"};
  std::string out, html, format = "text";
  bool bisect = false;
};

int CompareStatus(const CompareOptions& options, const Comparison& comparison,
                  const std::vector<Run>& runs) {
  const Gate gate = GateOf(options.fail_on);
  const bool red = std::any_of(runs.begin() + 1, runs.end(), [](const Run& run) {
    return std::any_of(run.tests.begin(), run.tests.end(), IsFinding);
  });
  const bool incomplete = std::any_of(runs.begin() + 1, runs.end(),
                                      [](const Run& run) { return !run.interrupted.empty(); });
  const bool any = !comparison.differences.empty() || !comparison.performance.empty();
  if ((gate.regressions && comparison.HasRegression()) || (gate.any_difference && any) ||
      (gate.findings && red))
    return 1;
  return gate.lost_coverage && (comparison.LostCoverage() || incomplete) ? 3 : 0;
}

}  // namespace

int CompareMain(int argc, char** argv) {
  CLI::App app(
      "Sets runs side by side: differences first, then performance beyond its noise. The first "
      "file is what the others are compared with.",
      "ipcsuite compare");
  CompareOptions options;
  app.add_option("RESULTS", options.inputs, "two or more results.json")->required();
  app.add_option("--format,-f", options.format, "text, markdown, json or html")
      ->check(CLI::IsMember({"text", "markdown", "json", "html"}))
      ->capture_default_str();
  app.add_option("--out,-o", options.out, "File; default: standard output");
  app.add_option("--html", options.html, "Write the page of the comparison to this file too");
  AddGateOptions(app, "regressions,lost-coverage", options.fail_on, options.bisect);
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  const auto& [inputs, fail_on, out, html, format, bisect] = options;
  if (inputs.size() < 2) return Complain("compare needs two or more result files");
  const auto runs = ReadRuns(inputs);
  if (!runs) return Complain(runs.error());
  for (const std::string& input : inputs) {
    for (const std::string& path : {out, html}) {
      if (!path.empty() && SameFile(path, input))
        return Complain(path + ": is an input: name another place");
    }
  }
  if (!html.empty() && html == out) return Complain("--html and --out name the same file");
  const Comparison comparison = Compare(*runs);
  const std::string path = out.empty() ? "-" : out;
  const std::string text =
      format == "markdown" ? ComparisonMarkdown(comparison, *runs)
      : format == "json"   ? ComparisonJson(comparison)
      : format == "html"
          ? ComparisonHtml(comparison, *runs)
          : ComparisonText(comparison, *runs, path == "-" && WantsColor(STDOUT_FILENO));
  if (const auto written = WriteFile(path, text); !written) return Complain(written.error());
  if (!html.empty()) {
    const auto written = WriteFile(html, ComparisonHtml(comparison, *runs));
    if (!written) return Complain(written.error());
  }
  const int status = CompareStatus(options, comparison, *runs);
  return bisect ? BisectStatus(status) : status;
}

int MergeMain(int argc, char** argv) {
  CLI::App app("Joins the result files of shards or suites of one platform.", "ipcsuite merge");
  std::vector<std::string> inputs;
  std::string out;
  JudgingOptions judging;
  judging.keep_expectations = true;
  app.add_option("RESULTS", inputs, "results.json of each part")->required();
  app.add_option("--out,-o", out, "File of the whole")->required();
  AddJudgingOptions(app, judging);
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  const auto judge = Judge::Load(judging);
  if (!judge) return Complain(judge.error());
  const auto runs = ReadRuns(inputs);
  if (!runs) return Complain(runs.error());
  auto merged = MergeRuns(*runs);
  if (!merged) return Complain(merged.error());
  auto catalogue = CatalogueOf(*merged);
  const Run run = judge->Apply(std::move(*merged), std::move(catalogue));
  if (const auto written = WriteFile(out, ToJson(run)); !written) return Complain(written.error());
  if (out != "-") std::printf("%s\n", run.summary.sentence.c_str());
  return judge->ExitStatus(run);
}

namespace {

Result<std::vector<Expectation>> Load(const std::vector<std::string>& files, bool defaults) {
  std::vector<Expectation> all;
  Result<void> read;
  if (defaults) read = DefaultExpectations(&all);
  for (std::size_t i = 0; read && i < files.size(); ++i) read = ReadExpectations(files[i], &all);
  if (!read) return Error{read.error()};
  return all;
}

std::function<std::vector<std::string>()> g_test_names;

int CheckExpectations(const std::vector<Expectation>& all) {
  std::vector<std::string> clauses;
  for (const ClauseRecord& clause : CatalogueClauses()) clauses.push_back(clause.id);
  const auto doubts =
      Doubts(all, g_test_names ? g_test_names() : std::vector<std::string>(), clauses, Today());
  for (const std::string& doubt : doubts) Complain(doubt);
  if (!doubts.empty()) return 2;
  std::printf("%s correct\n", all.size() == 1
                                  ? "1 expectation is"
                                  : (std::to_string(all.size()) + " expectations are").c_str());
  return 0;
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

void SetTestNames(std::function<std::vector<std::string>()> names) {
  g_test_names = std::move(names);
}

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
  CLI::App* check = app.add_subcommand("check",
                                       "Checks files of expectations: their syntax, that the tests "
                                       "and clauses exist, dates, reasons");
  check->add_option("FILE", files, "files of expectations")->required();
  CLI::App* list = app.add_subcommand("list", "Shows the expectations");
  list->add_option("--expect", files, "Files besides the shipped ones");
  list->add_flag("--no-default-expectations", no_defaults, "Without the shipped ones");
  if (const int status = ParseArguments(app, argc, argv); status >= 0) return status;
  if (update->parsed()) {
    const auto run = ReadRun(results);
    if (!run) return Complain(run.error());
    const auto diff = ProposeExpectations(*run, target);
    if (!diff) return Complain(diff.error());
    if (diff->empty()) {
      std::fprintf(
          stderr,
          "ipcsuite: nothing to edit: no finding is new and no expectation is out of date\n");
      return 0;
    }
    const auto written = WriteFile("-", *diff);
    return written ? 0 : Complain(written.error());
  }
  const auto all = Load(files, list->parsed() && !no_defaults);
  if (!all) return Complain(all.error());
  if (check->parsed()) return CheckExpectations(*all);
  return ListExpectations(*all);
}

}  // namespace ipcsuite::report
