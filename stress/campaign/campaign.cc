#include "stress/campaign/campaign.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

std::string SizeText(std::size_t bytes) {
  if (bytes % 1048576 == 0) return std::to_string(bytes / 1048576) + "MiB";
  if (bytes % 1024 == 0) return std::to_string(bytes / 1024) + "KiB";
  return std::to_string(bytes) + "B";
}

double SecondsOf(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

RunSpec SpecFor(const Options& options, const WorkloadInfo& info, std::size_t size) {
  RunSpec spec;
  spec.size_bytes = std::clamp(size, info.size_min, info.size_max);
  spec.producers = options.producers > 0 ? options.producers : info.producers;
  spec.consumers = options.consumers > 0 ? options.consumers : info.consumers;
  switch (info.shape) {
    case Shape::kPaired: spec.consumers = spec.producers; break;
    case Shape::kFanIn: spec.consumers = 1; break;
    case Shape::kAlike:
      spec.producers += options.producers > 0 ? spec.consumers : 0;
      spec.consumers = 0;
      break;
    case Shape::kShared: break;
  }
  spec.producers = std::min(spec.producers, kMaxProducers);
  if (size < kStampSize && info.shape != Shape::kPaired) spec.size_bytes = kStampSize;
  spec.priorities = std::min(options.priorities, info.max_priorities);
  spec.seed = options.seed;
  spec.rate_per_s = info.open_loop ? options.rate_per_s : 0;
  spec.ops = options.ops;
  spec.sample_every = std::max(1u, info.sample_every);
  return spec;
}

std::string CommandFor(const Options& options, const Cell& cell) {
  char text[400];
  std::snprintf(
      text, sizeof text,
      "ipcsuite stress %s --time %.0fs --procs %d:%d --topology %s --sizes %zu --nemesis %s "
      "--priorities %d --seed %llu",
      cell.info->name, std::max(1.0, std::ceil(cell.seconds)), cell.spec.producers,
      std::max(1, cell.spec.consumers), std::string(ToString(cell.placement)).c_str(),
      cell.spec.size_bytes, options.nemesis.Text().c_str(), cell.spec.priorities,
      static_cast<unsigned long long>(options.seed));
  std::string command = text;
  if (options.policy != Policy::kAuto)
    command += options.policy == Policy::kBatch ? " --policy batch" : " --policy other";
  return command;
}

class Runner {
 public:
  Runner(const Options& options, const std::function<void(const Progress&)>& progress)
      : options_(options), progress_(progress), context_(options.seed) {}

  CampaignResult Run(const std::function<void(const Cell&)>& cell_done) {
    const std::int64_t start = NowNs();
    start_ns_ = start;
    result_.topology = ThisMachine();
    result_.seed = options_.seed;
    std::vector<Cell> cells = Plan();
    std::int64_t runnable = 0;
    for (const Cell& cell : cells) runnable += cell.reason.empty() ? 1 : 0;
    cell_time_ = options_.time / std::max<std::int64_t>(1, runnable);
    for (Cell& cell : cells) {
      if (context_.interrupted()) break;
      if (cell.reason.empty()) {
        RunCell(cell);
      } else {
        cell.outcome = Outcome::kUnsupported;
      }
      result_.cells.push_back(std::move(cell));
      cell_done(result_.cells.back());
    }
    if (options_.matrix && !context_.interrupted()) {
      Say("core matrix", "measuring");
      result_.matrix = MeasureCoreMatrix(context_, result_.topology);
    }
    if (options_.sweep && !context_.interrupted()) {
      result_.curves = RunSweep(context_, result_.topology, options_.sweep_slice, 5,
                                [this](const std::string& what) { Say("sweep", what); });
    }
    if (options_.commute && !context_.interrupted()) RunCommute();
    if (context_.interrupted()) result_.interrupted = "by a signal";
    result_.left_behind = context_.registry.Sweep();
    result_.seconds = static_cast<double>(NowNs() - start) / 1e9;
    return std::move(result_);
  }

 private:
  std::vector<Cell> Plan() const {
    std::vector<Cell> cells;
    for (const WorkloadInfo* info : options_.workloads) {
      std::vector<std::size_t> sizes = options_.sizes;
      if (sizes.empty()) {
        sizes = {info->size_default};
        if (info->size_large != 0) sizes.push_back(info->size_large);
      }
      for (const Placement placement : options_.placements) {
        for (const std::size_t size : sizes) {
          Cell cell;
          cell.info = info;
          cell.spec = SpecFor(options_, *info, size);
          cell.placement = placement;
          cell.name = info->test_name;
          if (sizes.size() > 1) cell.name += "/" + SizeText(size);
          if (options_.placements.size() > 1) cell.name += "/" + std::string(ToString(placement));
          cell.cpus = stress::Plan(result_.topology, placement, cell.spec.workers(), &cell.reason);
          // Processes that nobody pins end up on one cpu now and then.
          if (placement == Placement::kNone && info->races) {
            const std::vector<int> apart =
                stress::Plan(result_.topology, Placement::kSpread, cell.spec.workers(), nullptr);
            if (!apart.empty()) cell.cpus = apart;
          }
          if (size < info->size_min || size > info->size_max) {
            cell.reason = "messages of this workload have " + std::to_string(info->size_min) +
                          " to " + std::to_string(info->size_max) + " bytes";
          }
          cells.push_back(std::move(cell));
        }
      }
    }
    return cells;
  }

  void Say(const std::string& cell, const std::string& part) {
    progress_now_.cell = cell;
    progress_now_.part = part;
    progress_now_.messages = 0;
    Tick(0, 0);
  }
  void Tick(std::uint64_t messages, double slice_s) {
    progress_now_.messages = messages;
    progress_now_.slice_s = slice_s;
    progress_now_.elapsed_s = static_cast<double>(NowNs() - start_ns_) / 1e9;
    progress_now_.left_s = std::max(0.0, SecondsOf(options_.time) - progress_now_.elapsed_s);
    progress_(progress_now_);
  }

  // Returns false when no further slice of this cell makes sense.
  bool Slice(Cell& cell, Mode mode, nanoseconds duration, const NemesisPlan& plan,
             bool storm_restart) {
    if (context_.interrupted()) return false;
    SliceOptions slice;
    slice.info = cell.info;
    slice.spec = cell.spec;
    slice.spec.mode = mode;
    slice.spec.seed = Mix(options_.seed + cell.slices.size());
    slice.cpus = cell.cpus;
    slice.warm_up = std::clamp<nanoseconds>(duration / 10, 10ms, 500ms);
    slice.measure = std::max<nanoseconds>(20ms, duration - slice.warm_up);
    const bool nemesis = plan.any();
    const bool stream_on_one_cpu =
        cell.placement == Placement::kSameCore && cell.info->waits && !nemesis;
    slice.batch_policy = options_.policy == Policy::kBatch ||
                         (options_.policy == Policy::kAuto && stream_on_one_cpu);
    slice.allow_global = options_.allow_global;
    slice.keep_memory = mode != Mode::kRaw && (nemesis || cell.slices.size() < 3);
    slice.nemesis = plan;
    slice.storm_restart = storm_restart;
    slice.spec.eintr_expected = plan.interrupts() && !storm_restart;
    slice.spec.kills = plan.kills();
    Say(cell.name, std::string(ToString(mode)) + (nemesis ? " under " + plan.Text() : ""));
    context_.on_tick = [this](std::uint64_t messages, double s) { Tick(messages, s); };
    SliceResult result = RunSlice(context_, slice);
    result.nemeses = nemesis;
    progress_now_.messages_all += mode == Mode::kRaw ? 0 : result.messages_total;
    progress_now_.findings += result.findings_total;
    // A stuck process costs its time-out each time, and a thousand findings tell no more than
    // these.
    bool go_on =
        result.unsupported.empty() && result.unresolved.empty() && result.findings_total < 1000;
    for (const FindingRecord& finding : result.findings) {
      if (finding.kind == Kind::kStuck || finding.kind == Kind::kDied) go_on = false;
    }
    cell.slices.push_back(std::move(result));
    return go_on;
  }

  void RunCell(Cell& cell) {
    const std::int64_t start = NowNs();
    const bool timed = cell.info->sample_every != 0;
    const bool under_nemeses = options_.nemesis.any();
    const nanoseconds measure = under_nemeses ? cell_time_ * 2 / 5 : cell_time_;
    // Each slice costs some milliseconds more than it measures.
    const int kinds = 1 + (cell.info->has_raw ? 1 : 0) + (timed ? 1 : 0);
    int rounds = static_cast<int>(measure / (kinds * 300ms));
    rounds = std::clamp(rounds, 1, 11);
    if (options_.pairs > 0) rounds = options_.pairs;
    const auto each = std::max<nanoseconds>(40ms, measure / (rounds * kinds) - 10ms);
    bool go_on = true;
    for (int i = 0; i < rounds && go_on; ++i) {
      // Which comes first changes from round to round: a drift hurts both alike.
      std::vector<Mode> order;
      if (cell.info->has_raw) order.push_back(Mode::kRaw);
      order.push_back(Mode::kChecked);
      if (timed) order.push_back(Mode::kTimed);
      if (i % 2 == 1) std::reverse(order.begin(), order.end());
      for (const Mode mode : order) go_on = go_on && Slice(cell, mode, each, {}, true);
    }
    if (under_nemeses && go_on) RunUnderNemeses(cell, cell_time_ * 3 / 5);
    cell.seconds = static_cast<double>(NowNs() - start) / 1e9;
    cell.command = CommandFor(options_, cell);
    Conclude(cell);
  }

  void RunUnderNemeses(Cell& cell, nanoseconds time) {
    const NemesisPlan& all = options_.nemesis;
    const NemesisPlan kills = all.KillsAlone();
    const bool kill_alone =
        cell.info->hands_over && kills.any() && kills.nemeses.size() < all.nemeses.size();
    const int slices = std::clamp(static_cast<int>(time / 5s), kill_alone ? 3 : 2, 60);
    const auto each = std::max<nanoseconds>(50ms, time / slices - 10ms);
    bool go_on = true;
    for (int i = 0; i < slices && go_on; ++i) {
      // Half of them with latency, under both kinds of signals.
      const bool with_latency = cell.info->sample_every != 0 && (i % 4 == 1 || i % 4 == 2);
      go_on = Slice(cell, with_latency ? Mode::kTimed : Mode::kChecked, each,
                    kill_alone && i % 3 == 2 ? kills : all, i % 2 == 1);
    }
  }

  void RunCommute() {
    CommuteOptions commute;
    commute.time = options_.time;
    const Placement named = options_.placements.front();
    commute.cpus = stress::Plan(result_.topology,
                                named == Placement::kNone ? Placement::kSpread : named, 2, nullptr);
    result_.commute = MeasureCommute(context_, commute,
                                     [this](const std::string& what) { Say("commute", what); });
  }

  static void Numbers(Cell& cell) {
    std::vector<double> raw, checked, timed, pair_checked, pair_timed;
    for (const SliceResult& slice : cell.slices) {
      if (slice.mode != Mode::kRaw) {
        cell.messages += slice.messages_total;
        cell.checks += slice.checks;
      }
      for (const auto& [nemesis, tally] : slice.tallies) {
        cell.tallies[nemesis].acts += tally.acts;
        cell.tallies[nemesis].in_call += tally.in_call;
        if (!nemesis->kills) continue;
        cell.kills += tally.acts;
        cell.kills_in_call += tally.in_call;
      }
      if (slice.nemeses && slice.latency) cell.latency_under_nemeses.Merge(*slice.latency);
      if (slice.nemeses || slice.rate_per_s <= 0) continue;
      if (std::find(cell.regimes.begin(), cell.regimes.end(), slice.regime) == cell.regimes.end()) {
        cell.regimes.push_back(slice.regime);
      }
      (slice.mode == Mode::kRaw       ? raw
       : slice.mode == Mode::kChecked ? checked
                                      : timed)
          .push_back(slice.rate_per_s);
      if (slice.latency) cell.latency.Merge(*slice.latency);
    }
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (i < checked.size()) pair_checked.push_back(checked[i] / raw[i]);
      if (i < timed.size()) pair_timed.push_back(timed[i] / raw[i]);
    }
    // One pair or two say little: a ratio is given from three on.
    if (pair_checked.size() >= 3) cell.checked_of_raw = Median(pair_checked);
    if (pair_timed.size() >= 3) cell.timed_of_raw = Median(pair_timed);
    cell.raw = MakeSpread(std::move(raw));
    cell.checked = MakeSpread(std::move(checked));
    cell.timed = MakeSpread(std::move(timed));
  }

  void Conclude(Cell& cell) const {
    Numbers(cell);
    bool teeth = false, nemesis_teeth = false, failed = false, nemesis_ran = false;
    std::uint64_t voluntary = 0;
    std::string no_teeth;
    for (const SliceResult& slice : cell.slices) {
      if (!slice.unsupported.empty()) {
        cell.outcome = Outcome::kUnsupported;
        cell.reason = slice.unsupported;
        return;
      }
      if (!slice.unresolved.empty()) cell.reason = slice.unresolved;
      for (const FindingRecord& finding : slice.findings) {
        if (finding.kind == Kind::kDied) {
          cell.reason = finding.text;
        } else {
          failed = true;
        }
      }
      failed = failed || slice.findings_total > slice.findings.size();
      if (slice.mode == Mode::kRaw) continue;
      nemesis_ran = nemesis_ran || slice.nemeses;
      voluntary += static_cast<std::uint64_t>(slice.usage.voluntary_per_message *
                                              static_cast<double>(slice.messages));
      if (slice.inconclusive.empty() && slice.checks > 0) {
        (slice.nemeses ? nemesis_teeth : teeth) = true;
      } else if (no_teeth.empty()) {
        no_teeth = slice.inconclusive.empty() ? "nothing was checked" : slice.inconclusive;
      }
    }
    if (failed) {
      cell.outcome = Outcome::kFail;
      return;
    }
    if (!cell.reason.empty()) {
      cell.outcome = Outcome::kUnresolved;
      return;
    }
    // Both parts must have been able to show something: the plain one and the one under nemeses.
    if (nemesis_ran) teeth = teeth && nemesis_teeth;
    const std::size_t upto = std::max(cell.info->kill_producer_upto, cell.info->kill_consumer_upto);
    if (teeth && nemesis_ran && options_.nemesis.kills() && cell.spec.size_bytes <= upto &&
        cell.kills_in_call == 0) {
      teeth = false;
      no_teeth = "no kill landed inside a call";
    }
    if (teeth && cell.info->waits && voluntary == 0 && cell.messages > 0) {
      teeth = false;
      no_teeth = "no process ever waited";
    }
    cell.outcome = teeth ? Outcome::kPass : Outcome::kInconclusive;
    cell.reason = teeth ? "" : no_teeth;
  }

  const Options& options_;
  const std::function<void(const Progress&)>& progress_;
  Context context_;
  CampaignResult result_;
  Progress progress_now_;
  std::int64_t start_ns_ = 0;
  nanoseconds cell_time_ = 1s;
};

}  // namespace

Spread MakeSpread(std::vector<double> samples) {
  Spread spread;
  if (samples.empty()) return spread;
  spread.median = Median(samples);
  spread.low = *std::min_element(samples.begin(), samples.end());
  spread.high = *std::max_element(samples.begin(), samples.end());
  spread.samples = std::move(samples);
  return spread;
}

bool CampaignResult::failed() const {
  return std::any_of(cells.begin(), cells.end(),
                     [](const Cell& cell) { return cell.outcome == Outcome::kFail; });
}
bool CampaignResult::unresolved() const {
  return std::any_of(cells.begin(), cells.end(),
                     [](const Cell& cell) { return cell.outcome == Outcome::kUnresolved; });
}

CampaignResult RunCampaign(const Options& options,
                           const std::function<void(const Progress&)>& progress,
                           const std::function<void(const Cell&)>& cell_done) {
  return Runner(options, progress).Run(cell_done);
}

Options ShortSelection(nanoseconds time, std::uint64_t seed) {
  Options options;
  options.workloads = AllRows<WorkloadInfo>();
  options.time = time;
  options.seed = seed;
  options.matrix = true;
  options.nemesis = NemesisPlan::All();
  return options;
}

}  // namespace ipcsuite::stress
