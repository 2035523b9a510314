// Random histories that are right by construction, and ways to spoil them. For testing and timing
// the checker: what it accepts and refuses is known beforehand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "props/history/history.h"

namespace ipcsuite::props {

struct GenerateOptions {
  std::uint64_t seed = 1;
  std::size_t processes = 4;
  std::size_t ops_per_process = 100;
  std::uint64_t max_messages = 10;
  std::uint32_t priorities = 4;
  double failures = 0.1;       // share of non-blocking calls
  double kills = 0;            // share of operations whose process dies in them
  bool drain = true;           // a last process empties the queue
  bool leave_blocked = false;  // some processes end in a blocked receive of the empty queue
};

// A history of one queue: a simulated queue served processes that overlap at random; each operation
// took effect at one moment between its begin and its end.
History GenerateQueueHistory(const GenerateOptions& options);

// A history of one pipe with one reader; records of 1 to pipe_buf bytes.
History GeneratePipeHistory(const GenerateOptions& options);

enum class Mutation : std::uint8_t {
  kDuplicate,      // a receive returns a value again
  kDrop,           // a receive of a drained history is forgotten
  kSwap,           // two receives of one sender's messages exchange their values
  kThinAir,        // a receive returns a value that nobody sent
  kTieSwap,        // two messages of one priority come out in the wrong order
  kPrioritySwap,   // two messages of different priority come out in the wrong order
  kEarlyTimeout,   // a timed call ends before its deadline
  kLostWakeup,     // a receiver stays blocked though a message is there
  kFalseEmpty,     // "empty" while a message is there
  kWrongPriority,  // a receive reports another priority
  kSplit,          // pipe: the bytes of an atomic write are separated
  kCount
};

std::string_view Name(Mutation mutation);

// Spoils a right history so that it is surely wrong; nothing when no operations fit.
std::optional<History> Mutate(const History& history, Mutation mutation, std::uint64_t seed);

}  // namespace ipcsuite::props
