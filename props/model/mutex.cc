#include "props/model/mutex.h"

#include <cerrno>

#include "props/model/hash.h"

namespace ipcsuite::props {
namespace {

using Type = MutexModel::Type;

// What a process that did not get it may be told: several errors may apply (XSH 2.3).
bool MayFail(const Op& op, int lock_error) {
  if (IsTry(op)) return op.error == EBUSY;
  if (op.call == Call::kMutexTimedLock && (op.Has(kPastDeadline) || op.Has(kNearDeadline)) &&
      op.error == ETIMEDOUT)
    return true;
  return lock_error != 0 && op.error == lock_error;
}

}  // namespace

int MutexModel::Take(State& state, std::uint16_t process) {
  if (state.unusable) return ENOTRECOVERABLE;
  state.owner = process;
  state.depth = 1;
  return state.inconsistent ? EOWNERDEAD : 0;
}

void MutexModel::Release(State& state) {
  state.unusable = state.inconsistent;
  state.owner = State::kNobody;
  state.depth = 0;
}

// Whether `op` may end as it did; `state` is then the next.
bool MutexModel::StepLock(State& state, const Op& op) const {
  if (op.Optional()) return state.Free() && Take(state, op.process) != ENOTRECOVERABLE;
  if (state.unusable) return op.error == ENOTRECOVERABLE || (!IsTry(op) && MayFail(op, 0));
  if (state.Free()) return op.error == Take(state, op.process);
  if (!state.OwnedBy(op.process)) return MayFail(op, 0);
  if (config_.type == Type::kRecursive) {
    ++state.depth;
    return op.Ok();
  }
  return MayFail(op, EDEADLK);
}

bool MutexModel::StepUnlock(State& state, const Op& op) const {
  if (!state.OwnedBy(op.process)) return op.error == EPERM;
  if (state.depth > 1) {
    --state.depth;
  } else {
    Release(state);
  }
  return !op.Returned() || op.Ok();
}

void MutexModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  State next = state;
  bool allowed = false;
  if (IsMutexLock(op.call)) {
    allowed = StepLock(next, op);
  } else if (op.call == Call::kMutexUnlock) {
    allowed = StepUnlock(next, op);
  } else if (op.call == Call::kMutexConsistent) {
    const bool repairs = config_.robust && state.inconsistent && state.OwnedBy(op.process);
    if (repairs) next.inconsistent = false;
    allowed = !op.Returned() || op.error == (repairs ? 0 : EINVAL);
  }
  if (allowed) out.push_back(next);
}

bool MutexModel::MayBlock(const State& state, const Op& op) const {
  if (!IsMutexLock(op.call) || IsTry(op) || op.Has(kPastDeadline)) return false;
  if (state.unusable || state.Free()) return false;
  return !state.OwnedBy(op.process) || config_.type == Type::kNormal;
}

// The owner of a robust mutex leaves it to the next; any other mutex stays locked.
void MutexModel::Kill(State& state, const Op& op) const {
  if (!config_.robust || !state.OwnedBy(op.process)) return;
  state.owner = State::kNobody;
  state.depth = 0;
  state.inconsistent = true;
}

std::uint64_t MutexModel::Hash(const State& state) {
  return Hasher()
      .Add(static_cast<std::uint64_t>(state.owner))
      .Add(state.depth)
      .Add(state.inconsistent ? 1 : 0)
      .Add(state.unusable ? 1 : 0)
      .Value();
}

}  // namespace ipcsuite::props
