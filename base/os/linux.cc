#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "base/clock.h"
#include "base/os/os.h"

namespace ipcsuite::os {
namespace {

// A small file of /proc with one open and one read; empty on any error. Keeps errno.
std::string ReadProc(const std::string& path) {
  const int saved = errno;
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    char buffer[4096];
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got > 0) text.assign(buffer, static_cast<std::size_t>(got));
    close(fd);
  }
  errno = saved;
  return text;
}

bool WriteProc(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return done;
}

#if defined(SYS_futex)
constexpr long kFutex = SYS_futex;
using KernelTime = long;
#else
constexpr long kFutex = SYS_futex_time64;
using KernelTime = long long;
#endif
constexpr int kFutexWait = 0, kFutexWake = 1;

// The kernel's timespec for kFutex, whatever libc's time_t is (on a 32-bit machine with 64-bit
// time_t they differ).
struct KernelTimespec {
  KernelTime sec, nsec;
};

// False when there is no futex here.
bool FutexWait(std::atomic<std::uint32_t>& word, std::uint32_t value,
               const KernelTimespec* timeout) {
  const int saved = errno;
  const bool absent =
      syscall(kFutex, &word, kFutexWait, value, timeout, nullptr, 0) < 0 && errno == ENOSYS;
  errno = saved;
  return !absent;
}

struct NamedSyscall {
  std::string_view function;  // a prefix where it ends in '_'
  long nr;
};

// Which system calls a library function may sleep in. Some libraries emulate readv by read. A
// timed futex wait goes on by restart_syscall after a stop.
constexpr NamedSyscall kSyscalls[] = {
    {"read", SYS_read},
    {"write", SYS_write},
    {"readv", SYS_readv},
    {"writev", SYS_writev},
    {"pread", SYS_pread64},
    {"pwrite", SYS_pwrite64},
    {"readv", SYS_read},
    {"writev", SYS_write},
    {"open", SYS_openat},
    {"openat", SYS_openat},
    {"close", SYS_close},
    {"fcntl", SYS_fcntl},
    {"mmap", SYS_mmap},
#ifdef SYS_open
    {"open", SYS_open},
#endif
#ifdef SYS_fcntl64
    {"fcntl", SYS_fcntl64},
#endif
#ifdef SYS_mq_timedsend
    {"mq_send", SYS_mq_timedsend},
    {"mq_timedsend", SYS_mq_timedsend},
    {"mq_receive", SYS_mq_timedreceive},
    {"mq_timedreceive", SYS_mq_timedreceive},
#endif
#ifdef SYS_mq_timedsend_time64
    {"mq_send", SYS_mq_timedsend_time64},
    {"mq_timedsend", SYS_mq_timedsend_time64},
    {"mq_receive", SYS_mq_timedreceive_time64},
    {"mq_timedreceive", SYS_mq_timedreceive_time64},
#endif
#ifdef SYS_poll
    {"poll", SYS_poll},
#endif
#ifdef SYS_ppoll
    {"poll", SYS_ppoll},
    {"ppoll", SYS_ppoll},
#endif
#ifdef SYS_ppoll_time64
    {"poll", SYS_ppoll_time64},
    {"ppoll", SYS_ppoll_time64},
#endif
#ifdef SYS_select
    {"select", SYS_select},
#endif
#ifdef SYS__newselect
    {"select", SYS__newselect},
#endif
#ifdef SYS_pselect6
    {"select", SYS_pselect6},
    {"pselect", SYS_pselect6},
#endif
#ifdef SYS_pselect6_time64
    {"select", SYS_pselect6_time64},
    {"pselect", SYS_pselect6_time64},
#endif
    {"sem_", SYS_restart_syscall},
#ifdef SYS_futex
    {"sem_", SYS_futex},
    {"pthread_", SYS_futex},
    {"mtx_", SYS_futex},
    {"cnd_", SYS_futex},
#endif
#ifdef SYS_futex_time64
    {"sem_", SYS_futex_time64},
    {"pthread_", SYS_futex_time64},
    {"mtx_", SYS_futex_time64},
    {"cnd_", SYS_futex_time64},
#endif
};

