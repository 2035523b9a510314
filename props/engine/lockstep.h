// The lockstep engine: real processes, one operation given to one of them at a time, and the next
// only when it has returned or is shown blocked. The scheduler is thereby deterministic: the same
// program gives the same trace.
#pragma once

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "props/engine/convict.h"
#include "props/engine/crew.h"
#include "props/engine/target.h"
#include "props/engine/trace.h"

namespace ipcsuite::props {

template <Model M>
class Lockstep {
 public:
  using State = typename M::State;

  Lockstep(Domain<M>& domain, Crew& crew)
      : domain_(domain), crew_(crew), states_{domain.model().Initial()}, trace_(outcome_) {}

  CaseOutcome Run(const Program& program) {
    for (const RawStep& step : program) {
      ++outcome_.steps;
      if (!Take(step)) break;
    }
    return std::move(outcome_);
  }

 private:
  static constexpr int kKill = 255;    // RawStep::what: kills a process
  static constexpr int kSignal = 254;  // sends a signal to a process

  bool Take(const RawStep& step) {
    if (step.what == kKill || step.what == kSignal) return Disturb(step);
    std::vector<int> idle;
    for (int i = 0; i < crew_.size(); ++i) {
      if (crew_.Alive(i) && !crew_.Busy(i)) idle.push_back(i);
    }
    if (idle.empty()) return false;  // all wait, as they may: the program is over
    const int worker = idle[step.who % idle.size()];
    Op op = domain_.Decode(step, worker, states_);
    if (op.call == Call::kNone) return true;
    op.process = static_cast<std::uint16_t>(worker);
    // The last that could act mostly doesn't wait, or most programs would end early.
    if (idle.size() == 1 && step.b % 16 != 0 && MayBlock(op) && !domain_.AvoidBlocking(op))
      return true;
    for (State& state : states_) domain_.model().Begin(state, op);
    crew_.Issue(worker, op);
    return Judge(worker);
  }

  bool MayBlock(const Op& op) const {
    return std::any_of(states_.begin(), states_.end(),
                       [&](const State& state) { return domain_.model().MayBlock(state, op); });
  }

  bool Disturb(const RawStep& step) {
    std::vector<int> targets;
    for (int i = 0; i < crew_.size(); ++i) {
      if (!crew_.Alive(i)) continue;
      const bool fits =
          step.what == kKill ? domain_.MayKill(states_, i) : domain_.MaySignal() && crew_.Busy(i);
      if (fits) targets.push_back(i);
    }
    if (targets.empty()) return true;
    const int worker = targets[step.who % targets.size()];
    if (step.what == kSignal) {
      const bool caught = domain_.Signal() == SIGUSR1;
      trace_.Note(fmt::format("     a signal that p{} {}", worker, caught ? "catches" : "ignores"),
                  254U + step.who);
      crew_.Signal(worker, domain_.Signal());
      return Judge(-1);
    }
    Op op;
    if (crew_.Busy(worker)) {
      op = crew_.OpOf(worker);
      ++outcome_.waits;
    }
    op.process = static_cast<std::uint16_t>(worker);
    crew_.Kill(worker);
    trace_.Note(fmt::format("     SIGKILL for p{}", worker), 255U + step.who);
    for (State& state : states_) domain_.model().Kill(state, op);
    return Judge(-1);
  }

