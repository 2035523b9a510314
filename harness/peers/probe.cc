#include "harness/peers/probe.h"

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "harness/core/context.h"
#include "harness/core/patience.h"
#include "harness/core/trace.h"
#include "harness/core/waits.h"
#include "harness/peers/reap.h"

namespace ipcsuite {
namespace {

ProbeMode Mode() {
  RunHeader* run = CurrentRun();
  return run ? static_cast<ProbeMode>(run->probe_mode.load()) : ProbeMode::kSyscall;
}

bool Outstanding(Actor& actor, std::uint32_t seq) {
  return actor.seq.load(std::memory_order_acquire) == seq &&
         actor.state.load(std::memory_order_acquire) == Actor::kIssued;
}

bool Matches(const os::ThreadState& state, std::string_view function, int fd) {
  return state.in_syscall && state.state == 'S' && os::MaySleepIn(function, state.nr) &&
         (fd < 0 || static_cast<int>(state.arg0) == fd);
}

std::string Line(const os::ThreadState& state) {
  std::string line = std::string("stat ") + state.state + ", syscall " + state.raw;
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

// What the peer got by fork() is what the caller has now.
bool SharesObjects(const Slot& slot, const Actor& actor) {
  if (actor.pid.load() == getpid()) return true;
  const std::uint16_t peer = ActorNumber(slot, &actor), caller = ActorNumber(slot, CurrentActor());
  bool shares = false;
  for (const TraceEntry* entry : EntriesOf(slot.trace)) {
    if (entry->actor != caller) continue;
    if (entry->kind == TraceEntry::Kind::kFork && entry->word[0] == peer) {
      shares = entry->word[1] != 0;
    } else if (entry->kind == TraceEntry::Kind::kCall || entry->kind == TraceEntry::Kind::kRaw) {
      shares = false;
    }
  }
  return shares;
}

std::string QueueSays(std::uint64_t word, bool sends) {
  mq_attr attributes{};
  if (mq_getattr(static_cast<mqd_t>(word), &attributes) != 0) return "";
  if (sends) return attributes.mq_curmsgs >= attributes.mq_maxmsg ? "the queue is full" : "";
  return attributes.mq_curmsgs == 0 ? "the queue is empty" : "";
}

std::string SemaphoreSays(std::uint64_t word) {
  int value = 1;
  auto* semaphore = reinterpret_cast<sem_t*>(static_cast<std::uintptr_t>(word));
  // The peer may have mapped it by itself.
  char copy[sizeof(sem_t)];
  if (os::PeekMemory(semaphore, copy, sizeof copy) != sizeof copy) return "";
  return sem_getvalue(semaphore, &value) == 0 && value <= 0
             ? "the semaphore's value is not positive"
             : "";
}

// poll() does not leave a pipe as it is: in Linux every write to a pipe that was ever polled wakes
// its readers, and so none is forgotten any more. Where the thread is seen asleep that is enough.
std::string PollSays(std::uint64_t word, short events) {
  if (Mode() == ProbeMode::kStat) return "";
  pollfd entry{.fd = static_cast<int>(word), .events = events, .revents = 0};
  return poll(&entry, 1, 0) == 0 ? "poll() does not report the descriptor ready" : "";
}

// Why a peer's call has to wait, by what the interface itself says, for platforms that do not show
// what a thread does: a function that never blocks, on the object of the call. Empty when it says
// otherwise or can't be asked: the caller must have the same descriptors and mappings, which
// threads of one process have, and a forked peer with one step while the caller itself does nothing
// else.
std::string WhyItMustWait(const Actor& actor) {
  const Slot* slot = CurrentSlot();
  const TraceEntry* entry = slot ? slot->trace.At(actor.trace) : nullptr;
  if (!entry || entry->captures != 1 || !SharesObjects(*slot, actor)) return "";
  const std::uint64_t object = entry->word[0];
  switch (entry->function) {
    case Function::read:
    case Function::readv: return PollSays(object, POLLIN);
    case Function::write:
    case Function::writev: return PollSays(object, POLLOUT);
    case Function::mq_receive:
    case Function::mq_timedreceive: return QueueSays(object, false);
    case Function::mq_send:
    case Function::mq_timedsend: return QueueSays(object, true);
    case Function::sem_wait:
    case Function::sem_timedwait: return SemaphoreSays(object);
    default: return "";
  }
}

// Without /proc/.../syscall. Where stat is readable the thread is seen asleep, in the same sleep,
// by two looks, since locks of the system are short sleeps too; where it is not, the call has been
// outstanding for the settle time.
ProbeResult Settled(Actor& actor, std::uint32_t seq, pid_t pid, pid_t tid) {
  const bool state_shown = Mode() != ProbeMode::kSettle;
  const nanoseconds settle = state_shown ? 2ms : 20ms;
  ProbeResult result;
  result.seq = seq;
  const os::ThreadState before = os::ReadThreadState(pid, tid, true);
  Patience settling(settle);
  Backoff backoff;
  while (!settling.over()) {
    if (!Outstanding(actor, seq)) return result;
    backoff.Pause();
  }
  const os::ThreadState after = os::ReadThreadState(pid, tid, true);
  const bool slept_on = before.state == 'S' && after.state == 'S' &&
                        before.voluntary_switches == after.voluntary_switches;
  result.evidence = state_shown
                        ? "stat S, system call not shown"
                        : "outstanding for a settle time of 20 ms (" + ToString(Mode()) + ")";
  const std::string why = WhyItMustWait(actor);
  if ((state_shown && !slept_on) || !Outstanding(actor, seq)) return result;
  if (!why.empty()) result.evidence += "; it must wait: " + why;
  result.what = why.empty() ? Blocking::kInferred : Blocking::kShown;
  return result;
}

// One look at an outstanding call: shown, inferred, ended, or not shown with what was seen.
ProbeResult Look(Actor& actor, std::uint32_t seq, int fd) {
  const pid_t pid = actor.pid.load(), tid = actor.tid.load();
  if (Mode() != ProbeMode::kSyscall) return Settled(actor, seq, pid, tid);
  ProbeResult result;
  result.seq = seq;
  const os::ThreadState state = os::ReadThreadState(pid, tid, true);
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

ProbeResult ProbeBlocked(Actor& actor, std::uint32_t step, int fd, nanoseconds patience) {
  ProbeResult result;
  Patience waiting(patience);
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
  } while (!waiting.over());
  result.evidence = last;
  return result;
}

bool IsShownBlocked(Actor& actor) {
  const std::uint32_t seq = actor.seq.load(std::memory_order_acquire);
  if (!Outstanding(actor, seq)) return false;
  if (Mode() == ProbeMode::kSettle) return true;
  const os::ThreadState state = os::ReadThreadState(actor.pid.load(), actor.tid.load());
  // A thread that gets no CPU has not blocked, however long its call takes.
  if (Mode() == ProbeMode::kStat || state.raw.empty())
    return state.state == 'S' && Outstanding(actor, seq);
  return Matches(state, FunctionOf(actor.text), -1) && Outstanding(actor, seq);
}

namespace {

// A look at all other peers costs a few system calls for each of them.
constexpr nanoseconds kBetweenLooksAtOthers = 20ms;

// Whether this peer may still do something without being woken or released.
bool MayAct(Actor& actor, const Trace& trace) {
  if (actor.ended.load() != 0) return false;
  const bool issued = actor.state.load(std::memory_order_acquire) == Actor::kIssued;
  if (!issued && actor.go.load() <= actor.steps_done.load()) return false;
  const os::ThreadState state = os::ReadThreadState(actor.pid.load(), actor.tid.load());
  if (state.state == 'Z' || state.state == 'X' || state.state == '?') return false;
  if (!issued || state.state != 'S') return true;
  return !EndsByEventsAlone(FunctionOf(actor.text), trace.At(actor.trace));
}

bool OthersMayAct(const Actor& self) {
  Slot* slot = CurrentSlot();
  if (!slot) return true;
  const std::uint32_t used = std::min<std::uint32_t>(slot->actors_used, Slot::kActorsMax);
  for (std::uint32_t i = 0; i < used; ++i) {
    Actor& actor = slot->actors[i];
    const bool looks = &actor == CurrentActor();
    if (!looks && &actor != &self && MayAct(actor, slot->trace)) return true;
  }
  return false;
}

}  // namespace

void SleepWatch::Look(Actor& actor, nanoseconds now) {
  const nanoseconds passed = now - last_;
  last_ = now;
  const std::uint32_t seq = actor.seq.load(std::memory_order_acquire);
  const bool outstanding = actor.state.load(std::memory_order_acquire) == Actor::kIssued;
  state_ = os::ReadThreadState(actor.pid.load(), actor.tid.load(), true);
  const bool same = seq == seq_;
  const bool still = same && state_.voluntary_switches == switches_;
  seq_ = seq;
  switches_ = state_.voluntary_switches;
  const bool asleep = outstanding && state_.state == 'S';
  const bool shown = IsShownBlocked(actor);
  blocked_ = shown && same ? blocked_ + passed : 0ns;
  asleep_ = asleep && same ? asleep_ + passed : 0ns;
  if (!asleep || !still || switches_ < 0) {
    left_alone_ = 0ns;
    return;
  }
  if (now - looked_at_others_ >= kBetweenLooksAtOthers) {
    looked_at_others_ = now;
    others_may_act_ = OthersMayAct(actor);
  }
  if (!others_may_act_) left_alone_ += passed;
}

std::string ToString(ProbeMode mode) {
  switch (mode) {
    case ProbeMode::kSyscall: return "system call and state shown by /proc";
    case ProbeMode::kStat: return "state shown by /proc, system call not";
    case ProbeMode::kSettle: return "settle time, /proc is not informative";
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
  os::DieWithParent();
  specimen->running.store(1);
  while (!specimen->stop.load()) {
  }
  sigset_t none;
  sigemptyset(&none);
  for (;;) sigsuspend(&none);
}

// Waits for `asleep` to become what the specimen is; false when it never does. Under load the
// specimen may get no CPU for seconds: time must have passed *and* many looks have been taken.
bool IsShownSleeping(pid_t pid, bool with_syscall) {
  constexpr int kLooksMin = 2000;
  Patience patience(2s);
  Backoff backoff;
  for (int look = 0; !patience.over() || look < kLooksMin; ++look) {
    const os::ThreadState state = os::ReadThreadState(pid, pid);
    if (state.state == 'S' && (!with_syscall || os::SleepsInSigsuspend(state))) return true;
    backoff.Pause();
  }
  return false;
}

}  // namespace

void SelfTestProbe(RunHeader& header) {
  if (const std::string why = os::WhyThreadsAreHidden(); !why.empty())
    return Decide(header, ProbeMode::kSettle, why);
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
  const os::ThreadState spinning = os::ReadThreadState(child, child);
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
  KillAndReap(child);
  munmap(memory, sizeof(Specimen));
}

}  // namespace ipcsuite
