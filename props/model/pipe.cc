#include "props/model/pipe.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/model/hash.h"
#include "props/model/record.h"

namespace ipcsuite::props {
namespace {

constexpr std::size_t kNoLargeWrite = ~std::size_t{0};

std::uint64_t Bit(const Op& op) { return std::uint64_t{1} << (op.process % 64); }

bool MayHoldData(const PipeState& state) { return !state.content.empty() || !state.large.empty(); }

bool MayBeEmpty(const PipeState& state) {
  return state.content.empty() && std::all_of(state.large.begin(), state.large.end(),
                                              [](const LargeWrite& large) { return large.killed; });
}

// The pipe was seen empty: nothing more of a killed write can come.
PipeState SeenEmpty(PipeState state) {
  std::erase_if(state.large, [](const LargeWrite& large) { return large.killed; });
  return state;
}

std::size_t FindLarge(const PipeState& state, std::uint16_t process) {
  for (std::size_t i = 0; i < state.large.size(); ++i) {
    if (state.large[i].process == process && !state.large[i].returned) return i;
  }
  return state.large.size();
}

void Append(PipeState& state, std::uint64_t record, std::uint64_t length) {
  if (length > 0) state.content.push_back({record, 0, static_cast<std::uint32_t>(length)});
}

// Takes `piece` from the front of the stream, or from a large write whose bytes may stand anywhere.
bool TakePiece(PipeState& state, const Piece& piece) {
  if (!state.content.empty()) {
    Piece& front = state.content.front();
    if (front.record == piece.record && front.offset == piece.offset &&
        piece.length <= front.length) {
      front.offset += piece.length;
      front.length -= piece.length;
      if (front.length == 0) state.content.erase(state.content.begin());
      return true;
    }
  }
  for (LargeWrite& large : state.large) {
    if (large.record == piece.record && large.read == piece.offset &&
        large.read + piece.length <= large.total) {
      large.read += piece.length;
      return true;
    }
  }
  return false;
}

void DropFinished(PipeState& state) {
  std::erase_if(state.large, [](const LargeWrite& l) { return l.returned && l.read == l.total; });
}

// Whether `byte` may come next from any source but large write `but`.
bool NextMatches(const PipeState& state, std::size_t but, unsigned char byte) {
  if (!state.content.empty() &&
      RecordByte(state.content.front().record, state.content.front().offset) == byte) {
    return true;
  }
  for (std::size_t i = 0; i < state.large.size(); ++i) {
    const LargeWrite& large = state.large[i];
    if (i != but && large.read < large.total && RecordByte(large.record, large.read) == byte) {
      return true;
    }
  }
  return false;
}

}  // namespace

PipeState PipeModel::Initial() const {
  State state;
  state.readers = config_.readers;
  state.writers = config_.writers;
  state.had_writer = config_.writers != 0;
  return state;
}

void PipeModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  switch (op.call) {
    case Call::kWrite: return StepWrite(state, op, out);
    case Call::kRead: return StepRead(state, op, out);
    case Call::kCloseRead:
    case Call::kCloseWrite:
    case Call::kOpenRead:
    case Call::kOpenWrite: return StepEnds(state, op, out);
    case Call::kPollIn:
    case Call::kPollOut: return StepPoll(state, op, out);
    default: return;  // not an operation on a pipe
  }
}

void PipeModel::Begin(State& state, const Op& op) const {
  if (op.call == Call::kWrite && !op.Has(kNonblock) && op.amount > config_.pipe_buf) {
    state.large.push_back({op.process, false, false, op.value, 0, op.amount});
  }
}

void PipeModel::StepWrite(const State& state, const Op& op, std::vector<State>& out) const {
  if (const std::size_t at = FindLarge(state, op.process); at < state.large.size()) {
    return EndLargeWrite(state, at, op, out);
  }
  const bool atomic = op.amount <= config_.pipe_buf;
  if (op.Optional()) {
    if (state.readers == 0) return;
    State next = state;
    if (atomic) {
      Append(next, op.value, op.amount);
    } else {  // any first part of it may have entered
      next.large.push_back({op.process, true, true, op.value, 0, op.amount});
    }
    out.push_back(std::move(next));
    return;
  }
  if (!op.Ok()) {
    const bool allowed =
        (op.error == EPIPE && state.readers == 0) ||
        (op.error == EAGAIN && op.Has(kNonblock) && MayHoldData(state)) ||
        (op.error == EINTR && config_.signals && !op.Has(kNonblock) && MayHoldData(state));
    if (allowed) out.push_back(state);
    return;
  }
  const auto count = static_cast<std::uint64_t>(op.result);
  if (op.result <= 0 || count > op.amount || state.readers == 0) return;
  if (count < op.amount) {
    const bool may_be_short = !atomic && (op.Has(kNonblock) || config_.signals);
    if (!may_be_short) return;
    if (!MayHoldData(state) && op.Has(kNonblock) && count < config_.pipe_buf) return;
  }
  State next = state;
  Append(next, op.value, count);
  out.push_back(std::move(next));
}

