#include "platforms/remote.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "base/os/os.h"
#include "base/text.h"
#include "harness/peers/exec.h"
#include "harness/runner/runner.h"

namespace ipcsuite::platforms {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;

// All suites that are linked in, without the properties, which take too long on a slow emulator.
std::string ConformanceSuites() {
  std::string names;
  for (const TestEntry& test : AllTests()) {
    const std::string& suite = test.meta->suite;
    if (suite != "props" && ("," + names + ",").find("," + suite + ",") == std::string::npos)
      names += (names.empty() ? "" : ",") + suite;
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

// What explains an end best, on one line: a kernel's panic from its beginning, or else the end.
std::string LastWords(const std::string& chatter) {
  constexpr std::size_t kMost = 400;
  const std::size_t panic = chatter.find("Kernel panic");
  std::string words = panic != std::string::npos ? chatter.substr(panic, kMost)
                      : chatter.size() > kMost   ? chatter.substr(chatter.size() - kMost)
                                                 : chatter;
  std::replace(words.begin(), words.end(), '\n', '|');
  std::erase_if(words, [](unsigned char c) { return c < ' ' || c == 127; });
  return words;
}

std::string Seconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ns) / kSecondNs);
  return text;
}

}  // namespace

// Its output comes through a socket: a file would fall under the limit on file sizes that some
// platforms set for their programs.
Remote::~Remote() {
  Stop();
  std::error_code ignored;
  if (in_ >= 0) close(in_);
  if (!work_dir_.empty()) std::filesystem::remove_all(work_dir_, ignored);
}

bool Remote::Start(std::string* error) {
  const char* base = std::getenv("TMPDIR");
  work_dir_ = std::string(base && *base ? base : "/tmp") + "/ipcsuite-on-XXXXXX";
  if (!mkdtemp(work_dir_.data())) {
    *error = "can't create a directory under " + work_dir_ + ": set TMPDIR to a writable directory";
    return false;
  }
  chmod(work_dir_.c_str(), 0755);
  LaunchInput input;
  input.program = work_dir_ + "/ipcsuite";
  const char* portable = std::getenv("IPCSUITE_PORTABLE");  // set by the launcher
  const std::string program = !options_.program.empty() ? options_.program
                              : portable                ? portable
                                                        : SelfPath();
  if (!CopyProgram(program, input.program, error)) return false;
  input.args = {"run", "--stream", "--no-stress"};
  if (options_.rest.empty()) {
    input.args.insert(input.args.end(), {"--suite", ConformanceSuites()});
  } else {
    input.args.insert(input.args.end(), options_.rest.begin(), options_.rest.end());
  }
  input.work_dir = work_dir_ + "/work";
  std::filesystem::create_directory(input.work_dir);
  const Result<Launch> launch = Prepare(spec_, input);
  if (!launch) *error = launch.error();
  return launch && Fork(*launch, error);
}

bool Remote::Poll() {
  const std::int64_t now = NowNs();
  if (Read()) last_sign_ns_ = now;
  if (header_ns_ == 0 && collector_.has_header()) header_ns_ = now;
  if (end_ns_ == 0 && collector_.ended()) end_ns_ = now;
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
  if (pid_ == 0) {
    Read();
    why_ = "the platform ended (status " +
           std::to_string(WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_)) +
           ") before its results were complete";
    return true;
  }
  // A machine that has sent everything but does not power off is killed.
  if (end_ns_ > 0) return nanoseconds(now - end_ns_) > 10s && (Stop(), true);
  if (nanoseconds(now - start_ns_) > options_.limit)
    why_ = "not finished after " + DurationText(options_.limit);
  if (nanoseconds(now - last_sign_ns_) > options_.silence)
    why_ = "no output for " + DurationText(options_.silence);
  if (why_.empty()) return false;
  Stop();
  Read();
  return true;
}

report::Run Remote::Take() {
  std::string why = why_;
  if (!collector_.ended() && !collector_.chatter().empty())
    why += "; last words: " + LastWords(collector_.chatter());
  const std::int64_t end_ns = end_ns_ > 0 ? end_ns_ : NowNs();
  report::Run run = collector_.Take(why);
  run.label = name();
  report::EnvironmentSection section{"How it was run", {{"platform", spec_.text}}};
  if (header_ns_ > 0) section.facts.emplace_back("time_to_start", Seconds(header_ns_ - start_ns_));
  section.facts.emplace_back("time_in_all", Seconds(end_ns - start_ns_));
  run.environment.insert(run.environment.begin(), std::move(section));
  return run;
}

bool Remote::Fork(const Launch& launch, std::string* error) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    *error = "can't create a socket: raise the limit on open files";
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

void Remote::Exec(const Launch& launch, int out) {
  setpgid(0, 0);
  os::DieWithParent();
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, 0);
  dup2(out, 1);
  dup2(out, 2);
  for (const auto& [name, value] : launch.environment) setenv(name.c_str(), value.c_str(), 1);
  if (launch.user) {
    [[maybe_unused]] const int groups = setgroups(0, nullptr);
    if (setgid(launch.user->gid) != 0 || setuid(launch.user->uid) != 0) {
      std::fprintf(stderr, "can't become user %lu: run as root\n",
                   static_cast<unsigned long>(launch.user->uid));
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

bool Remote::Read() {
  char buffer[65536];
  bool any = false;
  for (ssize_t got; in_ >= 0 && (got = read(in_, buffer, sizeof buffer)) > 0; any = true) {
    collector_.Feed(std::string_view(buffer, static_cast<std::size_t>(got)));
  }
  return any;
}

void Remote::Stop() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
    pid_ = 0;
  }
  if (in_ >= 0) Read();
}

double Remote::seconds() const {
  return static_cast<double>((end_ns_ > 0 ? end_ns_ : NowNs()) - start_ns_) / kSecondNs;
}

}  // namespace ipcsuite::platforms
