// The bytes of a record: what a write or a message with this number holds. Any reader can see from
// a byte whether it is the right one at its place.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "props/model/hash.h"

namespace ipcsuite::props {

// Eight bytes of a record, the first in the lowest bits on every machine.
inline std::uint64_t RecordWord(std::uint64_t record, std::uint64_t index) {
  return Mix(record * 0x9e3779b97f4a7c15ULL + index + 1);
}

inline unsigned char RecordByte(std::uint64_t record, std::uint64_t offset) {
  return static_cast<unsigned char>(RecordWord(record, offset / 8) >> (8 * (offset % 8)));
}

// The same eight bytes as this machine keeps them in memory.
inline std::uint64_t RecordWordInMemory(std::uint64_t record, std::uint64_t index) {
  const std::uint64_t word = RecordWord(record, index);
  if constexpr (std::endian::native == std::endian::little) return word;
  return __builtin_bswap64(word);
}

// Fills `length` bytes with those of the record from its byte `offset` on.
inline void FillRecord(unsigned char* to, std::uint64_t record, std::uint64_t offset,
                       std::size_t length) {
  for (std::size_t i = 0; i < length;) {
    const std::uint64_t at = offset + i;
    if (at % 8 == 0 && length - i >= 8) {
      const std::uint64_t whole = RecordWordInMemory(record, at / 8);
      std::memcpy(to + i, &whole, 8);
      i += 8;
      continue;
    }
    std::uint64_t word = RecordWord(record, at / 8) >> (8 * (at % 8));
    for (std::uint64_t k = at % 8; k < 8 && i < length; ++k, word >>= 8) {
      to[i++] = static_cast<unsigned char>(word);
    }
  }
}

// How many of `length` bytes are those of the record from its byte `offset` on, before the first
// that differs.
inline std::size_t MatchRecord(const unsigned char* bytes, std::uint64_t record,
                               std::uint64_t offset, std::size_t length) {
  for (std::size_t i = 0; i < length;) {
    const std::uint64_t at = offset + i;
    if (at % 8 == 0 && length - i >= 8) {
      const std::uint64_t whole = RecordWordInMemory(record, at / 8);
      if (std::memcmp(bytes + i, &whole, 8) == 0) {
        i += 8;
        continue;
      }
    }
    std::uint64_t word = RecordWord(record, at / 8) >> (8 * (at % 8));
    for (std::uint64_t k = at % 8; k < 8 && i < length; ++k, word >>= 8) {
      if (bytes[i] != static_cast<unsigned char>(word)) return i;
      ++i;
    }
  }
  return length;
}

}  // namespace ipcsuite::props
