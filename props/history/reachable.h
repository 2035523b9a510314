// One window, all its ends: used where the next operations depend on what may have happened.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

// Every state in which the object may be after the operations of `returned`, all of them
// concurrent, took effect in some order from one of `states`, such that all operations of `blocked`
// may stay blocked there. Empty: what was seen is not allowed. At most 64 operations.
//
// `unstuck`, when given, receives the states that were reached before the test of the blocked ones:
// if it is not empty while the result is, the returned operations were right and a blocked one
// should have gone on (a lost wake-up).
template <Model M>
std::vector<typename M::State> ReachableStates(const M& model,
                                               const std::vector<typename M::State>& states,
                                               const std::vector<Op>& returned,
                                               const std::vector<Op>& blocked,
                                               std::vector<typename M::State>* unstuck = nullptr) {
  using State = typename M::State;
  struct Configuration {
    std::uint64_t placed;
    State state;
  };
  const std::uint64_t all =
      returned.size() >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << returned.size()) - 1;
  std::vector<Configuration> seen;
  const auto add = [&](std::uint64_t placed, State&& state) {
    for (const Configuration& other : seen) {
      if (other.placed == placed && other.state == state) return;
    }
    seen.push_back({placed, std::move(state)});
  };
  for (const State& state : states) add(0, State(state));
  std::vector<State> ends;
  std::vector<State> next;
  for (std::size_t at = 0; at < seen.size(); ++at) {  // `seen` grows while it is walked
    const std::uint64_t placed = seen[at].placed;
    if (placed == all) {
      const State& end = seen[at].state;
      if (unstuck != nullptr) unstuck->push_back(end);
      if (std::all_of(blocked.begin(), blocked.end(),
                      [&](const Op& op) { return model.MayBlock(end, op); })) {
        ends.push_back(end);
      }
      continue;
    }
    for (std::size_t i = 0; i < returned.size(); ++i) {
      const std::uint64_t bit = std::uint64_t{1} << i;
      if ((placed & bit) != 0) continue;
      next.clear();
      model.Step(seen[at].state, returned[i], next);
      for (State& state : next) add(placed | bit, std::move(state));
    }
  }
  return ends;
}

}  // namespace ipcsuite::props
