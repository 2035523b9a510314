#include "stress/campaign/options.h"
#include "base/args.h"
#include "base/clock.h"
#include "base/random.h"
#include "reports/formats/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>

#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

// The text options, before they mean anything.
struct Texts {
  std::vector<std::string> workloads, placements, sizes, nemeses, formats;
  std::string procs, policy = "auto";
};

std::string Resolve(const Texts& texts, StressOptions* options) {
  Options& campaign = options->campaign;
  for (const std::string& name : texts.workloads) {
    if (name == "all") {
      const auto& all = AllRows<WorkloadInfo>();
      campaign.workloads.insert(campaign.workloads.end(), all.begin(), all.end());
      continue;
    }
    const WorkloadInfo* const info = FindRow<WorkloadInfo>(name);
    if (info == nullptr) return "unknown workload '" + name + "': see ipcsuite stress --list";
    campaign.workloads.push_back(info);
  }
  if (campaign.workloads.empty() && !campaign.commute) campaign.workloads = AllRows<WorkloadInfo>();
  for (const std::string& text : texts.sizes) {
    const Result<std::size_t> bytes = ParseSize(text);
    if (!bytes) return "--sizes: " + bytes.error();
    campaign.sizes.push_back(*bytes);
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
             "' is not one of none, same-core, smt, cache, socket, spread, all";
    }
  }
  for (const std::string& text : texts.nemeses) {
    if (text == "all") {
      campaign.nemesis = NemesisPlan::All();
    } else if (text == "none") {
      campaign.nemesis = {};
    } else if (const NemesisInfo* const info = FindRow<NemesisInfo>(text); info != nullptr) {
      campaign.nemesis.Add(info);
    } else {
      return "--nemesis: '" + text + "' is not one of " + RowNames<NemesisInfo>() + ", all, none";
    }
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
  return "";
}

void Describe(CLI::App& app, Texts& texts, StressOptions* options) {
  Options& campaign = options->campaign;
  app.add_option("workloads", texts.workloads,
                 "Workloads to run; default: all (--list explains each)");
  AddDuration(app, "--time", campaign.time, "Duration of the whole run; default: 30s");
  app.add_option("--ops", campaign.ops, "Stop each producer after N messages per slice");
  app.add_option("--procs", texts.procs,
                 "A:B producers and consumers; default: the workload's own");
  app.add_option("--topology", texts.placements,
                 "Where processes are pinned: none, same-core, smt, cache, socket, spread, all; "
                 "default: none")
      ->delimiter(',');
  app.add_option("--sizes", texts.sizes,
                 "Message sizes in bytes: 8,64,4k; default: the workload's own")
      ->delimiter(',');
  app.add_option("--nemesis", texts.nemeses, RowNames<NemesisInfo>() + ", all, none; default: none")
      ->delimiter(',');
  app.add_flag("--sweep", campaign.sweep,
               "Measure scaling over the cpus too, and the core-to-core latency");
  app.add_flag("--commute", campaign.commute,
               "Measure pairs of calls that commute, on two cpus; without workloads unless named");
  app.add_option("--rate", campaign.rate_per_s,
                 "Open-loop rate in messages/s over all producers; latency is measured from the "
                 "scheduled send time")
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
  campaign.seed = RandomSeed();
  AddSeed(app, campaign.seed, "Seed of the run; default: random, printed");
  app.add_option("--out", options->out, "Directory of the reports; empty: none are written")
      ->capture_default_str();
  report::AddFormats(app, options->formats);
  report::AddJudgingOptions(app, options->judging);
  app.add_flag("--list", options->list, "Explain the workloads and run none");
}

}  // namespace

int ParseStressOptions(int argc, char** argv, StressOptions* options) {
  CLI::App app(
      "Drives pipes, FIFOs, queues and shared memory at full speed and accounts for every message.",
      "ipcsuite stress");
  Texts texts;
  Describe(app, texts, options);
  return ParseArguments(app, argc, argv, [&] {
    const std::string error = Resolve(texts, options);
    if (!error.empty()) return Complain(error);
    options->campaign.matrix = options->campaign.sweep;
    return -1;
  });
}

}  // namespace ipcsuite::stress
