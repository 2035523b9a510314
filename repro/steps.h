// The steps of a reproducer, in one order for all of its processes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "harness/core/arena.h"
#include "harness/core/trace.h"

namespace ipcsuite::repro {

struct Step {
  enum class What {
    kCall,     // begins and returns, and nobody else does anything meanwhile
    kIssue,    // begins, and others go on
    kReturn,   // of an issued call
    kStart,    // of a peer
    kBlocked,  // a peer must be asleep in its call
    kSignal,
    kFill,
    kDrain,
    kCloseExcept,
    kJoin,  // the end of a peer that was a process
  };
  What what;
  int actor;         // who performs it
  std::uint32_t at;  // place in the order
  const TraceEntry* entry;
  int of = 0;  // the peer that it concerns
};

// All steps, ascending; the clean-up at the end is left out. The error says what the trace does not
// hold.
Result<std::vector<Step>> StepsOf(const Slot& slot);
// Whether the test requires the call to return.
bool MustReturn(const TraceEntry& entry);

}  // namespace ipcsuite::repro
