#include "stress/engine/nemesis.h"

#include <signal.h>

#include <algorithm>

#include "stress/engine/conductor.h"

namespace ipcsuite::stress {

NemesisPlan NemesisPlan::All() {
  NemesisPlan plan;
  for (const NemesisInfo* info : AllRows<NemesisInfo>()) plan.Add(info);
  return plan;
}

void NemesisPlan::Add(const NemesisInfo* info) {
  if (std::find(nemeses.begin(), nemeses.end(), info) == nemeses.end()) nemeses.push_back(info);
}

bool NemesisPlan::Has(std::string_view name) const {
  return std::any_of(nemeses.begin(), nemeses.end(),
                     [&](const NemesisInfo* info) { return name == info->name; });
}

bool NemesisPlan::kills() const { return KillsAlone().any(); }

bool NemesisPlan::interrupts() const {
  return std::any_of(nemeses.begin(), nemeses.end(),
                     [](const NemesisInfo* info) { return info->interrupts; });
}

NemesisPlan NemesisPlan::KillsAlone() const {
  NemesisPlan plan;
  for (const NemesisInfo* info : nemeses) {
    if (info->kills) plan.Add(info);
  }
  return plan;
}

std::string NemesisPlan::Text() const {
  std::string text;
  for (const NemesisInfo* info : nemeses)
    text += (text.empty() ? "" : ",") + std::string(info->name);
  return text.empty() ? "none" : text;
}

NemesisDriver::NemesisDriver(Conductor& conductor, const NemesisPlan& plan, std::uint64_t seed)
    : conductor_(conductor),
      plan_(plan),
      random_(Mix(seed ^ 0x4E454D45u)),
      stopped_by_(conductor.processes_.size()) {
  for (const NemesisInfo* info : plan_.nemeses) {
    const bool applies = info->applies == nullptr || info->applies(options(), allowed());
    if (info->act != nullptr && applies) timers_.push_back({info});
  }
}

const SliceOptions& NemesisDriver::options() const { return conductor_.options_; }
const std::vector<int>& NemesisDriver::allowed() const { return conductor_.shared_.allowed; }

bool NemesisDriver::alive(int worker) const {
  return conductor_.processes_[static_cast<std::size_t>(worker)].alive;
}

pid_t NemesisDriver::pid(int worker) const {
  return conductor_.processes_[static_cast<std::size_t>(worker)].pid;
}

bool NemesisDriver::Due(Timer& timer) {
  if (now_ns_ < timer.due_ns) return false;
  // Jitter, so that acts don't fall into step with the workload: half to one and a half periods.
  const auto period = static_cast<std::uint64_t>(timer.info->period.count());
  timer.due_ns = now_ns_ + static_cast<std::int64_t>(period / 2 + random_.Below(period));
  return true;
}

void NemesisDriver::Record(const NemesisInfo* by, bool end, int worker, CallId call,
                           std::uint64_t in_hand, int detail) {
  SliceResult& result = conductor_.result_;
  if (!end) {
    NemesisTally& tally = result.tallies[by];
    ++tally.acts;
    if (call != CallId::kNone) ++tally.in_call;
  }
  if (result.events.size() >= kEventsKept) return;
  result.events.push_back(
      {now_ns_ - conductor_.start_ns_, by, end, worker, pid(worker), call, in_hand, detail});
}

void NemesisDriver::Note(int worker, int detail) {
  const WorkerHot& hot = *conductor_.shared_.hot[static_cast<std::size_t>(worker)];
  Record(acting_, false, worker, hot.in_call.load(), hot.in_hand.load(), detail);
}

int NemesisDriver::PickVictim() {
  for (int tries = 0; tries < 16; ++tries) {
    const int i =
        static_cast<int>(random_.Below(static_cast<std::uint64_t>(options().spec.workers())));
    const auto& process = conductor_.processes_[static_cast<std::size_t>(i)];
    if (process.alive && !process.stopped) return i;
  }
  return -1;
}

int NemesisDriver::PickMortal() {
  const RunSpec& spec = options().spec;
  const WorkloadInfo& info = *options().info;
  for (int tries = 0; tries < 16; ++tries) {
    const int i = static_cast<int>(random_.Below(static_cast<std::uint64_t>(spec.workers())));
    const std::size_t upto = i < spec.producers ? info.kill_producer_upto : info.kill_consumer_upto;
    if (alive(i) && upto != 0 && spec.size_bytes <= upto) return i;
  }
  return -1;
}

std::int64_t NemesisDriver::Act(std::int64_t now_ns) {
  now_ns_ = now_ns;
  std::int64_t next = now_ns + 1'000'000'000;
  for (Timer& timer : timers_) {
    acting_ = timer.info;
    if (Due(timer)) timer.info->act(*this);
    next = std::min(next, timer.due_ns);
  }
  Continue(&next);
  return next;
}

void NemesisDriver::Continue(std::int64_t* next_ns) {
  for (std::size_t i = 0; i < conductor_.processes_.size(); ++i) {
    auto& process = conductor_.processes_[i];
    if (!process.stopped) continue;
    if (process.alive && now_ns_ >= process.continue_at_ns) {
      kill(process.pid, SIGCONT);
      process.stopped = false;
      Record(stopped_by_[i], true, static_cast<int>(i), CallId::kNone, 0, SIGCONT);
    } else {
      *next_ns = std::min(*next_ns, process.continue_at_ns);
    }
  }
}

void NemesisDriver::Kill(int worker) {
  auto& process = conductor_.processes_[static_cast<std::size_t>(worker)];
  WorkerHot& hot = *conductor_.shared_.hot[static_cast<std::size_t>(worker)];
  // A kill is worth most in mid-call: look for a moment when the victim is in one.
  for (int i = 0; i < 2000 && hot.in_call.load(std::memory_order_relaxed) == CallId::kNone; ++i) {
    Relax();
  }
  if (kill(process.pid, SIGKILL) != 0) return;
  if (!conductor_.AwaitKilled(worker)) return;
  process.stopped = false;
  // It is dead now: what it wrote last is final.
  const std::uint64_t in_hand = hot.in_hand.load();
  Note(worker, SIGKILL);
  if (worker < options().spec.producers) {
    if (in_hand != 0) {
      const Stamp stamp = Stamp::Unpack(in_hand - 1);
      conductor_.in_hand_.push_back({stamp});
      // The successor goes on with the next number: a message is never sent twice.
      conductor_.shared_.sent[static_cast<std::size_t>(worker)].next[stamp.priority] =
          stamp.sequence + 1;
    }
  } else if (in_hand != 0) {
    ++conductor_.consumer_kills_;
  }
  hot.in_hand.store(0);
  hot.in_call.store(CallId::kNone);
  conductor_.shared_.cold[static_cast<std::size_t>(worker)]->begin = UsageMark();
  ++process.restarts;
  // A newcomer that waits heals a lost wake-up: first each of the others has to go on.
  const bool kills_alone = plan_.KillsAlone().nemeses.size() == plan_.nemeses.size();
  conductor_.starved_ = options().info->hands_over && kills_alone && !conductor_.SurvivorsGoOn();
  if (!conductor_.starved_) conductor_.Spawn(worker);
}

void NemesisDriver::Stop(int worker, nanoseconds duration) {
  auto& process = conductor_.processes_[static_cast<std::size_t>(worker)];
  if (kill(process.pid, SIGSTOP) != 0) return;
  process.stopped = true;
  process.continue_at_ns = now_ns_ + duration.count();
  stopped_by_[static_cast<std::size_t>(worker)] = acting_;
  Note(worker, SIGSTOP);
}

void NemesisDriver::Cease() {
  conductor_.ContinueStopped();
  for (const Timer& timer : timers_) {
    if (timer.info->cease != nullptr) timer.info->cease(*this);
  }
}

}  // namespace ipcsuite::stress
