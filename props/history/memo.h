// The set of configurations that a search has already left without success.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ipcsuite::props {

// An open-addressing set of 128-bit fingerprints. Two configurations with one fingerprint would be
// taken for the same; with 10^8 entries the chance of that is below 10^-22.
class FingerprintSet {
 public:
  FingerprintSet() { slots_.resize(1024); }

  // False when the pair is already there.
  bool Insert(std::uint64_t high, std::uint64_t low) {
    low |= 1;  // 0 marks a free slot
    if ((size_ + 1) * 2 > slots_.size()) Grow();
    Slot& slot = Find(high, low);
    if (slot.low == low) return false;
    slot = {high, low};
    ++size_;
    return true;
  }

  bool Contains(std::uint64_t high, std::uint64_t low) {
    low |= 1;
    return Find(high, low).low == low;
  }

  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
  };

  Slot& Find(std::uint64_t high, std::uint64_t low) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (high ^ (low >> 7)) & mask;
    while (slots_[at].low != 0 && !(slots_[at].low == low && slots_[at].high == high)) {
      at = (at + 1) & mask;
    }
    return slots_[at];
  }

  void Grow() {
    std::vector<Slot> old(slots_.size() * 4);
    std::swap(old, slots_);
    for (const Slot& slot : old) {
      if (slot.low != 0) Find(slot.high, slot.low) = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace ipcsuite::props
