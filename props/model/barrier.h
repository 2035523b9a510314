// The model of one process-shared barrier. Source: XSH pthread_barrier_wait.
//
// Whether the arrival of a process that died while it waited still counts is not specified: it may,
// now or in a later round, and then that process may also have been the serial one. What the
// barrier does after such a death is left open otherwise.
#pragma once

#include <cstdint>
#include <vector>

#include "props/model/concept.h"
#include "props/model/processes.h"

namespace ipcsuite::props {

struct BarrierState {
  Processes arrived;       // processes that wait in this round, ascending
  Processes released;      // of the round before, not yet returned, ascending
  std::uint32_t dead = 0;  // arrivals of the dead that no round has counted
  bool serial = false;     // one of the released ones has to be the serial thread
  bool damaged = false;    // a process was killed while it waited
  friend bool operator==(const BarrierState&, const BarrierState&) = default;
};

class BarrierModel {
 public:
  using State = BarrierState;

  BarrierModel() = default;
  explicit BarrierModel(std::uint32_t count) : count_(count) {}

  State Initial() const { return {}; }
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State& state, const Op& op) const;
  void Block(State&, const Op&) const {}
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

 private:
  std::uint32_t count_ = 1;
};

}  // namespace ipcsuite::props
