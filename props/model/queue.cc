#include "props/model/queue.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "props/model/hash.h"

namespace ipcsuite::props {
namespace {

auto Find(const std::vector<Waiter>& list, std::uint16_t process) {
  return std::find_if(list.begin(), list.end(),
                      [&](const Waiter& waiter) { return waiter.process == process; });
}

bool Contains(const std::vector<Waiter>& list, std::uint16_t process) {
  return Find(list, process) != list.end();
}

bool Remove(std::vector<Waiter>& list, std::uint16_t process) {
  const auto at = Find(list, process);
  if (at == list.end()) return false;
  list.erase(at);
  return true;
}

// Returns where the message stands now.
std::size_t Insert(std::vector<Message>& messages, Message message) {
  std::size_t at = messages.size();
  while (at > 0 && messages[at - 1].priority < message.priority) --at;
  messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(at), message);
  return at;
}

bool Timed(const Op& op) {
  return op.call == Call::kMqTimedSend || op.call == Call::kMqTimedReceive;
}

}  // namespace

void QueueModel::Step(const State& state, const Op& op, std::vector<State>& out) const {
  switch (op.call) {
    case Call::kMqSend:
    case Call::kMqTimedSend: return StepSend(state, op, out);
    case Call::kMqReceive:
    case Call::kMqTimedReceive: return StepReceive(state, op, out);
    case Call::kMqCount:
      if (op.Optional() || (op.Ok() && op.value == state.messages.size())) out.push_back(state);
      return;
    case Call::kMqNotify:
    case Call::kMqUnnotify:
    case Call::kMqSignals: return StepNotify(state, op, out);
    default: return;  // not an operation on a queue
  }
}

// True for an outcome that leaves the queue as it was, of a call that would have had to wait.
bool QueueModel::EndsWithoutEffect(const Op& op) const {
  if (op.error == EAGAIN) return op.Has(kNonblock);
  if (op.error == ETIMEDOUT) return Timed(op) && !op.Has(kNonblock);
  if (op.error == EINTR) return config_.signals && !op.Has(kNonblock);
  return false;
}

void QueueModel::StepSend(const State& state, const Op& op, std::vector<State>& out) const {
  if (Contains(state.released, op.process)) {
    if (op.Returned() && !op.Ok()) return;  // its message is in the queue
    State next = state;
    Remove(next.released, op.process);
    out.push_back(std::move(next));
    return;
  }
  if (Contains(state.senders, op.process)) {
    if (op.Returned() && (op.error == EAGAIN || !EndsWithoutEffect(op))) return;
    State next = state;
    Remove(next.senders, op.process);
    out.push_back(std::move(next));
    return;
  }
  const bool full = state.messages.size() >= config_.max_messages;
  if (op.Returned() && !op.Ok()) {
    if (full && EndsWithoutEffect(op)) out.push_back(state);
    return;
  }
  if (!full) Arrive(state, {op.value, op.priority}, false, out);
}

void QueueModel::StepReceive(const State& state, const Op& op, std::vector<State>& out) const {
  if (const auto at = Find(state.served, op.process); at != state.served.end()) {
    if (op.Returned() && (!op.Ok() || !(at->message == Message{op.value, op.priority}))) return;
    State next = state;
    Remove(next.served, op.process);
    out.push_back(std::move(next));
    return;
  }
  if (Contains(state.receivers, op.process)) {
    if (op.Returned() && (op.error == EAGAIN || !EndsWithoutEffect(op))) return;
    State next = state;
    Remove(next.receivers, op.process);
    out.push_back(std::move(next));
    return;
  }
  const bool empty = state.messages.empty();
  if (op.Returned() && !op.Ok()) {
    if (empty && EndsWithoutEffect(op)) out.push_back(state);
    return;
  }
  if (MayReceive(state, op)) TakeHead(state, out);
}

bool QueueModel::Apply(State& state, const Op& op, Undo& undo) const {
  const bool effect = !op.Returned() || op.Ok();
  if (effect && IsSend(op.call) && state.registered < 0) {
    if (state.messages.size() >= config_.max_messages) return false;
    undo.what = Undo::What::kSent;
    undo.at = Insert(state.messages, {op.value, op.priority});
    return true;
  }
  if (effect && IsReceive(op.call)) {
    if (!MayReceive(state, op)) return false;
    undo.what = Undo::What::kReceived;
    undo.message = state.messages.front();
    state.messages.erase(state.messages.begin());
    return true;
  }
  if (!effect && IsSend(op.call)) {
    return state.messages.size() >= config_.max_messages && EndsWithoutEffect(op);
  }
  if (!effect && IsReceive(op.call)) return state.messages.empty() && EndsWithoutEffect(op);
  std::vector<State> next;
  Step(state, op, next);
  if (next.empty()) return false;
  undo.what = Undo::What::kOther;
  undo.before = std::make_unique<State>(std::exchange(state, std::move(next.front())));
  return true;
}

void QueueModel::Revert(State& state, const Undo& undo) const {
  switch (undo.what) {
    case Undo::What::kSent:
      state.messages.erase(state.messages.begin() + static_cast<std::ptrdiff_t>(undo.at));
      return;
    case Undo::What::kReceived: state.messages.insert(state.messages.begin(), undo.message); return;
    case Undo::What::kOther: state = *undo.before; return;
    default: return;
  }
}

