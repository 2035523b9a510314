// The model of shared memory objects: names, sizes, contents, descriptors and mappings of several
// processes. Source: XSH shm_open, shm_unlink, ftruncate, mmap, munmap, close, fork.
//
// Deterministic: POSIX leaves open only what the properties don't ask (stores beyond the end within
// the last page, O_TRUNC with O_RDONLY).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

inline constexpr std::size_t kShmNames = 3;
inline constexpr std::size_t kShmSlots = 4;  // descriptors, and mappings, of each process
inline constexpr std::size_t kShmProcesses = 4;
inline constexpr std::uint64_t kShmMappedPages = 3;

struct ShmObject {
  std::uint64_t size = 0;
  std::map<std::uint64_t, std::uint8_t> bytes;  // those that are not zero
  friend bool operator==(const ShmObject&, const ShmObject&) = default;
};

struct ShmDescriptor {
  int object = -1;  // -1: the slot is free
  bool read_only = false;
  friend bool operator==(const ShmDescriptor&, const ShmDescriptor&) = default;
};

struct ShmMapping {
  int object = -1;
  bool read_only = false;
  std::uint64_t page = 0;  // of the object, where the mapping begins
  friend bool operator==(const ShmMapping&, const ShmMapping&) = default;
};

struct ShmProcess {
  std::array<ShmDescriptor, kShmSlots> descriptors;
  std::array<ShmMapping, kShmSlots> mappings;
  friend bool operator==(const ShmProcess&, const ShmProcess&) = default;
};

struct ShmState {
  std::vector<ShmObject> objects;      // never shrinks: mappings refer by index
  std::array<int, kShmNames> names{};  // object, or -1
  std::array<ShmProcess, kShmProcesses> processes;
  friend bool operator==(const ShmState&, const ShmState&) = default;
};

class ShmModel {
 public:
  using State = ShmState;

  explicit ShmModel(std::uint64_t page_size = 4096) : page_size_(page_size) {}

  State Initial() const;
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State&, const Op&) const { return false; }
  void Begin(State&, const Op&) const {}
  void Block(State&, const Op&) const {}
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

  std::uint64_t page_size() const { return page_size_; }

 private:
  bool Open(State& next, const Op& op) const;
  bool Truncate(State& next, const Op& op) const;
  bool Map(State& next, const Op& op) const;
  bool Access(State& next, const Op& op) const;

  std::uint64_t page_size_;
};

}  // namespace ipcsuite::props
