#include "stress/measure/message.h"

#include <algorithm>

namespace ipcsuite::stress {

Templates::Templates(std::size_t size, std::uint64_t seed)
    : size_(size),
      pitch_((size + 127) / 64 * 64),
      pattern_(kStampStride + (kViews - 1) * kViewPitch) {
  SplitMix64 random(Mix(seed) ^ size);
  for (std::size_t i = 0; i < pattern_.size(); ++i)
    pattern_.data()[i] = static_cast<unsigned char>(random.Next());
}

void Templates::MakeBuffers() {
  buffers_ = Bytes(pitch_ * kTemplates);
  for (std::size_t which = 0; which < kTemplates; ++which)
    Fill(buffers_.data() + which * pitch_, which);
}

void Templates::Fill(unsigned char* buffer, std::size_t which) const {
  for (std::size_t at = 0; at < size_; at += kStampStride) {
    std::memcpy(buffer + at, Block(which, at / kStampStride), std::min(kStampStride, size_ - at));
  }
}

void Templates::WritePieces(unsigned char* buffer, std::uint64_t word) const {
  if (size_ < kStampSize) {
    const std::uint64_t sequence = Stamp::Unpack(word).sequence;
    for (std::size_t i = 0; i < size_; ++i) {
      buffer[i] = static_cast<unsigned char>(sequence >> (8 * i));
    }
    return;
  }
  for (std::size_t at = 0; StampedAt(at); at += kStampStride)
    StoreWord(buffer + at, WordAt(at, word));
  if (size_ >= 2 * kStampSize) StoreWord(buffer + size_ - kStampSize, word);
}

bool Templates::MatchesPieces(const unsigned char* message, const Stamp& stamp) const {
  const std::uint64_t word = stamp.Pack();
  if (size_ < kStampSize) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (message[i] != static_cast<unsigned char>(stamp.sequence >> (8 * i))) return false;
    }
    return true;
  }
  std::size_t end = size_;
  if (size_ >= 2 * kStampSize) {
    end -= kStampSize;
    if (LoadWord(message + end) != word) return false;
  }
  for (std::size_t at = 0; at < end; at += kStampStride) {
    std::size_t from = at;
    if (StampedAt(at)) {
      if (LoadWord(message + at) != WordAt(at, word)) return false;
      from += kStampSize;
    }
    const std::size_t to = std::min(end, at + kStampStride);
    const unsigned char* const expected = Block(Which(stamp), at / kStampStride) + (from - at);
    if (from < to && std::memcmp(message + from, expected, to - from) != 0) return false;
  }
  return true;
}

std::size_t Templates::FirstDifference(const unsigned char* message, const Stamp& stamp) const {
  std::vector<unsigned char> expected(size_);
  Fill(expected.data(), Which(stamp));
  Write(expected.data(), stamp.Pack());
  return static_cast<std::size_t>(std::mismatch(message, message + size_, expected.data()).first -
                                  message);
}

Stamp Templates::PeekShort(const unsigned char* message, std::size_t size) {
  Stamp stamp;
  for (std::size_t i = 0; i < size; ++i) {
    stamp.sequence |= static_cast<std::uint64_t>(message[i]) << (8 * i);
  }
  return stamp;
}

}  // namespace ipcsuite::stress