// Whether the receive `op`, which succeeded or may have, can have taken the first message.
bool QueueModel::MayReceive(const State& state, const Op& op) const {
  if (state.messages.empty()) return false;
  const Message& first = state.messages.front();
  if (op.Returned()) return first == Message{op.value, op.priority};
  return config_.unreceived == nullptr || config_.unreceived->contains(first.value);
}

// Removes the first message; a waiting sender's message moves into the room.
void QueueModel::TakeHead(State state, std::vector<State>& out) const {
  state.messages.erase(state.messages.begin());
  if (state.senders.empty()) {
    out.push_back(std::move(state));
    return;
  }
  const std::size_t choices = config_.waiters_in_order ? 1 : state.senders.size();
  for (std::size_t i = 0; i < choices; ++i) {
    State next = state;
    const Waiter sender = next.senders[i];
    next.senders.erase(next.senders.begin() + static_cast<std::ptrdiff_t>(i));
    next.released.push_back(sender);
    Arrive(std::move(next), sender.message, true, out);
  }
}

// A message arrives: at a waiting receiver if there is one, otherwise in the queue, where it
// notifies if the queue was empty.
void QueueModel::Arrive(State state, Message message, bool refill, std::vector<State>& out) const {
  if (!state.receivers.empty()) {
    const std::size_t choices = config_.waiters_in_order ? 1 : state.receivers.size();
    for (std::size_t i = 0; i < choices; ++i) {
      State next = state;
      next.served.push_back({next.receivers[i].process, message});
      next.receivers.erase(next.receivers.begin() + static_cast<std::ptrdiff_t>(i));
      out.push_back(std::move(next));
    }
    return;
  }
  const bool notifies = state.messages.empty() && state.registered >= 0;
  Insert(state.messages, message);
  if (!notifies) {
    out.push_back(std::move(state));
    return;
  }
  if (refill && config_.refill_may_be_silent) out.push_back(state);
  state.notified.push_back(static_cast<std::uint16_t>(state.registered));
  std::sort(state.notified.begin(), state.notified.end());
  state.registered = -1;
  out.push_back(std::move(state));
}

void QueueModel::StepNotify(const State& state, const Op& op, std::vector<State>& out) const {
  if (op.call == Call::kMqSignals) {
    const auto count = static_cast<std::uint64_t>(
        std::count(state.notified.begin(), state.notified.end(), op.process));
    if (op.Returned() && (!op.Ok() || op.value != count)) return;
    State next = state;
    std::erase(next.notified, op.process);
    out.push_back(std::move(next));
    return;
  }
  if (op.call == Call::kMqNotify) {
    if (op.Returned() && op.error == EBUSY) {
      if (state.registered >= 0) out.push_back(state);
      return;
    }
    if ((op.Returned() && !op.Ok()) || state.registered >= 0) return;
    State next = state;
    next.registered = op.process;
    out.push_back(std::move(next));
    return;
  }
  // Unregistering where this process is not registered has no effect; an error is allowed there.
  const bool mine = state.registered == op.process;
  if (op.Returned() && !op.Ok() && (mine || op.error != EINVAL)) return;
  State next = state;
  if (mine) next.registered = -1;
  out.push_back(std::move(next));
}

bool QueueModel::MayBlock(const State& state, const Op& op) const {
  if (op.Has(kNonblock)) return false;
  if (IsSend(op.call)) {
    if (Contains(state.released, op.process)) return false;
    return Contains(state.senders, op.process) || state.messages.size() >= config_.max_messages;
  }
  if (IsReceive(op.call)) {
    if (Contains(state.served, op.process)) return false;
    return Contains(state.receivers, op.process) || state.messages.empty();
  }
  return false;
}

void QueueModel::Block(State& state, const Op& op) const {
  if (IsSend(op.call) && !Contains(state.senders, op.process)) {
    state.senders.push_back({op.process, {op.value, op.priority}});
  }
  if (IsReceive(op.call) && !Contains(state.receivers, op.process)) {
    state.receivers.push_back({op.process, {}});
  }
}

// A process that dies while it waits consumes nothing and leaves nothing; its registration ends.
void QueueModel::Kill(State& state, const Op& op) const {
  Remove(state.senders, op.process);
  Remove(state.receivers, op.process);
  Remove(state.released, op.process);
  Remove(state.served, op.process);
  if (state.registered == op.process) state.registered = -1;
  std::erase(state.notified, op.process);
}

std::uint64_t QueueModel::Hash(const State& state) {
  Hasher hasher;
  for (const Message& message : state.messages) {
    hasher.Add(message.value + (std::uint64_t{message.priority} << 44));
  }
  for (const auto* list : {&state.receivers, &state.senders, &state.served, &state.released}) {
    hasher.Add(list->size());
    for (const Waiter& waiter : *list) hasher.Add(waiter.process).Add(waiter.message.value);
  }
  for (const std::uint16_t process : state.notified) hasher.Add(process);
  return hasher.Add(static_cast<std::uint64_t>(state.registered)).Value();
}

}  // namespace ipcsuite::props
