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
#include "props/history/states.h"
#include "props/model/concept.h"
#include "props/model/hash.h"

namespace ipcsuite::props {

enum class Decision : std::uint8_t { kLinearizable, kNotLinearizable, kOutOfBudget };

struct Linearization {
  Decision decision = Decision::kLinearizable;
  std::uint64_t steps = 0;          // model steps taken
  std::vector<std::size_t> order;   // kLinearizable: indices into the operations
  std::size_t deepest = 0;          // most operations that any order tried could place
  std::vector<std::size_t> blamed;  // then: the operations of which none could come next
  bool stuck = false;               // all could be placed, but a blocked one should have gone on
};

// What an operation does to the object, as far as the search can make use of it.
enum class Effect : std::uint8_t {
  kAny,
  kNone,          // it changes nothing (an error, a count): placed as soon as the model allows it
  kNoneWhenFull,  // the same, and the object must be full for it
  kTake,          // takes something out
  kPut,           // puts something in
};

struct LinearizeOptions {
  std::uint64_t max_steps = 20'000'000;
  // One per operation each; speed depends on them, not the decision. Candidates are tried by
  // effect: first those that change nothing, then those that take and then those that put, the
  // other way round while one waits for a full object; among equals in ascending order of the keys
  // (below 2^62). Empty: all effects are kAny, keys the order of their ends.
  std::vector<Effect> effects;
  std::vector<std::uint64_t> keys;
};

template <Model M>
class Linearizer {
 public:
  using State = typename M::State;

  Linearizer(const M& model, const std::vector<Op>& ops, const LinearizeOptions& options)
      : model_(model), ops_(ops), options_(options), path_(model, ops.size() + 1) {
    Prepare();
  }

  Linearization Run();

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kLatest = (std::uint64_t{1} << 62) - 1;
  static constexpr std::uint32_t kAdvance = std::numeric_limits<std::uint32_t>::max();

  // A node of the list of operations not yet placed: an operation or, for i >= ops_.size(), the
  // head of window i - ops_.size().
  struct Node {
    std::uint32_t next = 0;
    std::uint32_t prev = 0;
  };
  // What the search asks of an operation again and again, close together.
  struct Item {
    std::uint64_t invoke = 0;
    std::uint64_t end = kNever;
    std::uint64_t key = 0;
    bool optional = false;
    Effect effect = Effect::kAny;
  };
  struct Window {
    std::uint32_t required = 0;  // operations that must still be placed
  };
  struct Candidate {
    std::uint64_t rank = 0;
    std::uint32_t op = kAdvance;
  };
  // One placed operation (or one step into the next window), and what is left to try there.
  struct Frame {
    std::uint32_t window = 0;
    std::uint32_t placed = kAdvance;  // what was done to come here
    std::size_t first_candidate = 0;  // in candidates_
    std::size_t next_candidate = 0;
    bool optional = false;            // an optional operation is among the candidates
    std::uint64_t latest_invoke = 0;  // of the operations placed so far
    std::uint64_t fingerprint = 0;    // of the set of operations placed
  };

  void Prepare();
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
  void Rank(std::size_t first, bool wants_full);
  bool AtGoal(const State& state) const;
  bool Enter(std::uint32_t placed, std::uint32_t window);
  bool Advance();
  void Backtrack();
  void NoteDeepest(const Frame& frame);
  // Whether the memo holds the configuration of frame `depth` and the state on top of the path;
  // from now on it does if `remember`.
  bool Left(std::size_t depth, bool remember) {
    const Frame& frame = frames_[depth];
    const std::uint64_t state_hash = M::Hash(path_.Top());
    const std::uint64_t high = Mix(frame.fingerprint + frame.window) ^ state_hash;
    const std::uint64_t low = Mix(state_hash) + frame.fingerprint;
    return remember ? !left_.Insert(high, low) : left_.Contains(high, low);
  }

