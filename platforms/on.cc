#include "platforms/on.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "base/args.h"
#include "base/files.h"
#include "base/os/os.h"
#include "harness/runner/runner.h"
#include "platforms/arrivals.h"
#include "platforms/platform.h"
#include "platforms/remote.h"
#include "reports/compare/compare.h"
#include "reports/formats/report.h"
#include "reports/results/json.h"
#include "reports/verdicts/judge.h"

namespace ipcsuite::platforms {
namespace {

struct OnOptions {
  RemoteOptions remote;
  std::string out = "ipcsuite-reports";
  std::vector<std::string> formats = {"json", "html", "junit", "tap", "markdown"};
  int jobs = 0;  // of matrix: number of concurrent platforms
  report::JudgingOptions judging;
  bool list = false;
};

void AddOptions(CLI::App& app, OnOptions& options) {
  app.add_option(
      "--program", options.remote.program,
      "File to run there: static, or built for that libc or machine; default: this program");
  app.add_option("--out", options.out, "Directory of the reports")->capture_default_str();
  report::AddFormats(app, options.formats);
  AddDuration(app, "--limit", options.remote.limit, "Time limit of the whole run; default: 15m");
  AddDuration(app, "--silence", options.remote.silence,
              "Kill the run after this time without output; default: 3m");
  app.add_option("--restarts", options.remote.restarts,
                 "How often to start it again after a test that brought it down")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  report::AddJudgingOptions(app, options.judging);
  app.add_flag("--list", options.list,
               "Print which platforms are available here, their keys, and what the others need");
  app.allow_extras();
}

void PrintList() {
  for (const std::string& line : ListPlatforms()) std::printf("%s\n", line.c_str());
}

// What arrived becomes a report: judged here, by this program's catalogue and the host's options.
report::Run Judged(const report::Judge& judge, Remote& remote) {
  report::Run run = remote.Take();
  auto catalogue = report::CatalogueOf(run);
  return judge.Apply(std::move(run), std::move(catalogue));
}

std::string FileLabel(std::string text) {
  for (char& c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '_';
  }
  return text.size() > 80 ? text.substr(text.size() - 80) : text;
}

// What is wrong with the options.
std::string Mistake(const CLI::App& app, const OnOptions& options) {
  if (const std::vector<std::string> extra = app.remaining(); !extra.empty())
    return "unexpected " + extra.front() + ": options of `run` on the platform follow `--`";
  for (const std::string& word : options.remote.rest) {
    const std::string name = word.substr(0, word.find('='));
    if (name == "--expect" || name == "--baseline")
      return name + " after `--` would name a file there: give it before `--`";
  }
  return "";
}

// -1 to go on, or the exit status.
int Parse(CLI::App& app, OnOptions& options, int argc, char** argv,
          const std::function<int()>& resolve) {
  // What follows "--" is for `run` on the platform.
  std::vector<std::string> own;
  for (int i = 0; i < argc; ++i) {
    if (std::string(argv[i]) == "--") {
      options.remote.rest.assign(argv + i + 1, argv + argc);
      break;
    }
    own.push_back(argv[i]);
  }
  return ParseArguments(app, std::move(own), [&] {
    if (const std::string why = Mistake(app, options); !why.empty()) return Complain(why);
    return options.list ? -1 : resolve();
  });
}

bool MakeOut(const std::string& out) {
  std::error_code error;
  std::filesystem::create_directories(out, error);
  return !error && access(out.c_str(), W_OK) == 0;
}

void PrintSummary(const std::string& name, const report::Run& run, double seconds) {
  std::printf("%-40s %6.1f s  %s\n", name.c_str(), seconds, run.summary.sentence.c_str());
  if (!run.interrupted.empty()) std::printf("  %s\n", run.interrupted.c_str());
  std::fflush(stdout);
}

// LABEL=PLATFORM@FILE, of which only PLATFORM is required.
struct Entry {
  std::string label, platform, program;
};

Entry ReadEntry(const std::string& text) {
  Entry entry{"", text, ""};
  // What precedes a '=' is a label unless it belongs to the platform.
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && text.substr(0, equals).find_first_of(":,/") == text.npos) {
    entry.label = text.substr(0, equals);
    entry.platform.erase(0, equals + 1);
  }
  const std::size_t at = entry.platform.rfind('@');
  const PlatformKind* const kind =
      FindRow<PlatformKind>(entry.platform.substr(0, entry.platform.find(':')));
  if (at != std::string::npos && (kind == nullptr || !kind->at_in_target)) {
    entry.program = entry.platform.substr(at + 1);
    entry.platform.erase(at);
  }
  return entry;
}

// The platforms of `matrix`: started as others end, their results written as they arrive.
class Matrix {
 public:
  Matrix(const OnOptions& options, const report::Judge& judge) : options_(options), judge_(judge) {}

