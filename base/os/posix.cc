// Only what POSIX has: the start of a port, and the proof (--config=posix) that nothing else needs
// more.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/os/os.h"

namespace ipcsuite::os {

void DieWithParent(int) {}
void AdoptOrphans() {}
void StayObservable() {}
pid_t ThreadId() { return getpid(); }
std::string OwnPath() { return ""; }
std::uint64_t MemoryOf(pid_t) { return 0; }

void WaitOnWord(std::atomic<std::uint32_t>& word, std::uint32_t value,
                std::chrono::nanoseconds limit) {
  Backoff backoff;
  const Deadline deadline(limit);
  while (word.load(std::memory_order_acquire) == value && !deadline.passed()) backoff.Pause();
}

void WaitOnWord(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  if (word.load(std::memory_order_acquire) == value) sched_yield();
}

std::size_t PeekMemory(const void*, void*, std::size_t) { return 0; }

void WakeWord(std::atomic<std::uint32_t>&, int) {}

ThreadState ReadThreadState(pid_t, pid_t, bool) { return {}; }
std::int64_t OwnVoluntarySwitches() { return -1; }
std::string WhyThreadsAreHidden() { return "this build uses POSIX alone"; }
bool MaySleepIn(std::string_view, long) { return true; }
bool SleepsInSigsuspend(const ThreadState&) { return false; }

std::vector<int> AllowedCpus() {
  std::vector<int> cpus;
  const long online = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  for (int cpu = 0; cpu < online; ++cpu) cpus.push_back(cpu);
  return cpus;
}

bool PinProcess(pid_t, const std::vector<int>&) { return false; }
MachineTicks ReadMachineTicks() { return {}; }

Result<void> Isolate(unsigned) {
  return Error{"private namespaces are not available: this build uses POSIX alone"};
}

int Mount(const std::string&, const std::string&, const MountOptions&) { return ENOSYS; }
bool SetQueueLimit(const std::string&, long) { return false; }
void DropCapabilities() {}

}  // namespace ipcsuite::os
