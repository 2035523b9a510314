// Building blocks of the linear-time rules: events in the order of their tickets, operations by
// value, and running maxima. Internal to history/.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "props/model/op.h"

namespace ipcsuite::props {

inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kNeverTicket = std::numeric_limits<std::uint64_t>::max();

// Begins and ends of operations, ascending by ticket: operation index * 2, + 1 for an end. Of those
// that did not return the end (their process was gone) only with `ends_of_killed`. Linear where
// tickets are dense (one counter made them), otherwise a sort.
inline std::vector<std::uint32_t> EventsInOrder(const std::vector<Op>& ops,
                                                bool ends_of_killed = false) {
  const auto ends = [&](const Op& op) { return op.Returned() || (ends_of_killed && op.ret != 0); };
  std::uint64_t last = 0;
  std::size_t count = 0;
  for (const Op& op : ops) {
    last = std::max({last, op.invoke, op.ret});
    count += ends(op) ? 2 : 1;
  }
  std::vector<std::uint32_t> events;
  if (last <= 8 * count + 64) {
    std::vector<std::uint32_t> at(last + 1, kNone);
    for (std::uint32_t i = 0; i < ops.size(); ++i) {
      at[ops[i].invoke] = i * 2;
      if (ends(ops[i])) at[ops[i].ret] = i * 2 + 1;
    }
    events.reserve(count);
    for (const std::uint32_t event : at) {
      if (event != kNone) events.push_back(event);
    }
    return events;
  }
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    events.push_back(i * 2);
    if (ends(ops[i])) events.push_back(i * 2 + 1);
  }
  const auto ticket = [&](std::uint32_t event) {
    const Op& op = ops[event / 2];
    return event % 2 == 0 ? op.invoke : op.ret;
  };
  std::sort(events.begin(), events.end(),
            [&](std::uint32_t a, std::uint32_t b) { return ticket(a) < ticket(b); });
  return events;
}

// From a value to the operation that sent it. Values that follow each other lie beside each other,
// so that a history of counters is walked through memory in order.
class ValueIndex {
 public:
  explicit ValueIndex(std::size_t expected) {
    std::size_t size = 64;
    while (size < expected * 2) size *= 2;
    slots_.resize(size);
  }

  // False when the value is there already.
  bool Insert(std::uint64_t value, std::uint32_t op) {
    Slot& slot = Find(value);
    if (slot.op != kNone) return false;
    slot = {value, op};
    return true;
  }
  std::uint32_t At(std::uint64_t value) const {
    return const_cast<ValueIndex*>(this)->Find(value).op;
  }

 private:
  struct Slot {
    std::uint64_t value = 0;
    std::uint32_t op = kNone;
  };
  Slot& Find(std::uint64_t value) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (value + (value >> 32) * 0x9e3779b97f4a7c15ULL) & mask;
    while (slots_[at].op != kNone && slots_[at].value != value) at = (at + 1) & mask;
    return slots_[at];
  }
  std::vector<Slot> slots_;
};

// The greatest ticket noted at an index or above it, and whose it was (a Fenwick tree; noted values
// are never taken back).
class SuffixMax {
 public:
  explicit SuffixMax(std::size_t size) : best_(size + 1) {}

  struct Best {
    std::uint64_t ticket = 0;
    std::uint32_t op = kNone;
  };
  void Note(std::size_t index, std::uint64_t ticket, std::uint32_t op) {
    for (std::size_t i = best_.size() - 1 - index; i < best_.size(); i += i & (~i + 1)) {
      if (best_[i].op == kNone || best_[i].ticket < ticket) best_[i] = {ticket, op};
    }
  }
  Best From(std::size_t index) const {
    Best best;
    if (index + 1 >= best_.size()) return best;
    for (std::size_t i = best_.size() - 1 - index; i > 0; i -= i & (~i + 1)) {
      if (best_[i].op != kNone && (best.op == kNone || best.ticket < best_[i].ticket)) {
        best = best_[i];
      }
    }
    return best;
  }

 private:
  std::vector<Best> best_;
};

}  // namespace ipcsuite::props