  const M& model_;
  const std::vector<Op>& ops_;
  const LinearizeOptions& options_;
  std::vector<Item> items_;  // one for each operation
  std::vector<Node> nodes_;
  std::vector<Window> windows_;
  std::vector<std::uint32_t> blocked_;
  std::vector<Candidate> candidates_;
  std::vector<Frame> frames_;  // frames_[0, depth_)
  std::size_t depth_ = 0;
  StatePath<M> path_;  // the state after each frame
  // Configurations that were left without success: only those can be met again, at the same depth.
  FingerprintSet left_;
  std::size_t deepest_left_ = 0;
  Linearization result_;
};

template <Model M>
void Linearizer<M>::Prepare() {
  const auto count = static_cast<std::uint32_t>(ops_.size());
  const std::vector<std::size_t> cuts = CutAtQuiescence(ops_);
  windows_.resize(std::max<std::size_t>(cuts.size(), 1));
  nodes_.resize(count + windows_.size() + 1);
  // One frame for each operation and window at most.
  frames_.resize(count + windows_.size() + 1);
  std::uint32_t last = Head(0);
  std::uint32_t window = 0;
  const auto link = [&](std::uint32_t i) {
    nodes_[last].next = i;
    nodes_[i].prev = last;
    last = i;
  };
  items_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Item item{ops_[i].invoke, ops_[i].ret != 0 ? ops_[i].ret : kNever, 0, ops_[i].Optional(),
              Effect::kAny};
    item.key = options_.keys.empty() ? std::min(item.end, kLatest) : options_.keys[i];
    if (!options_.effects.empty()) item.effect = options_.effects[i];
    items_.push_back(item);
    if (window + 1 < cuts.size() && cuts[window + 1] == i) link(Head(++window));
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
  frame.next_candidate = frame.first_candidate;
  frame.optional = false;
  bool wants_full = false;
  std::uint64_t earliest_end = kNever;
  const auto count = static_cast<std::uint32_t>(ops_.size());
  for (std::uint32_t i = nodes_[Head(frame.window)].next; i < count; i = nodes_[i].next) {
    const Item& item = items_[i];
    if (item.invoke > earliest_end) break;
    if (item.optional) {
      if (frame.latest_invoke >= item.end) continue;  // it is over once its process is gone
      frame.optional = true;
    } else {
      earliest_end = std::min(earliest_end, item.end);
    }
    candidates_.push_back({item.key, i});
    wants_full |= item.effect == Effect::kNoneWhenFull;
  }
  if (!options_.effects.empty()) Rank(frame.first_candidate, wants_full);
  const auto begin = candidates_.begin() + static_cast<std::ptrdiff_t>(frame.first_candidate);
  const auto before = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.op < b.op;
  };
  constexpr std::ptrdiff_t kFew = 16;
  if (candidates_.end() - begin > kFew) {
    std::sort(begin, candidates_.end(), before);
  } else {  // nearly always: as many as there are processes
    for (auto at = begin; at != candidates_.end(); ++at) {
      const Candidate candidate = *at;
      auto to = at;
      for (; to != begin && before(candidate, *(to - 1)); --to) *to = *(to - 1);
      *to = candidate;
    }
  }
  if (windows_[frame.window].required == 0 && frame.window + 1 < windows_.size()) {
    candidates_.push_back({kNever, kAdvance});
  }
}

// Puts the effect above the key in the ranks of the candidates from `first` on.
template <Model M>
void Linearizer<M>::Rank(std::size_t first, bool wants_full) {
  for (std::size_t i = first; i < candidates_.size(); ++i) {
    std::uint64_t group = 3;
    switch (items_[candidates_[i].op].effect) {
      case Effect::kAny:
      case Effect::kNone:
      case Effect::kNoneWhenFull: group = 0; break;
      case Effect::kTake: group = wants_full ? 2 : 1; break;
      case Effect::kPut: group = wants_full ? 1 : 2; break;
    }
    candidates_[i].rank |= group << 62;
  }
}

