// Randomness that can be repeated: seeds, their hashes, a small generator.
#pragma once

#include <cstdint>
#include <string_view>

namespace ipcsuite {

// One 64-bit mix with full avalanche (splitmix64's finalizer, Steele et al. 2014).
constexpr std::uint64_t Mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// Small and fast generator for choices on hot paths (splitmix64).
class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15u); }
  // Near enough uniform in [0, n); 0 < n < 2^32.
  std::uint64_t Below(std::uint64_t n) { return ((Next() >> 32) * n) >> 32; }

 private:
  std::uint64_t state_;
};

// The seed of a named part of a run: a filter does not shift it.
std::uint64_t HashSeed(std::uint64_t run_seed, std::string_view name);

// A seed for a run to which none was given; never the same twice in practice.
std::uint64_t RandomSeed();

}  // namespace ipcsuite
