// What a model is: a plain value that says which outcomes POSIX allows.
//
// A state is one possible condition of one object. Where the standard leaves room (capacity, which
// waiter is served, what a killed call did) a step yields several states, so the truth is a *set*
// of states; an outcome is wrong when no state of the set allows it.
#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include "props/model/op.h"

namespace ipcsuite::props {

template <class M>
concept Model = requires(const M& model, const typename M::State& state, typename M::State& target,
                         const Op& op, std::vector<typename M::State>& out) {
  // The state of a new object.
  { model.Initial() } -> std::same_as<typename M::State>;
  // Appends to `out` every state that may follow when `op` takes effect in `state` with the outcome
  // that it records. Appends nothing when the outcome is not allowed. For an operation whose
  // outcome is not known (Op::Optional) appends every effect that it may have had.
  {model.Step(state, op, out)};
  // True when `op`, shown blocked, may stay blocked in `state`.
  { model.MayBlock(state, op) } -> std::same_as<bool>;
  // Notes that `op` was issued, before anything is known of its outcome (lockstep engine).
  {model.Begin(target, op)};
  // Notes that `op` was shown blocked: it now waits after those that waited before it.
  {model.Block(target, op)};
  // Notes that process op.process was killed while it waited in `op`.
  {model.Kill(target, op)};
  { state == state } -> std::same_as<bool>;
  { M::Hash(state) } -> std::same_as<std::uint64_t>;
};

}  // namespace ipcsuite::props
