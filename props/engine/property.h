// Running a property: kept failing programs first, then random ones within the budget of the
// profile; a failure is shrunk, printed as a short program, kept, and reported with the command
// that replays it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "props/engine/program.h"

namespace ipcsuite::props {

// A kind of operation that must have succeeded, or the property has shown nothing.
struct Needed {
  Call call;
  std::uint64_t times = 1;
};

struct PropertySpec {
  std::string name;       // of the test: "PropLockstep.QueueTraffic"
  const char* file = "";  // where it is defined
  int line = 0;
  std::size_t max_steps = 100;
  std::function<CaseOutcome(const Program&)> run;
  std::vector<Needed> needed;      // vacuity: operations that must have succeeded
  std::uint64_t needed_waits = 0;  // and waits that must have been seen blocked
  // A case that depends on timing: what failed once may pass again. Shrunk by repeating each
  // candidate, and reported with the share of runs that failed.
  bool racy = false;

  // Lockstep: every wait must be seen, which takes long where the platform does not show it.
  bool WatchesWaits() const { return needed_waits > 0 && !racy; }
};

// Runs the property as (part of) the current test: records failures, evidence, figures.
void CheckProperty(const PropertySpec& spec);

// What the random part of a property did.
struct PropertyStats {
  std::uint64_t cases = 0;
  std::uint64_t ops = 0;
  std::uint64_t waits = 0;
  std::vector<std::uint64_t> succeeded;  // by Call
  void Add(const CaseOutcome& outcome);
};

// What of `spec` the statistics do not show; empty: the property is not vacuous.
std::string Vacuity(const PropertySpec& spec, const PropertyStats& stats);

}  // namespace ipcsuite::props
