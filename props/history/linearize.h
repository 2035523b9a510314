// Decides whether a history of one object is linearizable: whether some order of the operations,
// in which each takes effect at one moment between its begin and its end, is allowed by the model.
//
// Wing and Gong's search (Testing and verifying concurrent objects, 1993) with Lowe's memo of
// configurations (Testing for linearizability, 2017), cut into windows at quiescent moments, with
// two additions: operations that were killed are optional, and the order found must end in a state
// in which every operation that was shown blocked may be blocked (the stuck check).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "props/history/history.h"
#include "props/history/memo.h"
#include "props/model/concept.h"
#include "props/model/hash.h"

namespace ipcsuite::props {

enum class Decision : std::uint8_t { kLinearizable, kNotLinearizable, kOutOfBudget };

struct Linearization {
  Decision decision = Decision::kLinearizable;
  std::uint64_t steps = 0;           // model steps taken
  std::vector<std::size_t> order;    // kLinearizable: indices into the operations
  std::size_t deepest = 0;           // most operations that any order tried could place
  std::vector<std::size_t> blamed;   // then: the operations of which none could come next
  bool stuck = false;                // all could be placed, but a blocked one should have gone on
};

struct LinearizeOptions {
  std::uint64_t max_steps = 20'000'000;
  // One per operation: candidates are tried in ascending order. Only speed depends on it. Empty: the
  // order of their ends.
  std::vector<std::uint64_t> keys;
};

template <Model M>
class Linearizer {
 public:
  using State = typename M::State;

  Linearizer(const M& model, const std::vector<Op>& ops, const LinearizeOptions& options)
      : model_(model), ops_(ops), options_(options) {
    Prepare();
  }

  Linearization Run();

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint32_t kAdvance = std::numeric_limits<std::uint32_t>::max();

  // A node of the list of operations not yet placed: an operation or, for i >= ops_.size(), the head
  // of window i - ops_.size().
  struct Node {
    std::uint32_t next = 0;
    std::uint32_t prev = 0;
  };
  struct Window {
    std::uint32_t required = 0;  // operations that must still be placed
  };
  // One placed operation (or one step into the next window), and what is left to try there.
  struct Frame {
    std::uint32_t window = 0;
    std::uint32_t placed = kAdvance;      // what was done to come here
    std::size_t first_candidate = 0;      // in candidates_
    std::size_t next_candidate = 0;
    std::uint64_t latest_invoke = 0;      // of the operations placed so far
    std::uint64_t fingerprint = 0;        // of the set of operations placed
    std::vector<State> alternatives;      // other states that the last step may have led to
  };

  void Prepare();
  std::uint64_t End(std::uint32_t i) const {
    return ops_[i].ret != 0 ? ops_[i].ret : kNever;
  }
  std::uint32_t Head(std::uint32_t window) const {
    return static_cast<std::uint32_t>(ops_.size()) + window;
  }
  void Unlink(std::uint32_t i) {
    nodes_[nodes_[i].prev].next = nodes_[i].next;
    nodes_[nodes_[i].next].prev = nodes_[i].prev;
  }
  void Relink(std::uint32_t i) {
    nodes_[nodes_[i].prev].next = i;
    nodes_[nodes_[i].next].prev = i;
  }
  void CollectCandidates(Frame& frame);
  bool AtGoal(const State& state) const;
  bool Enter(std::uint32_t placed, const Frame& from, std::uint32_t window, State&& state,
             std::vector<State>&& alternatives);
  bool Advance();
  void Backtrack();
  void NoteDeepest(const Frame& frame);

