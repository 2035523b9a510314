// The model of one process-shared mutex, of each type, robust or not. Source: XSH
// pthread_mutex_lock, pthread_mutex_timedlock, pthread_mutex_consistent,
// pthread_mutexattr_getrobust.
//
// A state is who owns it, and what the death of an owner left. A process that is killed gives up a
// robust mutex at that moment; any other mutex stays locked for ever.
#pragma once

#include <cstdint>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

struct MutexState {
  static constexpr std::int32_t kNobody = -1;

  std::int32_t owner = kNobody;  // a process, dead or alive
  std::uint32_t depth = 0;       // of a recursive one: how often the owner locked it
  bool inconsistent = false;     // an owner died, and nobody has called pthread_mutex_consistent()
  bool unusable = false;         // ... but unlocked it: ENOTRECOVERABLE for ever
  friend bool operator==(const MutexState&, const MutexState&) = default;

  bool Free() const { return owner == kNobody; }
  bool OwnedBy(std::uint16_t process) const { return owner == std::int32_t{process}; }
};

class MutexModel {
 public:
  using State = MutexState;

  enum class Type : std::uint8_t { kNormal, kErrorCheck, kRecursive };
  struct Config {
    Type type = Type::kNormal;
    bool robust = false;
  };

  MutexModel() = default;
  explicit MutexModel(Config config) : config_(config) {}
  const Config& config() const { return config_; }

  State Initial() const { return {}; }
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State&, const Op&) const {}
  void Block(State&, const Op&) const {}
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

  // What taking the free mutex reports: 0, EOWNERDEAD or ENOTRECOVERABLE; `state` is then the next.
  static int Take(State& state, std::uint16_t process);
  // Gives the mutex up, whose owner holds it once.
  static void Release(State& state);

 private:
  bool StepLock(State& state, const Op& op) const;
  bool StepUnlock(State& state, const Op& op) const;

  Config config_;
};

}  // namespace ipcsuite::props
