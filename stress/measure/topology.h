// What the machine looks like, read from sysfs, and where processes are pinned.
//
// sysfs and the allowed set of the scheduler are enough (no hwloc: the portable binary is static).
// Every file may be missing (containers, gVisor, other kernels): a missing one means one package,
// one NUMA node, no siblings and no shared caches, and `from_sysfs` says that it was so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ipcsuite::stress {

struct Cpu {
  int id = 0;
  int core = 0;  // cpus with the same (package, core) are siblings (SMT): the smallest of them
  int package = 0;
  int node = 0;    // NUMA node
  int cache = -1;  // id of the last-level cache: the smallest cpu that shares it; -1 unknown
};

struct Topology {
  std::vector<Cpu> cpus;  // allowed ones, ascending by id
  bool from_sysfs = false;
  int online = 0;  // cpus online, allowed or not

  int cores() const;
  int packages() const;
  int nodes() const;
  int caches() const;            // last-level ones; 0 unknown
  std::string Describe() const;  // "2 cpus, 2 cores, 1 package, 1 node, 1 last-level cache"
};

enum class Placement {
  kNone,      // not pinned
  kSameCore,  // all on one cpu
  kSmt,       // on the hardware threads of one core
  kCache,     // on different cores below one last-level cache
  kSocket,    // on different cores of one package, in different last-level caches where there are
  kSpread,    // as far apart as possible: over packages, nodes, caches, then cores
};

std::string_view ToString(Placement placement);
bool PlacementFromString(std::string_view text, Placement* out);
std::vector<Placement> AllPlacements();

// The cpus of `allowed`, as the files below `root` ("/sys") describe them.
Topology ReadTopology(const std::string& root, const std::vector<int>& allowed);
Topology ThisMachine();

// The cpu of each of `n` processes (index: process); reused from the start when n exceeds what the
// placement offers. Empty when the machine doesn't offer the placement (no siblings, one cpu); the
// reason is put in `why`. kNone gives n times -1.
std::vector<int> Plan(const Topology& topology, Placement placement, int n, std::string* why);

// The order in which a scaling sweep takes cpus, which is that of kSpread: one hardware thread of
// each core, with packages, nodes and caches in turn, then the siblings.
std::vector<int> SweepOrder(const Topology& topology);

// Pins the calling process; -1 lifts the pin to all of `allowed`. False when the kernel refuses.
bool PinSelf(int cpu, const std::vector<int>& allowed);

}  // namespace ipcsuite::stress