  const M& model_;
  const std::vector<Op>& ops_;
  const LinearizeOptions& options_;
  std::vector<Node> nodes_;
  std::vector<Window> windows_;
  std::vector<std::uint32_t> window_of_;
  std::vector<std::uint32_t> blocked_;
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint32_t> candidates_;
  std::vector<Frame> frames_;   // frames_[0, depth_): reused, so that states keep their memory
  std::vector<State> states_;   // the state after each frame
  std::size_t depth_ = 0;
  std::vector<State> scratch_;
  FingerprintSet seen_;
  Linearization result_;
};

template <Model M>
void Linearizer<M>::Prepare() {
  const auto count = static_cast<std::uint32_t>(ops_.size());
  const std::vector<std::size_t> cuts = CutAtQuiescence(ops_);
  windows_.resize(std::max<std::size_t>(cuts.size(), 1));
  nodes_.resize(count + windows_.size() + 1);
  window_of_.resize(count);
  keys_ = options_.keys;
  if (keys_.empty()) {
    for (std::uint32_t i = 0; i < count; ++i) keys_.push_back(End(i));
  }
  // One frame for each operation and window at most: nothing moves while the search goes on.
  frames_.reserve(count + windows_.size() + 1);
  states_.reserve(count + windows_.size() + 1);
  std::uint32_t last = Head(0);
  std::uint32_t window = 0;
  const auto link = [&](std::uint32_t i) {
    nodes_[last].next = i;
    nodes_[i].prev = last;
    last = i;
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    if (window + 1 < cuts.size() && cuts[window + 1] == i) link(Head(++window));
    window_of_[i] = window;
    if (ops_[i].fate == Fate::kBlocked) {
      blocked_.push_back(i);
      continue;
    }
    if (ops_[i].Returned()) ++windows_[window].required;
    link(i);
  }
  link(Head(static_cast<std::uint32_t>(windows_.size())));  // the end of the list
}

// The operations that may come next: not after the end of one that has not been placed.
template <Model M>
void Linearizer<M>::CollectCandidates(Frame& frame) {
  candidates_.resize(frame.first_candidate);
  frame.next_candidate = frame.first_candidate;
  std::uint64_t earliest_end = kNever;
  const auto count = static_cast<std::uint32_t>(ops_.size());
  for (std::uint32_t i = nodes_[Head(frame.window)].next; i < count; i = nodes_[i].next) {
    const Op& op = ops_[i];
    if (op.invoke > earliest_end) break;
    if (op.Optional()) {
      // It is over once its process is gone.
      if (frame.latest_invoke < End(i)) candidates_.push_back(i);
      continue;
    }
    candidates_.push_back(i);
    earliest_end = std::min(earliest_end, op.ret);
  }
  std::sort(candidates_.begin() + static_cast<std::ptrdiff_t>(frame.first_candidate),
            candidates_.end(), [&](std::uint32_t a, std::uint32_t b) {
              return keys_[a] != keys_[b] ? keys_[a] < keys_[b] : a < b;
            });
  if (windows_[frame.window].required == 0 && frame.window + 1 < windows_.size()) {
    candidates_.push_back(kAdvance);
  }
}

template <Model M>
bool Linearizer<M>::AtGoal(const State& state) const {
  return std::all_of(blocked_.begin(), blocked_.end(),
                     [&](std::uint32_t i) { return model_.MayBlock(state, ops_[i]); });
}

// Pushes a frame unless its configuration was seen before.
template <Model M>
bool Linearizer<M>::Enter(std::uint32_t placed, const Frame& from, std::uint32_t window,
                          State&& state, std::vector<State>&& alternatives) {
  // `from` may move when the stack grows: read it first.
  std::uint64_t fingerprint = from.fingerprint;
  std::uint64_t latest = from.latest_invoke;
  const std::size_t first = candidates_.size();
  if (placed != kAdvance) {
    fingerprint ^= Mix(placed + 0x5851f42d4c957f2dULL);
    latest = std::max(latest, ops_[placed].invoke);
  }
  const std::uint64_t state_hash = M::Hash(state);
  if (!seen_.Insert(Mix(fingerprint + window) ^ state_hash, Mix(state_hash) + fingerprint)) {
    return false;
  }
  if (depth_ == frames_.size()) {
    frames_.emplace_back();
    states_.emplace_back();
  }
  Frame& frame = frames_[depth_];
  states_[depth_] = std::move(state);
  ++depth_;
  frame.window = window;
  frame.placed = placed;
  frame.latest_invoke = latest;
  frame.fingerprint = fingerprint;
  frame.alternatives = std::move(alternatives);
  frame.first_candidate = first;
  if (placed != kAdvance) {
    Unlink(placed);
    if (ops_[placed].Returned()) --windows_[window].required;
  }
  CollectCandidates(frame);
  return true;
}

// Tries the next candidate of the top frame; false when none is left.
template <Model M>
bool Linearizer<M>::Advance() {
  const std::size_t top = depth_ - 1;
  while (frames_[top].next_candidate < candidates_.size()) {
    const std::uint32_t candidate = candidates_[frames_[top].next_candidate++];
    if (candidate == kAdvance) {
      State copy = states_[top];
      if (Enter(kAdvance, frames_[top], frames_[top].window + 1, std::move(copy), {})) return true;
      continue;
    }
    scratch_.clear();
    ++result_.steps;
    model_.Step(states_[top], ops_[candidate], scratch_);
    while (!scratch_.empty()) {
      State next = std::move(scratch_.back());
      scratch_.pop_back();
      std::vector<State> rest;
      if (!scratch_.empty()) rest = std::exchange(scratch_, {});
      if (Enter(candidate, frames_[top], frames_[top].window, std::move(next), std::move(rest))) {
        return true;
      }
      scratch_ = std::move(rest);
    }
  }
  return false;
}

// Leaves the top frame; if its step may have led elsewhere, enters that instead.
template <Model M>
void Linearizer<M>::Backtrack() {
  Frame& frame = frames_[depth_ - 1];
  const std::uint32_t placed = frame.placed;
  const std::uint32_t window = frame.window;
  candidates_.resize(frame.first_candidate);
  if (depth_ > 1 && placed != kAdvance) {
    if (ops_[placed].Returned()) ++windows_[window].required;
    Relink(placed);
  }
  std::vector<State> alternatives = std::move(frame.alternatives);
  --depth_;
  while (depth_ > 0 && !alternatives.empty()) {
    State next = std::move(alternatives.back());
    alternatives.pop_back();
    if (Enter(placed, frames_[depth_ - 1], window, std::move(next), std::move(alternatives))) return;
  }
}

template <Model M>
void Linearizer<M>::NoteDeepest(const Frame& frame) {
  if (depth_ <= result_.deepest) return;
  result_.deepest = depth_;
  result_.blamed.clear();
  for (std::size_t i = frame.first_candidate; i < candidates_.size(); ++i) {
    if (candidates_[i] != kAdvance) result_.blamed.push_back(candidates_[i]);
  }
  result_.stuck = false;
}

template <Model M>
Linearization Linearizer<M>::Run() {
  Frame root;
  Enter(kAdvance, root, 0, model_.Initial(), {});
  while (depth_ > 0) {
    const Frame& frame = frames_[depth_ - 1];
    NoteDeepest(frame);
    const bool complete = frame.window + 1 == windows_.size() && windows_.back().required == 0;
    if (complete && frame.next_candidate == frame.first_candidate) {
      if (AtGoal(states_[depth_ - 1])) {
        for (std::size_t i = 0; i < depth_; ++i) {
          if (frames_[i].placed != kAdvance) result_.order.push_back(frames_[i].placed);
        }
        result_.decision = Decision::kLinearizable;
        return std::move(result_);
      }
      result_.stuck = true;
      result_.blamed.assign(blocked_.begin(), blocked_.end());
    }
    if (result_.steps > options_.max_steps) {
      result_.decision = Decision::kOutOfBudget;
      return std::move(result_);
    }
    if (!Advance()) Backtrack();
  }
  result_.decision = Decision::kNotLinearizable;
  return std::move(result_);
}

}  // namespace ipcsuite::props