  void Start(const std::string& text) {
    std::string error;
    RemoteOptions own = options_.remote;
    const Entry entry = ReadEntry(text);
    own.label = entry.label;
    if (!entry.program.empty()) own.program = entry.program;
    const Result<PlatformSpec> spec = ParsePlatform(entry.platform);
    if (!spec) error = spec.error();
    auto remote = spec ? std::make_unique<Remote>(*spec, own) : nullptr;
    if (remote && remote->Start(&error)) {
      running_.push_back(std::move(remote));
    } else {
      LeaveOut(own.label.empty() ? entry.platform : own.label, error);
    }
  }

  // Takes the results of those that have ended.
  void Poll() {
    for (auto it = running_.begin(); it != running_.end();) {
      if ((*it)->Poll()) {
        Take(**it);
        it = running_.erase(it);
      } else {
        ++it;
      }
    }
  }
  std::size_t running() const { return running_.size(); }

  // The page, of the files that users have on disk.
  int WriteComparison() {
    std::vector<report::Run> runs;
    for (const std::string& file : files_) {
      if (auto run = report::ReadRun(file)) {
        runs.push_back(std::move(*run));
      } else {
        status_ = Complain(run.error());
      }
    }
    if (runs.size() < 2)
      return Complain("fewer than two platforms returned results: there is nothing to compare");
    report::Comparison comparison = report::Compare(runs);
    comparison.left_out = left_out_;
    const std::string page = options_.out + "/comparison.html";
    const auto written = WriteFile(page, report::ComparisonHtml(comparison, runs));
    if (!written) return Complain(written.error());
    std::printf("%zu platforms compared: %s\n", runs.size(), page.c_str());
    return status_;
  }

 private:
  void LeaveOut(const std::string& name, const std::string& why) {
    std::printf("%-40s   left out: %s\n", name.c_str(), why.c_str());
    std::fflush(stdout);
    left_out_.emplace_back(name, why);
    status_ = 2;
  }

  void Take(Remote& remote) {
    const report::Run run = Judged(judge_, remote);
    if (run.tests.empty()) return LeaveOut(remote.name(), run.interrupted);
    PrintSummary(remote.name(), run, remote.seconds());
    std::string file = options_.out + "/" + FileLabel(remote.name());
    for (int n = 2; !names_.insert(file).second; ++n)
      file = options_.out + "/" + FileLabel(remote.name()) + "-" + std::to_string(n);
    file += ".json";
    const auto written = report::WriteReport(run, "json", file);
    if (!written) return LeaveOut(remote.name(), written.error());
    files_.push_back(file);
    status_ = std::max(status_, judge_.ExitStatus(run));
  }

  OnOptions options_;
  const report::Judge& judge_;
  std::vector<std::unique_ptr<Remote>> running_;
  std::vector<std::string> files_;
  std::vector<std::pair<std::string, std::string>> left_out_;
  std::set<std::string> names_;
  int status_ = 0;
};

}  // namespace

