#include "props/engine/free_run.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "base/os/os.h"
#include "harness/core/call.h"
#include "harness/core/context.h"
#include "harness/peers/probe.h"
#include "harness/peers/reap.h"
#include "props/engine/convict.h"
#include "props/engine/crew.h"
#include "props/engine/sleep_watch.h"
#include "props/history/check.h"
#include "props/history/file.h"
#include "props/history/lanes.h"
#include "props/history/minimize.h"

namespace ipcsuite::props {
namespace {

constexpr nanoseconds kPatience = 20s;
constexpr int kKillStep = 255;

struct Kill {
  int lane;
  std::uint32_t after;  // operations that its process has returned from
};

// One run: the processes, and what this process sees of them.
class Runner {
 public:
  Runner(const FreeRun& run, Target& target, const Program& program)
      : run_(run),
        target_(target),
        recorder_(run.processes + 1, program.size() * 4 + 4096, run.stream),
        lanes_(static_cast<std::size_t>(run.processes)) {
    Distribute(program);
    void* memory = mmap(nullptr, sizeof(Actor) * lanes_.size() + 64, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) Unresolved("no memory to share with processes");
    start_ = new (memory) std::atomic<std::uint32_t>(0);
    actors_ = new (static_cast<char*>(memory) + 64) Actor[lanes_.size()]();
  }
  ~Runner() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) End(i);
    munmap(static_cast<void*>(start_), sizeof(Actor) * lanes_.size() + 64);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  CaseOutcome Run() {
    Start();
    start_->store(1, std::memory_order_release);
    os::WakeWord(*start_);
    if (Watch()) Decide();
    return std::move(outcome_);
  }

 private:
  struct Lane {
    std::vector<RawStep> steps;
    pid_t pid = -1;
    bool alive = false;
    bool blocked = false;
    SleepWatch sleep;
    Recorder::LaneEnd end;
  };

  void Distribute(const Program& program) {
    for (const RawStep& step : program) {
      const int lane = step.who % 8 % run_.processes;
      if (run_.kills && step.what == kKillStep && lane != run_.immortal) {
        kills_.push_back({lane, step.a % 32U});
      } else {
        lanes_[static_cast<std::size_t>(lane)].steps.push_back(step);
      }
    }
  }

  void Start() {
    const pid_t parent = getpid();
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      actors_[i].text = "";
      const pid_t child = fork();
      if (child == 0) {
        os::DieWithParent();
        if (getppid() != parent) _exit(125);
        Race(static_cast<int>(i));
        _exit(0);
      }
      if (child < 0) {
        Unresolved("can't start a process (" + ipcsuite::ErrnoName(errno) +
                   "): raise the limit on processes");
      }
      lanes_[i].pid = child;
      lanes_[i].alive = true;
    }
    target_.Forked();
  }

  // The life of one process.
  void Race(int lane) {
    Actor& actor = actors_[lane];
    SetCurrentActor(&actor);
    actor.tid.store(os::ThreadId());
    actor.pid.store(getpid());
    actor.go.store(1);
    target_.Enter(lane);
    std::vector<unsigned char> bytes(Target::kMaxBytes);
    while (start_->load(std::memory_order_acquire) == 0) WaitWhileEquals(*start_, 0, 1s);
    std::uint64_t index = 0;
    for (const RawStep& step : lanes_[static_cast<std::size_t>(lane)].steps) {
      const Op op = run_.decode(step, lane, ++index);
      if (op.call != Call::kNone && !Perform(lane, op, bytes.data())) return;
    }
    Op op;
    while (run_.finish && run_.finish(lane, op)) {
      if (!Perform(lane, op, bytes.data())) return;
      op = *last_;
    }
  }

  // False when there is no room to record more.
  bool Perform(int lane, const Op& op, unsigned char* bytes) {
    unsigned char* stream = bytes;
    if (op.call == Call::kRead) {
      stream = recorder_.StreamEnd(lane, op.amount);
      if (stream == nullptr) return false;
    }
    last_ = recorder_.Begin(lane, op);
    if (last_ == nullptr) return false;
    target_.Perform(*last_, stream);
    if (op.call == Call::kRead && last_->Ok()) {
      last_->piece_begin = recorder_.StreamBytes(lane);
      recorder_.Append(lane, static_cast<std::size_t>(last_->result));
    }
    recorder_.End(lane);
    return true;
  }

  // Reaps those that ended; carries out the kills that are due. True when something happened.
  bool Attend() {
    bool any = false;
    for (Lane& lane : lanes_) {
      int status = 0;
      if (!lane.alive || waitpid(lane.pid, &status, WNOHANG) != lane.pid) continue;
      lane.alive = false;
      lane.end = {Fate::kKilled, recorder_.Ticket()};
      any = true;
    }
    std::erase_if(kills_, [&](const Kill& due) {
      Lane& lane = lanes_[static_cast<std::size_t>(due.lane)];
      if (!lane.alive) return true;
      if (recorder_.Returned(due.lane) < due.after) return false;
      kill(lane.pid, SIGKILL);
      any = true;
      return true;
    });
    return any;
  }

  // Shown blocked, and in a call that does not end by itself.
  bool IsBlocked(std::size_t i) {
    const Op* open = recorder_.Open(static_cast<int>(i));
    if (open == nullptr || open->Has(kNearDeadline)) return false;
    if (ProbeIsCertain()) return lanes_[i].sleep.Waits(*open, actors_[i]);
    // One look: the operation may be over by now, and the process too.
    const ProbeResult probe = ProbeBlocked(actors_[i], 0, -1, 0ns);
    if (Slot* slot = CurrentSlot()) slot->heuristic.fetch_add(1);
    return probe.what == Blocking::kInferred || probe.what == Blocking::kShown;
  }

