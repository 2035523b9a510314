#include "platforms/on.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "harness/exec.h"
#include "harness/runner.h"
#include "platforms/platform.h"
#include "platforms/stream.h"
#include "reports/aggregate.h"
#include "reports/catalogue.h"
#include "reports/command_line.h"
#include "reports/compare.h"
#include "reports/expectations.h"
#include "reports/files.h"
#include "reports/json.h"
#include "reports/report.h"

namespace ipcsuite::platforms {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

using report::Complain;

struct OnOptions {
  std::string program;               // empty: this very file
  std::string out = "ipcsuite-reports";
  std::vector<std::string> formats = {"json", "html"};
  std::string label;
  int limit_s = 900;                 // of the whole
  int silence_s = 180;               // without a byte from there
  int jobs = 0;                      // platforms at once, of matrix
  std::vector<std::string> rest;     // options of `run` there
  bool list = false;
};

void AddOptions(CLI::App& app, OnOptions& options) {
  app.add_option("--program", options.program, "File to run there (static, or of that libc or machine); default: this one");
  app.add_option("--out", options.out, "Directory of the reports")->capture_default_str();
  app.add_option("--format", options.formats, "json, html, junit, ...")->delimiter(',');
  app.add_option("--limit", options.limit_s, "Seconds that all of it may take")->capture_default_str();
  app.add_option("--silence", options.silence_s, "Seconds without a sign of life after which it is ended")->capture_default_str();
  app.add_flag("--list", options.list, "Which platforms can run here, and what the others lack");
  app.allow_extras(false);
}

void PrintList() {
  for (const std::string& line : ListPlatforms()) std::printf("%s\n", line.c_str());
  std::printf("\ntraits of container:\n");
  for (const TraitHelp& trait : ContainerTraits()) std::printf("  %-40s %s\n", trait.name, trait.help);
}

// All suites that are linked in, without the properties: what is worth its time on a slow emulator.
std::string ConformanceSuites() {
  std::string names;
  for (const TestEntry& test : AllTests()) {
    const std::string& suite = test.meta->suite;
    if (suite != "props" && ("," + names + ",").find("," + suite + ",") == std::string::npos) names += (names.empty() ? "" : ",") + suite;
  }
  return names;
}

// A copy that every user may execute, wherever the original lies.
bool CopyProgram(const std::string& from, const std::string& to, std::string* error) {
  std::error_code problem;
  std::filesystem::copy_file(from, to, problem);
  if (problem) *error = "can't copy " + from + " to " + to + ": " + problem.message();
  chmod(to.c_str(), 0755);
  return !problem;
}

// A started platform. Its output comes through a socket: a file would fall under the limit on file
// sizes that some platforms set for their programs.
class Remote {
 public:
  Remote(const PlatformSpec& spec, const OnOptions& options) : spec_(spec), options_(options) {}
  ~Remote() {
    Stop();
    std::error_code ignored;
    if (in_ >= 0) close(in_);
    if (!work_dir_.empty()) std::filesystem::remove_all(work_dir_, ignored);
  }
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

  // False and one line in *error when it can't be started.
  bool Start(std::string* error) {
    const char* base = std::getenv("TMPDIR");
    work_dir_ = std::string(base && *base ? base : "/tmp") + "/ipcsuite-on-XXXXXX";
    if (!mkdtemp(work_dir_.data())) {
      *error = "can't make a directory under " + work_dir_ + ": set TMPDIR to a writable place";
      return false;
    }
    chmod(work_dir_.c_str(), 0755);
    LaunchInput input;
    input.program = work_dir_ + "/ipcsuite";
    const char* portable = std::getenv("IPCSUITE_PORTABLE");  // set by the launcher
    const std::string program = !options_.program.empty() ? options_.program : portable ? portable : SelfPath();
    if (!CopyProgram(program, input.program, error)) return false;
    input.args = {"run", "--stream", "--no-stress"};
    if (options_.rest.empty()) {
      input.args.insert(input.args.end(), {"--suite", ConformanceSuites()});
    } else {
      input.args.insert(input.args.end(), options_.rest.begin(), options_.rest.end());
    }
    input.work_dir = work_dir_ + "/work";
    std::filesystem::create_directory(input.work_dir);
    const auto launch = Prepare(spec_, input, error);
    if (!launch) return false;
    return Fork(*launch, error);
  }

