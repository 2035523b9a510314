#include "props/model/descriptors.h"

#include <cerrno>
#include <utility>

#include "props/model/hash.h"

namespace ipcsuite::props {
namespace {

FdTable& TableOf(DescriptorState& state, const Op& op) {
  return state.processes[op.process % kFdProcesses];
}

const Description* EndAt(const DescriptorState& state, const Op& op) {
  const FdSlot& slot = state.processes[op.process % kFdProcesses].slots[op.object % kFdSlots];
  return slot.description < 0 ? nullptr
                              : &state.descriptions[static_cast<std::size_t>(slot.description)];
}

}  // namespace

DescriptorState DescriptorModel::Initial() const {
  State state;
  state.processes[0].alive = true;
  return state;
}

bool DescriptorModel::EndOpen(const State& state, std::uint32_t pipe, bool write_end) {
  for (const FdTable& table : state.processes) {
    for (const FdSlot& slot : table.slots) {
      if (slot.description < 0) continue;
      const Description& end = state.descriptions[static_cast<std::size_t>(slot.description)];
      if (end.pipe == pipe && end.write_end == write_end) return true;
    }
  }
  return false;
}

void DescriptorModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  State next = state;
  TableOf(next, op).waits = false;
  if (Apply(next, op)) out.push_back(std::move(next));
}

bool DescriptorModel::Apply(State& next, const Op& op) const {
  FdTable& table = TableOf(next, op);
  FdSlot& slot = table.slots[op.object % kFdSlots];
  const Description* end = EndAt(next, op);
  switch (op.call) {
    case Call::kPipe: {
      if (!op.Ok()) return false;
      const auto pipe = static_cast<std::uint32_t>(next.pipes.size());
      next.pipes.emplace_back();
      slot = {static_cast<int>(next.descriptions.size()), false};
      table.slots[op.amount % kFdSlots] = {slot.description + 1, false};
      next.descriptions.push_back({pipe, false, false});
      next.descriptions.push_back({pipe, true, false});
      return true;
    }
    case Call::kDup:  // shares the description, never close-on-exec
      if (end == nullptr) return op.error == EBADF;
      if (!op.Ok()) return false;
      if (op.object % kFdSlots != op.amount % kFdSlots) {
        table.slots[op.amount % kFdSlots] = {slot.description, false};
      }
      return true;
    case Call::kClose:
      if (end == nullptr) return op.error == EBADF;
      slot = {};
      return op.Ok();
    case Call::kSetNonblock:
      next.descriptions[static_cast<std::size_t>(slot.description)].nonblock = op.value != 0;
      return op.Ok();
    case Call::kGetNonblock:
      return op.Ok() && op.value == static_cast<std::uint64_t>(end->nonblock);
    case Call::kSetCloexec: slot.cloexec = op.value != 0; return op.Ok();
    case Call::kGetCloexec: return op.Ok() && op.value == static_cast<std::uint64_t>(slot.cloexec);
    case Call::kPutByte: return end == nullptr ? op.error == EBADF : PutByte(next, *end, op);
    case Call::kGetByte: return end == nullptr ? op.error == EBADF : GetByte(next, *end, op);
    case Call::kFork: next.processes[op.amount % kFdProcesses] = table; return op.Ok();
    case Call::kExit: table = {}; return op.Ok();
    case Call::kExecProbe: {
      std::uint64_t open = 0;
      for (std::size_t i = 0; i < kFdSlots; ++i) {
        if (table.slots[i].description >= 0 && !table.slots[i].cloexec)
          open |= std::uint64_t{1} << i;
      }
      return op.Ok() && op.value == open;
    }
    default: return false;
  }
}

bool DescriptorModel::PutByte(State& next, const Description& end, const Op& op) const {
  if (!end.write_end) return op.error == EBADF;
  if (!EndOpen(next, end.pipe, false)) return op.error == EPIPE;
  if (!op.Ok()) return false;  // far fewer bytes are ever in than any capacity
  next.pipes[end.pipe].push_back(static_cast<std::uint8_t>(op.value));
  return true;
}

// A byte, the end of file (result 0), or EAGAIN where the description does not block.
bool DescriptorModel::GetByte(State& next, const Description& end, const Op& op) const {
  if (end.write_end) return op.error == EBADF;
  std::vector<std::uint8_t>& bytes = next.pipes[end.pipe];
  if (bytes.empty()) {
    if (!EndOpen(next, end.pipe, true)) return op.Ok() && op.result == 0;
    return end.nonblock && op.error == EAGAIN;
  }
  if (!op.Ok() || op.result != 1 || op.value != bytes.front()) return false;
  bytes.erase(bytes.begin());
  return true;
}

bool DescriptorModel::MayBlock(const State& state, const Op& op) const {
  const Description* end = EndAt(state, op);
  return op.call == Call::kGetByte && end != nullptr && !end->write_end && !end->nonblock &&
         state.pipes[end->pipe].empty() && EndOpen(state, end->pipe, true);
}

void DescriptorModel::Block(State& state, const Op& op) const { TableOf(state, op).waits = true; }

void DescriptorModel::Kill(State& state, const Op& op) const { TableOf(state, op) = {}; }

std::uint64_t DescriptorModel::Hash(const State& state) {
  Hasher hasher;
  for (const Description& end : state.descriptions) {
    hasher.Add(end.pipe * 4U + end.write_end * 2U + end.nonblock);
  }
  for (const auto& bytes : state.pipes) {
    hasher.Add(bytes.size());
    for (const std::uint8_t byte : bytes) hasher.Add(byte);
  }
  for (const FdTable& table : state.processes) {
    hasher.Add(table.alive * 2U + table.waits);
    for (const FdSlot& slot : table.slots) {
      hasher.Add(static_cast<std::uint64_t>(slot.description) * 2 + slot.cloexec);
    }
  }
  return hasher.Value();
}

}  // namespace ipcsuite::props
