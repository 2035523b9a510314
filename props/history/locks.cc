#include "props/history/locks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "props/history/sweep.h"

namespace ipcsuite::props {
namespace {

constexpr std::size_t kMaxViolations = 16;

bool Takes(const Op& op) { return IsMutexLock(op.call) || IsCondWait(op.call); }
// It returned with the lock.
bool Took(const Op& op) {
  if (!op.Returned()) return false;
  if (op.error == EOWNERDEAD) return Takes(op);
  if (IsCondWait(op.call)) return op.Ok() || op.error == ETIMEDOUT;
  return op.Ok() && (Takes(op) || IsReadLock(op.call) || IsWriteLock(op.call));
}
bool Gives(const Op& op) {
  return op.call == Call::kMutexUnlock || op.call == Call::kRwlockUnlock || IsCondWait(op.call);
}
bool Wakes(const Op& op) {
  return (op.call == Call::kCondSignal || op.call == Call::kCondBroadcast) && op.Returned() &&
         op.Ok();
}
bool WaitsForEver(const Op& op) { return IsCondWait(op.call) && op.fate == Fate::kBlocked; }

// Violations, no more than a few.
class Findings {
 public:
  void Add(Rule rule, std::string text, std::size_t op) {
    if (found_.size() < kMaxViolations) found_.push_back({rule, std::move(text), {op}});
  }
  // A time-out that came too early, whatever the call.
  void NoteTimeout(const Op& op, std::size_t at) {
    if (!op.Returned() || op.error != ETIMEDOUT || op.early_ns <= 0) return;
    Add(Rule::kEarlyTimeout,
        fmt::format("{}: it returned {} ns before its deadline", Describe(op), op.early_ns), at);
  }
  std::vector<Violation> Take() { return std::move(found_); }

 private:
  std::vector<Violation> found_;
};

// One sweep over the operations of one mutex and its condition variable.
class MutexSweep {
 public:
  explicit MutexSweep(const std::vector<Op>& ops) : ops_(ops) {
    for (const Op& op : ops) {
      if (op.Optional()) dead_.insert(op.process);
    }
  }

  std::vector<Violation> Run() {
    for (const std::uint32_t event : EventsInOrder(ops_)) {
      const std::size_t i = event / 2;
      if (event % 2 == 0) {
        Begin(i);
      } else {
        End(i);
      }
    }
    CheckSignals();
    return findings_.Take();
  }

 private:
  void Begin(std::size_t i) {
    const Op& op = ops_[i];
    if (Wakes(op) && inside_.contains(op.process)) JudgeWake(i);
    if (WaitsForEver(op)) asleep_.push_back(i);
    if (Gives(op)) inside_.erase(op.process);
  }

  void End(std::size_t i) {
    const Op& op = ops_[i];
    findings_.NoteTimeout(op, i);
    if (!Took(op)) return;
    for (const std::uint16_t other : inside_) {
      const bool died = dead_.contains(other);
      if (died && op.error == EOWNERDEAD) continue;
      findings_.Add(died ? Rule::kOwnerDeath : Rule::kExclusion,
                    fmt::format("{}: p{} was {}", Describe(op), other,
                                died ? "killed inside, and nobody was told" : "still inside"),
                    i);
    }
    if (op.error == EOWNERDEAD && ++owner_dead_ > dead_.size()) {
      findings_.Add(Rule::kOwnerDeath,
                    fmt::format("{}: {} processes were killed, and this is report {}", Describe(op),
                                dead_.size(), owner_dead_),
                    i);
    }
    inside_ = {op.process};
  }

  // The process that wakes was inside, so those that wait now had given the mutex up before.
  void JudgeWake(std::size_t i) {
    if (ops_[i].call == Call::kCondSignal) {
      signals_.push_back(i);
      return;
    }
    for (const std::size_t waiter : asleep_) {
      findings_.Add(
          Rule::kLostWakeup,
          fmt::format("{}: it slept on after {}", Describe(ops_[waiter]), Describe(ops_[i])),
          waiter);
    }
  }

