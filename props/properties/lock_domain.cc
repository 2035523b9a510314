#include "props/properties/lock_domain.h"

#include <algorithm>

namespace ipcsuite::props {
namespace {

Op Make(Call call, std::uint16_t flags = 0) {
  Op op;
  op.call = call;
  op.flags = flags;
  return op;
}

}  // namespace

Op MutexLockBy(std::uint16_t b) {
  switch (b % 8) {
    case 0:
    case 1: return Make(Call::kMutexTryLock);
    case 2: return Make(Call::kMutexTimedLock);
    case 3: return Make(Call::kMutexTimedLock, kPastDeadline);
    default: return Make(Call::kMutexLock);
  }
}

Op RwlockBy(std::uint16_t b) {
  static constexpr Call kCalls[] = {Call::kReadLock,      Call::kReadLock,      Call::kWriteLock,
                                    Call::kWriteLock,     Call::kTryReadLock,   Call::kTryWriteLock,
                                    Call::kTimedReadLock, Call::kTimedWriteLock};
  const Call call = kCalls[b % 8];
  const bool timed = call == Call::kTimedReadLock || call == Call::kTimedWriteLock;
  return Make(call, timed && b / 8 % 2 == 0 ? kPastDeadline : 0);
}

// What an owner may do to a mutex that it holds, by its type. (The owner of an error checking mutex
// does not try to lock it: the suite judges what that reports.)
Op MonitorDomain::Relock(std::uint16_t b) const {
  switch (model().mutex().config().type) {
    case MutexModel::Type::kRecursive: return MutexLockBy(b);
    case MutexModel::Type::kErrorCheck: {
      const Op op = MutexLockBy(b);
      return IsTry(op) ? Make(Call::kMutexLock) : op;
    }
    default:
      return b % 2 == 0 ? Make(Call::kMutexTryLock) : Make(Call::kMutexTimedLock, kPastDeadline);
  }
}

Op MonitorDomain::AsOwner(const RawStep& step, const MutexState& mutex) const {
  if (mutex.inconsistent) {
    const bool gives_up = shape_.gives_up && step.b % 4 != 0;
    return Make(gives_up ? Call::kMutexUnlock : Call::kMutexConsistent);
  }
  const unsigned kind = step.what % 16U;
  if (kind == 13) return Relock(step.b);
  if (kind == 14) return Make(Call::kMutexConsistent);
  if (!shape_.waits || kind < 3) return Make(Call::kMutexUnlock);
  if (kind == 10) return Make(Call::kCondSignal);
  if (kind == 11 || kind == 12) return Make(Call::kCondBroadcast);
  if (mutex.depth > 1) return Make(Call::kMutexUnlock);
  if (step.b % 4 == 0) return Make(Call::kCondTimedWait, kPastDeadline);
  return Make(step.b % 4 == 1 ? Call::kCondTimedWait : Call::kCondWait);
}

Op MonitorDomain::AsOther(const RawStep& step, const MutexState& mutex) const {
  const unsigned kind = step.what % 16U;
  if (shape_.waits && kind < 3) return Make(kind < 2 ? Call::kCondSignal : Call::kCondBroadcast);
  const MutexModel::Config& config = model().mutex().config();
  const bool checked = config.robust || config.type != MutexModel::Type::kNormal;
  // Nothing but locking is defined once the mutex is unusable.
  if (kind == 12 && checked && !mutex.unusable) return Make(Call::kMutexUnlock);
  if (kind == 13 && !mutex.inconsistent && !mutex.unusable) return Make(Call::kMutexConsistent);
  return MutexLockBy(step.b);
}

// All states agree on the mutex: who has it was seen.
Op MonitorDomain::Decode(const RawStep& step, int process, const std::vector<State>& states) {
  const MutexState& mutex = states.front().mutex;
  return mutex.OwnedBy(static_cast<std::uint16_t>(process)) ? AsOwner(step, mutex)
                                                            : AsOther(step, mutex);
}

bool MonitorDomain::MayKill(const std::vector<State>& states, int process) const {
  if (!shape_.kills) return false;
  const auto waits = [&](const State& state) {
    return std::ranges::binary_search(state.waiting, static_cast<std::uint16_t>(process));
  };
  return shape_.kills_waiters || std::ranges::none_of(states, waits);
}

Op RwlockDomain::Decode(const RawStep& step, int process, const std::vector<State>& states) {
  const RwlockState& lock = states.front();
  const auto self = static_cast<std::uint16_t>(process);
  const unsigned kind = step.what % 16U;
  if (lock.WrittenBy(self)) {
    if (kind < 12) return Make(Call::kRwlockUnlock);
    return Make(kind < 14 ? Call::kTryReadLock : Call::kTryWriteLock);
  }
  if (!lock.ReadBy(self)) return RwlockBy(step.b);
  // One that reads and waits for a writer that waits for it would be a deadlock.
  if (kind < 10 || !lock.blocked_writers.empty()) return Make(Call::kRwlockUnlock);
  if (kind == 10) return Make(Call::kTryWriteLock);
  if (kind == 11) return Make(Call::kTimedWriteLock, kPastDeadline);
  return Make(kind < 14 ? Call::kReadLock : Call::kTryReadLock);
}

bool RwlockDomain::MayKill(const std::vector<State>& states, int process) const {
  const auto self = static_cast<std::uint16_t>(process);
  return std::ranges::none_of(states, [&](const State& state) {
    return state.WrittenBy(self) || state.ReadBy(self) ||
           (!kills_waiters_ && state.BlockedOn(self));
  });
}

}  // namespace ipcsuite::props