int OnMain(int argc, char** argv) {
  CLI::App app(
      "Runs the suite on another platform and collects its results; options of `run` there "
      "follow '--'.",
      "ipcsuite on");
  OnOptions options;
  std::string platform;
  AddOptions(app, options);
  app.add_option("PLATFORM", platform, PlatformSyntax() + "; keys follow as ,KEY=VALUE (--list)");
  app.add_option("--label", options.remote.label, "Name of the platform in comparisons");
  app.add_flag("--resume", options.remote.resume,
               "Go on with a run that was killed: its command again, with the same --out");
  std::string error;
  std::optional<PlatformSpec> spec;
  const auto resolve = [&] {
    if (platform.empty())
      return Complain("no platform is given: see `ipcsuite on --list` for those available here");
    Result<PlatformSpec> parsed = ParsePlatform(platform);
    if (!parsed) return Complain(parsed.error());
    spec = *parsed;
    return -1;
  };
  if (const int status = Parse(app, options, argc, argv, resolve); status >= 0) return status;
  if (options.list) return PrintList(), 0;
  if (!MakeOut(options.out))
    return Complain("can't write to " + options.out + ": name a writable directory with --out");
  const auto judge = report::Judge::Load(options.judging);
  if (!judge) return Complain(judge.error());
  options.remote.console = options.out + "/console.log";
  Remote remote(*spec, options.remote);
  Arrivals arrivals(options.out + "/results.jsonl");
  remote.collector().Listen(
      [&](const auto& record, const auto& run) { arrivals.Enter(record, run); });
  if (!remote.Start(&error)) return Complain(error);
  Backoff backoff;
  while (!remote.Poll()) {
    arrivals.Show(remote.name(), remote.collector().last_begun());
    backoff.Pause();
  }
  arrivals.End();
  if (const std::string problem = arrivals.Problem(); !problem.empty()) return Complain(problem);
  const report::Run run = Judged(*judge, remote);
  std::printf("%s", report::TextSummary(run, false).c_str());
  PrintSummary(remote.name(), run, remote.seconds());
  if (const auto written = report::WriteReports(run, options.formats, options.out); !written)
    return Complain(written.error());
  return judge->ExitStatus(run);
}

int MatrixMain(int argc, char** argv) {
  CLI::App app("Runs the suite on several platforms concurrently and writes the comparison page.",
               "ipcsuite matrix");
  OnOptions options;
  options.out = "ipcsuite-matrix";
  std::vector<std::string> platforms;
  AddOptions(app, options);
  app.add_option("--jobs,-j", options.jobs,
                 "Number of concurrent platforms; default: half the CPUs");
  app.add_option(
      "PLATFORM", platforms,
      "As for `ipcsuite on`; LABEL=PLATFORM@FILE also names it in the comparison, and its program");
  const auto resolve = [&] {
    if (platforms.size() < 2)
      return Complain(
          "fewer than two platforms are given: see `ipcsuite on --list` for those available here");
    for (const std::string& text : platforms) {
      const Result<PlatformSpec> spec = ParsePlatform(ReadEntry(text).platform);
      if (!spec) return Complain(spec.error());
    }
    return -1;
  };
  if (const int status = Parse(app, options, argc, argv, resolve); status >= 0) return status;
  if (options.list) return PrintList(), 0;
  if (!MakeOut(options.out))
    return Complain("can't write to " + options.out + ": name a writable directory with --out");
  const std::size_t jobs = options.jobs > 0
                               ? static_cast<std::size_t>(options.jobs)
                               : static_cast<std::size_t>(std::max(1, os::AllowedCpuCount() / 2));
  const auto judge = report::Judge::Load(options.judging);
  if (!judge) return Complain(judge.error());
  Matrix matrix(options, *judge);
  std::size_t next = 0;
  Backoff backoff;
  while (next < platforms.size() || matrix.running() > 0) {
    while (matrix.running() < jobs && next < platforms.size()) matrix.Start(platforms[next++]);
    matrix.Poll();
    backoff.Pause();
  }
  return matrix.WriteComparison();
}

}  // namespace ipcsuite::platforms
