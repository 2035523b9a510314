// The model of one process-shared read-write lock. Source: XSH pthread_rwlock_rdlock,
// pthread_rwlock_wrlock, pthread_rwlock_unlock.
//
// Whether a reader gets in while writers are blocked is left to the implementation, and so is who
// of several comes next; but a free lock does not keep anybody waiting.
#pragma once

#include <cstdint>
#include <vector>

#include "props/model/concept.h"
#include "props/model/processes.h"

namespace ipcsuite::props {

struct RwlockState {
  static constexpr std::int32_t kNobody = -1;

  std::int32_t writer = kNobody;
  Processes readers;          // a process for each of its read locks
  Processes blocked_readers;  // ascending, as all here
  Processes blocked_writers;
  bool killed_waiter = false;  // a process was killed while it was blocked
  friend bool operator==(const RwlockState&, const RwlockState&) = default;

  bool Free() const { return writer == kNobody && readers.empty(); }
  bool WrittenBy(std::uint16_t process) const { return writer == std::int32_t{process}; }
  bool ReadBy(std::uint16_t process) const;
  bool BlockedOn(std::uint16_t process) const;
};

class RwlockModel {
 public:
  using State = RwlockState;

  struct Config {
    // Who waits is known (lockstep): only then does a blocked writer have to be there for a reader
    // to be kept out.
    bool waiters_known = false;
  };

  RwlockModel() = default;
  explicit RwlockModel(Config config) : config_(config) {}

  State Initial() const { return {}; }
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State&, const Op&) const {}
  void Block(State& state, const Op& op) const;
  // What a dead holder leaves is not specified: processes that hold the lock are not killed.
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

 private:
  bool KeptOut(const State& state, const Op& op) const;

  Config config_;
};

}  // namespace ipcsuite::props