  // Takes what has come; true once all has ended (or was ended here).
  bool Poll() {
    const std::int64_t now = NowNs();
    if (Read()) last_sign_ns_ = now;
    if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
    if (pid_ == 0) {
      Read();
      why_ = "the platform ended (status " + std::to_string(WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_)) +
             ") before its results were complete";
      return true;
    }
    if (collector_.ended()) {
      // A machine that has told all but does not power off is ended.
      if (end_seen_ns_ == 0) end_seen_ns_ = now;
      return now - end_seen_ns_ > 10 * kSecondNs && (Stop(), true);
    }
    if (now - start_ns_ > options_.limit_s * kSecondNs) why_ = "no end after " + std::to_string(options_.limit_s) + " s";
    if (now - last_sign_ns_ > options_.silence_s * kSecondNs) why_ = "no sign of life for " + std::to_string(options_.silence_s) + " s";
    if (why_.empty()) return false;
    Stop();
    Read();
    return true;
  }

  report::Run Take() {
    std::string why = why_;
    if (!collector_.ended() && !collector_.chatter().empty()) {
      std::string tail = collector_.chatter();
      if (tail.size() > 400) tail = tail.substr(tail.size() - 400);
      std::replace(tail.begin(), tail.end(), '\n', '|');
      why += "; last words: " + tail;
    }
    report::Run run = collector_.Take(why);
    run.label = options_.label.empty() ? spec_.text : options_.label;
    return run;
  }
  std::size_t results() const { return collector_.results(); }
  double seconds() const { return static_cast<double>(NowNs() - start_ns_) / 1e9; }
  const std::string& name() const { return spec_.text; }

 private:
  bool Fork(const Launch& launch, std::string* error) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      *error = "can't make a socket: raise the limit on open files";
      return false;
    }
    in_ = ends[0];
    const int out = ends[1];
    fcntl(in_, F_SETFL, O_NONBLOCK);
    start_ns_ = last_sign_ns_ = NowNs();
    pid_ = fork();
    if (pid_ == 0) Exec(launch, out);
    close(out);
    if (pid_ < 0) *error = "can't start a process: raise the limit on processes";
    return pid_ > 0;
  }

  [[noreturn]] void Exec(const Launch& launch, int out) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    for (const auto& [name, value] : launch.environment) setenv(name.c_str(), value.c_str(), 1);
    if (launch.uid) {
      const auto uid = static_cast<uid_t>(*launch.uid);
      [[maybe_unused]] const int groups = setgroups(0, nullptr);
      if (setgid(uid) != 0 || setuid(uid) != 0) {
        std::fprintf(stderr, "can't become user %d\n", *launch.uid);
        _exit(126);
      }
    }
    std::vector<char*> argv;
    for (const std::string& word : launch.argv) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    std::fprintf(stderr, "can't execute %s\n", argv[0]);
    _exit(127);
  }

  bool Read() {
    char buffer[65536];
    bool any = false;
    for (ssize_t got; in_ >= 0 && (got = read(in_, buffer, sizeof buffer)) > 0; any = true) {
      collector_.Feed(std::string_view(buffer, static_cast<std::size_t>(got)));
    }
    return any;
  }

  void Stop() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      kill(pid_, SIGKILL);
      waitpid(pid_, &status_, 0);
      pid_ = 0;
    }
    if (in_ >= 0) Read();
  }

  PlatformSpec spec_;
  OnOptions options_;
  std::string work_dir_, why_;
  Collector collector_;
  pid_t pid_ = 0;
  int in_ = -1, status_ = 0;
  std::int64_t start_ns_ = 0, last_sign_ns_ = 0, end_seen_ns_ = 0;
};

// What came through becomes a report: judged here, by this program's catalogue and expectations.
report::Run Judge(report::Run run) {
  std::vector<report::Expectation> expectations;
  std::string error;
  report::DefaultExpectations(&expectations, &error);
  report::Apply(expectations, report::FactsOf(run.environment), {}, &run.tests);
  std::vector<std::string> suites;
  for (const report::TestRecord& test : run.tests) {
    if (std::find(suites.begin(), suites.end(), test.suite) == suites.end()) suites.push_back(test.suite);
  }
  report::Finish(report::CatalogueClauses(suites), run);
  return run;
}

std::string FileLabel(std::string text) {
  for (char& c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '_';
  }
  return text.size() > 80 ? text.substr(text.size() - 80) : text;
}

bool Parse(CLI::App& app, OnOptions& options, int argc, char** argv, int* status) {
  // What stands behind "--" is for `run` on the platform.
  std::vector<std::string> own;
  for (int i = 0; i < argc; ++i) {
    if (std::string(argv[i]) == "--") {
      options.rest.assign(argv + i + 1, argv + argc);
      break;
    }
    own.push_back(argv[i]);
  }
  *status = report::ParseArguments(app, std::move(own));
  return *status < 0;
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

// Reads the files back, so that the comparison is of what users have on disk.
int WriteComparison(const std::vector<std::string>& files, const std::string& out, int status) {
  std::vector<report::Run> runs;
  std::string error;
  for (const std::string& file : files) {
    if (auto run = report::ReadRun(file, &error)) {
      runs.push_back(std::move(*run));
    } else {
      status = Complain(error);
    }
  }
  if (runs.size() < 2) return Complain("fewer than two platforms gave results: nothing to compare");
  const report::Comparison comparison = report::Compare(runs);
  const std::string page = out + "/comparison.html";
  if (!report::WriteFile(page, report::ComparisonHtml(comparison, runs), &error)) return Complain(error);
  std::printf("%zu platforms compared: %s\n", runs.size(), page.c_str());
  return status;
}

}  // namespace

