#include "props/properties/pipe_domain.h"

#include <algorithm>

#include "props/engine/target.h"

namespace ipcsuite::props {

// Sizes where pipes have their edges: small, around {PIPE_BUF}, and around usual capacities.
std::uint64_t PipeDomain::Amount(std::uint16_t a, std::uint16_t b) const {
  const std::uint64_t pipe_buf = model().config().pipe_buf;
  std::uint64_t amount = 1;
  switch (a % 8) {
    case 0:
    case 1: amount = 1 + b % 16; break;
    case 2:
    case 3: amount = 1 + b % pipe_buf; break;
    case 4: amount = pipe_buf - b % 3; break;
    case 5: amount = pipe_buf + b % 3; break;
    case 6: amount = 65536 - pipe_buf + b % (2 * pipe_buf); break;
    default: amount = 1 + std::uint64_t{b} * 3; break;
  }
  return std::clamp<std::uint64_t>(amount, 1, Target::kMaxBytes);
}

Op PipeDomain::Decode(const RawStep& step, int process, const std::vector<State>& states) {
  const State& state = states.front();  // which ends are open is the same in all
  const std::uint64_t bit = std::uint64_t{1} << process;
  const bool reader = (state.readers & bit) != 0;
  const bool writer = (state.writers & bit) != 0;
  const unsigned kind = step.what % 32U;
  if (kind == 31 && shape_.ends) return Ends(step, bit, state);
  if (kind >= 28) {
    Op op;
    if (kind == 29 ? reader : !writer) op.call = Call::kPollIn;
    if (kind != 29 && writer) op.call = Call::kPollOut;
    if (op.call == Call::kPollIn && !reader) op.call = Call::kNone;
    return op;
  }
  if (writer && (!reader || kind < 14)) return Write(step, state);
  if (reader) return Read(step);
  return {};
}

Op PipeDomain::Write(const RawStep& step, const State& state) {
  Op op;
  op.call = Call::kWrite;
  op.value = ++next_record_;
  op.amount = Amount(step.a, step.b);
  if ((step.a >> 4) % 4 == 0) op.flags |= kNonblock;
  if ((step.a >> 8) % 8 == 0) op.flags |= kGather;
  // O_NONBLOCK belongs to the description that other processes share: it is left alone while one
  // of them may be in a write.
  if (!state.large.empty() || model().config().writers != 1) op.flags &= ~kNonblock;
  return op;
}

Op PipeDomain::Read(const RawStep& step) {
  Op op;
  op.call = Call::kRead;
  op.amount = Amount(step.a, step.b);
  if ((step.a >> 4) % 4 == 0) op.flags |= kNonblock;
  if ((step.a >> 8) % 8 == 0) op.flags |= kGather;
  return op;
}

Op PipeDomain::Ends(const RawStep& step, std::uint64_t bit, const State& state) const {
  Op op;
  if (step.a % 4 != 0) return op;  // not too often: nothing happens to a pipe without ends
  const bool read_end = step.b % 2 == 0;
  const bool open = ((read_end ? state.readers : state.writers) & bit) != 0;
  if (open) {
    op.call = read_end ? Call::kCloseRead : Call::kCloseWrite;
  } else if (model().config().fifo) {
    op.call = read_end ? Call::kOpenRead : Call::kOpenWrite;
  }
  return op;
}

}  // namespace ipcsuite::props
