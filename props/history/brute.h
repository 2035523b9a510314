// The definition of linearizability, written down: tries every order. For testing the checker on
// small histories.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/history/history.h"
#include "props/model/concept.h"

namespace ipcsuite::props {

namespace brute {

template <Model M>
bool Try(const M& model, const std::vector<Op>& ops, std::vector<bool>& placed,
         const typename M::State& state) {
  const auto never_ends = [](const Op& op) { return op.ret == 0; };
  bool required_left = false;
  bool stuck = false;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    required_left |= !placed[i] && ops[i].Returned();
    stuck |= ops[i].fate == Fate::kBlocked && !model.MayBlock(state, ops[i]);
  }
  if (!required_left && !stuck) return true;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (placed[i] || ops[i].fate == Fate::kBlocked) continue;
    bool may_come = true;
    for (std::size_t j = 0; j < ops.size(); ++j) {
      // Everything required that ended before i began comes first; nothing that began after the
      // end of i has come yet.
      if (!placed[j] && ops[j].Returned() && ops[j].ret < ops[i].invoke) may_come = false;
      if (placed[j] && !never_ends(ops[i]) && ops[i].ret < ops[j].invoke) may_come = false;
    }
    if (!may_come) continue;
    std::vector<typename M::State> next;
    model.Step(state, ops[i], next);
    placed[i] = true;
    const bool found = std::any_of(next.begin(), next.end(), [&](const typename M::State& s) {
      return Try(model, ops, placed, s);
    });
    placed[i] = false;
    if (found) return true;
  }
  return false;
}

}  // namespace brute

template <Model M>
bool LinearizableByBruteForce(const M& model, const std::vector<Op>& ops) {
  std::vector<bool> placed(ops.size());
  return brute::Try(model, ops, placed, model.Initial());
}

}  // namespace ipcsuite::props