  // Signals that came when all who sleep at the end did so already: each must have woken another
  // one, whose wait had begun and was not over. Matched by the earliest end.
  void CheckSignals() {
    if (asleep_.empty()) return;
    std::multimap<std::uint64_t, std::size_t> others;  // by the end of the wait
    std::size_t next = 0;
    for (const std::size_t signal : signals_) {
      const std::uint64_t at = ops_[signal].invoke;
      for (; next < ops_.size() && ops_[next].invoke < at; ++next) {
        const Op& op = ops_[next];
        if (IsCondWait(op.call) && !WaitsForEver(op))
          others.emplace(op.ret == 0 ? kNeverTicket : op.ret, next);
      }
      if (at < ops_[asleep_.back()].invoke) continue;
      others.erase(others.begin(), others.upper_bound(at));
      if (others.empty()) {
        findings_.Add(Rule::kLostWakeup,
                      fmt::format("{}: it slept on after {}, which woke nobody",
                                  Describe(ops_[asleep_.back()]), Describe(ops_[signal])),
                      asleep_.back());
        return;
      }
      others.erase(others.begin());
    }
  }

  const std::vector<Op>& ops_;
  std::set<std::uint16_t> dead_;
  std::set<std::uint16_t> inside_;  // surely
  std::size_t owner_dead_ = 0;
  std::vector<std::size_t> asleep_;   // condition waits that did not end, by their begin
  std::vector<std::size_t> signals_;  // by processes that were inside
  Findings findings_;
};

}  // namespace

std::vector<Violation> CheckMutexRules(const std::vector<Op>& ops) { return MutexSweep(ops).Run(); }

std::vector<Violation> CheckRwlockRules(const std::vector<Op>& ops) {
  Findings findings;
  std::multiset<std::uint16_t> readers;
  std::set<std::uint16_t> writers;
  for (const std::uint32_t event : EventsInOrder(ops)) {
    const std::size_t i = event / 2;
    const Op& op = ops[i];
    if (event % 2 == 0) {
      if (!Gives(op)) continue;
      if (const auto at = readers.find(op.process); at != readers.end()) readers.erase(at);
      writers.erase(op.process);
      continue;
    }
    findings.NoteTimeout(op, i);
    if (!Took(op)) continue;
    const bool writes = IsWriteLock(op.call);
    if (!writers.empty() || (writes && !readers.empty())) {
      const std::uint16_t other = writers.empty() ? *readers.begin() : *writers.begin();
      findings.Add(Rule::kExclusion,
                   fmt::format("{}: p{} was still inside as a {}", Describe(op), other,
                               writers.empty() ? "reader" : "writer"),
                   i);
    }
    if (writes) {
      writers.insert(op.process);
    } else {
      readers.insert(op.process);
    }
  }
  return findings.Take();
}

std::vector<Violation> CheckBarrierRules(const std::vector<Op>& ops, std::uint64_t count) {
  Findings findings;
  std::uint64_t arrivals = 0, returns = 0, serials = 0;
  for (const std::uint32_t event : EventsInOrder(ops)) {
    const std::size_t i = event / 2;
    const Op& op = ops[i];
    if (event % 2 == 0) {
      ++arrivals;
      continue;
    }
    ++returns;
    serials += op.value == 1 ? 1 : 0;
    const std::uint64_t rounds = arrivals / count;
    if (returns > rounds * count) {
      findings.Add(
          Rule::kEarlyRelease,
          fmt::format("{}: {} of {} had arrived", Describe(op), arrivals - rounds * count, count),
          i);
    } else if (serials > rounds) {
      findings.Add(Rule::kSerial,
                   fmt::format("{}: {} serial threads in {} rounds", Describe(op), serials, rounds),
                   i);
    }
  }
  const std::uint64_t rounds = arrivals / count;
  if (returns < rounds * count) {
    for (std::size_t i = 0; i < ops.size(); ++i) {
      if (ops[i].fate != Fate::kBlocked) continue;
      findings.Add(Rule::kLostWakeup,
                   fmt::format("{}: {} rounds are complete, and {} processes returned",
                               Describe(ops[i]), rounds, returns),
                   i);
      break;
    }
  } else if (serials < rounds && !ops.empty()) {
    findings.Add(Rule::kSerial, fmt::format("{} serial threads in {} rounds", serials, rounds),
                 ops.size() - 1);
  }
  return findings.Take();
}

bool OnlyRulesDecide(const std::vector<Op>& ops) {
  return std::ranges::any_of(ops, [](const Op& op) {
    const bool condition = op.call >= Call::kCondWait && op.call <= Call::kCondBroadcast;
    return condition || op.call == Call::kBarrierWait || op.Optional();
  });
}

}  // namespace ipcsuite::props