  // Waits until nothing moves, then asks the model whether that is how it may be. `ordered`:
  // the worker that was given something, -1 when none was.
  bool Judge(int ordered) {
    std::vector<int> returned;
    std::string stuck;
    if (!crew_.Settle(returned, stuck)) return Unsettled(stuck);
    std::vector<Op> ended;
    std::vector<Op> blocked;
    Gather(returned, ended, blocked, ordered);
    std::vector<State> unstuck;
    std::vector<State> next = ReachableStates(domain_.model(), states_, ended, blocked, &unstuck);
    while (next.empty() && crew_.SecondThoughts()) {
      if (!crew_.Settle(returned, stuck)) break;
      Gather(returned, ended, blocked, -1);
      unstuck.clear();
      next = ReachableStates(domain_.model(), states_, ended, blocked, &unstuck);
    }
    if (next.empty()) return Fail(ended, blocked, unstuck);
    RemoveDuplicates(next);
    if (next.size() > kMaxStates) {
      outcome_.unresolved = "the model has too many states to go on";
      return false;
    }
    states_ = std::move(next);
    if (ordered >= 0 && crew_.Busy(ordered)) {
      for (State& state : states_) domain_.model().Block(state, crew_.OpOf(ordered));
    }
    return true;
  }

  // A process that a signal ended in a call is a finding; SIGKILL comes from outside.
  bool Unsettled(const std::string& what) {
    int worker = -1;
    const std::optional<int> status = crew_.Death(worker);
    if (!status || !WIFSIGNALED(*status) || WTERMSIG(*status) == SIGKILL) {
      outcome_.unresolved = "could not see what the processes do: " + what;
      return false;
    }
    outcome_.failed = true;
    outcome_.reason = "a process died in its call";
    outcome_.clause = ConvictedClause(crew_.OpOf(worker), Wrong::kOutcome);
    outcome_.message = fmt::format("signal {} ended process {} in {}", WTERMSIG(*status), worker,
                                   Describe(crew_.OpOf(worker)));
    trace_.Note(outcome_.message, 253);
    return false;
  }

  // Adds the operations that returned to `ended`, and lists those that are blocked now.
  void Gather(const std::vector<int>& returned, std::vector<Op>& ended, std::vector<Op>& blocked,
              int ordered) {
    blocked.clear();
    for (const int worker : returned) {
      ended.push_back(crew_.OpOf(worker));
      ended.back().process = static_cast<std::uint16_t>(worker);
      outcome_.Count(ended.back());
      trace_.Add(ended.back(), false);
    }
    for (int i = 0; i < crew_.size(); ++i) {
      if (!crew_.Busy(i)) continue;
      blocked.push_back(crew_.OpOf(i));
      if (i != ordered) continue;
      ++outcome_.waits;
      trace_.Add(blocked.back(), true);
    }
  }

  // `unstuck`: as of ReachableStates().
  bool Fail(const std::vector<Op>& ended, const std::vector<Op>& blocked,
            const std::vector<State>& unstuck) {
    const bool stuck = !unstuck.empty();
    outcome_.failed = true;
    outcome_.reason = stuck ? "lost wake-up" : "outcome not allowed";
    if (stuck) {
      outcome_.message =
          "what returned is allowed, but not that all of these stay blocked after it:\n";
      for (const Op& op : blocked) outcome_.message += "  " + Describe(AsBlocked(op)) + "\n";
      const auto culprit = std::ranges::find_if(blocked, [&](const Op& op) {
        return std::ranges::none_of(
            unstuck, [&](const State& state) { return domain_.model().MayBlock(state, op); });
      });
      outcome_.clause = ConvictedClause(
          unstuck.front(), culprit == blocked.end() ? blocked.front() : *culprit, Wrong::kStuck);
    } else {
      outcome_.message = "no order of these outcomes is one that POSIX allows here:\n";
      for (const Op& op : ended) outcome_.message += "  " + Describe(op) + "\n";
      const auto failed = std::ranges::find_if(ended, [](const Op& op) { return !op.Ok(); });
      if (!ended.empty())
        outcome_.clause = ConvictedClause(
            states_.front(), failed == ended.end() ? ended.back() : *failed, Wrong::kOutcome);
    }
    return false;
  }

  static Op AsBlocked(Op op) {
    op.fate = Fate::kBlocked;
    return op;
  }

  Domain<M>& domain_;
  Crew& crew_;
  std::vector<State> states_;
  CaseOutcome outcome_;
  Trace trace_;
};

}  // namespace ipcsuite::props
