// A campaign: which workloads run where, in which slices, and what their results amount to.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "stress/campaign/sweep.h"
#include "stress/commute/commute.h"
#include "stress/engine/engine.h"
#include "stress/measure/usl.h"

namespace ipcsuite::stress {

// Scheduling policy of the processes. Under SCHED_BATCH a process that is woken does not preempt
// the one that woke it. Where both ends of a stream share a cpu, wake-up preemption makes them
// change places twice as often once the reader is a few per cent slower, so that a comparison of
// two loops would compare that. kAuto: SCHED_BATCH there, in slices without nemeses; the usual
// policy elsewhere.
enum class Policy { kAuto, kOther, kBatch };

struct Options {
  std::vector<const WorkloadInfo*> workloads;
  nanoseconds time = 30s;            // of the workloads; of the commuting calls as long again
  std::uint64_t ops = 0;             // messages of each producer in each slice; 0: by time
  int producers = 0, consumers = 0;  // 0: the workload's default
  std::vector<Placement> placements = {Placement::kNone};
  std::vector<std::size_t> sizes;  // empty: the workload's default
  NemesisPlan nemesis;
  double rate_per_s = 0;
  std::uint64_t seed = 0;
  int priorities = 4;
  int pairs = 0;  // raw/checked pairs; 0: by time
  Policy policy = Policy::kAuto;
  bool allow_global = false;
  bool sweep = false;
  bool matrix = false;
  bool commute = false;
  nanoseconds sweep_slice = 200ms;
};

// Summary of samples that may come from different regimes.
struct Spread {
  std::vector<double> samples;
  double median = 0, low = 0, high = 0;
  // The samples differ by more than half of their median: then no single number is given.
  bool wide() const { return median > 0 && high - low > 0.5 * median; }
};
Spread MakeSpread(std::vector<double> samples);

enum class Outcome { kPass, kFail, kUnresolved, kUnsupported, kInconclusive };

// One workload at one placement and one message size.
struct Cell {
  const WorkloadInfo* info = nullptr;
  RunSpec spec;
  Placement placement = Placement::kNone;
  std::vector<int> cpus;
  std::string name;  // "Stress.PipeStream/64B/same-core"
  Outcome outcome = Outcome::kInconclusive;
  std::string reason;
  std::vector<SliceResult> slices;              // in the order they ran
  Spread raw, checked, timed;                   // messages per second, slices without nemeses
  double checked_of_raw = 0, timed_of_raw = 0;  // median over pairs
  Histogram latency, latency_under_nemeses;
  std::vector<std::string> regimes;        // all that were seen
  std::uint64_t messages = 0, checks = 0;  // accounted for, over all checked slices
  NemesisTallies tallies;                  // over all slices
  std::uint64_t kills = 0, kills_in_call = 0;
  double seconds = 0;
  std::string command;
};

struct CampaignResult {
  Topology topology;
  std::vector<Cell> cells;
  std::vector<ScalingCurve> curves;
  CoreMatrix matrix;
  CommuteResult commute;
  std::string interrupted;
  std::uint64_t seed = 0;
  double seconds = 0;
  int left_behind = 0;  // names that had to be removed at the end
  bool failed() const;
  bool unresolved() const;
};

// Says what is going on: name of the cell, what part, messages so far, seconds, seconds left.
struct Progress {
  std::string cell, part;
  std::uint64_t messages = 0;  // of this slice
  double slice_s = 0, elapsed_s = 0, left_s = 0;
  std::uint64_t messages_all = 0;  // of the campaign, slices that have ended
  std::uint64_t findings = 0;
};

CampaignResult RunCampaign(const Options& options,
                           const std::function<void(const Progress&)>& progress,
                           const std::function<void(const Cell&)>& cell_done);

// The selection of `ipcsuite run`: all workloads for about `time` together, with nemeses.
Options ShortSelection(nanoseconds time, std::uint64_t seed);

}  // namespace ipcsuite::stress