  std::uint64_t Progress() const {
    std::uint64_t sum = 0;
    for (int i = 0; i <= run_.processes; ++i) sum += recorder_.Issued(i) + recorder_.Returned(i);
    return sum;
  }

  // All that live are shown blocked, and nothing was done in between: two looks that agree.
  bool AllBlocked() {
    const std::uint64_t before = Progress();
    for (int look = 0; look < 2; ++look) {
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        if (lanes_[i].alive && !IsBlocked(i)) return false;
      }
    }
    return Progress() == before;
  }

  // Where blocking is only inferred: true when nothing happens for a second more.
  bool StaysSo(std::uint64_t progress) {
    if (ProbeIsCertain()) return true;
    const Deadline end(1s);
    Backoff backoff;
    while (!end.passed()) {
      if (Progress() != progress || Attend()) return false;
      backoff.Pause();
    }
    return true;
  }

  // Waits until all are done or blocked for good. False when that can't be shown.
  bool Watch() {
    Deadline deadline(kPatience);
    std::uint64_t progress = 0;
    Backoff backoff;
    for (;;) {
      const bool happened = Attend();
      const bool alive =
          std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.alive; });
      if (!alive) return true;
      const std::uint64_t now = Progress();
      if (happened || now != progress) {
        progress = now;
        deadline = Deadline(kPatience);
        for (Lane& lane : lanes_) lane.sleep.Begin();
        backoff.Pause();
        continue;
      }
      if (AllBlocked() && !Attend() && StaysSo(now)) {
        for (Lane& lane : lanes_) lane.blocked = lane.alive;
        return true;
      }
      if (deadline.passed()) {
        outcome_.unresolved = "processes neither went on nor were shown blocked for 20 s";
        return false;
      }
      backoff.Pause();
    }
  }

  void End(std::size_t i) {
    Lane& lane = lanes_[i];
    if (!lane.alive) return;
    KillAndReap(lane.pid);
    lane.alive = false;
  }

  History Collect(bool with_blocked) {
    std::vector<Recorder::LaneEnd> ends;
    for (Lane& lane : lanes_) {
      if (lane.blocked) lane.end = {Fate::kBlocked, 0};
      ends.push_back(lane.end);
    }
    ends.emplace_back();
    History history;
    history.model = run_.model;
    history.origin = run_.origin;
    history.ops = recorder_.Collect(ends);
    if (!with_blocked) {  // they have had no effect, and are gone (but a wait gave up its mutex)
      std::erase_if(history.ops,
                    [](const Op& op) { return op.fate == Fate::kBlocked && !IsCondWait(op.call); });
    }
    if (run_.complete) run_.complete(recorder_, history);
    return history;
  }

  void Decide() {
    const bool blocked =
        std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.blocked; });
    if (blocked) {
      const History history = Collect(true);
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        outcome_.waits += lanes_[i].blocked;
        End(i);
      }
      if (!Check(history)) return;
    }
    if (run_.drain) Drain();
    History history = Collect(false);
    for (const Op& op : history.ops) outcome_.Count(op);
    history.model.drained = run_.drain != nullptr || run_.model.drained;
    Check(history);
  }

  void Drain() {
    const int lane = run_.processes;
    target_.Enter(lane);
    std::vector<unsigned char> bytes(Target::kMaxBytes);
    Op op;
    while (run_.drain(op)) {
      if (!Perform(lane, op, bytes.data())) return;
      op = *last_;
    }
  }

  bool Check(const History& history) {
    const CheckResult result = CheckHistory(history);
    if (result.verdict == HistoryVerdict::kValid) return true;
    if (result.verdict == HistoryVerdict::kUnresolved) {
      outcome_.unresolved = result.reason + ": " + result.explanation;
      return false;
    }
    const History smaller = MinimizeHistory(history);
    const CheckResult why = CheckHistory(smaller);
    outcome_.failed = true;
    outcome_.reason = why.reason;
    QueueState passed_over;  // what a receive should have taken
    for (const std::size_t i : why.offending) {
      const Op& op = smaller.ops[i];
      if (IsSend(op.call))
        passed_over.messages.push_back({.value = op.value, .priority = op.priority});
    }
    if (!why.offending.empty())
      outcome_.clause = ConvictedClause(passed_over, smaller.ops[why.offending.front()],
                                        smaller.ops[why.offending.front()].fate == Fate::kBlocked
                                            ? Wrong::kStuck
                                            : Wrong::kOutcome);
    outcome_.message = fmt::format("{} operations recorded, {} of them suffice to be wrong:\n{}",
                                   history.ops.size(), smaller.ops.size(), why.explanation);
    outcome_.drawing = DrawLanes(smaller, why.offending);
    outcome_.history = WriteHistory(smaller);
    outcome_.lines.clear();
    for (const Op& op : smaller.ops) outcome_.lines.push_back(Describe(op));
    return false;
  }

  const FreeRun& run_;
  Target& target_;
  Recorder recorder_;
  std::vector<Lane> lanes_;
  std::vector<Kill> kills_;
  std::atomic<std::uint32_t>* start_ = nullptr;
  Actor* actors_ = nullptr;
  Op* last_ = nullptr;
  CaseOutcome outcome_;
};

}  // namespace

CaseOutcome RunFree(const FreeRun& run, Target& target, const Program& program) {
  return Runner(run, target, program).Run();
}

}  // namespace ipcsuite::props