// The end of a blocking write of more than {PIPE_BUF} bytes: all of it, or what had entered when
// the last reader went or a signal came.
void PipeModel::EndLargeWrite(const State& state, std::size_t at, const Op& op,
                              std::vector<State>& out) const {
  State next = state;
  LargeWrite& large = next.large[at];
  if (op.Optional()) {
    large.returned = true;
    large.killed = true;
  } else if (op.Ok()) {
    const auto count = static_cast<std::uint64_t>(op.result);
    const bool cut_short = count >= std::max<std::uint64_t>(large.read, 1) && count < large.total &&
                           (config_.signals || state.readers == 0);
    if (count != large.total && !cut_short) return;
    large.total = count;
    large.returned = true;
  } else if (op.error == EPIPE && state.readers == 0) {
    large.returned = true;
  } else if (op.error == EINTR && config_.signals && large.read == 0) {
    large.total = 0;
    large.returned = true;
  } else {
    return;
  }
  if (state.readers == 0 || large.read == large.total) {
    next.large.erase(next.large.begin() + static_cast<std::ptrdiff_t>(at));
  }
  out.push_back(std::move(next));
}

// Takes the pieces of `op` out of the stream; false when they do not stand there.
bool PipeModel::ConsumePieces(State& state, const Op& op) const {
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < op.piece_count; ++i) {
    const std::uint64_t at = op.piece_begin + i;
    if (config_.pieces == nullptr || at >= config_.pieces->size()) return false;
    const Piece& piece = (*config_.pieces)[at];
    if (!TakePiece(state, piece)) return false;
    total += piece.length;
  }
  DropFinished(state);
  return total == static_cast<std::uint64_t>(op.result);
}

// Appends every state that is left when these bytes were read: the front of the stream must have
// been them, or the next of a large write, which may stand between others at any boundary.
void PipeModel::ConsumeBytes(const State& state, const unsigned char* bytes, std::size_t length,
                             std::size_t last, std::vector<State>& out) const {
  if (length == 0) {
    out.push_back(state);
    DropFinished(out.back());
    return;
  }
  if (!state.content.empty()) {
    const Piece& front = state.content.front();
    const std::size_t take = std::min<std::size_t>(length, front.length);
    if (MatchRecord(bytes, front.record, front.offset, take) == take) {
      State next = state;
      TakePiece(next, {front.record, front.offset, static_cast<std::uint32_t>(take)});
      ConsumeBytes(next, bytes + take, length - take, kNoLargeWrite, out);
    }
  }
  for (std::size_t i = 0; i < state.large.size(); ++i) {
    if (i == last) continue;
    const LargeWrite& large = state.large[i];
    const std::size_t most = MatchRecord(bytes, large.record, large.read,
                                         std::min<std::uint64_t>(length, large.total - large.read));
    for (std::size_t take = most; take > 0; --take) {
      // Stopping earlier than at the first byte that differs makes sense only where another may go
      // on.
      if (take != most && !NextMatches(state, i, bytes[take])) continue;
      State next = state;
      next.large[i].read += take;
      ConsumeBytes(next, bytes + take, length - take, i, out);
    }
  }
}

