#include "props/model/semaphore.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/model/hash.h"

namespace ipcsuite::props {
namespace {

bool Waits(const SemState& state, std::uint16_t process) {
  return std::find(state.waiters.begin(), state.waiters.end(), process) != state.waiters.end();
}

bool Tries(const Op& op) { return op.call == Call::kSemTryWait || op.Has(kNonblock); }

}  // namespace

// A waiter with a priority is served when none of a higher one waits, nor one as high for longer.
bool SemModel::Serves(const State& state, std::uint16_t process) const {
  if (config_.levels.empty() || !Waits(state, process)) return true;
  const auto best = std::max_element(
      state.waiters.begin(), state.waiters.end(),
      [&](std::uint16_t a, std::uint16_t b) { return config_.levels[a] < config_.levels[b]; });
  return *best == process;  // the first of several
}

bool SemModel::MayReport(const State& state, std::int64_t value) const {
  if (value > 0) return state.value == static_cast<std::uint64_t>(value);
  if (state.value != 0) return false;
  return value == 0 || !config_.waiters_known ||
         static_cast<std::uint64_t>(-value) == state.waiters.size();
}

bool SemModel::Allows(const State& state, const Op& op, std::int64_t& added) const {
  added = 0;
  const bool effect = !op.Returned() || op.Ok();
  if (op.call == Call::kSemValue) return op.Optional() || (op.Ok() && MayReport(state, Stored(op)));
  if (op.call == Call::kSemPost) {
    const bool full = state.value >= config_.max_value;
    if (full) return op.error == EOVERFLOW || (effect && config_.overflow_may_pass);
    added = 1;
    return effect;
  }
  if (!IsSemWait(op.call)) return false;
  if (effect) {
    added = -1;
    return state.value > 0 && Serves(state, op.process);
  }
  if (state.value > 0) return false;
  const bool timed = op.call == Call::kSemTimedWait || op.call == Call::kSemClockWait;
  switch (op.error) {
    case EAGAIN: return Tries(op);
    case ETIMEDOUT: return timed && !Tries(op);
    case EINTR: return config_.signals && !Tries(op);
    default: return false;
  }
}

void SemModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  std::int64_t added = 0;
  if (!Allows(state, op, added)) return;
  State next = state;
  next.value += static_cast<std::uint64_t>(added);
  if (IsSemWait(op.call)) std::erase(next.waiters, op.process);
  out.push_back(std::move(next));
}

bool SemModel::Apply(State& state, const Op& op, Undo& undo) const {
  if (!Allows(state, op, undo.added)) return false;
  state.value += static_cast<std::uint64_t>(undo.added);
  return true;
}

bool SemModel::MayBlock(const State& state, const Op& op) const {
  return IsSemWait(op.call) && !Tries(op) && state.value == 0;
}

void SemModel::Block(State& state, const Op& op) const {
  if (!Waits(state, op.process)) state.waiters.push_back(op.process);
}

// A process that dies while it waits takes nothing along; what it took before stays taken.
void SemModel::Kill(State& state, const Op& op) const { std::erase(state.waiters, op.process); }

std::uint64_t SemModel::Hash(const State& state) {
  return Hasher().Add(state.value).AddAll(state.waiters).Value();
}

}  // namespace ipcsuite::props
