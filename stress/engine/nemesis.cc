#include "stress/engine/nemesis.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>

#include "base/os/os.h"
#include "stress/engine/conductor.h"

namespace ipcsuite::stress {

Nemesis::Nemesis(Conductor& conductor, const NemesisPlan& plan, std::uint64_t seed)
    : conductor_(conductor), plan_(plan), random_(Mix(seed ^ 0x4E454D45u)) {
  const WorkloadInfo& info = *conductor_.options_.info;
  const std::size_t size = conductor_.options_.spec.size_bytes;
  kill_.on = plan.kill && (size <= info.kill_producer_upto || size <= info.kill_consumer_upto);
  kill_.period_ns = 1'500'000;
  stop_.on = plan.stop;
  stop_.period_ns = 15'000'000;
  storm_.on = plan.signal && info.signals;
  storm_.period_ns = 500'000;
  shuffle_.on = plan.affinity && conductor_.shared_.allowed.size() > 1;
  shuffle_.period_ns = 4'000'000;
}

bool Nemesis::Due(Timer& timer, std::int64_t now_ns) {
  if (!timer.on || now_ns < timer.due_ns) return false;
  // Jitter, so that acts don't fall into step with the workload: half to one and a half periods.
  const auto period = static_cast<std::uint64_t>(timer.period_ns);
  timer.due_ns = now_ns + static_cast<std::int64_t>(period / 2 + random_.Below(period));
  return true;
}

void Nemesis::Note(NemesisKind kind, int worker, CallId call, std::uint64_t in_hand, int detail,
                   std::int64_t now_ns) {
  SliceResult& result = conductor_.result_;
  ++result.event_counts[static_cast<int>(kind)];
  if (result.events.size() >= kEventsKept) return;
  result.events.push_back({now_ns - conductor_.start_ns_, kind, worker,
                           conductor_.processes_[static_cast<std::size_t>(worker)].pid, call,
                           in_hand, detail});
}

int Nemesis::PickVictim(bool for_kill) {
  const RunSpec& spec = conductor_.options_.spec;
  const WorkloadInfo& info = *conductor_.options_.info;
  for (int tries = 0; tries < 16; ++tries) {
    const int i = static_cast<int>(random_.Below(static_cast<std::uint64_t>(spec.workers())));
    const auto& process = conductor_.processes_[static_cast<std::size_t>(i)];
    if (!process.alive) continue;
    if (!for_kill) {
      if (process.stopped) continue;
      return i;
    }
    const std::size_t upto = i < spec.producers ? info.kill_producer_upto : info.kill_consumer_upto;
    if (upto != 0 && spec.size_bytes <= upto) return i;
  }
  return -1;
}

std::int64_t Nemesis::Act(std::int64_t now_ns) {
  if (Due(kill_, now_ns)) Kill(now_ns);
  if (Due(stop_, now_ns)) Stop(now_ns);
  if (Due(storm_, now_ns)) Storm(now_ns);
  if (Due(shuffle_, now_ns)) Shuffle(now_ns);
  std::int64_t next = now_ns + 1'000'000'000;
  for (const Timer* timer : {&kill_, &stop_, &storm_, &shuffle_}) {
    if (timer->on) next = std::min(next, timer->due_ns);
  }
  for (std::size_t i = 0; i < conductor_.processes_.size(); ++i) {
    auto& process = conductor_.processes_[i];
    if (!process.stopped) continue;
    if (process.alive && now_ns >= process.continue_at_ns) {
      kill(process.pid, SIGCONT);
      process.stopped = false;
      Note(NemesisKind::kContinue, static_cast<int>(i), CallId::kNone, 0, SIGCONT, now_ns);
    } else {
      next = std::min(next, process.continue_at_ns);
    }
  }
  return next;
}

void Nemesis::Kill(std::int64_t now_ns) {
  const int victim = PickVictim(true);
  if (victim < 0) return;
  auto& process = conductor_.processes_[static_cast<std::size_t>(victim)];
  WorkerHot& hot = *conductor_.shared_.hot[static_cast<std::size_t>(victim)];
  // A kill is worth most in mid-call: look for a moment when the victim is in one.
  for (int i = 0; i < 2000 && hot.in_call.load(std::memory_order_relaxed) == CallId::kNone; ++i) {
    Relax();
  }
  if (kill(process.pid, SIGKILL) != 0) return;
  if (!conductor_.AwaitKilled(victim)) return;
  process.stopped = false;
  // It is dead now: what it wrote last is final.
  const CallId call = hot.in_call.load();
  const std::uint64_t in_hand = hot.in_hand.load();
  Note(NemesisKind::kKill, victim, call, in_hand, SIGKILL, now_ns);
  if (call != CallId::kNone) ++conductor_.result_.kills_in_call;
  if (victim < conductor_.options_.spec.producers) {
    if (in_hand != 0) {
      const Stamp stamp = Stamp::Unpack(in_hand - 1);
      conductor_.in_hand_.push_back({stamp});
      // The successor goes on with the next number: a message is never sent twice.
      conductor_.shared_.sent[static_cast<std::size_t>(victim)].next[stamp.priority] =
          stamp.sequence + 1;
    }
  } else if (in_hand != 0) {
    ++conductor_.consumer_kills_;
  }
  hot.in_hand.store(0);
  hot.in_call.store(CallId::kNone);
  conductor_.shared_.cold[static_cast<std::size_t>(victim)]->begin = UsageMark();
  ++process.restarts;
  conductor_.Spawn(victim);
}

void Nemesis::Stop(std::int64_t now_ns) {
  const int victim = PickVictim(false);
  if (victim < 0) return;
  auto& process = conductor_.processes_[static_cast<std::size_t>(victim)];
  if (kill(process.pid, SIGSTOP) != 0) return;
  process.stopped = true;
  process.continue_at_ns = now_ns + 1'000'000 + static_cast<std::int64_t>(random_.Below(9'000'000));
  const WorkerHot& hot = *conductor_.shared_.hot[static_cast<std::size_t>(victim)];
  const CallId call = hot.in_call.load();
  if (call != CallId::kNone) ++conductor_.result_.stops_in_call;
  Note(NemesisKind::kStop, victim, call, hot.in_hand.load(), SIGSTOP, now_ns);
}

void Nemesis::Storm(std::int64_t now_ns) {
  const int signal_number = StormSignal(conductor_.options_.storm_restart);
  for (int i = 0; i < conductor_.options_.spec.workers(); ++i) {
    const auto& process = conductor_.processes_[static_cast<std::size_t>(i)];
    if (!process.alive || kill(process.pid, signal_number) != 0) continue;
    const WorkerHot& hot = *conductor_.shared_.hot[static_cast<std::size_t>(i)];
    Note(NemesisKind::kSignal, i, hot.in_call.load(), hot.in_hand.load(), signal_number, now_ns);
  }
}

void Nemesis::Shuffle(std::int64_t now_ns) {
  const int victim = PickVictim(false);
  if (victim < 0) return;
  const auto& allowed = conductor_.shared_.allowed;
  const int cpu = allowed[random_.Below(allowed.size())];
  if (!os::PinProcess(conductor_.processes_[static_cast<std::size_t>(victim)].pid, {cpu})) return;
  const WorkerHot& hot = *conductor_.shared_.hot[static_cast<std::size_t>(victim)];
  Note(NemesisKind::kAffinity, victim, hot.in_call.load(), hot.in_hand.load(), cpu, now_ns);
}

void Nemesis::Cease() {
  conductor_.ContinueStopped();
  for (int i = 0; i < conductor_.options_.spec.workers(); ++i) {
    const auto& process = conductor_.processes_[static_cast<std::size_t>(i)];
    if (process.alive && plan_.affinity) os::PinProcess(process.pid, conductor_.shared_.allowed);
  }
}

}  // namespace ipcsuite::stress
