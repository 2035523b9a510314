// Scaling over processors, and the latency between each two of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stress/engine/engine.h"
#include "stress/measure/usl.h"

namespace ipcsuite::stress {

// One curve: an operation on objects of each process's own, or on one object that all share.
struct ScalingCurve {
  std::string operation;  // "pipe write+read", "mq send+receive", "atomic add"
  bool shared_object = false;
  std::vector<ScalingPoint> points;  // N = 1, 2, 4, ..., cores, siblings, twice as many
  std::vector<std::string> where;    // for each point: "1 core", "2 cores", "4 on 2 cpus"
  std::optional<UslFit> fit;         // only from five points on
  double ratio = 1;                  // last point on cpus of their own, relative to the first
};

// Latency of handing a cache line over from one cpu to another, one way.
struct CoreMatrix {
  std::vector<int> cpus;
  std::vector<std::vector<double>> ns;  // [from][to]; 0 on the diagonal
  std::string note;                     // why it is missing or what was left out
};

// Repeats each point `repeats` times, `slice` each.
std::vector<ScalingCurve> RunSweep(Context& context, const Topology& topology, nanoseconds slice,
                                   int repeats,
                                   const std::function<void(const std::string&)>& progress);
// The numbers of processes of a sweep: powers of two up to the cores, the cores, all hardware
// threads, twice as many.
std::vector<int> SweepSizes(int cores, int cpus);

CoreMatrix MeasureCoreMatrix(Context& context, const Topology& topology, int max_cpus = 64);

}  // namespace ipcsuite::stress
