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

#include "base/args.h"
#include "base/files.h"
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

// A record of a test with what is known without running it.
report::TestRecord RecordOf(const std::string& name) {
  for (const TestEntry& test : AllTests()) {
    if (test.name == name) return internal::Blank(test);
  }
  report::TestRecord unknown;  // to this program: that of the platform may be a later one
  unknown.name = name;
  return unknown;
}

// "cd HERE && " if one of these names a file from here alone, so that a command that has them works
// from anywhere.
std::string WhereNamesHold(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::error_code error;
    const bool relative = !name.empty() && name[0] != '/' && std::filesystem::exists(name, error);
    if (relative)
      return "cd " + ShellQuoted(std::filesystem::current_path(error).string()) + " && ";
  }
  return "";
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

// The first line says what is run where: results of another platform are not gone on with.
bool Remote::OpenConsole(std::string* error) {
  if (options_.console.empty()) return true;
  const std::string title = "ipcsuite on " + spec_.text + " -- " + Join(Arguments(), " ") + "\n";
  if (options_.resume) {
    const Result<std::string> said = ReadFile(options_.console);
    if (!said || !said->starts_with(title)) {
      *error = said ? options_.console + " is of another run: repeat the command that began with " +
                          said->substr(0, said->find('\n'))
                    : said.error();
      return false;
    }
    collector_.Feed(*said + "\n");  // the last line may have been cut
    if (collector_.ended()) {
      *error = options_.console + " is of a complete run: there is nothing to go on with";
      return false;
    }
  }
  console_.open(options_.console, options_.resume ? std::ios::app : std::ios::trunc);
  console_ << (options_.resume ? "\n" : title) << std::flush;
  if (!console_) *error = "can't write " + options_.console + ": name a writable directory";
  return static_cast<bool>(console_);
}

bool Remote::Start(std::string* error) {
  if (!OpenConsole(error)) return false;
  const char* base = std::getenv("TMPDIR");
  work_dir_ = std::string(base && *base ? base : "/tmp") + "/ipcsuite-on-XXXXXX";
  if (!mkdtemp(work_dir_.data())) {
    *error = "can't create a directory under " + work_dir_ + ": set TMPDIR to a writable directory";
    return false;
  }
  chmod(work_dir_.c_str(), 0755);
  const std::string copy = work_dir_ + "/ipcsuite";
  const char* portable = std::getenv("IPCSUITE_PORTABLE");  // set by the launcher
  const std::string program = !options_.program.empty() ? options_.program
                              : portable                ? portable
                                                        : SelfPath();
  start_ns_ = NowNs();
  return CopyProgram(program, copy, error) && Launched(error);
}

// Of the program there. After a restart: what is left to run, with the seed of the first part.
std::vector<std::string> Remote::Arguments() const {
  std::vector<std::string> args = {"run", "--stream", "--no-stress"};
  if (options_.rest.empty()) {
    args.insert(args.end(), {"--suite", ConformanceSuites()});
  } else {
    args.insert(args.end(), options_.rest.begin(), options_.rest.end());
  }
  if (!collector_.has_header()) return args;
  if (const std::string last = collector_.settled(); !last.empty())
    args.insert(args.end(), {"--resume-after", last});
  const bool seeded = std::any_of(args.begin(), args.end(), [](const std::string& word) {
    return word.rfind("--seed", 0) == 0;
  });
  if (!seeded) args.insert(args.end(), {"--seed", std::to_string(collector_.seed())});
  return args;
}

bool Remote::Launched(std::string* error) {
  LaunchInput input;
  input.program = work_dir_ + "/ipcsuite";
  input.args = Arguments();
  input.work_dir = work_dir_ + "/work" + std::to_string(starts_++);
  std::filesystem::create_directory(input.work_dir);
  results_at_start_ = collector_.results();
  const Result<Launch> launch = Prepare(spec_, input);
  if (!launch) *error = launch.error();
  return launch && Fork(*launch, error);
}

