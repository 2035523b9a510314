// Hashing of model states for the checker's memo.
#pragma once

#include <cstdint>

namespace ipcsuite::props {

// A 64-bit finalizer with full avalanche (the constants of Stafford's Mix13).
constexpr std::uint64_t Mix(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  x ^= x >> 31;
  return x;
}

// Folds values one after another; the order matters.
class Hasher {
 public:
  Hasher& Add(std::uint64_t value) {
    state_ = Mix(state_ + 0x9e3779b97f4a7c15ULL + value);
    return *this;
  }
  std::uint64_t Value() const { return state_; }

 private:
  std::uint64_t state_ = 0x243f6a8885a308d3ULL;
};

}  // namespace ipcsuite::props
