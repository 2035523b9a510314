#include "props/model/rwlock.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/model/hash.h"
#include "props/model/processes.h"

namespace ipcsuite::props {
bool RwlockState::ReadBy(std::uint16_t process) const { return Holds(readers, process); }

bool RwlockState::BlockedOn(std::uint16_t process) const {
  return Holds(blocked_readers, process) || Holds(blocked_writers, process);
}

// Whether `op` may be refused, or made to wait.
bool RwlockModel::KeptOut(const State& state, const Op& op) const {
  if (IsWriteLock(op.call)) return !state.Free();
  if (state.writer != State::kNobody) return true;
  return !config_.waiters_known || !state.blocked_writers.empty();
}

void RwlockModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  State next = state;
  const bool effect = !op.Returned() || op.Ok();
  if (op.call == Call::kRwlockUnlock) {
    if (state.WrittenBy(op.process)) {
      next.writer = State::kNobody;
    } else if (state.ReadBy(op.process)) {
      next.readers.erase(std::ranges::lower_bound(next.readers, op.process));
    } else {
      return;
    }
    if (effect) out.push_back(std::move(next));
    return;
  }
  if (!IsReadLock(op.call) && !IsWriteLock(op.call)) return;
  if (!effect) {
    const bool timed = op.Has(kPastDeadline) || op.Has(kNearDeadline);
    const bool fits = IsTry(op) ? op.error == EBUSY : timed && op.error == ETIMEDOUT;
    if (fits && KeptOut(state, op)) out.push_back(std::move(next));
    return;
  }
  if (IsWriteLock(op.call)) {
    if (!state.Free()) return;
    next.writer = op.process;
  } else {
    if (state.writer != State::kNobody) return;
    Add(next.readers, op.process);
  }
  std::erase(next.blocked_readers, op.process);
  std::erase(next.blocked_writers, op.process);
  out.push_back(std::move(next));
}

bool RwlockModel::MayBlock(const State& state, const Op& op) const {
  if ((!IsReadLock(op.call) && !IsWriteLock(op.call)) || IsTry(op) || op.Has(kPastDeadline))
    return false;
  return !state.Free() && KeptOut(state, op);
}

void RwlockModel::Block(State& state, const Op& op) const {
  Add(IsWriteLock(op.call) ? state.blocked_writers : state.blocked_readers, op.process);
}

void RwlockModel::Kill(State& state, const Op& op) const {
  if (state.BlockedOn(op.process)) state.killed_waiter = true;
  std::erase(state.blocked_readers, op.process);
  std::erase(state.blocked_writers, op.process);
}

std::uint64_t RwlockModel::Hash(const State& state) {
  return Hasher()
      .Add(static_cast<std::uint64_t>(state.writer))
      .AddAll(state.readers)
      .AddAll(state.blocked_writers)
      .AddAll(state.blocked_readers)
      .Value();
}

}  // namespace ipcsuite::props
