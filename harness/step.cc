#include "harness/step.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "harness/peer.h"

namespace ipcsuite {
namespace {

StepOutcome* g_outcome = nullptr;  // of the child that runs a step; in shared memory

void NoteFault(int signal, siginfo_t* info, void*) {
  g_outcome->signal = signal;
  g_outcome->code = info->si_code;
  g_outcome->address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  g_outcome->end = StepOutcome::kFaulted;
  _exit(0);
}

void HandleFaults() {
  struct sigaction action {};
  action.sa_sigaction = NoteFault;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
}

StepOutcome Run(const std::function<std::int64_t()>& step, bool handled) {
  Shared<StepOutcome> shared;
  g_outcome = shared.get();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) Unresolved("can't start a process (" + ErrnoName(errno) + "): raise the limit on processes");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(125);
    if (handled) HandleFaults();
    try {
      shared->value = step();
      shared->end = StepOutcome::kCompleted;
    } catch (const TestAbort&) {
      shared->end = StepOutcome::kExited;
    }
    _exit(0);
  }
  int status = 0;
  const std::int64_t end = NowNs() + 10'000'000'000;
  Backoff backoff;
  pid_t got = 0;
  while ((got = waitpid(child, &status, WNOHANG)) == 0 && NowNs() < end) backoff.Pause();
  if (got == 0) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return StepOutcome{};
  }
  StepOutcome outcome = *shared;
  if (WIFSIGNALED(status)) {
    outcome.end = StepOutcome::kKilled;
    outcome.signal = WTERMSIG(status);
  } else if (outcome.end == StepOutcome::kHung) {
    outcome.end = StepOutcome::kExited;
    outcome.exit_status = WEXITSTATUS(status);
  }
  return outcome;
}

}  // namespace

std::string Describe(const StepOutcome& outcome) {
  char text[160];
  switch (outcome.end) {
    case StepOutcome::kCompleted: return "completed with " + std::to_string(outcome.value);
    case StepOutcome::kFaulted:
      std::snprintf(text, sizeof text, "faulted with %s (code %d) at %#llx", SignalName(outcome.signal).c_str(), outcome.code,
                    static_cast<unsigned long long>(outcome.address));
      return text;
    case StepOutcome::kKilled: return "killed by " + SignalName(outcome.signal);
    case StepOutcome::kExited: return "exited with " + std::to_string(outcome.exit_status);
    case StepOutcome::kHung: return "did not end in 10 s";
  }
  return "?";
}

StepOutcome RunStep(const std::function<std::int64_t()>& step) { return Run(step, true); }
StepOutcome RunStepUnhandled(const std::function<std::int64_t()>& step) { return Run(step, false); }

StepOutcome ReadByte(const volatile char* address) {
  return RunStep([address] { return static_cast<std::int64_t>(static_cast<unsigned char>(*address)); });
}

StepOutcome WriteByte(volatile char* address, char value) {
  return RunStep([address, value] {
    *address = value;
    return std::int64_t{0};
  });
}

}  // namespace ipcsuite
