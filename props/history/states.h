// The states along the path of a search: one step forward, the other outcomes of that step, and
// back. Internal to history/.
#pragma once

#include <concepts>
#include <utility>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

// A model of which a step leads to one state at most, and that can change a state in place.
template <class M>
concept RevertibleModel = Model<M> &&
    requires(const M& model, typename M::State& state, const Op& op, typename M::Undo& undo) {
  // Lets `op` take effect; false, with the state as it was, when its outcome is not allowed.
  { model.Apply(state, op, undo) } -> std::same_as<bool>;
  // Takes back what Apply() did and noted in `undo`.
  {model.Revert(state, undo)};
};

// Keeps a copy of every state on the path.
template <Model M>
class StatePath {
 public:
  using State = typename M::State;

  StatePath(const M& model, std::size_t length) : model_(model) {
    path_.reserve(length);
    path_.push_back({model.Initial(), {}});
  }

  const State& Top() const { return path_.back().state; }
  // One step by `op`; false, and no step, when its outcome is not allowed.
  bool Push(const Op& op) {
    std::vector<State> next;
    model_.Step(Top(), op, next);
    if (next.empty()) return false;
    State first = std::move(next.back());
    next.pop_back();
    path_.push_back({std::move(first), std::move(next)});
    return true;
  }
  // A step that leads to the same state.
  void PushSame() { path_.push_back({Top(), {}}); }
  // The last step's next possible outcome in place of the present one; false when there is none.
  bool Other() {
    std::vector<State>& others = path_.back().others;
    if (others.empty()) return false;
    path_.back().state = std::move(others.back());
    others.pop_back();
    return true;
  }
  void Pop() { path_.pop_back(); }

 private:
  struct Step {
    State state;
    std::vector<State> others;
  };
  const M& model_;
  std::vector<Step> path_;
};

// The same with one state and what takes each step back.
template <RevertibleModel M>
class StatePath<M> {
 public:
  using State = typename M::State;

  StatePath(const M& model, std::size_t length) : model_(model), state_(model.Initial()) {
    path_.reserve(length);
  }

  const State& Top() const { return state_; }
  bool Push(const Op& op) {
    path_.emplace_back();
    if (model_.Apply(state_, op, path_.back())) return true;
    path_.pop_back();
    return false;
  }
  void PushSame() { path_.emplace_back(); }
  bool Other() { return false; }
  void Pop() {
    if (path_.empty()) return;  // the beginning
    model_.Revert(state_, path_.back());
    path_.pop_back();
  }

 private:
  const M& model_;
  State state_;
  std::vector<typename M::Undo> path_;
};

}  // namespace ipcsuite::props
