#include "props/engine/crew.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <new>

#include "base/os/os.h"
#include "harness/core/call.h"
#include "harness/core/context.h"
#include "harness/core/patience.h"
#include "harness/peers/probe.h"
#include "harness/peers/reap.h"

namespace ipcsuite::props {
namespace {

constexpr nanoseconds kPatience = 20s;

std::size_t RoundUp(std::size_t bytes) { return (bytes + 65535) / 65536 * 65536; }

}  // namespace

bool ProbeIsCertain() {
  RunHeader* run = CurrentRun();
  return run == nullptr ||
         run->probe_mode.load() == static_cast<std::uint32_t>(ProbeMode::kSyscall);
}

Crew::Crew(int workers, Target& target, int initial) {
  if (initial < 0) initial = workers;
  if (initial < workers) os::AdoptOrphans();  // workers' copies become our children
  const std::size_t head = RoundUp(sizeof(Station) * Index(workers));
  mapped_ = head + Target::kMaxBytes * Index(workers);
  void* memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    Unresolved(
        fmt::format("can't map {} bytes to share with workers ({})", mapped_, ErrnoName(errno)));
  }
  stations_ = new (memory) Station[Index(workers)]();
  bytes_ = static_cast<unsigned char*>(memory) + head;
  target.spawn = [this, &target](int worker) { return Spawn(worker, target); };
  const pid_t parent = getpid();
  for (int i = 0; i < workers; ++i) {
    stations_[i].actor.text = "";
    if (i >= initial) {
      workers_.emplace_back();
      continue;
    }
    const pid_t child = fork();
    if (child == 0) {
      os::DieWithParent();
      if (getppid() != parent) _exit(125);
      Work(i, target);
    }
    if (child < 0) {
      const int error = errno;
      for (int k = 0; k < i; ++k) Kill(k);
      munmap(memory, mapped_);
      Unresolved("can't start a process (" + ErrnoName(error) + "): raise the limit on processes");
    }
    workers_.push_back({child, true, false, 0, {}});
  }
  target.Forked();
  // One that has yet to close what it inherited would keep the ends of others open after their
  // death.
  for (int i = 0; i < initial; ++i) {
    while (stations_[i].entered.load(std::memory_order_acquire) == 0) {
      WaitWhileEquals(stations_[i].entered, 0, 1s);
      if (waitpid(workers_[Index(i)].pid, nullptr, WNOHANG) == workers_[Index(i)].pid) {
        workers_[Index(i)].alive = false;
        for (int k = 0; k < initial; ++k) Kill(k);
        munmap(memory, mapped_);
        Unresolved("a process ended before it began: out of memory, or killed from outside");
      }
    }
  }
}

// In a worker: forks twice, so that the copy belongs to the process that owns the crew.
int Crew::Spawn(int worker, Target& target) {
  std::atomic<std::int32_t>& pid = stations_[worker].actor.pid;
  pid.store(0);
  const pid_t middle = fork();
  if (middle < 0) return -1;
  if (middle == 0) {
    const pid_t copy = fork();
    if (copy == 0) Work(worker, target);
    pid.store(copy);
    _exit(copy < 0);
  }
  while (waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
  }
  return pid.load();
}

Crew::~Crew() {
  for (const Worker& worker : workers_) {
    if (worker.alive) kill(worker.pid, SIGKILL);
  }
  for (int i = 0; i < size(); ++i) Kill(i);
  munmap(stations_, mapped_);
}

// The life of a worker: waits for a step, performs it, publishes it. Never returns.
void Crew::Work(int worker, Target& target) {
  Station& station = stations_[worker];
  Actor& actor = station.actor;
  SetCurrentActor(&actor);
  actor.tid.store(os::ThreadId());
  actor.pid.store(getpid());
  target.Enter(worker);
  station.entered.store(1, std::memory_order_release);
  os::WakeWord(station.entered);
  for (;;) {
    const std::uint32_t done = actor.steps_done.load(std::memory_order_relaxed);
    while (actor.go.load(std::memory_order_acquire) == done) {
      WaitWhileEquals(actor.go, done, 1s);
    }
    target.Perform(station.op, bytes_ + Target::kMaxBytes * Index(worker));
    actor.steps_done.store(done + 1, std::memory_order_release);
    os::WakeWord(actor.steps_done);
  }
}

void Crew::Issue(int worker, const Op& op) {
  Station& station = stations_[worker];
  station.op = op;
  station.op.piece_begin = Target::kMaxBytes * Index(worker);
  workers_[Index(worker)].busy = true;
  workers_[Index(worker)].sleep.Begin();
  newest_ = worker;
  const std::uint32_t step = ++workers_[Index(worker)].issued;
  station.actor.go.store(step, std::memory_order_release);
  os::WakeWord(station.actor.go);
}

const Op& Crew::OpOf(int worker) const { return stations_[worker].op; }

const unsigned char* Crew::BytesOf(int worker) const {
  return bytes_ + Target::kMaxBytes * Index(worker);
}

bool Crew::Returned(int worker) const {
  return stations_[worker].actor.steps_done.load(std::memory_order_acquire) ==
         workers_[Index(worker)].issued;
}

