#include "stress/engine/engine.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/os/os.h"
#include "stress/engine/ticks.h"

namespace ipcsuite::stress {

namespace {
constexpr int kOurSignals[] = {SIGCHLD, SIGPIPE, SIGUSR1, SIGUSR2};
}

Context::Context(std::uint64_t run_seed)
    : region(std::size_t{4} << 20), registry(region), seed(run_seed), allowed(os::AllowedCpus()) {
  // Children ending and Ctrl-C are waited for, not handled: no handler, no race, no sleep.
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, &old_mask_);
  // A new process of a slice must survive a storm signal that comes before its handler is there.
  for (std::size_t i = 0; i < std::size(kOurSignals); ++i) {
    struct sigaction action {};
    action.sa_handler = kOurSignals[i] == SIGCHLD ? SIG_DFL : SIG_IGN;
    sigaction(kOurSignals[i], &action, &old_[i]);
  }
  // Hundreds of pairs need thousands of descriptors.
  if (getrlimit(RLIMIT_NOFILE, &old_files_) == 0) {
    rlimit files = old_files_;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  Clock();
  guardian_ = StartGuardian(registry);
}

Context::~Context() {
  StopGuardian(guardian_);
  registry.Sweep();
  for (std::size_t i = 0; i < std::size(kOurSignals); ++i)
    sigaction(kOurSignals[i], &old_[i], nullptr);
  sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  setrlimit(RLIMIT_NOFILE, &old_files_);
}

void Context::Pause(nanoseconds limit) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  const timespec time = ToTimespec(limit);
  const int got = sigtimedwait(&set, nullptr, &time);
  if (got == SIGINT || got == SIGTERM || got == SIGHUP) interrupted_ = true;
}

double Jain(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (const double x : shares) {
    sum += x;
    squares += x * x;
  }
  return squares == 0 ? 1 : sum * sum / (static_cast<double>(shares.size()) * squares);
}

std::string NameRegime(const std::vector<int>& cpus, double voluntary_per_message,
                       double per_message_ns) {
  const bool pinned = !cpus.empty() && cpus.front() >= 0;
  const bool one = std::all_of(cpus.begin(), cpus.end(), [&](int c) { return c == cpus.front(); });
  if (pinned && one) {
    return cpus.size() == 1 ? "one process" : "same core";
  }
  // Sleeps per message, of all processes: a message that is waited for costs at least half a sleep.
  if (voluntary_per_message < 0.1) return "cores busy (hardly any sleep)";
  if (voluntary_per_message < 0.5) return "cores mostly busy (batches)";
  // Waking a halted core (through a hypervisor even more) takes tens of microseconds; one that
  // polls while idle answers within a few.
  return per_message_ns / std::max(1.0, voluntary_per_message) > 12'000
             ? "sleeps on each message, woken from halt"
             : "sleeps on each message, idle cores polling";
}

}  // namespace ipcsuite::stress
