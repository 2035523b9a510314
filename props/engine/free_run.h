// The free-running engine: processes race on one object; what each did is recorded; the checker
// decides the history.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "props/engine/program.h"
#include "props/engine/target.h"
#include "props/history/history.h"
#include "props/history/recorder.h"

namespace ipcsuite::props {

struct FreeRun {
  int processes = 4;
  HistoryModel model;
  std::string origin;  // for the history's header
  // What process `lane` does at a step; called in that process. Call::kNone: nothing.
  std::function<Op(const RawStep&, int lane, std::uint64_t index)> decode;
  // In a process, after its steps: what it still does (a reader reads on to the end of file).
  // Returns false when there is no more.
  std::function<bool(int lane, Op& op)> finish;
  // In this process, when all others are done: empties the object, one operation at a time, as lane
  // `processes`. Returns false when it is empty. Absent: nothing is drained.
  std::function<bool(Op& op)> drain;
  // Turns what was recorded into a history (pieces of a byte stream); absent: nothing to do.
  std::function<void(const Recorder&, History&)> complete;
  int immortal = -1;       // a process that is never killed
  bool kills = false;      // steps 255 are SIGKILLs for a process, at any moment
  std::size_t stream = 0;  // bytes that each process may append to its stream
};

// Runs the program once: RawStep::who chooses the process. The outcome has failed when the checker
// refuses the history, unresolved when it gives up or the processes could not be observed.
CaseOutcome RunFree(const FreeRun& run, Target& target, const Program& program);

}  // namespace ipcsuite::props
