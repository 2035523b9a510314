// The model of a process-shared mutex with one condition variable: a monitor. Source: XSH
// pthread_cond_wait, pthread_cond_signal, pthread_cond_broadcast.
//
// A wait may return without a signal, so a state holds only what must happen: `woken` are those
// that may not stay blocked once they can take the mutex. A signal wakes at least one of those that
// wait, so each of them is a state of its own; that a signal woke more of them, or that one
// returned spuriously, is allowed by the same step.
#pragma once

#include <cstdint>
#include <vector>

#include "props/model/mutex.h"
#include "props/model/processes.h"

namespace ipcsuite::props {

struct MonitorState {
  MutexState mutex;
  Processes waiting;           // processes blocked on the condition variable, ascending
  Processes woken;             // unblocked, but still without the mutex, ascending
  bool killed_waiter = false;  // one of `waiting` was killed before
  friend bool operator==(const MonitorState&, const MonitorState&) = default;
};

class MonitorModel {
 public:
  using State = MonitorState;

  MonitorModel() = default;
  explicit MonitorModel(MutexModel::Config mutex) : mutex_(mutex) {}
  const MutexModel& mutex() const { return mutex_; }

  State Initial() const { return {}; }
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State& state, const Op& op) const;
  // A wait releases the mutex, and is blocked in the same moment.
  void Begin(State& state, const Op& op) const;
  void Block(State&, const Op&) const {}
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

 private:
  void StepWait(const State& state, const Op& op, std::vector<State>& out) const;
  static void StepSignal(const State& state, const Op& op, std::vector<State>& out);

  MutexModel mutex_;
};

}  // namespace ipcsuite::props
