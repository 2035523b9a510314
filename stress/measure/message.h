// What a message of a stress run looks like, and how it is checked at full speed.
//
// Payloads come from a few templates that producer and consumer both know; only *stamps* are
// written in place: one 64-bit word that says who sent it (producer, priority) and which one it is
// (sequence), at the start, at each multiple of 4,096 bytes (there with the place mixed in), and at
// the end. A consumer compares every byte: stamps with the stamp expected, all between with the
// template. Neighbouring messages use different templates, so bytes of another message are seen
// wherever a message is torn.
//
// All templates, and all blocks of 4,096 bytes of one, are views of one pattern of 8 KiB at
// different offsets: what a consumer compares with stays in its first-level cache whatever the
// message size, and two blocks of 64 KiB are never alike. This costs a memcmp; a CRC of 64 KiB
// would cost half of the throughput.
//
// Messages below 8 bytes hold the low bytes of the sequence alone (one producer, priority 0).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/random.h"

namespace ipcsuite::stress {

constexpr int kMaxProducers = 4096;
constexpr int kMaxPriorities = 64;
constexpr int kTemplates = 4;
constexpr std::size_t kStampStride = 4096;
constexpr std::size_t kStampSize = 8;

struct Stamp {
  std::uint64_t sequence = 0;  // 46 bits: per producer and priority, from 0
  std::uint32_t producer = 0;  // 12 bits
  std::uint32_t priority = 0;  // 6 bits

  std::uint64_t Pack() const {
    return sequence << 18 | static_cast<std::uint64_t>(producer) << 6 | priority;
  }
  static Stamp Unpack(std::uint64_t word) {
    return {word >> 18, static_cast<std::uint32_t>(word >> 6) & (kMaxProducers - 1),
            static_cast<std::uint32_t>(word) & (kMaxPriorities - 1)};
  }
};

inline std::uint64_t LoadWord(const void* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}
inline void StoreWord(void* at, std::uint64_t word) { std::memcpy(at, &word, sizeof word); }

// Memory that starts on a cache line: a comparison of two such pieces runs at full speed.
class Bytes {
 public:
  explicit Bytes(std::size_t size) : lines_((size + sizeof(Line) - 1) / sizeof(Line)) {}
  unsigned char* data() { return reinterpret_cast<unsigned char*>(lines_.data()); }
  const unsigned char* data() const {
    return reinterpret_cast<const unsigned char*>(lines_.data());
  }
  std::size_t size() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    unsigned char bytes[64];
  };
  std::vector<Line> lines_;
};

// The templates of one message size. Each process makes its own (the same ones for one seed), so
// that no cache line is shared. Buffers to send from are made when first asked for: who only
// compares has none.
class Templates {
 public:
  Templates(std::size_t size, std::uint64_t seed);

  std::size_t size() const { return size_; }
  // The buffer to send for this stamp. Valid until the next call for the same template; the raw
  // loop sends the same buffers without stamps of its own.
  unsigned char* Stamped(const Stamp& stamp) {
    unsigned char* const buffer = Buffer(Which(stamp));
    Write(buffer, stamp.Pack());
    return buffer;
  }
  const unsigned char* Unstamped(std::uint64_t sequence) { return Buffer(sequence % kTemplates); }

  // True when all bytes of `message` are those of `stamp`. Compares everything.
  bool Matches(const unsigned char* message, const Stamp& stamp) const {
    if (size_ < kStampSize || size_ > kStampStride) return MatchesPieces(message, stamp);
    const std::uint64_t word = stamp.Pack();
    if (LoadWord(message) != word) return false;
    const unsigned char* const expected = Block(Which(stamp), 0);
    if (size_ < 2 * kStampSize) {
      return std::memcmp(message + kStampSize, expected + kStampSize, size_ - kStampSize) == 0;
    }
    if (LoadWord(message + size_ - kStampSize) != word) return false;
    return std::memcmp(message + kStampSize, expected + kStampSize, size_ - 2 * kStampSize) == 0;
  }
  // The first byte that differs from the message of `stamp`; size() when none does.
  std::size_t FirstDifference(const unsigned char* message, const Stamp& stamp) const;

  static Stamp Peek(const unsigned char* message, std::size_t size) {
    return size >= kStampSize ? Stamp::Unpack(LoadWord(message)) : PeekShort(message, size);
  }

 private:
  static constexpr std::size_t kViews = 64, kViewPitch = 64;

  static std::size_t Which(const Stamp& stamp) {
    return (stamp.sequence + stamp.producer) % kTemplates;
  }
  // What the bytes of one block of a message are, but for its stamps.
  const unsigned char* Block(std::size_t which, std::size_t block) const {
    return pattern_.data() + (which + block * kTemplates) % kViews * kViewPitch;
  }
  unsigned char* Buffer(std::size_t which) {
    if (buffers_.size() == 0) [[unlikely]]
      MakeBuffers();
    return buffers_.data() + which * pitch_;
  }
  void MakeBuffers();
  void Fill(unsigned char* buffer, std::size_t which) const;
  static Stamp PeekShort(const unsigned char* message, std::size_t size);
  bool MatchesPieces(const unsigned char* message, const Stamp& stamp) const;
  // Whether a stamp starts there; one that would overlap the last one is left out.
  bool StampedAt(std::size_t at) const {
    return at + (at == 0 ? kStampSize : 2 * kStampSize) <= size_;
  }
  // The stamp at this place: no two of a message are alike.
  static std::uint64_t WordAt(std::size_t at, std::uint64_t word) {
    return word ^ (static_cast<std::uint64_t>(at) * 0x9E3779B97F4A7C15u);
  }
  void Write(unsigned char* buffer, std::uint64_t word) const {
    if (size_ < kStampSize || size_ > kStampStride) return WritePieces(buffer, word);
    StoreWord(buffer, word);
    if (size_ >= 2 * kStampSize) StoreWord(buffer + size_ - kStampSize, word);
  }
  void WritePieces(unsigned char* buffer, std::uint64_t word) const;

  std::size_t size_, pitch_;
  Bytes pattern_;
  Bytes buffers_{0};
};

}  // namespace ipcsuite::stress
