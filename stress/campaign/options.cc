#include "stress/campaign/options.h"
#include "base/command_line.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>

namespace ipcsuite::stress {
namespace {

int Complain(const std::string& line) {
  std::fprintf(stderr, "ipcsuite stress: %s\n", line.c_str());
  return 2;
}

std::uint64_t RandomSeed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) ^ device();
}

// The text options, before they mean anything.
struct Texts {
  std::vector<std::string> workloads, placements, sizes, nemeses, formats;
  std::string time, procs, seed, policy = "auto";
};

std::string Resolve(const Texts& texts, StressOptions* options) {
  Options& campaign = options->campaign;
  for (const std::string& name : texts.workloads) {
    if (name == "all") {
      for (const WorkloadInfo& info : AllWorkloads()) campaign.workloads.push_back(&info);
      continue;
    }
    const WorkloadInfo* const info = FindWorkload(name);
    if (info == nullptr) return "unknown workload '" + name + "': see ipcsuite stress --list";
    campaign.workloads.push_back(info);
  }
  if (campaign.workloads.empty()) {
    for (const WorkloadInfo& info : AllWorkloads()) campaign.workloads.push_back(&info);
  }
  if (!texts.time.empty() && !ParseDuration(texts.time, &campaign.time_s)) {
    return "--time: '" + texts.time + "' is no duration (30s, 2m, 500ms)";
  }
  for (const std::string& text : texts.sizes) {
    std::size_t bytes = 0;
    if (!ParseSize(text, &bytes)) return "--sizes: '" + text + "' is no size (64, 4k, 1M)";
    campaign.sizes.push_back(bytes);
  }
  if (!texts.placements.empty()) campaign.placements.clear();
  for (const std::string& text : texts.placements) {
    Placement placement;
    if (text == "all") {
      campaign.placements = AllPlacements();
    } else if (PlacementFromString(text, &placement)) {
      campaign.placements.push_back(placement);
    } else {
      return "--topology: '" + text +
             "' is none of none, same-core, smt, cache, socket, spread, all";
    }
  }
  for (const std::string& text : texts.nemeses) {
    NemesisPlan& plan = campaign.nemesis;
    if (text == "all")
      plan = {true, true, true, true, true};
    else if (text == "none")
      plan = NemesisPlan();
    else if (text == "kill")
      plan.kill = true;
    else if (text == "stop")
      plan.stop = true;
    else if (text == "signal")
      plan.signal = true;
    else if (text == "exhaust")
      plan.exhaust = true;
    else if (text == "affinity")
      plan.affinity = true;
    else
      return "--nemesis: '" + text +
             "' is none of kill, stop, signal, exhaust, affinity, all, none";
  }
  if (!texts.procs.empty()) {
    char rest = 0;
    const int n = std::sscanf(texts.procs.c_str(), "%d:%d%c", &campaign.producers,
                              &campaign.consumers, &rest);
    if (n == 1 && texts.procs.find_first_not_of("0123456789") == std::string::npos) {
      campaign.consumers = campaign.producers;
    } else if (n != 2) {
      return "--procs: '" + texts.procs + "' is not A:B (producers:consumers)";
    }
    if (campaign.producers < 1 || campaign.consumers < 1 || campaign.producers > kMaxProducers ||
        campaign.consumers > kMaxProducers) {
      return "--procs: 1 to " + std::to_string(kMaxProducers) + " producers and consumers";
    }
  }
  campaign.policy = texts.policy == "batch"   ? Policy::kBatch
                    : texts.policy == "other" ? Policy::kOther
                                              : Policy::kAuto;
  try {
    std::size_t end = 0;
    campaign.seed = texts.seed.empty() ? RandomSeed() : std::stoull(texts.seed, &end, 0);
    if (!texts.seed.empty() && end != texts.seed.size()) throw std::invalid_argument(texts.seed);
  } catch (const std::exception&) {
    return "--seed: '" + texts.seed + "' is no 64-bit number";
  }
  return "";
}

