// Dead ends of the sweep: what should have been done otherwise, and how to go back.
#include <algorithm>

#include "props/history/queue_builder.h"

namespace ipcsuite::props {
namespace {

constexpr std::size_t kMostTries = 150;    // repairs before a restart
constexpr std::size_t kMostRestarts = 16;  // with 64, 64, 128, 128, 256 ... events taken back
constexpr std::size_t kFarBack = 4096;     // entries of the journal that a repair looks at

}  // namespace

void QueueBuilder::UndoOpen(std::uint32_t i) {
  Item& item = items_[i];
  item.open = false;
  switch (item.role) {
    case Role::kTake: MakeUnready(item.partner); return;
    case Role::kLevel: Wait(i, false); return;
    case Role::kPut:
      MakeUnready(i);
      --puts_open_;
      open_.Remove(i);
      return;
    default: open_.Remove(i); return;
  }
}

void QueueBuilder::Undo(const Entry& entry) {
  const std::uint32_t i = entry.op;
  if (entry.act == Act::kEvent) {
    at_ = i;
    return;
  }
  Item& item = items_[i];
  switch (entry.act) {
    case Act::kOpen: UndoOpen(i); return;
    case Act::kPut: {
      Class& cls = classes_[item.cls];
      cls.puts.pop_back();
      if (cls.Empty()) filled_.Erase(item.cls);
      item.placed = false;
      --count_;
      if (item.role == Role::kMaybePut) {
        open_.Append(maybe_puts_, i);
        return;
      }
      ++puts_open_;
      open_.Append(item.cls, i);
      if (item.partner != kNone && items_[item.partner].open) MakeReady(i);
      return;
    }
    case Act::kMaybeTake: open_.Append(maybe_takes_, i); [[fallthrough]];
    case Act::kTake:
      --classes_[item.cls].head;
      if (entry.act == Act::kTake && item.rank < classes_[item.cls].due) {
        classes_[item.cls].due = item.rank;
        due_.Set(item.cls, EndOf(i));
      }
      filled_.Insert(item.cls);
      item.placed = false;
      ++count_;
      return;
    case Act::kLevel:
      item.placed = false;
      Wait(i, true);
      return;
    default:  // kClose
      open_.Append(item.role == Role::kMaybePut ? maybe_puts_ : maybe_takes_, i);
      return;
  }
}

void QueueBuilder::UndoTo(std::size_t length) {
  while (journal_.size() > length) {
    const Entry entry = journal_.back();
    journal_.pop_back();
    Undo(entry);
  }
}

// If the take of `put` waits for a level, lets it come as soon as it can.
std::size_t QueueBuilder::Undefer(std::uint32_t put) {
  const std::uint32_t take = items_[put].partner;
  if (take == kNone || !items_[take].open || items_[take].after == kNone) return 0;
  items_[take].after = kNone;
  std::size_t at = journal_.size() - 1;  // both were invoked, or the put would not be looked at
  while (journal_[at].act != Act::kOpen || (journal_[at].op != take && journal_[at].op != put)) {
    --at;
  }
  return at;
}

// The same for one of the last takes that wait.
std::size_t QueueBuilder::UndeferAny() {
  constexpr std::size_t kLast = 4;
  std::vector<std::size_t> waiting;
  const std::size_t least = journal_.size() - std::min(journal_.size(), kFarBack / 4);
  for (std::size_t at = journal_.size(); at-- > least && waiting.size() < kLast;) {
    const bool waits = journal_[at].act == Act::kOpen && items_[journal_[at].op].after != kNone;
    if (waits) waiting.push_back(at);
  }
  if (waiting.empty()) return 0;
  const std::size_t at = waiting[Below(waiting.size())];
  items_[journal_[at].op].after = kNone;
  return at;
}

// The last moment at which nothing of a higher class than that of `put` was in the queue: where in
// the journal that is, and its ticket. 0: not since both `put` and its take were invoked.
std::size_t QueueBuilder::FindHole(std::uint32_t put, std::uint64_t& time) const {
  const std::size_t cls = items_[put].cls;
  const std::uint64_t opened = std::max(TakeInvoke(put), ops_[put].invoke);
  std::size_t higher = 0;
  for (std::size_t c = cls + 1; c < classes_.size(); ++c) higher += classes_[c].Size();
  time = now_;
  std::size_t at = journal_.size();
  if (higher == 0) return at;
  while (higher > 0) {
    const Entry& entry = journal_[--at];
    if (entry.act == Act::kEvent) {
      if (TimeOf(entry.op) < opened) return 0;
    } else if (items_[entry.op].cls > cls) {
      if (entry.act == Act::kPut) --higher;
      if (entry.act == Act::kTake || entry.act == Act::kMaybeTake) ++higher;
    }
  }
  while (journal_[at].act != Act::kEvent) --at;
  time = TimeOf(journal_[at].op);
  return time < opened ? 0 : at;
}

// The message of `put` should have been taken by now. Where it should have been put in before
// others of its class, lowers its deadline; the sweep goes back to the first of those.
std::size_t QueueBuilder::LowerDeadline(std::uint32_t put) {
  Item& item = items_[put];
  std::uint64_t time = 0;
  hole_ = FindHole(put, time);
  if (hole_ == 0) return 0;
  if (const std::size_t to = Undefer(put); to != 0) return to;
  if (time >= item.deadline) return 0;
  std::size_t first = 0;
  bool before = !item.placed;
  for (std::size_t at = journal_.size(); at-- > 0;) {
    const Entry& entry = journal_[at];
    if (entry.act == Act::kEvent && TimeOf(entry.op) < ops_[put].invoke) break;
    if (entry.act != Act::kPut || items_[entry.op].cls != item.cls) continue;
    if (entry.op == put) {
      before = true;
    } else if (before && TakeInvoke(entry.op) > time) {
      first = at;
    }
  }
  if (first != 0) item.deadline = time;
  return first;
}

// There is no room: finds a message that could have left by now, or could have come later.
std::size_t QueueBuilder::RepairRoom() {
  constexpr std::size_t kInOrder = 8;  // tries; then by chance
  std::vector<std::uint32_t> present;
  for (const Class& cls : classes_) {
    present.insert(present.end(), cls.puts.begin() + static_cast<std::ptrdiff_t>(cls.head),
                   cls.puts.end());
  }
  if (tries_ > kInOrder) std::shuffle(present.begin(), present.end(), random_);
  for (const std::uint32_t put : present) {
    const std::uint32_t take = items_[put].partner;
    if (take == kNone) continue;
    if (items_[put].deadline < EndOf(take) && ops_[put].ret > now_) {  // early in vain
      items_[put].deadline = EndOf(take);
      std::size_t at = journal_.size() - 1;
      while (journal_[at].act != Act::kPut || journal_[at].op != put) --at;
      return at;
    }
    if (!items_[take].open) continue;
    if (const std::size_t to = LowerDeadline(put); to != 0) return to;
  }
  return 0;
}

// Lets takes that could come after `level` was seen, and came before, wait for it.
std::size_t QueueBuilder::Defer(std::uint32_t level) {
  std::vector<std::size_t> takes;
  std::size_t early = 1;  // messages that came early for it
  bool before = !items_[level].placed;
  const std::size_t least = journal_.size() - std::min(journal_.size(), kFarBack);
  for (std::size_t at = journal_.size(); at-- > least;) {
    const Entry& entry = journal_[at];
    if (entry.act == Act::kLevel && entry.op == level) before = true;
    if (entry.act == Act::kPut && items_[entry.op].filled_by == level) ++early;
    if (entry.act != Act::kTake || !before || EndOf(entry.op) <= ops_[level].invoke) continue;
    if (items_[entry.op].after != level) takes.push_back(at);
  }
  if (takes.empty()) return 0;
  std::size_t first = journal_.size();
  for (std::size_t n = 1 + Below(early); n > 0; --n) {
    const std::size_t at = takes[Below(takes.size())];
    items_[journal_[at].op].after = level;
    first = std::min(first, at);
  }
  return first;
}

// Messages that came early for a level are in the way, or the level cannot be reached: reaches it
// in another way.
std::size_t QueueBuilder::RepairLevel(std::uint32_t dead) {
  std::uint32_t level = kNone;
  if (items_[dead].role == Role::kLevel && items_[dead].level > 0) level = dead;
  std::vector<std::uint32_t> early;
  std::vector<std::uint32_t> in_the_way;  // of a take
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    for (std::size_t k = classes_[c].head; k < classes_[c].puts.size(); ++k) {
      const std::uint32_t put = classes_[c].puts[k];
      if (items_[put].filled_by == kNone) continue;
      early.push_back(put);
      if (items_[dead].role == Role::kTake && c >= items_[dead].cls) in_the_way.push_back(put);
    }
  }
  const bool any = in_the_way.empty();
  const std::size_t sure = early.empty() ? 0 : Below(early.size());
  for (const std::uint32_t put : any ? early : in_the_way) {
    if (any && put != early[sure] && Below(2) == 0) continue;
    items_[put].penalty = any ? 0 : static_cast<std::uint32_t>(1 + Below(2));
    const std::uint32_t by = items_[put].filled_by;
    if (level == kNone || items_[by].attempts < items_[level].attempts) level = by;
  }
  if (level == kNone) return 0;
  if (items_[level].attempts % 2 == 0) {
    if (const std::size_t to = Defer(level); to != 0) {
      ++items_[level].attempts;
      return to;
    }
  }
  retry_ = level;
  return items_[level].opened;
}

