#include "harness/peers/exec.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>

#include "base/os/os.h"
#include "harness/core/context.h"
#include "harness/core/names.h"
#include "harness/core/patience.h"
#include "harness/peers/reap.h"

namespace ipcsuite {
namespace {

constexpr char kRoleFlag[] = "--ipcsuite-role=";
constexpr nanoseconds kPatience = 20s;

std::map<std::string, RoleFunction>& Roles() {
  static std::map<std::string, RoleFunction> roles;
  return roles;
}

std::string g_self;
std::vector<std::string> g_self_command;  // how it is started, where that takes more than its path

void AppendLine(const std::string& path, const std::string& line) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  const std::string text = line + "\n";
  [[maybe_unused]] const ssize_t put = write(fd, text.data(), text.size());
  close(fd);
}

std::string ReadWhole(const std::string& path) {
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  close(fd);
  return text;
}

bool HasLine(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

void RoleSelf::Say(const std::string& line) { AppendLine(path_, line); }

bool RoleSelf::Await(const std::string& word, nanoseconds limit) {
  Patience patience(limit);
  Backoff backoff;
  while (!HasLine(ReadWhole(path_ + ".in"), word)) {
    if (patience.over()) return false;
    backoff.Pause();
  }
  return true;
}

bool RegisterRole(const char* name, RoleFunction function) {
  Roles()[name] = function;
  return true;
}

void MaybeRunRole(int argc, char** argv) {
  g_self = os::OwnPath();
  if (char path[PATH_MAX]; g_self.empty() && argc > 0 && realpath(argv[0], path)) g_self = path;
  // Under another dynamic loader or a user-mode emulator, who started us says how to start again:
  // one word a line, our own path last.
  if (const char* command = std::getenv("IPCSUITE_SELF")) {
    std::istringstream words(command);
    for (std::string word; std::getline(words, word);) g_self_command.push_back(word);
    if (!g_self_command.empty()) g_self = g_self_command.back();
  }
  if (argc < 3 || std::strncmp(argv[1], kRoleFlag, sizeof kRoleFlag - 1) != 0) return;
  const auto role = Roles().find(argv[1] + sizeof kRoleFlag - 1);
  if (role == Roles().end()) {
    std::fprintf(stderr, "ipcsuite: unknown role %s\n", argv[1]);
    _exit(127);
  }
  RoleSelf self(argv[2]);
  const int status = role->second(self, std::vector<std::string>(argv + 3, argv + argc));
  std::fflush(nullptr);
  _exit(status);
}

const std::string& SelfPath() { return g_self; }

std::vector<std::string> RoleCommand(const std::string& role, const std::string& said_path,
                                     const std::vector<std::string>& args) {
  std::vector<std::string> command =
      g_self_command.empty() ? std::vector<std::string>{g_self} : g_self_command;
  command.insert(command.end(), {kRoleFlag + role, said_path});
  command.insert(command.end(), args.begin(), args.end());
  return command;
}

ExecSelf::ExecSelf(const std::string& role, std::vector<std::string> args,
                   const std::function<void()>& before_exec) {
  static std::atomic<unsigned> counter{0};
  path_ = ScratchDir() + "/said-" + std::to_string(getpid()) + "-" +
          std::to_string(counter.fetch_add(1));
  const std::vector<std::string> command = RoleCommand(role, path_, args);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  NoteTrace(TraceEntry::Kind::kOther, {}, "starts a program of its own: " + role);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0)
    Unresolved("can't start a process (" + ErrnoName(errno) + "): raise the limit on processes");
  if (pid_ == 0) {
    os::DieWithParent();
    if (getppid() != parent) _exit(125);
    if (before_exec) before_exec();
    execv(argv[0], argv.data());
    _exit(126);
  }
}

bool ExecSelf::Poll() {
  if (!reaped_ && waitpid(pid_, &status_, WNOHANG) == pid_) reaped_ = true;
  return reaped_;
}

int ExecSelf::Wait() {
  Patience patience(kPatience);
  Backoff backoff;
  while (!Poll()) {
    if (patience.over()) Unresolved("a program of the suite did not end");
    backoff.Pause();
  }
  const int status = WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  if (status == 126)
    Unresolved("can't execute " + g_self + ": this place has no exec, or the file can't be read");
  return status;
}

void ExecSelf::AwaitSaid(const std::string& line) {
  Patience patience(kPatience);
  Backoff backoff;
  while (!HasLine(said(), line)) {
    const bool over = Poll();
    if (HasLine(said(), line)) return;
    if (over || patience.over())
      Unresolved("a program of the suite ended or hung before it said '" + line + "'");
    backoff.Pause();
  }
}

void ExecSelf::Tell(const std::string& word) { AppendLine(path_ + ".in", word); }
std::string ExecSelf::said() const { return ReadWhole(path_); }

ExecSelf::~ExecSelf() {
  if (!reaped_ && pid_ > 0) KillAndReap(pid_, &status_);
}

}  // namespace ipcsuite
