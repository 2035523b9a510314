// What is not POSIX, and all of it: linux.cc knows how Linux does these things, posix.cc does
// without
// (--config=posix builds everything with it). A port to another system starts from posix.cc; see
// docs/platforms.md. Nothing outside this folder may use prctl, futex, raw system calls, /proc of a
// process, unshare or mount.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ipcsuite::os {

// ---- Processes

// The calling process gets `signal` when its parent ends. Where that is not available nothing
// happens: callers look at getppid() as well.
void DieWithParent(int signal = SIGKILL);
// Orphaned descendants become children of the calling process, which can then reap them.
void AdoptOrphans();
// After a change of user: lets the processes of our own look at the calling one again.
void StayObservable();
// Of the calling thread, as ReadThreadState() takes it.
pid_t ThreadId();
// Of the running program; empty when unknown.
std::string OwnPath();
// Proportional set size of a process in bytes, its resident size where that is unknown; 0 unknown.
std::uint64_t MemoryOf(pid_t pid);

// Copies bytes of the calling process, as many as are readable from `from` on, and returns how many
// that were: 0 where it can't be found out without a fault. Keeps errno.
std::size_t PeekMemory(const void* from, void* to, std::size_t bytes);

// ---- Waiting on a word of shared memory

// Waits until `word` differs from `value`, at most `limit`; spurious returns are possible.
void WaitOnWord(std::atomic<std::uint32_t>& word, std::uint32_t value,
                std::chrono::nanoseconds limit);
// Without a limit; spurious returns are possible.
void WaitOnWord(std::atomic<std::uint32_t>& word, std::uint32_t value);
// Wakes at most `count` of those that wait; all by default.
void WakeWord(std::atomic<std::uint32_t>& word, int count = 0x7fffffff);

// ---- What a thread does

struct ThreadState {
  char state = '?';         // R, S, D, T, Z, ...; '?' when unreadable
  bool in_syscall = false;  // the next three are known
  long nr = -1;
  unsigned long arg0 = 0;
  std::string raw;  // the system's own line
  std::int64_t voluntary_switches = -1;
};

// Unreadable parts keep their defaults.
ThreadState ReadThreadState(pid_t pid, pid_t tid, bool want_switches = false);
// How often the calling thread has given up its CPU by itself, to sleep; -1 where nobody counts.
std::int64_t OwnVoluntarySwitches();
// Why ReadThreadState() can't be trusted here (a /proc that describes other processes); empty: it
// can be tried.
std::string WhyThreadsAreHidden();
// True when library function `function` may sleep in system call `nr`; functions that the table
// does not know may sleep in any.
bool MaySleepIn(std::string_view function, long nr);
// True when the thread sleeps in sigsuspend().
bool SleepsInSigsuspend(const ThreadState& state);

// ---- CPUs

// Those that the calling process may use, ascending; never empty.
std::vector<int> AllowedCpus();
inline int AllowedCpuCount() { return static_cast<int>(AllowedCpus().size()); }
// 0: the calling process. False when it can't be done.
bool PinProcess(pid_t pid, const std::vector<int>& cpus);
// Ticks of all CPUs since boot, and of those the ones that a hypervisor took; zeros when unknown.
struct MachineTicks {
  std::uint64_t total = 0, steal = 0;
};
MachineTicks ReadMachineTicks();

// ---- Places of our own

enum Isolation : unsigned { kMounts = 1, kIpc = 2 };

// Private namespaces for the calling process, for good; by way of a user namespace that keeps its
// identity where that is the only way. Mounts made later stay private.
Result<void> Isolate(unsigned isolation);

struct MountOptions {
  bool remount = false, read_only = false, no_exec = false;
  std::string data = "";  // as the file system takes it: "size=1m,mode=1777"
};
// Mounts a file system ("tmpfs", "mqueue") there; 0 or an errno.
int Mount(const std::string& type, const std::string& where, const MountOptions& options);

// A limit on queues of the private IPC namespace, as Linux names it ("queues_max"); false when it
// can't be set.
bool SetQueueLimit(const std::string& name, long value);

// Gives up, for good, what makes the caller exempt from permission checks.
void DropCapabilities();

}  // namespace ipcsuite::os
