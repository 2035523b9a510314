#include "props/model/shm.h"

#include <cerrno>
#include <utility>

#include "props/model/hash.h"

namespace ipcsuite::props {
namespace {

ShmProcess& ProcessOf(ShmState& state, const Op& op) {
  return state.processes[op.process % kShmProcesses];
}

// True for a success where one is due, and for the error where that is.
bool Ends(const Op& op, int error) { return op.error == error; }

}  // namespace

ShmState ShmModel::Initial() const {
  State state;
  state.names.fill(-1);
  return state;
}

void ShmModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  State next = state;
  bool allowed = false;
  ShmProcess& process = ProcessOf(next, op);
  switch (op.call) {
    case Call::kShmOpen: allowed = Open(next, op); break;
    case Call::kShmUnlink: {
      int& name = next.names[op.object % kShmNames];
      allowed = Ends(op, name < 0 ? ENOENT : 0);
      name = -1;
      break;
    }
    case Call::kFtruncate: allowed = Truncate(next, op); break;
    case Call::kFstatSize: {
      const ShmDescriptor& fd = process.descriptors[op.object % kShmSlots];
      allowed = op.Ok() && op.value == next.objects[static_cast<std::size_t>(fd.object)].size;
      break;
    }
    case Call::kCloseFd:
      process.descriptors[op.object % kShmSlots] = {};
      allowed = op.Ok();
      break;
    case Call::kMmap: allowed = Map(next, op); break;
    case Call::kMunmap:
      process.mappings[op.object % kShmSlots] = {};
      allowed = op.Ok();
      break;
    case Call::kStore:
    case Call::kLoad: allowed = Access(next, op); break;
    default: break;
  }
  if (allowed) out.push_back(std::move(next));
}

bool ShmModel::Open(State& next, const Op& op) const {
  int& name = next.names[op.object % kShmNames];
  if (name >= 0 && op.Has(kCreate) && op.Has(kExclusive)) return Ends(op, EEXIST);
  if (name < 0 && !op.Has(kCreate)) return Ends(op, ENOENT);
  if (!op.Ok()) return false;
  if (name < 0) {
    name = static_cast<int>(next.objects.size());
    next.objects.emplace_back();
  }
  if (op.Has(kTruncate)) next.objects[static_cast<std::size_t>(name)] = {};
  ProcessOf(next, op).descriptors[op.amount % kShmSlots] = {name, op.Has(kReadOnly)};
  return true;
}

bool ShmModel::Truncate(State& next, const Op& op) const {
  const ShmDescriptor& fd = ProcessOf(next, op).descriptors[op.object % kShmSlots];
  if (fd.read_only) return op.error == EBADF || op.error == EINVAL;
  if (!op.Ok()) return false;
  ShmObject& object = next.objects[static_cast<std::size_t>(fd.object)];
  object.size = op.amount;
  object.bytes.erase(object.bytes.lower_bound(op.amount), object.bytes.end());
  return true;
}

bool ShmModel::Map(State& next, const Op& op) const {
  ShmProcess& process = ProcessOf(next, op);
  const ShmDescriptor& fd = process.descriptors[op.object % kShmSlots];
  if (!op.Ok()) return false;
  process.mappings[op.priority % kShmSlots] = {fd.object, fd.read_only, op.amount};
  return true;
}

// A byte of the object, or a fault (noted as EFAULT) beyond its last page.
bool ShmModel::Access(State& next, const Op& op) const {
  const ShmMapping& mapping = ProcessOf(next, op).mappings[op.object % kShmSlots];
  ShmObject& object = next.objects[static_cast<std::size_t>(mapping.object)];
  const std::uint64_t at = mapping.page * page_size_ + op.amount;
  if (at >= object.size) {
    const std::uint64_t last_page_end = (object.size + page_size_ - 1) / page_size_ * page_size_;
    return at >= last_page_end && Ends(op, EFAULT);
  }
  if (!op.Ok()) return false;
  if (op.call == Call::kStore) {
    if (op.value == 0) {
      object.bytes.erase(at);
    } else {
      object.bytes[at] = static_cast<std::uint8_t>(op.value);
    }
    return true;
  }
  const auto found = object.bytes.find(at);
  return op.value == (found == object.bytes.end() ? 0 : found->second);
}

void ShmModel::Kill(State& state, const Op& op) const { ProcessOf(state, op) = {}; }

std::uint64_t ShmModel::Hash(const State& state) {
  Hasher hasher;
  for (const ShmObject& object : state.objects) {
    hasher.Add(object.size);
    for (const auto& [at, byte] : object.bytes) hasher.Add(at * 256 + byte);
  }
  for (const int name : state.names) hasher.Add(static_cast<std::uint64_t>(name));
  for (const ShmProcess& process : state.processes) {
    for (const ShmDescriptor& fd : process.descriptors) {
      hasher.Add(static_cast<std::uint64_t>(fd.object) * 2 + fd.read_only);
    }
    for (const ShmMapping& mapping : process.mappings) {
      hasher.Add(static_cast<std::uint64_t>(mapping.object) * 2 + mapping.read_only)
          .Add(mapping.page);
    }
  }
  return hasher.Value();
}

}  // namespace ipcsuite::props
