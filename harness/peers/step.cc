#include "harness/peers/step.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <new>

#include "base/os/os.h"
#include "harness/core/arena.h"
#include "harness/core/names.h"
#include "harness/core/patience.h"
#include "harness/peers/reap.h"

namespace ipcsuite {
namespace {

StepOutcome* g_outcome = nullptr;  // in the child that runs a step; shared with its parent

// Memory that a step's child shares with its parent. In a test it is of the test's slot: a mapping
// made now could lie just where a test has removed one and expects a fault. Outside of a test it is
// mapped for the step.
class SharedOutcome {
 public:
  SharedOutcome() {
    Slot* slot = CurrentSlot();
    void* memory = slot ? slot->Allocate(sizeof(StepOutcome), alignof(StepOutcome)) : nullptr;
    if (!memory) {
      memory = mmap(nullptr, sizeof(StepOutcome), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED)
        Unresolved("no memory for the outcome of a step (" + ErrnoName(errno) + ")");
      mapped_ = true;
    }
    outcome_ = new (memory) StepOutcome();
  }
  ~SharedOutcome() {
    if (mapped_) munmap(outcome_, sizeof(StepOutcome));
  }
  SharedOutcome(const SharedOutcome&) = delete;
  SharedOutcome& operator=(const SharedOutcome&) = delete;
  StepOutcome* get() const { return outcome_; }
  StepOutcome* operator->() const { return outcome_; }
  StepOutcome& operator*() const { return *outcome_; }

 private:
  StepOutcome* outcome_;
  bool mapped_ = false;
};

void NoteFault(int signal, siginfo_t* info, void*) {
  g_outcome->signal = signal;
  g_outcome->code = info->si_code;
  g_outcome->address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  g_outcome->end = StepOutcome::kFaulted;
  _exit(0);
}

// Whatever the caller (or a sanitizer) has made of the signals of faults, in the child they are
// noted or have their default action; a blocked one would kill without a word.
void PrepareFaults(bool handled) {
  struct sigaction action {};
  if (handled) {
    action.sa_sigaction = NoteFault;
    action.sa_flags = SA_SIGINFO;
  } else {
    action.sa_handler = SIG_DFL;
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
  }
  sigemptyset(&action.sa_mask);
  sigset_t faults;
  sigemptyset(&faults);
  for (int signal : {SIGBUS, SIGSEGV}) {
    sigaction(signal, &action, nullptr);
    sigaddset(&faults, signal);
  }
  sigprocmask(SIG_UNBLOCK, &faults, nullptr);
}

StepOutcome Run(const std::function<std::int64_t()>& step, bool handled, nanoseconds patience) {
  SharedOutcome shared;
  NoteTrace(TraceEntry::Kind::kOther, {}, "performs a step that may fault");
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0)
    Unresolved("can't start a process (" + ErrnoName(errno) + "): raise the limit on processes");
  if (child == 0) {
    os::DieWithParent();
    if (getppid() != parent) _exit(125);
    g_outcome = shared.get();
    PrepareFaults(handled);
    try {
      shared->value = step();
      shared->end = StepOutcome::kCompleted;
    } catch (const TestAbort&) {
      shared->end = StepOutcome::kExited;
    }
    _exit(0);
  }
  int status = 0;
  Patience waiting(patience);
  Backoff backoff;
  pid_t got = 0;
  while ((got = waitpid(child, &status, WNOHANG)) == 0 && !waiting.over()) backoff.Pause();
  if (got == 0) {
    const os::ThreadState state = os::ReadThreadState(child, child);
    KillAndReap(child, &status);
    if (state.state == 'R')
      Unresolved("a step did not end, and was not shown asleep: it may only be slow");
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
      std::snprintf(text, sizeof text, "faulted with %s (code %d) at %#llx",
                    SignalName(outcome.signal).c_str(), outcome.code,
                    static_cast<unsigned long long>(outcome.address));
      return text;
    case StepOutcome::kKilled: return "killed by " + SignalName(outcome.signal);
    case StepOutcome::kExited: return "exited with " + std::to_string(outcome.exit_status);
    case StepOutcome::kHung: return "did not end in time";
  }
  return "?";
}

StepOutcome RunStep(const std::function<std::int64_t()>& step, nanoseconds patience) {
  return Run(step, true, patience);
}
StepOutcome RunStepUnhandled(const std::function<std::int64_t()>& step, nanoseconds patience) {
  return Run(step, false, patience);
}

StepOutcome ReadByte(const volatile char* address) {
  return RunStep(
      [address] { return static_cast<std::int64_t>(static_cast<unsigned char>(*address)); });
}

StepOutcome WriteByte(volatile char* address, char value) {
  return RunStep([address, value] {
    *address = value;
    return std::int64_t{0};
  });
}

namespace {

std::uintptr_t PageOf(std::uintptr_t address) {
  return address - address % static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
}

// Faults at a known place: of a page that may not be read, or after the end of a file.
bool TryFault(int signal) {
  const std::string path = ScratchDir() + "/fault-" + std::to_string(getpid());
  const StepOutcome outcome = RunStep([&] {
    const int file = signal == SIGBUS ? open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* page = mmap(nullptr, size, signal == SIGBUS ? PROT_READ : PROT_NONE,
                      file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, file, 0);
    const volatile char* place = static_cast<const char*>(page) + 8;
    g_outcome->value = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(place));
    return std::int64_t{*place};
  });
  unlink(path.c_str());
  return outcome.end == StepOutcome::kFaulted && outcome.signal == signal &&
         PageOf(outcome.address) == PageOf(static_cast<std::uintptr_t>(outcome.value));
}

}  // namespace

bool FaultAddressIsReported(int signal) {
  static const bool of_bus = TryFault(SIGBUS);
  static const bool of_segv = TryFault(SIGSEGV);
  return signal == SIGBUS ? of_bus : of_segv;
}

bool FaultAddressAgrees(int signal, std::uintptr_t reported, std::uintptr_t wanted) {
  return reported == wanted || reported == PageOf(wanted) || !FaultAddressIsReported(signal);
}

}  // namespace ipcsuite
