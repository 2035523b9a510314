// The model of one counting semaphore. Source: XSH sem_wait, sem_timedwait, sem_clockwait,
// sem_post, sem_getvalue; XBD Semaphore.
//
// A post raises the value and a waiter takes from it. That allows both readings of "hands over": a
// system that gives the token to a waiter is one in which the waiter takes it immediately.
#pragma once

#include <cstdint>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

struct SemState {
  std::uint64_t value = 0;
  std::vector<std::uint16_t> waiters;  // processes shown blocked, longest waiting first
  friend bool operator==(const SemState&, const SemState&) = default;
};

class SemModel {
 public:
  using State = SemState;

  struct Config {
    std::uint64_t initial = 0;
    std::uint64_t max_value = ~std::uint64_t{0};  // SEM_VALUE_MAX
    // Issue 7 lists no error for a post at SEM_VALUE_MAX: it may succeed and change nothing.
    bool overflow_may_pass = false;
    // Signals with handlers are in play: a wait that would wait may fail with EINTR.
    bool signals = false;
    // All who wait were shown blocked: a negative result of sem_getvalue() is their number.
    bool waiters_known = false;
    // By process: its scheduling priority, where all have one; then the highest is served first,
    // of equal ones the longest waiting. Empty: any waiter is.
    std::vector<int> levels = {};
  };

  SemModel() = default;
  explicit SemModel(Config config) : config_(std::move(config)) {}

  // What takes a step back that Apply() made.
  struct Undo {
    std::int64_t added = 0;
  };

  State Initial() const { return {config_.initial, {}}; }
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  // Step() in place, for states in which nobody is known to wait.
  bool Apply(State& state, const Op& op, Undo& undo) const;
  void Revert(State& state, const Undo& undo) const {
    state.value -= static_cast<std::uint64_t>(undo.added);
  }
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State&, const Op&) const {}
  void Block(State& state, const Op& op) const;
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

 private:
  // Whether `op` may take effect in `state`; what it then adds to the value is in `added`.
  bool Allows(const State& state, const Op& op, std::int64_t& added) const;
  bool Serves(const State& state, std::uint16_t process) const;
  bool MayReport(const State& state, std::int64_t value) const;

  Config config_;
};

}  // namespace ipcsuite::props
