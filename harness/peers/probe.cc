#include "harness/peers/probe.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "harness/core/context.h"

namespace ipcsuite {
namespace {

// Reads a small file of /proc with one open and one read; empty on any error.
std::string ReadProc(const char* path) {
  const int saved = errno;
  std::string text;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    char buffer[4096];
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got > 0) text.assign(buffer, static_cast<std::size_t>(got));
    close(fd);
  }
  errno = saved;
  return text;
}

struct NamedSyscall {
  std::string_view function;
  long nr;
};

// Which system calls a library function may sleep in.
const NamedSyscall kSyscalls[] = {
#define S(function, name) {function, SYS_##name},
    S("read", read) S("write", write) S("readv", readv) S("writev", writev) S("pread", pread64)
        S("pwrite", pwrite64) S("readv", read) S("writev", write)  // libraries emulate
    S("open", openat) S("openat", openat) S("close", close) S("fcntl", fcntl) S("mmap", mmap)
#ifdef SYS_open
        S("open", open)
#endif
#ifdef SYS_fcntl64
            S("fcntl", fcntl64)
#endif
#ifdef SYS_mq_timedsend
                S("mq_send", mq_timedsend) S("mq_timedsend", mq_timedsend)
                    S("mq_receive", mq_timedreceive) S("mq_timedreceive", mq_timedreceive)
#endif
#ifdef SYS_mq_timedsend_time64
                        S("mq_send", mq_timedsend_time64) S("mq_timedsend", mq_timedsend_time64)
                            S("mq_receive", mq_timedreceive_time64) S("mq_timedreceive",
                                                                      mq_timedreceive_time64)
#endif
#ifdef SYS_poll
                                S("poll", poll)
#endif
#ifdef SYS_ppoll
                                    S("poll", ppoll) S("ppoll", ppoll)
#endif
#ifdef SYS_ppoll_time64
                                        S("poll", ppoll_time64) S("ppoll", ppoll_time64)
#endif
#ifdef SYS_select
                                            S("select", select)
#endif
#ifdef SYS__newselect
                                                S("select", _newselect)
#endif
#ifdef SYS_pselect6
                                                    S("select", pselect6) S("pselect", pselect6)
#endif
#ifdef SYS_pselect6_time64
                                                        S("select", pselect6_time64) S(
                                                            "pselect", pselect6_time64)
#endif
#ifdef SYS_futex
                                                            S("sem_", futex) S("pthread_", futex)
                                                                S("mtx_", futex) S("cnd_", futex)
#endif
#ifdef SYS_futex_time64
                                                                    S("sem_", futex_time64) S(
                                                                        "pthread_", futex_time64)
                                                                        S("mtx_", futex_time64)
                                                                            S("cnd_", futex_time64)
#endif
#undef S
};