// Within the set of that many CPUs; empty when the kernel refuses a set of this size.
std::vector<int> AllowedOf(std::size_t cpus) {
  std::vector<int> allowed;
  cpu_set_t* const set = CPU_ALLOC(cpus);
  if (set == nullptr) return allowed;
  const std::size_t bytes = CPU_ALLOC_SIZE(cpus);
  CPU_ZERO_S(bytes, set);
  if (sched_getaffinity(0, bytes, set) == 0) {
    for (std::size_t cpu = 0; cpu < cpus; ++cpu) {
      if (CPU_ISSET_S(cpu, bytes, set)) allowed.push_back(static_cast<int>(cpu));
    }
  }
  CPU_FREE(set);
  return allowed;
}

bool UnshareKeepingIdentity(int flags) {
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  if (unshare(flags) == 0) return true;
  if (unshare(CLONE_NEWUSER | flags) != 0) return false;
  WriteProc("/proc/self/setgroups", "deny");
  return WriteProc("/proc/self/uid_map", uid + " " + uid + " 1") &&
         WriteProc("/proc/self/gid_map", gid + " " + gid + " 1");
}

}  // namespace

void DieWithParent(int signal) { prctl(PR_SET_PDEATHSIG, signal); }
void AdoptOrphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
void StayObservable() { prctl(PR_SET_DUMPABLE, 1); }

pid_t ThreadId() {
  const long id = syscall(SYS_gettid);
  return id > 0 ? static_cast<pid_t>(id) : getpid();  // right for a process without threads
}

std::string OwnPath() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : "";
}

