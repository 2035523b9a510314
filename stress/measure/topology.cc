#include "stress/measure/topology.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <set>
#include <tuple>

#include "base/cpus.h"
#include "base/os/os.h"

namespace ipcsuite::stress {
namespace {

std::string ReadLine(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

int ReadInt(const std::string& path, int missing) {
  const std::string line = ReadLine(path);
  int value = missing;
  const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), value);
  return ec == std::errc() && end != line.data() ? value : missing;
}

// The highest level of data or unified cache of one cpu: the smallest cpu that shares it.
int LastLevelCache(const std::string& cpu_dir) {
  int best_level = 0;
  int id = -1;
  for (int index = 0; index < 16; ++index) {
    const std::string dir = cpu_dir + "/cache/index" + std::to_string(index);
    const int level = ReadInt(dir + "/level", 0);
    if (level == 0) break;
    if (level <= best_level || ReadLine(dir + "/type") == "Instruction") continue;
    const std::vector<int> shared = ParseCpuList(ReadLine(dir + "/shared_cpu_list"));
    if (shared.empty()) continue;
    best_level = level;
    id = shared.front();
  }
  return id;
}

// Cpus are siblings when this is equal: the smallest cpu of the core. core_id is unique only within
// a die or cluster on some machines; -1 where sysfs says nothing.
int CoreOf(const std::string& cpu_dir) {
  for (const char* const file : {"/topology/core_cpus_list", "/topology/thread_siblings_list"}) {
    const std::vector<int> siblings = ParseCpuList(ReadLine(cpu_dir + file));
    if (!siblings.empty()) return siblings.front();
  }
  return ReadInt(cpu_dir + "/topology/core_id", -1);
}

std::map<int, int> NodeOfCpu(const std::string& root) {
  std::map<int, int> node_of;
  for (const int node : ParseCpuList(ReadLine(root + "/devices/system/node/online"))) {
    const std::string list =
        ReadLine(root + "/devices/system/node/node" + std::to_string(node) + "/cpulist");
    for (const int cpu : ParseCpuList(list)) node_of[cpu] = node;
  }
  return node_of;
}

template <class Key>
int Distinct(const std::vector<Cpu>& cpus, Key key) {
  std::set<decltype(key(cpus.front()))> seen;
  for (const Cpu& cpu : cpus) seen.insert(key(cpu));
  return static_cast<int>(seen.size());
}

std::string Count(int n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

// Groups the allowed cpus by `key` and keeps one hardware thread of each core when asked to.
template <class Key>
std::vector<std::vector<int>> Groups(const Topology& topology, Key key, bool one_per_core) {
  std::map<decltype(key(topology.cpus.front())), std::vector<int>> groups;
  std::set<std::pair<int, int>> cores;
  for (const Cpu& cpu : topology.cpus) {
    if (one_per_core && !cores.insert({cpu.package, cpu.core}).second) continue;
    groups[key(cpu)].push_back(cpu.id);
  }
  std::vector<std::vector<int>> out;
  for (auto& [unused, ids] : groups) out.push_back(std::move(ids));
  return out;
}

const std::vector<int>* Largest(const std::vector<std::vector<int>>& groups) {
  const auto it = std::max_element(groups.begin(), groups.end(), [](const auto& a, const auto& b) {
    return a.size() < b.size();
  });
  return it == groups.end() ? nullptr : &*it;
}

std::vector<int> Interleave(const std::vector<std::vector<int>>& groups) {
  std::vector<int> out;
  for (size_t i = 0, added = 1; added != 0; ++i) {
    added = 0;
    for (const auto& group : groups) {
      if (i < group.size()) {
        out.push_back(group[i]);
        ++added;
      }
    }
  }
  return out;
}

auto ByCore(const Cpu& c) { return std::make_pair(c.package, c.core); }
auto ByCache(const Cpu& c) { return std::make_pair(c.package, c.cache); }
auto ByPackage(const Cpu& c) { return c.package; }
auto ByNode(const Cpu& c) { return c.node; }

bool KnowsCaches(const Topology& topology) {
  return std::any_of(topology.cpus.begin(), topology.cpus.end(),
                     [](const Cpu& cpu) { return cpu.cache >= 0; });
}

// Neighbours in the result are as far apart as they can be: packages in turn, in each of them its
// nodes, in each of those its caches.
std::vector<int> FarApart(const Topology& topology) {
  const auto parts = [](const Topology& whole, auto key) {
    std::map<int, Topology> by_key;
    for (const Cpu& cpu : whole.cpus) by_key[key(cpu)].cpus.push_back(cpu);
    return by_key;
  };
  std::vector<std::vector<int>> packages;
  for (const auto& [package, of_package] : parts(topology, ByPackage)) {
    std::vector<std::vector<int>> nodes;
    for (const auto& [node, of_node] : parts(of_package, ByNode))
      nodes.push_back(Interleave(Groups(of_node, ByCache, false)));
    packages.push_back(Interleave(nodes));
  }
  return Interleave(packages);
}

// Cpus of one package so that neighbours in the list lie in different caches.
std::vector<int> SocketOrder(const Topology& topology) {
  std::vector<int> best;
  for (const auto& package : Groups(topology, ByPackage, true)) {
    Topology part;
    for (const Cpu& cpu : topology.cpus) {
      if (std::find(package.begin(), package.end(), cpu.id) != package.end()) {
        part.cpus.push_back(cpu);
      }
    }
    std::vector<int> order = Interleave(Groups(part, ByCache, true));
    if (order.size() > best.size()) best = std::move(order);
  }
  return best;
}

}  // namespace

int Topology::cores() const { return cpus.empty() ? 0 : Distinct(cpus, ByCore); }
int Topology::packages() const { return cpus.empty() ? 0 : Distinct(cpus, ByPackage); }
int Topology::nodes() const { return cpus.empty() ? 0 : Distinct(cpus, ByNode); }
int Topology::caches() const { return KnowsCaches(*this) ? Distinct(cpus, ByCache) : 0; }

std::string Topology::Describe() const {
  return Count(static_cast<int>(cpus.size()), "cpu") + ", " + Count(cores(), "core") + ", " +
         Count(packages(), "package") + ", " + Count(nodes(), "NUMA node") + ", " +
         (KnowsCaches(*this) ? Count(caches(), "last-level cache") : "caches unknown") +
         (from_sysfs ? "" : " (sysfs says nothing: assumed)");
}

std::string_view ToString(Placement placement) {
  switch (placement) {
    case Placement::kNone: return "none";
    case Placement::kSameCore: return "same-core";
    case Placement::kSmt: return "smt";
    case Placement::kCache: return "cache";
    case Placement::kSocket: return "socket";
    case Placement::kSpread: return "spread";
  }
  return "?";
}

std::vector<Placement> AllPlacements() {
  return {Placement::kSameCore, Placement::kSmt, Placement::kCache, Placement::kSocket,
          Placement::kSpread};
}

bool PlacementFromString(std::string_view text, Placement* out) {
  std::vector<Placement> all = AllPlacements();
  all.push_back(Placement::kNone);
  for (const Placement p : all) {
    if (text == ToString(p)) {
      *out = p;
      return true;
    }
  }
  return false;
}

Topology ReadTopology(const std::string& root, const std::vector<int>& allowed) {
  Topology topology;
  const std::string base = root + "/devices/system/cpu";
  const std::vector<int> online = ParseCpuList(ReadLine(base + "/online"));
  topology.online = static_cast<int>(online.empty() ? allowed.size() : online.size());
  const std::map<int, int> node_of = NodeOfCpu(root);
  for (const int id : allowed) {
    const std::string dir = base + "/cpu" + std::to_string(id);
    Cpu cpu;
    cpu.id = id;
    cpu.core = CoreOf(dir);
    if (cpu.core >= 0) topology.from_sysfs = true;
    if (cpu.core < 0) cpu.core = id;
    cpu.package = std::max(0, ReadInt(dir + "/topology/physical_package_id", 0));
    cpu.cache = LastLevelCache(dir);
    const auto node = node_of.find(id);
    cpu.node = node == node_of.end() ? 0 : node->second;
    topology.cpus.push_back(cpu);
  }
  return topology;
}

Topology ThisMachine() { return ReadTopology("/sys", os::AllowedCpus()); }

std::vector<int> SweepOrder(const Topology& topology) {
  Topology first, siblings;
  std::set<std::pair<int, int>> cores;
  for (const Cpu& cpu : topology.cpus)
    (cores.insert(ByCore(cpu)).second ? first : siblings).cpus.push_back(cpu);
  std::vector<int> order = FarApart(first);
  const std::vector<int> rest = FarApart(siblings);
  order.insert(order.end(), rest.begin(), rest.end());
  return order;
}

std::vector<int> Plan(const Topology& topology, Placement placement, int n, std::string* why) {
  std::vector<int> offer;
  std::string reason;
  switch (placement) {
    case Placement::kNone: offer = {-1}; break;
    case Placement::kSameCore: offer = {topology.cpus.front().id}; break;
    case Placement::kSmt:
      if (const auto groups = Groups(topology, ByCore, false); Largest(groups) != nullptr) {
        offer = *Largest(groups);
      }
      if (offer.size() < 2) reason = "no core of the allowed set has two hardware threads";
      break;
    case Placement::kCache:
      if (const auto groups = Groups(topology, ByCache, true); Largest(groups) != nullptr) {
        offer = *Largest(groups);
      }
      if (!KnowsCaches(topology)) offer.clear();
      if (offer.size() < 2) {
        reason = KnowsCaches(topology) ? "no two cores of the allowed set share a last-level cache"
                                       : "sysfs does not say which cpus share a cache";
      }
      break;
    case Placement::kSocket:
      offer = SocketOrder(topology);
      if (offer.size() < 2) reason = "no package of the allowed set has two cores";
      break;
    case Placement::kSpread:
      offer = SweepOrder(topology);
      if (offer.size() < 2) reason = "only one cpu is allowed";
      break;
  }
  if (!reason.empty()) {
    if (why != nullptr) *why = reason;
    return {};
  }
  std::vector<int> plan;
  for (int i = 0; i < n; ++i) plan.push_back(offer[static_cast<size_t>(i) % offer.size()]);
  return plan;
}

bool PinSelf(int cpu, const std::vector<int>& allowed) {
  return os::PinProcess(0, cpu < 0 ? allowed : std::vector<int>{cpu});
}

}  // namespace ipcsuite::stress