void PipeModel::StepRead(const State& state, const Op& op, std::vector<State>& out) const {
  if (op.Optional()) {
    // A killed reader may have taken any first part of what was there, up to what it asked for.
    State next = state;
    std::uint64_t left = op.amount;
    out.push_back(next);
    while (left > 0 && !next.content.empty()) {
      Piece& front = next.content.front();
      const auto take = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, front.length));
      TakePiece(next, {front.record, front.offset, take});
      left -= take;
      out.push_back(next);
    }
    return;
  }
  if (!op.Ok()) {
    const bool empty_with_writer = MayBeEmpty(state) && state.writers != 0;
    const bool allowed = (op.error == EAGAIN && op.Has(kNonblock) && empty_with_writer) ||
                         (op.error == EINTR && config_.signals && empty_with_writer);
    if (allowed) out.push_back(SeenEmpty(state));
    return;
  }
  if (op.result == 0) {
    if (op.amount == 0) {
      out.push_back(state);
    } else if (state.writers == 0 && MayBeEmpty(state)) {
      out.push_back(SeenEmpty(state));
    }
    return;
  }
  if (static_cast<std::uint64_t>(op.result) > op.amount) return;
  const std::size_t before = out.size();
  if (config_.bytes != nullptr) {
    ConsumeBytes(state, config_.bytes + op.piece_begin, static_cast<std::size_t>(op.result),
                 kNoLargeWrite, out);
  } else if (State next = state; ConsumePieces(next, op)) {
    out.push_back(std::move(next));
  }
  if (config_.short_reads || static_cast<std::uint64_t>(op.result) == op.amount) return;
  // Fewer bytes than asked for only when no more were there.
  out.erase(std::remove_if(out.begin() + static_cast<std::ptrdiff_t>(before), out.end(),
                           [](const State& next) { return !next.content.empty(); }),
            out.end());
}

void PipeModel::StepEnds(const State& state, const Op& op, std::vector<State>& out) const {
  State next = state;
  switch (op.call) {
    case Call::kCloseRead:
      if (!op.Ok() && op.Returned()) return;
      next.readers &= ~Bit(op);
      break;
    case Call::kCloseWrite:
      if (!op.Ok() && op.Returned()) return;
      next.writers &= ~Bit(op);
      break;
    case Call::kOpenRead:
      if (!op.Ok() && op.Returned()) return;
      if (next.readers == 0) next.had_writer = next.writers != 0;
      next.readers |= Bit(op);
      break;
    default:
      if (op.Returned() && !op.Ok()) {
        if (op.error == ENXIO && state.readers == 0) out.push_back(state);
        return;
      }
      if (state.readers == 0) return;
      next.writers |= Bit(op);
      next.had_writer = true;
      break;
  }
  if (next.readers == 0 && next.writers == 0) {
    next.content.clear();  // a FIFO's data goes with the last close
    next.large.clear();
  } else if (next.readers == 0 && state.readers != 0 && MayHoldData(next)) {
    // Whether data outlives a gap between readers while a writer is there is not specified.
    if (config_.fifo) out.push_back(next);
    next.content.clear();
    std::erase_if(next.large, [](const LargeWrite& large) { return large.returned; });
  }
  out.push_back(std::move(next));
}

void PipeModel::StepPoll(const State& state, const Op& op, std::vector<State>& out) const {
  if (op.Returned() && !op.Ok()) return;
  bool zero_allowed = true;
  bool one_allowed = true;
  if (op.call == Call::kPollIn) {
    const bool at_end = state.writers == 0;
    const bool never_opened = config_.fifo && at_end && !state.had_writer;
    one_allowed = MayHoldData(state) || at_end;
    zero_allowed = MayBeEmpty(state) && (!at_end || never_opened);
  } else if (!MayHoldData(state) && state.readers != 0) {
    zero_allowed = false;
  }
  if (op.Optional() || (op.value == 0 ? zero_allowed : one_allowed)) out.push_back(state);
}

bool PipeModel::MayBlock(const State& state, const Op& op) const {
  if (op.Has(kNonblock)) return false;
  if (op.call == Call::kRead) return MayBeEmpty(state) && state.writers != 0;
  if (op.call != Call::kWrite || state.readers == 0) return false;
  if (const std::size_t at = FindLarge(state, op.process); at < state.large.size()) {
    return state.large[at].read < state.large[at].total;
  }
  return MayHoldData(state) || op.amount > config_.pipe_buf;
}

// The death of a process closes its ends; a write of at most {PIPE_BUF} bytes that waited leaves
// nothing, a larger one may leave its first part.
void PipeModel::Kill(State& state, const Op& op) const {
  if (const std::size_t at = FindLarge(state, op.process); at < state.large.size()) {
    state.large[at].returned = true;
    state.large[at].killed = true;
  }
  state.readers &= ~Bit(op);
  state.writers &= ~Bit(op);
}

std::uint64_t PipeModel::Hash(const State& state) {
  Hasher hasher;
  for (const Piece& piece : state.content) {
    hasher.Add(piece.record).Add((std::uint64_t{piece.offset} << 32) | piece.length);
  }
  hasher.Add(state.large.size());
  for (const LargeWrite& large : state.large) {
    hasher.Add(large.record)
        .Add(large.read)
        .Add(large.total)
        .Add(large.returned + 2U * large.killed);
  }
  return hasher.Add(state.readers).Add(state.writers).Add(state.had_writer).Value();
}

}  // namespace ipcsuite::props