std::uint64_t MemoryOf(pid_t pid) {
  const std::string base = "/proc/" + std::to_string(pid);
  const std::string rollup = ReadProc(base + "/smaps_rollup");
  if (const std::size_t at = rollup.find("\nPss:"); at != std::string::npos) {
    return std::strtoull(rollup.c_str() + at + 5, nullptr, 10) * 1024;
  }
  std::istringstream statm(ReadProc(base + "/statm"));
  std::uint64_t size = 0, resident = 0;
  if (!(statm >> size >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

void WaitOnWord(std::atomic<std::uint32_t>& word, std::uint32_t value,
                std::chrono::nanoseconds limit) {
  const timespec time = ToTimespec(limit);
  const KernelTimespec timeout{static_cast<KernelTime>(time.tv_sec),
                               static_cast<KernelTime>(time.tv_nsec)};
  if (FutexWait(word, value, &timeout)) return;
  Backoff backoff;
  const Deadline deadline(limit);
  while (word.load(std::memory_order_acquire) == value && !deadline.passed()) backoff.Pause();
}

void WaitOnWord(std::atomic<std::uint32_t>& word, std::uint32_t value) {
  if (!FutexWait(word, value, nullptr) && word.load(std::memory_order_acquire) == value) {
    sched_yield();
  }
}

void WakeWord(std::atomic<std::uint32_t>& word, int count) {
  const int saved = errno;
  syscall(kFutex, &word, kFutexWake, count, nullptr, nullptr, 0);
  errno = saved;
}

std::size_t PeekMemory(const void* from, void* to, std::size_t bytes) {
  const int saved = errno;
  // Nothing is copied of a vector's element that is readable in part: one element for each page.
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(from);
  const std::size_t here = std::min<std::size_t>(bytes, kPage - begin % kPage);
  const iovec source[] = {{reinterpret_cast<void*>(begin), here},
                          {reinterpret_cast<void*>(begin + here), bytes - here}};
  const iovec target = {to, bytes};
  const ssize_t got = process_vm_readv(getpid(), &target, 1, source, here < bytes ? 2 : 1, 0);
  errno = saved;
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

ThreadState ReadThreadState(pid_t pid, pid_t tid, bool want_switches) {
  ThreadState state;
  char path[80];
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", pid, tid);
  state.raw = ReadProc(path);
  if (!state.raw.empty() && state.raw.compare(0, 7, "running") != 0) {
    char* end = nullptr;
    state.nr = std::strtol(state.raw.c_str(), &end, 10);
    state.in_syscall = state.nr >= 0 && end && *end == ' ';
    if (state.in_syscall) state.arg0 = std::strtoul(end, nullptr, 0);
  }
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, tid);
  const std::string stat = ReadProc(path);
  const std::size_t name_end = stat.rfind(')');  // the name may hold spaces and parentheses
  if (name_end != std::string::npos && name_end + 2 < stat.size()) state.state = stat[name_end + 2];
  if (want_switches) {
    std::snprintf(path, sizeof path, "/proc/%d/task/%d/status", pid, tid);
    const std::string status = ReadProc(path);
    const std::size_t at = status.find("\nvoluntary_ctxt_switches:");
    if (at != std::string::npos)
      state.voluntary_switches = std::strtoll(status.c_str() + at + 25, nullptr, 10);
  }
  return state;
}

std::int64_t OwnVoluntarySwitches() {
  rusage usage{};
  // Emulations that do not count report zero for all their life: nobody is accused by that.
  return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : -1;
}

std::string WhyThreadsAreHidden() {
  char link[32] = {};
  if (readlink("/proc/self", link, sizeof link - 1) <= 0) return "/proc is not mounted";
  return std::atoi(link) == getpid() ? "" : "/proc describes another pid namespace";
}

bool MaySleepIn(std::string_view function, long nr) {
  if (nr == SYS_restart_syscall) return true;  // the wait of any function, after a stop
  bool known = false;
  for (const NamedSyscall& entry : kSyscalls) {
    const bool matches = entry.function.ends_with('_') ? function.starts_with(entry.function)
                                                       : function == entry.function;
    if (!matches) continue;
    if (entry.nr == nr) return true;
    known = true;
  }
  return !known;
}

bool SleepsInSigsuspend(const ThreadState& state) {
  return state.in_syscall && state.nr == SYS_rt_sigsuspend;
}

std::vector<int> AllowedCpus() {
  // Sized for machines with more CPUs than cpu_set_t has room for.
  for (std::size_t cpus = 1024; cpus <= (1u << 20); cpus *= 2) {
    std::vector<int> allowed = AllowedOf(cpus);
    if (!allowed.empty()) return allowed;
  }
  return {0};
}

bool PinProcess(pid_t pid, const std::vector<int>& cpus) {
  if (cpus.empty()) return false;
  const auto bits = static_cast<std::size_t>(*std::max_element(cpus.begin(), cpus.end())) + 1;
  cpu_set_t* const set = CPU_ALLOC(bits);
  if (set == nullptr) return false;
  const std::size_t size = CPU_ALLOC_SIZE(bits);
  CPU_ZERO_S(size, set);
  for (const int cpu : cpus) CPU_SET_S(static_cast<std::size_t>(cpu), size, set);
  const int rc = sched_setaffinity(pid, size, set);
  CPU_FREE(set);
  return rc == 0;
}

MachineTicks ReadMachineTicks() {
  MachineTicks ticks;
  std::istringstream in(ReadProc("/proc/stat"));
  std::string word;
  in >> word;
  std::uint64_t value = 0;
  for (int field = 0; word == "cpu" && field < 8 && in >> value; ++field) {
    ticks.total += value;
    if (field == 7) ticks.steal = value;
  }
  return ticks;
}

Result<void> Isolate(unsigned isolation) {
  const int flags =
      ((isolation & kMounts) ? CLONE_NEWNS : 0) | ((isolation & kIpc) ? CLONE_NEWIPC : 0);
  const bool done =
      UnshareKeepingIdentity(flags) &&
      (!(isolation & kMounts) || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  if (done) return {};
  return Error{
      "private namespaces are not available: run as root, or allow unprivileged user "
      "namespaces"};
}

int Mount(const std::string& type, const std::string& where, const MountOptions& options) {
  unsigned long flags = type == "tmpfs" ? MS_NOSUID | MS_NODEV : 0;
  if (options.remount) flags |= MS_REMOUNT;
  if (options.read_only) flags |= MS_RDONLY;
  if (options.no_exec) flags |= MS_NOEXEC;
  const char* const data = options.data.empty() ? nullptr : options.data.c_str();
  return mount(type.c_str(), where.c_str(), type.c_str(), flags, data) == 0 ? 0 : errno;
}

bool SetQueueLimit(const std::string& name, long value) {
  return WriteProc(("/proc/sys/fs/mqueue/" + name).c_str(), std::to_string(value));
}

void DropCapabilities() {
  // The raw call: libc has no function for it, and libcap is not needed for three words.
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  syscall(SYS_capset, &header, none);
}

}  // namespace ipcsuite::os
