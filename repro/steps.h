// The steps of a reproducer, in one order for all of its processes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "harness/core/arena.h"
#include "harness/core/trace.h"

namespace ipcsuite::repro {

// The place of what does not happen.
constexpr std::uint32_t kNever = UINT32_MAX;

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
    kBecome,  // another user
    kFull,    // takes all numbers of descriptors but some
    kJoin,    // the end of a peer that was a process
    kExit,    // a peer ends by itself
  };
  What what;
  int actor;         // who performs it
  std::uint32_t at;  // place in the order
  const TraceEntry* entry;
  int of = 0;  // the peer that it concerns
};

// All steps, ascending; the clean-up at the end is left out. The error says what the trace does not
// hold.
// `compared`: calls whose results a check was about.
Result<std::vector<Step>> StepsOf(const Slot& slot,
                                  const std::map<const TraceEntry*, std::string>& compared);
// The descriptor that a call made; -1: none.
int NumberMade(const TraceEntry& entry);
// Whether a call names a descriptor's number, or is required to return one.
bool NumbersMatter(const TraceEntry& entry);
// Calls by which the harness places objects: of no interest where nothing is done with what they
// make.
bool Places(const TraceEntry& entry);
// A call of a traced function.
bool IsCall(const TraceEntry& entry);
// Whether its process is killed in the call, or its thread cancelled.
bool IsGone(const TraceEntry& entry);
// Whether other actors do something before a call returns.
bool OthersActDuring(const std::vector<const TraceEntry*>& entries, const TraceEntry& call);
// A call of a set-up by the harness rather than by the test.
bool IsRaw(const TraceEntry& entry);
// Whether a peer gives others what they may still wait for.
bool GivesUp(const TraceEntry& entry);
// Whether the test requires the call to return.
bool MustReturn(const TraceEntry& entry);

}  // namespace ipcsuite::repro