std::size_t QueueBuilder::RepairTake(std::uint32_t take) {
  const std::uint32_t put = items_[take].partner;
  std::size_t to = LowerDeadline(put);
  if (to == 0 && tries_ % 3 != 2) to = RepairLevel(take);
  if (to != 0 || hole_ == 0 || items_[put].placed) return to;
  // It could have come and gone at the hole if there was room.
  if (hole_ < journal_.size()) {
    UndoTo(hole_);
    now_ = TimeOf(at_);
  }
  return count_ >= options_.max_messages ? RepairRoom() : 0;
}

std::size_t QueueBuilder::RepairPut(std::uint32_t put) {
  std::size_t to = Undefer(put);
  const std::uint32_t take = items_[put].partner;
  if (to == 0 && take != kNone && items_[take].open) to = LowerDeadline(put);
  if (to == 0 && tries_ % 3 != 2) to = RepairRoom();
  return to;
}

// Goes back to where something can be done otherwise; false when nothing was found.
bool QueueBuilder::Repair(std::uint32_t dead) {
  std::size_t to = tries_ % 4 == 3 ? UndeferAny() : 0;
  if (to == 0 && items_[dead].role == Role::kTake) to = RepairTake(dead);
  if (to == 0 && items_[dead].role == Role::kPut) to = RepairPut(dead);
  if (to == 0) to = RepairLevel(dead);
  if (to == 0) to = RepairRoom();
  if (to == 0) return false;
  while (journal_[to].act != Act::kEvent) --to;
  UndoTo(to);
  if (retry_ != kNone) {
    Item& level = items_[retry_];
    ++level.attempts;
    level.eager = level.attempts == 1 || Below(4) != 0;
    retry_ = kNone;
  }
  return true;
}

