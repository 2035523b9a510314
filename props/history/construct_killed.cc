// Which killed receiver took which of the messages that nobody is known to have got.
//
// A message whose send returned is in the queue until it is taken, so a killed receiver that could
// have taken it is its take: then the sweep treats both as any other pair. A message must be gone
// before a take of a lower priority, of a later message of its own, or a report of an empty queue
// ends that began after its send had ended. Receivers are matched by the ticket of their death,
// each with the message that must be gone soonest. Another matching may be the right one: after a
// sweep that failed the next one leaves some receivers out.
#include <algorithm>

#include "props/history/queue_builder.h"

namespace ipcsuite::props {

// By operation: of a put that returned and that nobody is known to have taken, the ticket by which
// its message must be gone.
std::vector<std::uint64_t> QueueBuilder::GoneBy() const {
  std::vector<std::uint64_t> gone_by(ops_.size(), kNeverTicket);
  std::vector<std::uint64_t> later(classes_.size(), kNeverTicket), taken(later);
  PrefixMin lower(classes_.size());
  std::uint64_t empty = kNeverTicket;
  for (std::size_t at = events_.size(); at-- > 0;) {
    const std::uint32_t i = events_[at] / 2;
    const Item& item = items_[i];
    const bool begins = events_[at] % 2 == 0;
    if (item.role == Role::kPut && begins && item.partner != kNone) {
      later[item.cls] = std::min(later[item.cls], EndOf(item.partner));
    } else if (item.role == Role::kPut && !begins && item.partner == kNone) {
      gone_by[i] = std::min({later[item.cls], lower.Below(item.cls), empty});
    } else if (item.role == Role::kTake && begins && EndOf(i) < taken[item.cls]) {
      taken[item.cls] = EndOf(i);
      lower.Set(item.cls, EndOf(i));
    } else if (item.role == Role::kLevel && begins && item.level == 0) {
      empty = std::min(empty, ops_[i].ret);
    }
  }
  return gone_by;
}

void QueueBuilder::MatchKilled(std::uint32_t take, std::vector<std::uint32_t>& puts,
                               const std::vector<std::uint64_t>& gone_by) {
  if (puts.empty() || (matching_ > 1 && Below(4) == 0)) return;
  auto best = puts.end();
  for (auto put = puts.begin(); put != puts.end(); ++put) {
    if (gone_by[*put] < ops_[take].invoke) continue;
    if (best == puts.end() || gone_by[*put] < gone_by[*best]) best = put;
  }
  if (best == puts.end()) return;
  Item& put = items_[*best];
  put.partner = take;
  put.deadline = EndOf(take);
  items_[take].role = Role::kTake;
  items_[take].partner = *best;
  items_[take].cls = put.cls;
  puts.erase(best);
}

void QueueBuilder::MatchKilled() {
  const std::vector<std::uint64_t> gone_by = GoneBy();
  std::vector<std::uint32_t> puts;  // that were invoked and are not matched
  for (const std::uint32_t event : events_) {
    const std::uint32_t i = event / 2;
    const Item& item = items_[i];
    if (event % 2 != 0) {
      if (item.role == Role::kMaybeTake) MatchKilled(i, puts, gone_by);
    } else if (item.role == Role::kPut && item.partner == kNone) {
      puts.push_back(i);
    }
  }
  for (std::uint32_t i = 0; i < ops_.size(); ++i) {
    if (items_[i].role == Role::kMaybeTake && ops_[i].ret == 0) MatchKilled(i, puts, gone_by);
  }
}

}  // namespace ipcsuite::props
