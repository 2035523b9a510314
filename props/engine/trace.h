// What the engines that run one operation at a time have in common: the domain of a property, the
// trace, and judging a step by a set of model states.
#pragma once

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "props/engine/program.h"
#include "props/history/reachable.h"
#include "props/model/concept.h"
#include "props/model/hash.h"

namespace ipcsuite::props {

// More states than this mean that the model left the ground; the case is given up as unresolved.
inline constexpr std::size_t kMaxStates = 512;

// A model, and how steps of a program become operations on its object.
template <Model M>
class Domain {
 public:
  using State = typename M::State;
  explicit Domain(M model) : model_(std::move(model)) {}
  virtual ~Domain() = default;

  const M& model() const { return model_; }
  // The operation that process `process` performs; Call::kNone when it has nothing to do. `states`
  // are those in which the object may be, never empty.
  virtual Op Decode(const RawStep& step, int process, const std::vector<State>& states) = 0;
  // Turns an operation that might wait into one that doesn't; false when there is no such way.
  virtual bool AvoidBlocking(Op& op) const {
    op.flags |= kNonblock;
    return true;
  }
  // Whether a process may get the kill or the signal that `step` asks for (lockstep only).
  virtual bool MayKill(const std::vector<State>&, int) const { return false; }
  virtual bool MaySignal() const { return false; }
  // Which signal processes get: SIGUSR1 is caught by them, SIGUSR2 ignored.
  virtual int Signal() const { return SIGUSR1; }

 private:
  M model_;
};

// Folds operations into the trace's hash and keeps the lines that a person reads.
class Trace {
 public:
  explicit Trace(CaseOutcome& outcome) : outcome_(outcome) {}

  void Add(const Op& op, bool blocked) {
    Hasher hasher;
    hasher.Add(outcome_.trace_hash).Add(static_cast<std::uint64_t>(op.call)).Add(op.process);
    hasher.Add(op.flags).Add(op.object).Add(op.amount).Add(op.value).Add(op.priority);
    if (blocked) {
      hasher.Add(1);
    } else {
      hasher.Add(static_cast<std::uint64_t>(op.result)).Add(static_cast<std::uint64_t>(op.error));
    }
    outcome_.trace_hash = hasher.Value();
    Op shown = op;
    if (blocked) shown.fate = Fate::kBlocked;
    outcome_.lines.push_back(Describe(shown));
  }
  void Note(const std::string& text, std::uint64_t what) {
    outcome_.trace_hash = Hasher().Add(outcome_.trace_hash).Add(what).Value();
    outcome_.lines.push_back(text);
  }

 private:
  CaseOutcome& outcome_;
};

template <class S>
void RemoveDuplicates(std::vector<S>& states) {
  std::vector<S> unique;
  for (S& state : states) {
    if (std::find(unique.begin(), unique.end(), state) == unique.end()) {
      unique.push_back(std::move(state));
    }
  }
  states = std::move(unique);
}

}  // namespace ipcsuite::props
