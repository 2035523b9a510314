#include "props/model/barrier.h"

#include <algorithm>
#include <utility>

#include "props/model/hash.h"
#include "props/model/processes.h"

namespace ipcsuite::props {
namespace {

// Who arrived may go. (After the death of a waiter some of the round before may still be there.)
void Complete(BarrierState& state) {
  for (const std::uint16_t process : state.arrived) Add(state.released, process);
  state.arrived.clear();
  state.serial = true;
}

}  // namespace

void BarrierModel::Begin(State& state, const Op& op) const {
  Add(state.arrived, op.process);
  if (state.arrived.size() < count_) return;
  Complete(state);
}

void BarrierModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  if (!op.Ok()) return;
  State next = state;
  if (!Holds(state.released, op.process)) {
    // Only the dead can have completed the round.
    const auto missing = static_cast<std::uint32_t>(count_ - state.arrived.size());
    if (!Holds(state.arrived, op.process) || missing > state.dead) return;
    next.dead -= missing;
    Complete(next);
  }
  std::erase(next.released, op.process);
  const bool is_serial = op.value == 1;
  if (is_serial && !next.serial) return;
  if (is_serial) next.serial = false;
  if (next.released.empty() && next.serial && !next.damaged) return;  // nobody was
  out.push_back(std::move(next));
}

bool BarrierModel::MayBlock(const State& state, const Op& op) const {
  if (op.call != Call::kBarrierWait) return false;
  return count_ > 1 && (state.damaged || !Holds(state.released, op.process));
}

void BarrierModel::Kill(State& state, const Op& op) const {
  const bool waited = std::erase(state.arrived, op.process) > 0;
  if (!waited) return;
  ++state.dead;
  state.damaged = true;
}

std::uint64_t BarrierModel::Hash(const State& state) {
  return Hasher()
      .AddAll(state.arrived)
      .AddAll(state.released)
      .Add(state.dead)
      .Add(state.serial ? 1 : 0)
      .Value();
}

}  // namespace ipcsuite::props
