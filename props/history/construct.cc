#include "props/history/construct.h"

#include <algorithm>
#include <cerrno>

#include "base/random.h"
#include "props/history/queue_builder.h"

namespace ipcsuite::props {
namespace {

// The priorities that occur, ascending; counts the sends.
std::vector<std::uint32_t> Priorities(const std::vector<Op>& ops, std::size_t& puts) {
  std::vector<std::uint32_t> found;
  std::size_t compact_at = 4096;
  const auto compact = [&] {
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    compact_at = 2 * found.size() + 4096;
  };
  for (const Op& op : ops) {
    if (!IsSend(op.call)) continue;
    ++puts;
    found.push_back(op.priority);
    if (found.size() > compact_at) compact();
  }
  compact();
  return found;
}

}  // namespace

QueueBuilder::QueueBuilder(const std::vector<Op>& ops, const ConstructOptions& options,
                           unsigned matching)
    : ops_(ops),
      options_(options),
      matching_(matching),
      events_(EventsInOrder(ops, true)),
      items_(ops.size()),
      random_(std::mt19937_64::default_seed + matching) {}

// An outcome without effect that a call may have where it would have to wait.
bool QueueBuilder::MayFail(const Op& op) const {
  const bool timed = op.call == Call::kMqTimedSend || op.call == Call::kMqTimedReceive;
  if (op.error == EAGAIN) return op.Has(kNonblock);
  if (op.error == ETIMEDOUT) return timed && !op.Has(kNonblock);
  return op.error == EINTR && options_.signals && !op.Has(kNonblock);
}

// False when this is not an operation that is understood here.
bool QueueBuilder::SetRole(std::uint32_t i) {
  const Op& op = ops_[i];
  Item& item = items_[i];
  const bool moves = IsSend(op.call) || IsReceive(op.call);
  if (op.fate == Fate::kBlocked) return moves && !op.Has(kNonblock);
  if (!moves && op.call != Call::kMqCount) return false;
  if (op.Optional()) {
    if (moves) item.role = IsSend(op.call) ? Role::kMaybePut : Role::kMaybeTake;
  } else if (moves && op.Ok()) {
    item.role = IsSend(op.call) ? Role::kPut : Role::kTake;
  } else {
    item.role = Role::kLevel;
    item.level = moves ? LevelOf(op) : op.value;
    return moves ? MayFail(op) : op.Ok();
  }
  return true;
}

bool QueueBuilder::Prepare() {
  std::size_t puts = 0;
  const std::vector<std::uint32_t> priorities = Priorities(ops_, puts);
  classes_.resize(priorities.size());
  filled_ = ClassSet(priorities.size());
  pairs_ = ClassSet(priorities.size());
  due_ = PrefixMin(priorities.size());
  maybe_puts_ = priorities.size();
  maybe_takes_ = maybe_puts_ + 1;
  levels_ = maybe_takes_ + 1;
  open_ = OpLists(ops_.size(), levels_ + 1);
  ready_ = OpLists(ops_.size(), priorities.size());
  ValueIndex values(puts);
  for (std::uint32_t i = 0; i < ops_.size(); ++i) {
    if (!SetRole(i)) return false;
    if (!IsSend(ops_[i].call)) continue;
    items_[i].cls = static_cast<std::uint32_t>(
        std::lower_bound(priorities.begin(), priorities.end(), ops_[i].priority) -
        priorities.begin());
    if (!values.Insert(ops_[i].value, i)) return false;
  }
  for (std::uint32_t i = 0; i < ops_.size(); ++i) {
    if (items_[i].role != Role::kTake) continue;
    const std::uint32_t put = values.At(ops_[i].value);
    items_[i].partner = put;
    items_[i].cls = items_[put].cls;
    items_[put].partner = i;
    items_[put].role = Role::kPut;
    items_[put].deadline = EndOf(i);
  }
  if (matching_ > 0) MatchKilled();
  ListTakes();
  return true;
}

// A level begins to be waited for, or the wait ends.
void QueueBuilder::Wait(std::uint32_t level, bool begins) {
  const std::uint64_t by = begins ? 1 : ~std::uint64_t{0};
  levels_open_ += by;
  if (items_[level].level > 0) fills_open_ += by;
  if (begins) {
    open_.Append(levels_, level);
  } else {
    open_.Remove(level);
  }
}

void QueueBuilder::NoteLevel() {
  for (std::uint32_t i = open_.First(levels_); i != open_.End(levels_);) {
    const std::uint32_t next = open_.Next(i);
    if (items_[i].level == count_) {
      Wait(i, false);
      items_[i].placed = true;
      Log(Act::kLevel, i);
    }
    i = next;
  }
}

void QueueBuilder::MakeReady(std::uint32_t put) {
  ready_.Append(items_[put].cls, put);
  pairs_.Insert(items_[put].cls);
}

void QueueBuilder::MakeUnready(std::uint32_t put) {
  if (!ready_.Contains(put)) return;
  ready_.Remove(put);
  if (ready_.Empty(items_[put].cls)) pairs_.Erase(items_[put].cls);
}

void QueueBuilder::Put(std::uint32_t i) {
  Item& item = items_[i];
  Class& cls = classes_[item.cls];
  if (cls.Empty()) filled_.Insert(item.cls);
  cls.puts.push_back(i);
  open_.Remove(i);
  MakeUnready(i);
  item.placed = true;
  if (item.role == Role::kPut) --puts_open_;
  ++count_;
  Log(Act::kPut, i);
  if (levels_open_ > 0) NoteLevel();
}

// Takes the first message out, by `i`.
void QueueBuilder::Take(std::uint32_t i) {
  Item& item = items_[i];
  const auto at = static_cast<std::uint32_t>(filled_.Top());
  Class& cls = classes_[at];
  ++cls.head;
  if (cls.Empty()) filled_.Erase(at);
  item.placed = true;
  --count_;
  if (item.role == Role::kMaybeTake) {
    item.cls = at;
    open_.Remove(i);
    Log(Act::kMaybeTake, i);
  } else {
    NoteDue(at);
    Log(Act::kTake, i);
  }
  if (levels_open_ > 0) NoteLevel();
}

// A put of a class above `top`, at most `pair`, that may be taken in the same moment.
std::uint32_t QueueBuilder::ReadyPut(std::int32_t pair, std::int32_t top) const {
  for (std::int32_t cls = pair; cls > top; --cls) {
    const auto list = static_cast<std::size_t>(cls);
    for (std::uint32_t put = ready_.First(list); put != ready_.End(list); put = ready_.Next(put)) {
      if (!Deferred(items_[put].partner)) return put;
    }
  }
  return kNone;
}

// Takes out the first message, or puts in one that becomes the first and takes it out; false when
// neither is possible. Takes that are to wait for a level are left unless that is `forced`.
bool QueueBuilder::DrainStep(bool forced) {
  const std::int32_t top = filled_.Top();
  const std::int32_t pair = pairs_.Top();
  if (pair > top && count_ < options_.max_messages) {
    const std::uint32_t put =
        forced ? ready_.First(static_cast<std::size_t>(pair)) : ReadyPut(pair, top);
    if (put != kNone) {
      Put(put);
      Take(items_[put].partner);
      return true;
    }
  }
  if (top < 0) return false;
  const std::uint32_t take = items_[HeadOf(top)].partner;
  if (take == kNone || !items_[take].open || (!forced && Deferred(take))) return false;
  Take(take);
  return true;
}

void QueueBuilder::Drain() {
  while (DrainStep(false)) {
  }
}

void QueueBuilder::Invoke(std::uint32_t i) {
  Item& item = items_[i];
  item.open = true;
  Log(Act::kOpen, i);
  switch (item.role) {
    case Role::kPut:
      open_.Append(item.cls, i);
      ++puts_open_;
      if (item.partner != kNone && items_[item.partner].open) {
        MakeReady(i);
        Drain();
      }
      return;
    case Role::kTake:
      if (!items_[item.partner].open) return;
      if (!items_[item.partner].placed) MakeReady(item.partner);
      Drain();
      return;
    case Role::kMaybePut: open_.Append(maybe_puts_, i); return;
    case Role::kMaybeTake: open_.Append(maybe_takes_, i); return;
    case Role::kLevel:
      item.opened = static_cast<std::uint32_t>(journal_.size() - 1);
      Wait(i, true);
      if (item.level != count_) return;
      NoteLevel();
      Drain();
      return;
    case Role::kNothing: return;
  }
}

// Lets a killed receiver take the first message, if nobody else did; false when that cannot be.
bool QueueBuilder::UnblockHead() {
  const std::int32_t top = filled_.Top();
  if (top < 0 || items_[HeadOf(top)].partner != kNone || open_.Empty(maybe_takes_)) return false;
  Take(open_.First(maybe_takes_));
  return true;
}

bool QueueBuilder::MakeRoom() {
  while (count_ >= options_.max_messages) {
    if (!DrainStep(true) && !UnblockHead()) return false;
  }
  return true;
}

// Puts `i` in, and before it those of its class that must come out before it.
bool QueueBuilder::PutInOrder(std::uint32_t i) {
  const std::size_t cls = items_[i].cls;
  const std::uint64_t limit = TakeInvoke(i);
  while (!items_[i].placed) {
    if (!MakeRoom()) return false;
    if (items_[i].placed) break;
    std::uint32_t next = i;
    for (std::uint32_t u = open_.First(cls); u != open_.End(cls); u = open_.Next(u)) {
      if (u == i || items_[u].deadline >= limit) continue;
      if (next == i || items_[u].deadline < items_[next].deadline) next = u;
    }
    Put(next);
    Drain();
  }
  return true;
}

bool QueueBuilder::ForceTake(std::uint32_t i) {
  const std::uint32_t put = items_[i].partner;
  while (!items_[i].placed) {
    const bool pair =
        !items_[put].placed &&
        count_<options_.max_messages&& static_cast<std::int32_t>(items_[put].cls)> filled_.Top();
    if (pair) {
      Put(put);
      Take(i);
    } else if (!DrainStep(true) && !UnblockHead()) {
      return false;
    }
  }
  Drain();
  return true;
}

bool QueueBuilder::Force(std::uint32_t i) {
  switch (items_[i].role) {
    case Role::kPut: return PutInOrder(i);
    case Role::kTake: return ForceTake(i);
    case Role::kLevel:
      if (items_[i].peak == kNone && items_[i].level > count_) return false;  // GoBackToPeak()
      return ForceLevel(items_[i].level, i);
    default: return true;
  }
}

// The process of an optional operation is gone.
void QueueBuilder::Close(std::uint32_t i) {
  const std::int32_t top = filled_.Top();
  const bool takes = items_[i].role == Role::kMaybeTake && !items_[i].eager;
  if (takes && top >= 0 && items_[HeadOf(top)].partner == kNone) {
    Take(i);
    Drain();
    return;
  }
  open_.Remove(i);
  Log(Act::kClose, i);
}

bool QueueBuilder::Event(std::uint32_t event) {
  const std::uint32_t i = event / 2;
  if (event % 2 == 0) {
    Invoke(i);
  } else if (items_[i].placed) {
    return true;
  } else if (items_[i].role == Role::kMaybePut || items_[i].role == Role::kMaybeTake) {
    Close(i);
  } else if (!Force(i)) {
    return false;
  }
  if (fills_open_ > 0) TryLevels();
  return true;
}

// What was shown blocked may stay so.
bool QueueBuilder::FitsEnd() {
  const auto blocked = [](const Op& op) { return op.fate == Fate::kBlocked; };
  for (const Op& op : ops_) {
    if (blocked(op) && count_ != LevelOf(op) && !ForceLevel(LevelOf(op), kNone)) return false;
  }
  return std::all_of(ops_.begin(), ops_.end(),
                     [&](const Op& op) { return !blocked(op) || count_ == LevelOf(op); });
}

Construction QueueBuilder::Run() {
  Construction result;
  if (!Prepare()) return result;
  for (at_ = 0; at_ < events_.size(); ++at_) {
    now_ = TimeOf(at_);
    Log(Act::kEvent, static_cast<std::uint32_t>(at_));
    if (Event(events_[at_])) continue;
    if (GoBackToPeak(events_[at_] / 2)) {
      --at_;
      continue;
    }
    if (!Recover(events_[at_] / 2)) return result;
    ++result.repairs;
    --at_;
  }
  result.found = FitsEnd();
  if (!options_.keep_order) return result;
  for (const Entry& entry : journal_) {
    const bool effect = entry.act == Act::kPut || entry.act == Act::kTake ||
                        entry.act == Act::kMaybeTake || entry.act == Act::kLevel;
    if (effect) result.order.push_back(entry.op);
  }
  return result;
}

Construction ConstructQueue(const std::vector<Op>& ops, const ConstructOptions& options) {
  constexpr unsigned kMostMatchings = 12;
  const bool killed = std::any_of(ops.begin(), ops.end(),
                                  [](const Op& op) { return IsReceive(op.call) && op.Optional(); });
  Construction result = QueueBuilder(ops, options, killed ? 1 : 0).Run();
  for (unsigned i = 2; killed && !result.found && i <= kMostMatchings; ++i) {
    const std::size_t repairs = result.repairs;
    result = QueueBuilder(ops, options, i).Run();
    result.repairs += repairs;
  }
  return killed && !result.found ? QueueBuilder(ops, options, 0).Run() : result;
}

}  // namespace ipcsuite::props