bool IsIdentifier(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// "::read(fd, b, 1)" -> "read".
std::string_view FunctionOf(std::string_view text) {
  const std::size_t open_at = text.find('(');
  std::string_view head = text.substr(0, open_at);
  while (!head.empty() && !IsIdentifier(head.back())) head.remove_suffix(1);
  std::size_t begin = head.size();
  while (begin > 0 && IsIdentifier(head[begin - 1])) --begin;
  return head.substr(begin);
}

// True when `function` may sleep in system call `nr`; functions that the table does not know may
// sleep in any.
bool MayBeIn(std::string_view function, long nr) {
  bool known = false;
  for (const NamedSyscall& entry : kSyscalls) {
    const bool matches = entry.function.back() == '_'
                             ? function.substr(0, entry.function.size()) == entry.function
                             : function == entry.function;
    if (!matches) continue;
    if (entry.nr == nr) return true;
    known = true;
  }
  return !known;
}

ProbeMode Mode() {
  RunHeader* run = CurrentRun();
  return run ? static_cast<ProbeMode>(run->probe_mode.load()) : ProbeMode::kSyscall;
}

bool Outstanding(Actor& actor, std::uint32_t seq) {
  return actor.seq.load(std::memory_order_acquire) == seq &&
         actor.state.load(std::memory_order_acquire) == Actor::kIssued;
}

bool Matches(const ThreadState& state, std::string_view function, int fd) {
  return state.in_syscall && state.state == 'S' && MayBeIn(function, state.nr) &&
         (fd < 0 || static_cast<int>(state.arg0) == fd);
}

std::string Line(const ThreadState& state) {
  std::string line = std::string("stat ") + state.state + ", syscall " + state.raw;
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

ProbeResult Settled(Actor& actor, std::uint32_t seq, pid_t pid, pid_t tid) {
  // Without /proc/.../syscall: the call has been outstanding for the settle time and, where stat
  // tells, the thread is asleep at its end.
  constexpr std::int64_t kSettleNs = 20'000'000;
  ProbeResult result;
  result.seq = seq;
  const std::int64_t end = NowNs() + kSettleNs;
  Backoff backoff;
  while (NowNs() < end) {
    if (!Outstanding(actor, seq)) return result;
    backoff.Pause();
  }
  if (Mode() == ProbeMode::kStat && ReadThreadState(pid, tid).state != 'S') return result;
  if (!Outstanding(actor, seq)) return result;
  result.what = Blocking::kInferred;
  result.evidence = "outstanding for a settle time of 20 ms (" + ToString(Mode()) + ")";
  return result;
}

// One look at an outstanding call: shown, inferred, ended, or not shown with what was seen.
ProbeResult Look(Actor& actor, std::uint32_t seq, int fd) {
  const pid_t pid = actor.pid.load(), tid = actor.tid.load();
  if (Mode() != ProbeMode::kSyscall) return Settled(actor, seq, pid, tid);
  ProbeResult result;
  result.seq = seq;
  const ThreadState state = ReadThreadState(pid, tid, true);
  result.evidence = Line(state);
  result.voluntary_switches = state.voluntary_switches;
  if (Matches(state, FunctionOf(actor.text), fd) && Outstanding(actor, seq)) {
    result.what = Blocking::kShown;
  } else if (state.state == 'Z' || state.state == 'X') {
    result.what = Blocking::kEnded;
  } else if (state.raw.empty() && state.state != '?') {
    // Not readable for this peer alone (it changed its user, say).
    return Settled(actor, seq, pid, tid);
  }
  return result;
}

}  // namespace

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

ProbeResult ProbeBlocked(Actor& actor, std::uint32_t step, int fd, std::int64_t patience_ns) {
  ProbeResult result;
  const std::int64_t end = NowNs() + patience_ns;
  Backoff backoff;
  std::string last = "the call was not issued in time";
  do {
    if (actor.steps_done.load(std::memory_order_acquire) > step) {
      result.what = Blocking::kReturned;
      return result;
    }
    if (actor.ended.load()) {
      result.what = Blocking::kEnded;
      return result;
    }
    const std::uint32_t seq = actor.seq.load(std::memory_order_acquire);
    if (actor.go.load() > step && Outstanding(actor, seq)) {
      ProbeResult now = Look(actor, seq, fd);
      if (now.what != Blocking::kNotShown) return now;
      last = now.evidence;
    }
    backoff.Pause();
  } while (NowNs() < end);
  result.evidence = last;
  return result;
}

bool IsShownBlocked(Actor& actor) {
  const std::uint32_t seq = actor.seq.load(std::memory_order_acquire);
  if (!Outstanding(actor, seq)) return false;
  if (Mode() != ProbeMode::kSyscall) return true;
  const ThreadState state = ReadThreadState(actor.pid.load(), actor.tid.load());
  if (state.raw.empty() && state.state == 'S') return Outstanding(actor, seq);
  return Matches(state, FunctionOf(actor.text), -1) && Outstanding(actor, seq);
}

std::string ToString(ProbeMode mode) {
  switch (mode) {
    case ProbeMode::kSyscall: return "system call and state shown by /proc";
    case ProbeMode::kStat: return "state shown by /proc, system call not";
    case ProbeMode::kSettle: return "settle time, /proc does not tell";
    case ProbeMode::kUnknown: break;
  }
  return "unknown";
}

namespace {

void Decide(RunHeader& header, ProbeMode mode, const std::string& why) {
  std::snprintf(header.probe_why, sizeof header.probe_why, "%s", why.c_str());
  header.probe_mode.store(static_cast<std::uint32_t>(mode));
}

// A child that spins until `stop`, then sleeps in rt_sigsuspend for ever: no IPC is needed for it.
struct Specimen {
  std::atomic<std::uint32_t> running, stop;
};

pid_t StartSpecimen(Specimen* specimen) {
  const pid_t child = fork();
  if (child != 0) return child;
  specimen->running.store(1);
  while (!specimen->stop.load()) {
  }
  sigset_t none;
  sigemptyset(&none);
  for (;;) sigsuspend(&none);
}

// Waits for `asleep` to become what the specimen is; false when it never does.
bool IsShownSleeping(pid_t pid, bool with_syscall) {
  const std::int64_t end = NowNs() + 2'000'000'000;
  Backoff backoff;
  while (NowNs() < end) {
    const ThreadState state = ReadThreadState(pid, pid);
    if (state.state == 'S' &&
        (!with_syscall || (state.in_syscall && state.nr == SYS_rt_sigsuspend)))
      return true;
    backoff.Pause();
  }
  return false;
}

}  // namespace

void SelfTestProbe(RunHeader& header) {
  char link[32] = {};
  const ssize_t length = readlink("/proc/self", link, sizeof link - 1);
  if (length <= 0) return Decide(header, ProbeMode::kSettle, "/proc is not mounted");
  if (std::atoi(link) != getpid())
    return Decide(header, ProbeMode::kSettle, "/proc describes another pid namespace");
  void* memory =
      mmap(nullptr, sizeof(Specimen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return Decide(header, ProbeMode::kSettle, "no memory to test the probe");
  auto* specimen = new (memory) Specimen{};
  const pid_t child = StartSpecimen(specimen);
  if (child < 0) {
    munmap(memory, sizeof(Specimen));
    return Decide(header, ProbeMode::kSettle, "no process to test the probe on");
  }
  Backoff backoff;
  while (!specimen->running.load()) backoff.Pause();
  const ThreadState spinning = ReadThreadState(child, child);
  specimen->stop.store(1);
  if (spinning.state == 'S') {
    Decide(header, ProbeMode::kSettle, "/proc shows a running process as asleep");
  } else if (spinning.state == '?') {
    Decide(header, ProbeMode::kSettle, "/proc/PID/task/TID/stat is not readable");
  } else if (!spinning.in_syscall && IsShownSleeping(child, !spinning.raw.empty())) {
    if (spinning.raw.empty()) {
      Decide(header, ProbeMode::kStat, "/proc/PID/task/TID/syscall is not readable");
    } else {
      Decide(header, ProbeMode::kSyscall, "");
    }
  } else {
    Decide(header, ProbeMode::kSettle, "/proc does not show a sleeping process as asleep");
  }
  kill(child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  munmap(memory, sizeof(Specimen));
}

}  // namespace ipcsuite
