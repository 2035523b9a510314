// How a level comes true: "full" or a count that a call reported, which need more messages in the
// queue than the sweep, which keeps it as empty as it can be, has there.
#include <algorithm>

#include "base/random.h"
#include "props/history/queue_builder.h"

namespace ipcsuite::props {

void QueueBuilder::ListTakes() {
  const auto list = [&](std::uint32_t i) {
    std::vector<std::uint32_t>& takes = classes_[items_[i].cls].takes;
    items_[i].rank = static_cast<std::uint32_t>(takes.size());
    takes.push_back(i);
  };
  for (const std::uint32_t event : events_) {
    if (event % 2 != 0 && items_[event / 2].role == Role::kTake) list(event / 2);
  }
  for (std::uint32_t i = 0; i < ops_.size(); ++i) {
    if (items_[i].role == Role::kTake && ops_[i].ret == 0) list(i);
    if (items_[i].role == Role::kMaybeTake) has_maybe_takes_ = true;
  }
  for (std::size_t cls = 0; cls < classes_.size(); ++cls) NoteDue(cls);
}

// A take of the class was placed.
void QueueBuilder::NoteDue(std::size_t cls) {
  Class& c = classes_[cls];
  const std::size_t before = c.due;
  while (c.due < c.takes.size() && items_[c.takes[c.due]].placed) ++c.due;
  if (before == c.due && c.due != 0) return;
  due_.Set(cls, c.due < c.takes.size() ? EndOf(c.takes[c.due]) : kNeverTicket);
}

// Whether the message of `put` would not be in the way: a take of a lower priority that must come
// before its own could not come.
bool QueueBuilder::MayStay(std::uint32_t put) const {
  const std::uint64_t leaves = TakeInvoke(put);
  if (leaves == kNeverTicket && has_maybe_takes_) return true;
  return due_.Below(items_[put].cls) >= leaves;
}

// Which message is put in first where more must be there: the one that must be put in soonest.
std::uint64_t QueueBuilder::FillKey(std::uint32_t put, std::uint32_t by) const {
  constexpr std::uint64_t kLast = kNeverTicket >> 2;
  const std::uint64_t end =
      items_[put].role == Role::kMaybePut || ops_[put].ret == 0 ? kLast : ops_[put].ret;
  const std::uint64_t attempts = by == kNone ? 0 : items_[by].attempts;
  const std::uint64_t noise =
      attempts < 2 ? 0 : Mix(std::uint64_t{put} * 64 + attempts) % (4 * attempts);
  return end + items_[put].penalty * std::uint64_t{64} + noise;
}

// The open put that comes first where more messages must be there; kNone: there is none.
std::uint32_t QueueBuilder::BestFill(std::uint32_t by, bool any) const {
  std::uint32_t best = kNone;
  for (std::size_t list = 0; list <= maybe_puts_; ++list) {
    for (std::uint32_t u = open_.First(list); u != open_.End(list); u = open_.Next(u)) {
      if ((any || MayStay(u)) && (best == kNone || FillKey(u, by) < FillKey(best, by))) best = u;
    }
  }
  if (best == kNone) return kNone;
  const std::size_t cls = items_[best].cls;  // what must come out before it goes in before it
  for (std::uint32_t u = open_.First(cls); u != open_.End(cls); u = open_.Next(u)) {
    if (items_[u].deadline < TakeInvoke(best)) best = u;
  }
  return best;
}

// Puts messages in until there are `level`, those first that will not be in the way, and only those
// unless `any`; false when there are not enough.
bool QueueBuilder::Fill(std::uint64_t level, std::uint32_t by, bool any) {
  while (count_ < level) {
    std::uint32_t best = BestFill(by, false);
    if (best == kNone && any) best = BestFill(by, true);
    if (best == kNone) return false;
    items_[best].filled_by = by;
    Put(best);
  }
  return true;
}

// Reaches a level before its end: at its peak, or where a repair asked for that and there are
// enough messages.
void QueueBuilder::TryLevels() {
  for (std::uint32_t i = open_.First(levels_); i != open_.End(levels_); i = open_.Next(i)) {
    const Item& item = items_[i];
    if (count_ > item.level || count_ + puts_open_ < item.level) continue;
    if (item.peak != at_) {
      if (!item.eager || events_[at_] % 2 != 0) continue;
      if (item.attempts > 1 && Below(8) != 0) continue;
    }
    Fill(item.level, i, item.peak != at_);
    Drain();
    return;
  }
}

bool QueueBuilder::ForceLevel(std::uint64_t level, std::uint32_t by) {
  while (count_ > level) {
    if (!UnblockHead()) return false;
    Drain();
  }
  if (!Fill(level, by, true)) return false;
  Drain();
  return true;
}

// The end of `level` has come and there are too few messages: goes back to where, since it was
// invoked, there were most of them; false when that was tried before.
bool QueueBuilder::GoBackToPeak(std::uint32_t level) {
  Item& item = items_[level];
  if (item.role != Role::kLevel || item.peak != kNone || item.level <= count_) return false;
  std::uint64_t count = count_;
  std::uint64_t most = 0;
  std::size_t best = item.opened;
  for (std::size_t at = journal_.size(); at-- > item.opened;) {
    const Act act = journal_[at].act;
    if (act == Act::kEvent && count > most) {  // `count`: at the end of this event
      most = count;
      best = at;
    }
    if (act == Act::kPut) --count;
    if (act == Act::kTake || act == Act::kMaybeTake) ++count;
  }
  while (journal_[best].act != Act::kEvent) --best;
  item.peak = journal_[best].op;
  UndoTo(best);
  return true;
}

}  // namespace ipcsuite::props
