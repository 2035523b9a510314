// The model of descriptor tables: pipes whose ends are held by descriptors of several processes, by
// dup, fork and exec. Source: XSH dup, close, fcntl, fork, exec, pipe; read and write where the
// last descriptor of an end decides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/model/concept.h"

namespace ipcsuite::props {

inline constexpr std::size_t kFdSlots = 6;      // of each process
inline constexpr std::size_t kFdProcesses = 4;  // process 0 is there from the start

// An open file description: one end of a pipe.
struct Description {
  std::uint32_t pipe = 0;
  bool write_end = false;
  bool nonblock = false;
  friend bool operator==(const Description&, const Description&) = default;
};

struct FdSlot {
  int description = -1;  // -1: closed
  bool cloexec = false;
  friend bool operator==(const FdSlot&, const FdSlot&) = default;
};

struct FdTable {
  bool alive = false;
  bool waits = false;  // shown blocked in a read
  std::array<FdSlot, kFdSlots> slots;
  friend bool operator==(const FdTable&, const FdTable&) = default;
};

struct DescriptorState {
  std::vector<Description> descriptions;
  std::vector<std::vector<std::uint8_t>> pipes;  // bytes in each
  std::array<FdTable, kFdProcesses> processes;
  friend bool operator==(const DescriptorState&, const DescriptorState&) = default;
};

class DescriptorModel {
 public:
  using State = DescriptorState;

  State Initial() const;
  void Step(const State& state, const Op& op, std::vector<State>& out) const;
  bool MayBlock(const State& state, const Op& op) const;
  void Begin(State&, const Op&) const {}
  void Block(State& state, const Op& op) const;
  void Kill(State& state, const Op& op) const;
  static std::uint64_t Hash(const State& state);

  // True while some descriptor of some process refers to an end of this kind of the pipe.
  static bool EndOpen(const State& state, std::uint32_t pipe, bool write_end);

 private:
  bool Apply(State& next, const Op& op) const;
  bool PutByte(State& next, const Description& end, const Op& op) const;
  bool GetByte(State& next, const Description& end, const Op& op) const;
};

}  // namespace ipcsuite::props