void Describe(CLI::App& app, Texts& texts, StressOptions* options) {
  Options& campaign = options->campaign;
  app.add_option("workloads", texts.workloads,
                 "Workloads to run; default: all (--list explains each)");
  app.add_option("--time", texts.time, "Duration of the whole run: 30s, 2m, 500ms; default: 30s");
  app.add_option("--ops", campaign.ops, "At most so many messages of each producer in each slice");
  app.add_option("--procs", texts.procs,
                 "A:B producers and consumers; default: the workload's own");
  app.add_option("--topology", texts.placements,
                 "Where processes are pinned: none, same-core, smt, cache, socket, spread, all; "
                 "default: none")
      ->delimiter(',');
  app.add_option("--sizes", texts.sizes,
                 "Message sizes in bytes: 8,64,4k; default: the workload's own")
      ->delimiter(',');
  app.add_option("--nemesis", texts.nemeses,
                 "kill, stop, signal, exhaust, affinity, all, none; default: none")
      ->delimiter(',');
  app.add_flag("--sweep", campaign.sweep,
               "Measure scaling over the cpus too, and the core-to-core latency");
  app.add_option("--rate", campaign.rate_per_s,
                 "Open loop: so many messages a second of all producers; latency "
                 "counts from the intended time")
      ->check(CLI::PositiveNumber);
  app.add_option("--priorities", campaign.priorities, "Priorities in use on queues")
      ->check(CLI::Range(1, 31))
      ->capture_default_str();
  app.add_option("--pairs", campaign.pairs, "Pairs of a raw and a checked slice; default: by time")
      ->check(CLI::Range(1, 1000));
  app.add_option("--policy", texts.policy,
                 "Scheduling policy of the processes: other, batch (SCHED_BATCH: no wake-up "
                 "preemption), auto (batch for streams on one core, in slices without nemeses)")
      ->check(CLI::IsMember({"auto", "other", "batch"}))
      ->capture_default_str();
  app.add_flag("--allow-global", campaign.allow_global,
               "Exhaustion may use up what other processes of this machine "
               "share (queues of the IPC namespace)");
  app.add_option("--seed", texts.seed, "64-bit seed (decimal or 0x...); default: random, printed");
  app.add_option("--out", options->out, "Directory of the reports; empty: none are written")
      ->capture_default_str();
  app.add_option("--format", options->formats, "json, html, junit, ctrf, tap, ktap, markdown")
      ->delimiter(',');
  app.add_flag("--list", options->list, "Explain the workloads and run none");
}

}  // namespace

bool ParseDuration(const std::string& text, double* seconds) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const std::string unit = end;
  const double factor = unit.empty() || unit == "s"    ? 1
                        : unit == "ms"                 ? 1e-3
                        : unit == "m" || unit == "min" ? 60
                        : unit == "h"                  ? 3600
                                                       : 0;
  *seconds = value * factor;
  return end != text.c_str() && *seconds > 0 && *seconds < 1e7;
}

bool ParseSize(const std::string& text, std::size_t* bytes) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 10);
  const std::string unit = end;
  const unsigned long long factor = unit.empty() || unit == "B"                   ? 1
                                    : unit == "k" || unit == "K" || unit == "KiB" ? 1024
                                    : unit == "m" || unit == "M" || unit == "MiB" ? 1048576
                                                                                  : 0;
  if (factor == 0 || value == 0 || value > (1ull << 30) / factor) return false;
  *bytes = static_cast<std::size_t>(value * factor);
  return true;
}

int ParseStressOptions(int argc, char** argv, StressOptions* options) {
  CLI::App app(
      "Drives pipes, FIFOs, queues and shared memory at full speed and accounts for every message.",
      "ipcsuite stress");
  Texts texts;
  Describe(app, texts, options);
  return report::ParseArguments(app, argc, argv, [&] {
    const std::string error = Resolve(texts, options);
    if (!error.empty()) return Complain(error);
    options->campaign.matrix = options->campaign.sweep;
    return -1;
  });
}

}  // namespace ipcsuite::stress
