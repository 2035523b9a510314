// Whether the processes of a slice go on, and the evidence when they don't.
#include <algorithm>
#include <string>

#include "base/os/os.h"
#include "base/text.h"
#include "stress/engine/conductor.h"

namespace ipcsuite::stress {
namespace {

// Nobody counted anything for that long: then it is looked whether all are asleep.
constexpr nanoseconds kStuckAfter = 2500ms;

}  // namespace

bool Conductor::Drain(Role role) {
  std::uint64_t last = ~std::uint64_t{0};
  std::int64_t last_change = NowNs();
  while (Alive(role)) {
    workload_->Nudge(shared_);
    context_.Pause(2ms);
    Reap();
    const std::uint64_t now = CountedByAll();
    if (now != last) {
      last = now;
      last_change = NowNs();
      continue;
    }
    const nanoseconds idle(NowNs() - last_change);
    if (idle > 120s || (idle > kStuckAfter && AllAsleep())) {
      Stuck(role);
      return false;
    }
  }
  return true;
}

bool Conductor::Deadlocked() {
  const std::int64_t now = NowNs();
  const std::uint64_t counted = CountedByAll();
  bool excused =
      options_.spec.rate_per_s > 0;  // who waits for the next intended time is asleep too
  for (const Process& process : processes_) excused = excused || process.stopped;
  if (counted != progress_count_ || excused || progress_ns_ == 0) {
    progress_count_ = counted;
    progress_ns_ = now;
    return false;
  }
  // Whatever the object holds, one side of it can go on: all asleep means that a wake-up was lost.
  return nanoseconds(now - progress_ns_) > kStuckAfter && AllAsleep();
}

bool Conductor::AllAsleep() {
  const std::uint64_t counted = CountedByAll();
  // The states are read one after the other: one look may find each of them asleep in turn.
  for (int look = 0; look < 3; ++look) {
    if (look > 0) context_.Pause(10ms);
    Reap();
    if (Runnable(Role::kProducer) || Runnable(Role::kConsumer)) return false;
    if (CountedByAll() != counted) return false;
  }
  return true;
}

bool Conductor::Runnable(Role role) const {
  for (int i = 0; i < options_.spec.workers(); ++i) {
    const Process& process = processes_[static_cast<std::size_t>(i)];
    if (!process.alive || (i < options_.spec.producers) != (role == Role::kProducer)) continue;
    // Not asleep, or not shown to be.
    if (os::ReadThreadState(process.pid, process.pid).state != 'S') return true;
  }
  return false;
}

void Conductor::Stuck(Role role) {
  const bool in_run = shared_.control->phase.load() < Phase::kStop;
  const std::string objects = workload_->Describe(shared_);
  const WorkloadInfo& info = *options_.info;
  const bool handover = options_.spec.kills && !info.lost_handover_clause.id.empty();
  const ClauseRef clause = handover ? info.lost_handover_clause : info.loss_clause;
  for (int i = 0; i < options_.spec.workers(); ++i) {
    const Process& process = processes_[static_cast<std::size_t>(i)];
    if (!process.alive || (i < options_.spec.producers) != (role == Role::kProducer)) continue;
    const std::string line = Trim(os::ReadThreadState(process.pid, process.pid).raw);
    std::string text = "process " + std::to_string(process.pid) + " (worker " + std::to_string(i) +
                       ") made no progress for at least " + DurationText(kStuckAfter);
    text += in_run                    ? " while all slept"
            : role == Role::kProducer ? " after the order to stop"
                                      : " after the end of all producers";
    text += "; its call: ";
    text += ToString(shared_.hot[static_cast<std::size_t>(i)]->in_call.load());
    if (!line.empty()) text += "; /proc/PID/syscall: " + line;
    if (!objects.empty()) text += "; " + objects;
    Find(Kind::kStuck, clause, text);
  }
}

bool Conductor::SurvivorsGoOn() {
  std::vector<std::pair<std::size_t, std::uint64_t>> waited_for;
  for (int i = 0; i < options_.spec.workers(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (processes_[at].alive) waited_for.emplace_back(at, shared_.hot[at]->count.load());
  }
  const Deadline patience(kStuckAfter);
  while (!waited_for.empty() && !context_.interrupted()) {
    std::erase_if(waited_for, [&](const auto& worker) {
      return !processes_[worker.first].alive ||
             shared_.hot[worker.first]->count.load() != worker.second;
    });
    if (patience.passed()) return waited_for.empty();
    context_.Pause(100us);
    Reap();
  }
  return true;
}

}  // namespace ipcsuite::stress