template <Model M>
bool Linearizer<M>::AtGoal(const State& state) const {
  return std::all_of(blocked_.begin(), blocked_.end(),
                     [&](std::uint32_t i) { return model_.MayBlock(state, ops_[i]); });
}

// Pushes a frame for the state on top of the path, unless that configuration was left before
// without success.
template <Model M>
bool Linearizer<M>::Enter(std::uint32_t placed, std::uint32_t window) {
  Frame& frame = frames_[depth_];
  frame = Frame();
  if (depth_ > 0) {
    frame.fingerprint = frames_[depth_ - 1].fingerprint;
    frame.latest_invoke = frames_[depth_ - 1].latest_invoke;
  }
  frame.window = window;
  frame.placed = placed;
  if (placed != kAdvance) {
    frame.fingerprint ^= Mix(placed + 0x5851f42d4c957f2dULL);
    frame.latest_invoke = std::max(frame.latest_invoke, items_[placed].invoke);
  }
  if (depth_ <= deepest_left_ && Left(depth_, false)) return false;
  ++depth_;
  frame.first_candidate = candidates_.size();
  if (placed != kAdvance) {
    Unlink(placed);
    if (!items_[placed].optional) --windows_[window].required;
  }
  CollectCandidates(frame);
  return true;
}

// Tries the next candidate of the top frame; false when none is left.
template <Model M>
bool Linearizer<M>::Advance() {
  Frame& top = frames_[depth_ - 1];
  while (top.next_candidate < candidates_.size()) {
    const std::uint32_t candidate = candidates_[top.next_candidate++].op;
    if (candidate == kAdvance) {
      path_.PushSame();
      if (Enter(kAdvance, top.window + 1)) return true;
      path_.Pop();
      continue;
    }
    ++result_.steps;
    if (!path_.Push(ops_[candidate])) continue;
    // What changes nothing may as well come now: the other candidates can come after it. (Not
    // before one that must come before it because its process was gone by then.)
    const Effect effect = items_[candidate].effect;
    if ((effect == Effect::kNone || effect == Effect::kNoneWhenFull) && !top.optional) {
      candidates_.resize(top.next_candidate);
    }
    do {
      if (Enter(candidate, top.window)) return true;
    } while (path_.Other());
    path_.Pop();
  }
  return false;
}

// Leaves the top frame; if its step may have led elsewhere, enters that instead.
template <Model M>
void Linearizer<M>::Backtrack() {
  --depth_;
  Left(depth_, true);
  deepest_left_ = std::max(deepest_left_, depth_);
  const Frame& frame = frames_[depth_];
  const std::uint32_t placed = frame.placed;
  const std::uint32_t window = frame.window;
  candidates_.resize(frame.first_candidate);
  if (placed != kAdvance) {
    if (!items_[placed].optional) ++windows_[window].required;
    Relink(placed);
  }
  while (depth_ > 0 && path_.Other()) {
    if (Enter(placed, window)) return;
  }
  path_.Pop();
}

template <Model M>
void Linearizer<M>::NoteDeepest(const Frame& frame) {
  if (depth_ <= result_.deepest) return;
  result_.deepest = depth_;
  result_.blamed.clear();
  for (std::size_t i = frame.first_candidate; i < candidates_.size(); ++i) {
    if (candidates_[i].op != kAdvance) result_.blamed.push_back(candidates_[i].op);
  }
  result_.stuck = false;
}

template <Model M>
Linearization Linearizer<M>::Run() {
  Enter(kAdvance, 0);
  while (depth_ > 0) {
    const Frame& frame = frames_[depth_ - 1];
    NoteDeepest(frame);
    const bool complete = frame.window + 1 == windows_.size() && windows_.back().required == 0;
    if (complete && frame.next_candidate == frame.first_candidate) {
      if (AtGoal(path_.Top())) {
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
