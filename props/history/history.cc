#include "props/history/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace ipcsuite::props {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

std::uint64_t End(const Op& op) { return op.ret != 0 ? op.ret : kNever; }

// The first ticket that is used twice; 0 when there is none. `last`: the greatest one. Linear where
// tickets are dense.
std::uint64_t UsedTwice(const std::vector<Op>& ops, std::uint64_t last) {
  std::vector<std::uint64_t> tickets;
  const bool dense = last <= 16 * ops.size() + 64;
  std::vector<bool> seen(dense ? last + 1 : 0);
  for (const Op& op : ops) {
    for (const std::uint64_t ticket : {op.invoke, op.ret}) {
      if (ticket == 0) continue;
      if (!dense) {
        tickets.push_back(ticket);
      } else if (seen[ticket]) {
        return ticket;
      } else {
        seen[ticket] = true;
      }
    }
  }
  std::sort(tickets.begin(), tickets.end());
  const auto twice = std::adjacent_find(tickets.begin(), tickets.end());
  return twice == tickets.end() ? 0 : *twice;
}

}  // namespace

void SortByInvoke(std::vector<Op>& ops) {
  std::stable_sort(ops.begin(), ops.end(), [](const Op& a, const Op& b) {
    return (a.invoke == 0 ? kNever : a.invoke) < (b.invoke == 0 ? kNever : b.invoke);
  });
}

std::string FindDefect(const History& history) {
  std::size_t processes = 0;
  for (const Op& op : history.ops) processes = std::max<std::size_t>(processes, op.process + 1U);
  std::vector<const Op*> last(processes);  // by process
  std::uint64_t last_ticket = 0;
  for (const Op& op : history.ops) {
    if (op.invoke == 0) return "an operation has no invoke ticket: " + Describe(op);
    if (op.Returned() && op.ret <= op.invoke) {
      return fmt::format("an operation returns (ticket {}) before it begins (ticket {}): {}",
                         op.ret, op.invoke, Describe(op));
    }
    if (op.piece_begin + op.piece_count > history.pieces.size()) {
      return "an operation refers to pieces that the history does not hold: " + Describe(op);
    }
    last_ticket = std::max({last_ticket, op.invoke, op.ret});
    const Op*& before = last[op.process];
    if (before != nullptr && End(*before) > op.invoke) {
      return fmt::format("process {} begins an operation while another is unfinished: {}",
                         op.process, Describe(op));
    }
    before = &op;
  }
  const std::uint64_t twice = UsedTwice(history.ops, last_ticket);
  return twice == 0 ? "" : fmt::format("ticket {} is used twice", twice);
}

std::vector<std::uint32_t> Objects(const History& history) {
  std::vector<std::uint32_t> objects;
  for (const Op& op : history.ops) objects.push_back(op.object);
  std::sort(objects.begin(), objects.end());
  objects.erase(std::unique(objects.begin(), objects.end()), objects.end());
  return objects;
}

std::vector<std::size_t> CutAtQuiescence(const std::vector<Op>& ops) {
  std::vector<std::size_t> cuts;
  std::uint64_t latest_end = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (i == 0 || latest_end < ops[i].invoke) cuts.push_back(i);
    latest_end = std::max(latest_end, End(ops[i]));
  }
  return cuts;
}

}  // namespace ipcsuite::props
