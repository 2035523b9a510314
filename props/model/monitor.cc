#include "props/model/monitor.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/model/hash.h"
#include "props/model/processes.h"

namespace ipcsuite::props {
void MonitorModel::Begin(State& state, const Op& op) const {
  if (!IsCondWait(op.call)) return;
  MutexModel::Release(state.mutex);
  Add(op.Has(kPastDeadline) ? state.woken : state.waiting, op.process);
}

// A wait returns with the mutex, whether it was woken, timed out or returned spuriously.
void MonitorModel::StepWait(const State& state, const Op& op, std::vector<State>& out) const {
  if (!state.mutex.Free()) return;
  State next = state;
  std::erase(next.waiting, op.process);
  std::erase(next.woken, op.process);
  const int taken = MutexModel::Take(next.mutex, op.process);
  const bool late = op.Has(kPastDeadline) && op.error == ETIMEDOUT;
  if (op.error == taken || late) out.push_back(std::move(next));
}

void MonitorModel::StepSignal(const State& state, const Op& op, std::vector<State>& out) {
  if (!op.Ok()) return;
  if (state.waiting.empty()) {
    out.push_back(state);
  } else if (op.call == Call::kCondBroadcast) {
    State next = state;
    for (const std::uint16_t process : state.waiting) Add(next.woken, process);
    next.waiting.clear();
    out.push_back(std::move(next));
  } else {
    for (const std::uint16_t process : state.waiting) {
      State next = state;
      std::erase(next.waiting, process);
      Add(next.woken, process);
      out.push_back(std::move(next));
    }
  }
}

void MonitorModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  if (IsCondWait(op.call)) return StepWait(state, op, out);
  if (op.call == Call::kCondSignal || op.call == Call::kCondBroadcast)
    return StepSignal(state, op, out);
  std::vector<MutexState> mutexes;
  mutex_.Step(state.mutex, op, mutexes);
  for (const MutexState& mutex : mutexes) {
    out.push_back(state);
    out.back().mutex = mutex;
  }
}

bool MonitorModel::MayBlock(const State& state, const Op& op) const {
  if (!IsCondWait(op.call)) return mutex_.MayBlock(state.mutex, op);
  if (Holds(state.waiting, op.process)) return true;
  // Not begun yet: the lockstep engine asks whether it might block. Woken: it waits for the mutex.
  if (!Holds(state.woken, op.process)) return !op.Has(kPastDeadline);
  return !state.mutex.unusable && !state.mutex.Free();
}

void MonitorModel::Kill(State& state, const Op& op) const {
  if (std::erase(state.waiting, op.process) > 0) state.killed_waiter = true;
  std::erase(state.woken, op.process);
  mutex_.Kill(state.mutex, op);
}

std::uint64_t MonitorModel::Hash(const State& state) {
  return Hasher()
      .Add(MutexModel::Hash(state.mutex))
      .AddAll(state.waiting)
      .AddAll(state.woken)
      .Value();
}

}  // namespace ipcsuite::props
