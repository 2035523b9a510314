// Each row starts a process as a careless caller would and looks at it after the preamble.
#include "base/preamble.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <string>

namespace ipcsuite {
namespace {

void (*ActionOf(int signal))(int) {
  struct sigaction now {};
  sigaction(signal, nullptr, &now);
  return now.sa_handler;
}

bool IsBlocked(int signal) {
  sigset_t now;
  sigprocmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, signal) == 1;
}

mode_t Mask() {
  const mode_t now = umask(0);
  umask(now);
  return now;
}

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) != -1; }

void BlockEverything() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

void RemoveWorkingDirectory() {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string place = std::string(base ? base : "/tmp") + "/gone-XXXXXX";
  if (!mkdtemp(place.data()) || chdir(place.c_str()) != 0) _exit(99);
  rmdir(place.c_str());
}

void AllowCores() {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_CORE, &limit);
}

rlim_t CoreLimit() {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  return limit.rlim_cur;
}

bool HasDirectory() {
  char path[PATH_MAX];
  return getcwd(path, sizeof path) != nullptr;
}

struct Start {
  const char* name;
  void (*hand_over)();  // what the caller did; in a child
  bool (*tidy)();       // what must hold after TidySurroundings()
};

const Start kStarts[] = {
    {"NothingSpecial", [] {}, [] { return IsOpen(0) && IsOpen(1) && IsOpen(2); }},
    {"InputClosed", [] { close(0); }, [] { return IsOpen(0) && IsOpen(1) && IsOpen(2); }},
    {"OutputClosed", [] { close(1); }, [] { return IsOpen(0) && IsOpen(1) && IsOpen(2); }},
    {"ErrorClosed", [] { close(2); }, [] { return IsOpen(0) && IsOpen(1) && IsOpen(2); }},
    {"AllThreeClosed", [] { close(0), close(1), close(2); },
     [] { return IsOpen(0) && IsOpen(1) && IsOpen(2) && !IsOpen(3); }},
    {"ChildSignalIgnored", [] { signal(SIGCHLD, SIG_IGN); },
     [] { return ActionOf(SIGCHLD) == SIG_DFL; }},
    {"PipeSignalDefault", [] { signal(SIGPIPE, SIG_DFL); },
     [] { return ActionOf(SIGPIPE) == SIG_IGN; }},
    {"FileSizeSignalDefault", [] { signal(SIGXFSZ, SIG_DFL); },
     [] { return ActionOf(SIGXFSZ) == SIG_IGN; }},
    // nohup and background jobs ignore these on purpose.
    {"HangUpStaysIgnored", [] { signal(SIGHUP, SIG_IGN); },
     [] { return ActionOf(SIGHUP) == SIG_IGN; }},
    {"EverythingBlocked", BlockEverything,
     [] { return !IsBlocked(SIGCHLD) && !IsBlocked(SIGTERM) && !IsBlocked(SIGUSR1); }},
    {"UmaskTakesAll", [] { umask(0777); }, [] { return Mask() == 0077; }},
    {"UmaskIsPrivate", [] { umask(0077); }, [] { return Mask() == 0077; }},
    {"CoresAllowed", AllowCores, [] { return CoreLimit() == 0; }},
    {"DirectoryRemoved", RemoveWorkingDirectory, HasDirectory},
    {"DescriptorsLeftOpen", [] { dup2(0, 40), dup2(0, 60); },
     [] {
       const auto& left = InheritedDescriptors();
       return std::count(left.begin(), left.end(), 40) == 1 &&
              std::count(left.begin(), left.end(), 60) == 1 && IsOpen(40);
     }},
};

class Preamble : public testing::TestWithParam<Start> {};

TEST_P(Preamble, PutsItRight) {
  const pid_t child = fork();
  if (child == 0) {
    for (int fd = 3; fd < 256; ++fd) close(fd);
    GetParam().hand_over();
    TidySurroundings();
    _exit(GetParam().tidy() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

INSTANTIATE_TEST_SUITE_P(Starts, Preamble, testing::ValuesIn(kStarts),
                         [](const auto& start) { return std::string(start.param.name); });

TEST(PreambleOfTests, ClosesWhatTheCallerLeftOpenAndResetsAllSignals) {
  const pid_t child = fork();
  if (child == 0) {
    dup2(0, 40);
    signal(SIGHUP, SIG_IGN);
    TidySurroundings();
    const int own = dup(0);
    TidyTestProcess();
    _exit(!IsOpen(40) && IsOpen(own) && ActionOf(SIGHUP) == SIG_DFL &&
                  ActionOf(SIGPIPE) == SIG_DFL && Mask() == 022
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace ipcsuite
