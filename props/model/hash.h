// Hashing of model states for the checker's memo.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace ipcsuite::props {

// Folds values one after another; the order matters.
class Hasher {
 public:
  Hasher& Add(std::uint64_t value) {
    state_ = Mix(state_ + value);
    return *this;
  }
  // All of a list, and where it ends.
  template <typename List>
  Hasher& AddAll(const List& list) {
    for (const auto value : list) Add(static_cast<std::uint64_t>(value));
    return Add(list.size());
  }
  std::uint64_t Value() const { return state_; }

 private:
  std::uint64_t state_ = 0x243f6a8885a308d3ULL;
};

}  // namespace ipcsuite::props
