// Models of toy objects that keep the checker honest: their answers are known by heart.
#pragma once

#include <cstdint>
#include <vector>

#include "props/model/concept.h"
#include "props/model/hash.h"

namespace ipcsuite::props {

// What all toys share: nothing waits, nothing dies.
template <class S>
struct ToyModel {
  using State = S;
  State Initial() const { return {}; }
  bool MayBlock(const State&, const Op&) const { return false; }
  void Begin(State&, const Op&) const {}
  void Block(State&, const Op&) const {}
  void Kill(State&, const Op&) const {}
};

// A register: kToySet, kToyGet. Starts at 0.
struct RegisterModel : ToyModel<std::uint64_t> {
  void Step(const State& state, const Op& op, std::vector<State>& out) const {
    if (op.call == Call::kToySet) out.push_back(op.value);
    if (op.call == Call::kToyGet && (op.Optional() || op.value == state)) out.push_back(state);
  }
  static std::uint64_t Hash(const State& state) { return Mix(state + 1); }
};

// A stack: kToyPush, kToyPop; a pop of the empty stack waits.
struct StackModel : ToyModel<std::vector<std::uint64_t>> {
  void Step(const State& state, const Op& op, std::vector<State>& out) const {
    State next = state;
    if (op.call == Call::kToyPush) {
      next.push_back(op.value);
    } else if (op.call == Call::kToyPop) {
      if (state.empty() || (op.Returned() && op.value != state.back())) return;
      next.pop_back();
    } else {
      return;
    }
    out.push_back(next);
  }
  bool MayBlock(const State& state, const Op& op) const {
    return op.call == Call::kToyPop && state.empty();
  }
  static std::uint64_t Hash(const State& state) {
    Hasher hasher;
    for (const std::uint64_t value : state) hasher.Add(value);
    return hasher.Value();
  }
};

// A coin that may change at every set: kToySet puts it in either state, kToyGet sees which.
// The smallest model whose truth is a set of states.
struct CoinModel : ToyModel<std::uint64_t> {
  void Step(const State& state, const Op& op, std::vector<State>& out) const {
    if (op.call == Call::kToySet) {
      out.push_back(0);
      out.push_back(1);
    }
    if (op.call == Call::kToyGet && (op.Optional() || op.value == state)) out.push_back(state);
  }
  static std::uint64_t Hash(const State& state) { return Mix(state + 1); }
};

}  // namespace ipcsuite::props
