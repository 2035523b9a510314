// Inferring that an operation waits where its system call does not show it: a library may build one
// call from others, and a broken one may sleep where nobody wakes it.
#pragma once

#include <cstdint>

#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/peers/probe.h"
#include "props/model/op.h"

namespace ipcsuite::props {

// One process, looked at again and again while it is in one operation.
class SleepWatch {
 public:
  // Another operation begins.
  void Begin() { *this = SleepWatch(); }
  // Something happened that may have woken the process.
  void Restart() { looks_ = asleep_ = 0; }

  // One look. True when nearly all looks for long enough found the process asleep, whatever system
  // call it was in; the test's confidence then is heuristic.
  bool Sleeps(const Actor& actor) {
    const std::int64_t now = NowNs();
    if (looks_ == 0) first_ns_ = now;
    ++looks_;
    // Only in the call under test: to fork or to exec, an operation waits for other processes.
    const bool in_call = actor.state.load() == Actor::kIssued;
    if (in_call && os::ReadThreadState(actor.pid.load(), actor.tid.load()).state == 'S') ++asleep_;
    if (now - first_ns_ < (inferred_ ? kAgainNs : kLongNs)) return false;
    if (asleep_ * 10 < looks_ * 9) return false;
    if (!inferred_) {
      if (Slot* slot = CurrentSlot()) slot->heuristic.fetch_add(1);
    }
    inferred_ = true;
    return true;
  }

  // One look: the process is shown blocked in `op`, or Sleeps(). A deadline that has passed ends a
  // wait by itself, though a slow timer may be late: only a long sleep counts then.
  bool Waits(const Op& op, Actor& actor) {
    return (!op.Has(kPastDeadline) && IsShownBlocked(actor)) || Sleeps(actor);
  }

 private:
  static constexpr std::int64_t kLongNs = 1'000'000'000;
  static constexpr std::int64_t kAgainNs = 20'000'000;
  std::int64_t first_ns_ = 0;
  std::uint64_t looks_ = 0;
  std::uint64_t asleep_ = 0;
  bool inferred_ = false;
};

}  // namespace ipcsuite::props
