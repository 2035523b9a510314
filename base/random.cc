#include "base/random.h"

#include <random>

namespace ipcsuite {

std::uint64_t HashSeed(std::uint64_t run_seed, std::string_view name) {
  // FNV-1a over the name, then a finalizer, so that near names get far seeds.
  std::uint64_t hash = 14695981039346656037u ^ run_seed;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

std::uint64_t RandomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) ^ device();
}

}  // namespace ipcsuite