int OnMain(int argc, char** argv) {
  CLI::App app("Runs the suite on another platform and brings its results back; options of `run` there follow '--'.", "ipcsuite on");
  OnOptions options;
  std::string platform;
  AddOptions(app, options);
  app.add_option("PLATFORM", platform, "native, user:UID, libc:DIR, emulator:PROGRAM, gvisor:PLATFORM, container:TRAITS, bwrap, vm:KERNEL, uml:BINARY, ssh:HOST");
  app.add_option("--label", options.label, "Name of the platform in comparisons");
  int status = 0;
  if (!Parse(app, options, argc, argv, &status)) return status;
  if (options.list) return PrintList(), 0;
  if (platform.empty()) return Complain("name a platform: `ipcsuite on --list` tells which can run here");
  std::string error;
  const auto spec = ParsePlatform(platform, &error);
  if (!spec) return Complain(error);
  if (!MakeOut(options.out)) return Complain("can't write to " + options.out + ": name a writable place with --out");
  Remote remote(*spec, options);
  if (!remote.Start(&error)) return Complain(error);
  Backoff backoff;
  while (!remote.Poll()) backoff.Pause();
  const report::Run run = Judge(remote.Take());
  std::printf("%s", report::TextSummary(run, false).c_str());
  PrintSummary(remote.name(), run, remote.seconds());
  for (const std::string& format : options.formats) {
    const auto known = report::FormatFromString(format);
    if (!known) return Complain("unknown format '" + format + "': " + report::FormatNames());
    if (!report::WriteReport(run, *known, options.out + "/" + std::string(report::DefaultFileName(*known)), &error)) return Complain(error);
  }
  return run.summary.exit_status;
}

int MatrixMain(int argc, char** argv) {
  CLI::App app("Runs the suite on several platforms, side by side, and writes the comparison page.", "ipcsuite matrix");
  OnOptions options;
  options.out = "ipcsuite-matrix";
  std::vector<std::string> platforms;
  AddOptions(app, options);
  app.add_option("--jobs,-j", options.jobs, "Platforms at once; default: half the CPUs");
  app.add_option("PLATFORM", platforms, "As of `ipcsuite on`; PLATFORM@FILE names the program file for one");
  int status = 0;
  if (!Parse(app, options, argc, argv, &status)) return status;
  if (options.list) return PrintList(), 0;
  if (platforms.size() < 2) return Complain("name two platforms at least: `ipcsuite on --list` tells which can run here");
  if (!MakeOut(options.out)) return Complain("can't write to " + options.out + ": name a writable place with --out");
  const std::size_t jobs = options.jobs > 0 ? static_cast<std::size_t>(options.jobs) : static_cast<std::size_t>(std::max(1, AllowedCpus() / 2));
  std::vector<std::unique_ptr<Remote>> running;
  std::vector<std::string> files;
  std::string error;
  std::size_t next = 0;
  Backoff backoff;
  while (next < platforms.size() || !running.empty()) {
    while (running.size() < jobs && next < platforms.size()) {
      OnOptions own = options;
      std::string text = platforms[next++];
      if (const std::size_t at = text.rfind('@'); at != std::string::npos && text.compare(0, 4, "ssh:") != 0) {
        own.program = text.substr(at + 1);
        text = text.substr(0, at);
      }
      const auto spec = ParsePlatform(text, &error);
      auto remote = spec ? std::make_unique<Remote>(*spec, own) : nullptr;
      if (!remote || !remote->Start(&error)) {
        std::printf("%-40s   left out: %s\n", text.c_str(), error.c_str());
        status = 2;
        continue;
      }
      running.push_back(std::move(remote));
    }
    for (auto it = running.begin(); it != running.end();) {
      if (!(*it)->Poll()) {
        ++it;
        continue;
      }
      const report::Run run = Judge((*it)->Take());
      PrintSummary((*it)->name(), run, (*it)->seconds());
      const std::string file = options.out + "/" + FileLabel((*it)->name()) + ".json";
      if (!report::WriteReport(run, report::Format::kJson, file, &error)) return Complain(error);
      files.push_back(file);
      status = std::max(status, run.summary.exit_status);
      it = running.erase(it);
    }
    backoff.Pause();
  }
  return WriteComparison(files, options.out, status);
}

}  // namespace ipcsuite::platforms
