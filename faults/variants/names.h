// What variants of names share: the forms of a name, and names that stand for others.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>

#include "faults/variants/vary.h"

namespace faults::names {

inline size_t Length(const char* n) { return n && !Unreadable(n) ? std::strlen(n) : 0; }
inline bool NoSlash(const char* n) { return Length(n) > 0 && n[0] != '/'; }
// A slash that is not the first byte.
inline bool InnerSlash(const char* n) { return Length(n) > 1 && std::strchr(n + 1, '/'); }
inline bool Dots(const char* n) {
  return Length(n) > 0 && (std::strcmp(n, "/.") == 0 || std::strcmp(n, "/..") == 0);
}

// The following return a name in `room` (512 bytes) that stands for n, or n itself where they do
// not apply.
inline const char* SlashesReplaced(const char* n, char* room) {
  const size_t length = Length(n);
  if (!InnerSlash(n) || length > 250 || n[0] != '/') return n;
  for (size_t i = 0; i <= length; ++i) room[i] = i > 0 && n[i] == '/' ? '!' : n[i];
  return room;
}
// A name of more than 200 bytes as a short one of its own.
inline const char* Shortened(const char* n, char* room) {
  const size_t length = Length(n);
  if (length <= 200 || n[0] != '/' || InnerSlash(n)) return n;
  uint64_t sum = 0;
  for (size_t i = 0; i < length; ++i) sum = sum * 1099511628211u + static_cast<unsigned char>(n[i]);
  std::snprintf(room, 512, "%.100s.%llx", n, static_cast<unsigned long long>(sum));
  return room;
}

}  // namespace faults::names
