#include "base/preamble.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace ipcsuite {
namespace {

// A caller that leaves descriptors above this number open is beyond what tests look at.
constexpr int kDescriptorsMax = 4096;

std::vector<int> g_inherited;

void OpenStandardDescriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) continue;
    // The lowest free descriptor is the one that is missing; where there is no /dev/null, a
    // directory holds the number and refuses to be written to.
    if (open("/dev/null", O_RDWR) < 0) [[maybe_unused]]
      const int holder = open("/", O_RDONLY);
  }
}

void UnblockAllSignals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void SetAction(int signal, void (*action)(int)) {
  struct sigaction plain {};
  plain.sa_handler = action;
  sigaction(signal, &plain, nullptr);
}

void EnterLivingDirectory() {
  char path[PATH_MAX];
  if (getcwd(path, sizeof path)) return;
  for (const char* place : {static_cast<const char*>(std::getenv("TMPDIR")), "/tmp", "/"}) {
    if (!place || !*place || chdir(place) != 0 || !getcwd(path, sizeof path)) continue;
    std::fprintf(stderr,
                 "ipcsuite: the working directory was removed or can't be read: working in %s\n",
                 path);
    return;
  }
}

void ForgetVariablesOfGoogleTest() {
  std::vector<std::string> names;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string text = *variable;
    if (text.rfind("GTEST_", 0) == 0) names.push_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

// Before main(): GoogleTest reads its variables when the program is loaded, and aborts a program
// without a working directory when the first test registers itself.
[[gnu::constructor(101)]] void TidyBeforeMain() {
  ForgetVariablesOfGoogleTest();
  EnterLivingDirectory();
}

}  // namespace

void TidySurroundings() {
  OpenStandardDescriptors();
  g_inherited.clear();
  for (int fd = 3; fd < kDescriptorsMax; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) g_inherited.push_back(fd);
  }
  SetAction(SIGCHLD, SIG_DFL);
  SetAction(SIGPIPE, SIG_IGN);
  SetAction(SIGXFSZ, SIG_IGN);
  UnblockAllSignals();
  umask(umask(0) & ~mode_t{S_IRWXU});
  rlimit core{};
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &core);
  }
  EnterLivingDirectory();
}

void TidyTestProcess() {
  for (int signal = 1; signal < NSIG; ++signal) SetAction(signal, SIG_DFL);
  UnblockAllSignals();
  umask(022);
  for (const int fd : g_inherited) close(fd);
}

const std::vector<int>& InheritedDescriptors() { return g_inherited; }

}  // namespace ipcsuite