// Goes back further each time, forgets what was learnt since, and lets chance choose otherwise.
void QueueBuilder::Restart() {
  const std::size_t back = std::size_t{64} << (restarts_++ / 2);
  const std::size_t to = furthest_ - std::min(furthest_, back);
  std::size_t length = journal_.size();
  while (length > 1 &&
         !(journal_[length - 1].act == Act::kEvent && journal_[length - 1].op <= to)) {
    --length;
  }
  UndoTo(length - 1);
  retry_ = kNone;
  tries_ = 1;
  for (std::size_t e = at_; e <= furthest_; ++e) {
    const std::uint32_t i = events_[e] / 2;
    Item& item = items_[i];
    if (item.placed) continue;
    item.after = kNone;
    item.penalty = 0;
    item.attempts = 0;
    item.peak = kNone;
    if (item.role == Role::kPut && item.partner != kNone) item.deadline = EndOf(item.partner);
    if (item.role == Role::kLevel || item.role == Role::kMaybeTake) item.eager = Below(2) == 0;
  }
}

// The operation `dead` could not be placed before its end: takes the sweep back, to an event that
// at_ then names; false when it is to be given up.
bool QueueBuilder::Recover(std::uint32_t dead) {
  if (at_ > furthest_) {
    furthest_ = at_;
    tries_ = 0;
    restarts_ = 0;
  }
  if (++tries_ < kMostTries && Repair(dead)) return true;
  if (restarts_ >= kMostRestarts) return false;
  Restart();
  return true;
}

}  // namespace ipcsuite::props