// True when a worker that was ordered to exit is gone, and its descriptors with it.
bool Crew::Ended(int worker) {
  Worker& self = workers_[Index(worker)];
  if (stations_[worker].op.call != Call::kExit || waitpid(self.pid, nullptr, WNOHANG) != self.pid) {
    return false;
  }
  self.alive = false;
  stations_[worker].actor.steps_done.store(self.issued);
  return true;
}

// True when a worker ended in the middle of an operation other than Call::kExit.
bool Crew::NoteDeaths() {
  for (int i = 0; i < size(); ++i) {
    Worker& self = workers_[Index(i)];
    if (!self.busy || stations_[i].op.call == Call::kExit || Returned(i)) continue;
    if (waitpid(self.pid, &dead_status_, WNOHANG) != self.pid) continue;
    self.alive = self.busy = false;
    dead_ = i;
    return true;
  }
  return false;
}

std::optional<int> Crew::Death(int& worker) const {
  worker = dead_;
  return dead_ < 0 ? std::nullopt : std::optional<int>(dead_status_);
}

bool Crew::CollectReturned(std::vector<int>& returned) {
  bool any = false;
  for (int i = 0; i < size(); ++i) {
    if (!workers_[Index(i)].busy || !(Returned(i) || Ended(i))) continue;
    workers_[Index(i)].busy = false;
    Op& op = stations_[i].op;
    if (op.call == Call::kFork && op.Ok()) {
      Worker& copy = workers_[static_cast<std::size_t>(op.amount)];
      copy.pid = static_cast<pid_t>(op.result);
      copy.alive = true;
      op.result = 0;  // process numbers are not part of a trace
    }
    returned.push_back(i);
    any = true;
  }
  return any;
}

// One look at every busy worker. The one that got the last order is looked at first: once it
// sleeps, nobody runs but those that it woke, and they show as running until they return or sleep
// again.
bool Crew::AllShownBlocked() {
  for (int k = 0; k < size(); ++k) {
    const int i = (newest_ + k) % size();
    if (!workers_[Index(i)].busy) continue;
    Actor& actor = stations_[i].actor;
    if (ProbeIsCertain()) {
      if (!workers_[Index(i)].sleep.Waits(stations_[i].op, actor)) {
        WaitWhileEquals(actor.steps_done, workers_[Index(i)].issued - 1, 200us);
        return false;
      }
      continue;
    }
    // It does not sleep but ends, and shows no end until CollectReturned() reaps it.
    if (stations_[i].op.call == Call::kExit) {
      WaitWhileEquals(actor.steps_done, workers_[Index(i)].issued - 1, 200us);
      return false;
    }
    if (!heuristic_) {
      heuristic_ = true;
      if (Slot* slot = CurrentSlot()) slot->heuristic.fetch_add(1);
    }
    const ProbeResult probe = ProbeBlocked(actor, workers_[Index(i)].issued - 1, -1, kPatience);
    if (probe.what != Blocking::kShown && probe.what != Blocking::kInferred) return false;
  }
  return true;
}

std::string Crew::DescribeBusy() const {
  std::string text;
  for (int i = 0; i < size(); ++i) {
    if (!workers_[Index(i)].busy) continue;
    const os::ThreadState state =
        os::ReadThreadState(workers_[Index(i)].pid, workers_[Index(i)].pid);
    text += fmt::format("{}: neither returned nor shown blocked: state {}, syscall {}\n",
                        props::Describe(stations_[i].op), state.state, state.raw);
  }
  return text;
}

bool Crew::Settle(std::vector<int>& returned, std::string& stuck_text) {
  returned.clear();
  dead_ = -1;
  Patience patience(kPatience);
  for (Worker& worker : workers_) worker.sleep.Restart();
  int calm = 0;  // looks in a row that showed all blocked: a woken large write may wake another
  for (;;) {
    if (CollectReturned(returned)) calm = 0;
    const bool busy = std::any_of(workers_.begin(), workers_.end(),
                                  [](const Worker& worker) { return worker.busy; });
    if (!busy || calm >= 2) break;
    const bool over = patience.over();
    calm = AllShownBlocked() ? calm + 1 : 0;
    if (calm == 0 && NoteDeaths()) {
      stuck_text = "a process ended in " + props::Describe(stations_[dead_].op);
      return false;
    }
    if (calm == 0 && over) {
      stuck_text = DescribeBusy();
      return false;
    }
  }
  std::sort(returned.begin(), returned.end());
  return true;
}

bool Crew::SecondThoughts() {
  if (!heuristic_) return false;
  const Deadline end(3s);
  Backoff backoff;
  while (!end.passed()) {
    for (int i = 0; i < size(); ++i) {
      if (workers_[Index(i)].busy && Returned(i)) return true;
    }
    backoff.Pause();
  }
  return false;
}

void Crew::Signal(int worker, int signal) { kill(workers_[Index(worker)].pid, signal); }

void Crew::Kill(int worker) {
  Worker& target = workers_[Index(worker)];
  if (!target.alive) return;
  KillAndReap(target.pid);
  target.alive = false;
  target.busy = false;
  // Its order is done: a copy that takes its place must not do it again.
  stations_[worker].actor.steps_done.store(target.issued);
  stations_[worker].actor.state.store(Actor::kIdle);
}

}  // namespace ipcsuite::props
