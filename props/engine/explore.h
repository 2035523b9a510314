// Finding and shrinking a failing program. Separate from property.cc because rapidcheck is costly
// to compile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "props/engine/program.h"

namespace ipcsuite::props {

struct Failure {
  Program program;
  CaseOutcome outcome;
  int shrinks = 0;         // candidates tried
  int reruns = 0;          // racy: runs of the final program
  int rerun_failures = 0;  // racy: of these, failures
};

struct ExploreOptions {
  std::uint64_t seed = 1;
  double seconds = 1;         // for finding
  double shrink_seconds = 5;  // for shrinking
  std::size_t max_steps = 100;
  std::uint64_t min_cases = 20;  // run even when the time is up
  // Asked when the time is up: whether enough was seen for a verdict. If not, the search goes on:
  // how much is seen depends on the number of cases, and a busy machine makes few of them in a
  // second. It ends without after `max_cases`, or two minutes later. Absent: it is enough.
  std::function<bool()> enough;
  std::uint64_t max_cases = 1000;
  // Called with the first failure immediately, and with each smaller one: whoever ends the test
  // before shrinking is over must find the failure noted. May be absent.
  std::function<void(const Failure&)> on_failure;
};

using RunProgram = std::function<CaseOutcome(const Program&)>;
using OnCase = std::function<void(const CaseOutcome&)>;

// rapidcheck generates and shrinks: for cases that give the same result when run again.
std::optional<Failure> Explore(const ExploreOptions& options, const RunProgram& run,
                               const OnCase& on_case);

// For racy cases: each candidate is run several times, and counts as failing when one run fails.
std::optional<Failure> ExploreRacy(const ExploreOptions& options, const RunProgram& run,
                                   const OnCase& on_case);

}  // namespace ipcsuite::props
