// Programs: what rapidcheck generates, shrinks and prints, for all engines.
//
// A step is four small numbers. An engine turns it into an operation when its turn comes, knowing
// the states that the model then allows: so every sequence of numbers is a valid program, and so is
// what is left when steps are dropped. (rapidcheck's own state testing computes the model's next
// state before the call is made; here the next state depends on what the platform did, a partial
// count or which waiter it served, so a program is interpreted, not precomputed.)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "props/model/op.h"

namespace ipcsuite::props {

struct RawStep {
  std::uint8_t who = 0;   // which process, of those that can act
  std::uint8_t what = 0;  // which operation
  std::uint16_t a = 0;
  std::uint16_t b = 0;
  friend bool operator==(const RawStep&, const RawStep&) = default;
};

using Program = std::vector<RawStep>;

// Twelve hexadecimal digits for each step; the text that replays a program.
std::string Encode(const Program& program);
std::optional<Program> DecodeProgram(std::string_view text);

// What one execution of a program showed.
struct CaseOutcome {
  bool failed = false;
  std::string message;             // what was wrong, a few lines
  std::string clause;              // that is violated; "": one of those that the property claims
  std::string reason;              // "lost wake-up", "outcome not allowed", the rule broken
  std::vector<std::string> lines;  // who called what, and what came of it
  std::size_t steps = 0;  // steps of the program that were looked at, the failing one included
  std::uint64_t trace_hash = 0;  // of all operations, outcomes and blocked sets
  std::uint64_t ops = 0;
  std::uint64_t waits = 0;               // operations that were shown blocked
  std::string unresolved;                // why the case could not be judged; empty: it was
  std::vector<std::uint64_t> succeeded;  // by Call: operations that succeeded
  std::string drawing;                   // SVG, of a failed case where there is one
  std::string history;                   // text of the history file, of a failed case

  void Count(const Op& op);
};

}  // namespace ipcsuite::props