// After the platform went down while tests ran: they are the suspects, and get a verdict of their
// own; the rest runs on a fresh start.
bool Remote::Restarts() {
  const std::vector<std::string> suspects = collector_.running();
  if (suspects.empty()) return false;
  const std::string words = LastWords(collector_.chatter());
  for (const std::string& suspect : suspects) {
    report::TestRecord record = RecordOf(suspect);
    record.verdict = report::Verdict::kUnresolved;
    record.reason = "the platform went down while this test ran" +
                    std::string(suspects.size() > 1 ? ", and others: --jobs 1 tells which" : "") +
                    (words.empty() ? "" : "; last words: " + words);
    console_ << ResultLine(record) << std::flush;
    collector_.Add(std::move(record));
  }
  downs_ += (downs_.empty() ? "the platform went down during " : ", then during ") +
            Join(suspects, " or ");
  std::string error;
  // A platform that comes to nothing twice will not come to anything.
  if (starts_ > options_.restarts || collector_.results() == results_at_start_) return false;
  if (!Launched(&error)) {
    why_ = "it could not be started again: " + error;
    return false;
  }
  why_.clear();
  return true;
}

// Types as much as the platform takes now.
void Remote::Type() {
  if (typed_bytes_ >= typed_.size()) return;
  if (seen_.find(prompt_) == std::string::npos) return;
  const ssize_t put = write(in_, typed_.data() + typed_bytes_, typed_.size() - typed_bytes_);
  if (put > 0) {
    typed_bytes_ += static_cast<std::size_t>(put);
    last_sign_ns_ = NowNs();
  }
}

bool Remote::Poll() {
  const std::int64_t now = NowNs();
  if (Read()) last_sign_ns_ = now;
  Type();
  if (header_ns_ == 0 && collector_.has_header()) header_ns_ = now;
  if (end_ns_ == 0 && collector_.ended()) end_ns_ = now;
  if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
  if (pid_ == 0) {
    Read();
    why_ = "the platform ended (status " +
           std::to_string(WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_)) +
           ") before its results were complete";
    return collector_.ended() || !Restarts();
  }
  // A machine that has sent everything but does not power off is killed.
  if (end_ns_ > 0) return nanoseconds(now - end_ns_) > 10s && (Stop(), true);
  if (nanoseconds(now - start_ns_) > options_.limit)
    why_ = "not finished after " + DurationText(options_.limit);
  if (nanoseconds(now - last_sign_ns_) > options_.silence)
    why_ = "no output for " + DurationText(options_.silence);
  if (why_.empty()) return false;
  const bool silent = nanoseconds(now - start_ns_) <= options_.limit;
  Stop();
  Read();
  return !silent || !Restarts();
}

report::Run Remote::Take() {
  std::string why = collector_.ended() ? "" : why_;
  if (!collector_.ended() && !collector_.chatter().empty())
    why += "; last words: " + LastWords(collector_.chatter());
  const std::int64_t end_ns = end_ns_ > 0 ? end_ns_ : NowNs();
  if (!downs_.empty()) why = downs_ + (why.empty() ? "" : "; " + why);
  report::Run run = collector_.Take(why);
  if (!downs_.empty()) run.interrupted = why;
  run.label = name();
  // The commands were made there, and this host knows how it was reached.
  const std::string there = "ipcsuite run ";
  const std::string here =
      WhereNamesHold({spec_.target, options_.program}) + ProgramCommand() + " on " +
      ShellQuoted(spec_.text) +
      (options_.program.empty() ? "" : " --program=" + ShellQuoted(options_.program)) +
      " --out=ipcsuite-reproduced -- ";
  for (report::TestRecord& test : run.tests) {
    if (test.command.starts_with(there)) test.command = here + test.command.substr(there.size());
  }
  report::EnvironmentSection section{"How it was run", {{"platform", spec_.text}}};
  if (header_ns_ > 0) section.facts.emplace_back("time_to_start", Seconds(header_ns_ - start_ns_));
  section.facts.emplace_back("time_in_all", Seconds(end_ns - start_ns_));
  if (const char* const sources = getenv("IPCSUITE_SOURCES"))
    section.facts.emplace_back("sources", sources);
  run.environment.insert(run.environment.begin(), std::move(section));
  return run;
}

bool Remote::Fork(const Launch& launch, std::string* error) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    *error = "can't create a socket: raise the limit on open files";
    return false;
  }
  if (in_ >= 0) close(in_);
  in_ = ends[0];
  typed_ = launch.typed;
  prompt_ = launch.prompt;
  typed_bytes_ = 0;
  seen_.clear();
  const int out = ends[1];
  fcntl(in_, F_SETFL, O_NONBLOCK);
  last_sign_ns_ = NowNs();
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
  dup2(typed_.empty() ? null : out, 0);
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
    const std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (console_.is_open()) console_ << bytes << std::flush;
    collector_.Feed(bytes);
    if (typed_bytes_ < typed_.size()) seen_ += bytes;
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
