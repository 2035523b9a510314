// The sequential engine: one process, long random traffic, every outcome judged by the model.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "props/engine/convict.h"
#include "props/engine/target.h"
#include "props/engine/trace.h"

namespace ipcsuite::props {

// What a step does to the process before its call, to see whether the object minds: nothing mostly,
// otherwise a yield, a caught signal, or a child that is forked and ends.
inline void Perturb(const RawStep& step) {
  switch (step.who % 32) {
    case 1:
    case 2: sched_yield(); return;
    case 3:
    case 4:
      raise(
          SIGURG);  // ignored by default: it interrupts nothing, it only passes through the kernel
      return;
    case 5:
      if (step.who < 128) return;  // forks are dear
      if (const pid_t child = fork(); child == 0) {
        _exit(0);
      } else if (child > 0) {
        while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
        }
      }
      return;
    default: return;
  }
}

// Ends a call that hangs. None of the engine's calls may wait, so a signal that is caught every
// second interrupts nothing but a wait that should not be.
class HangGuard {
 public:
  HangGuard() {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // no SA_RESTART
    sigaction(SIGALRM, &action, &before_);
    Set(1);
  }
  ~HangGuard() {
    Set(0);
    sigaction(SIGALRM, &before_, nullptr);
  }
  HangGuard(const HangGuard&) = delete;
  HangGuard& operator=(const HangGuard&) = delete;

 private:
  static void Set(time_t seconds) {
    const itimerval period{{seconds, 0}, {seconds, 0}};
    setitimer(ITIMER_REAL, &period, nullptr);
  }
  struct sigaction before_ {};
};

// Performs `program` on `target`. An operation that might have to wait is made non-blocking.
template <Model M>
CaseOutcome RunSequential(Domain<M>& domain, Target& target, const Program& program,
                          unsigned char* bytes) {
  const HangGuard guard;
  CaseOutcome outcome;
  Trace trace(outcome);
  std::vector<typename M::State> states = {domain.model().Initial()};
  std::vector<typename M::State> next;
  for (const RawStep& step : program) {
    ++outcome.steps;
    Op op = domain.Decode(step, 0, states);
    if (op.call == Call::kNone) continue;
    for (const auto& state : states) {
      if (domain.model().MayBlock(state, op)) op.flags |= kNonblock;
    }
    for (auto& state : states) domain.model().Begin(state, op);
    Perturb(step);
    op.piece_begin = 0;
    target.Perform(op, bytes);
    outcome.Count(op);
    trace.Add(op, false);
    next.clear();
    for (const auto& state : states) domain.model().Step(state, op, next);
    if (next.empty()) {
      outcome.failed = true;
      outcome.reason = op.error == EINTR ? "hung" : "outcome not allowed";
      outcome.clause =
          ConvictedClause(states.front(), op, op.error == EINTR ? Wrong::kStuck : Wrong::kOutcome);
      outcome.message = op.error == EINTR
                            ? "the last call waited, which it may not, until a signal "
                              "ended it: " +
                                  Describe(op)
                            : "the last outcome is not one that POSIX allows here: " + Describe(op);
      return outcome;
    }
    std::swap(states, next);
    if (states.size() > 1) RemoveDuplicates(states);
    if (states.size() > kMaxStates) {
      outcome.unresolved = "the model has too many states to go on";
      return outcome;
    }
  }
  return outcome;
}

}  // namespace ipcsuite::props
