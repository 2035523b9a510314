#include "props/engine/property.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "props/engine/crew.h"
#include "props/engine/explore.h"
#include "props/engine/options.h"
#include "props/engine/seeds.h"
#include "props/model/hash.h"
#include "reports/results/model.h"

namespace ipcsuite::props {
namespace {

// How often a kept racy program is tried before it counts as passed.
constexpr int kRacyReplays = 5;

SeedFile Kept() {
  const Options& options = GlobalOptions();
  return SeedFile(options.seeds_path.empty() ? DefaultSeedsPath() : options.seeds_path);
}

// The test ends as UNTESTED, with the reason, unless something worse is known of it.
void Untested(const std::string& reason) {
  Slot* slot = CurrentSlot();
  if (slot == nullptr) return;
  std::uint32_t none = 0;
  const auto verdict = static_cast<std::uint32_t>(report::Verdict::kUntested) + 1;
  if (!slot->outcome.compare_exchange_strong(none, verdict)) return;
  const std::size_t length = std::min(reason.size(), sizeof slot->reason - 1);
  reason.copy(slot->reason, length);
  slot->reason[length] = '\0';
}

std::string ProgramText(const CaseOutcome& outcome) {
  std::string text;
  for (const std::string& line : outcome.lines) text += "  " + line + "\n";
  return text;
}

void Keep(const PropertySpec& spec, const Program& program) {
  std::string why;
  if (!Kept().Failed(spec.name, program, why)) {
    Evidence("the failing program could not be kept: " + why);
  }
}

void Report(const PropertySpec& spec, const Failure& failure) {
  const CaseOutcome& outcome = failure.outcome;
  std::string message = fmt::format("{}: {}\n{}", spec.name, outcome.reason, outcome.message);
  if (!message.ends_with('\n')) message += '\n';
  message +=
      fmt::format("The shortest program found ({} operations, {} candidates tried):\n",
                  std::ranges::count_if(
                      outcome.lines, [](const std::string& line) { return line.starts_with("p"); }),
                  failure.shrinks);
  message += ProgramText(outcome);
  if (failure.reruns > 0) {
    message += fmt::format("It depends on timing: {} of {} runs of this program failed.\n",
                           failure.rerun_failures, failure.reruns);
    RecordMetric("failure_share", static_cast<double>(failure.rerun_failures) / failure.reruns);
  }
  const std::string program = Encode(failure.program);
  message += fmt::format("Replay: ipcsuite run --filter='{}' --replay={}\n", spec.name, program);
  RecordFailure(outcome.clause, spec.file, spec.line, "every outcome is one that POSIX allows",
                outcome.reason + ": " + outcome.message.substr(0, 400), message);
  Attach("text", "The shortest program that fails", ProgramText(outcome) + "\nreplay: " + program);
  if (!outcome.drawing.empty()) Attach("svg", "The failing history", outcome.drawing);
  if (!outcome.history.empty())
    Attach("text", "The failing history (check-history)", outcome.history);
}

// The failure as it is known by now: noted immediately, and replaced by what it shrinks to, so that
// a test that is ended in the middle has its failure. Nobody else writes to the slot's log
// meanwhile.
class KnownFailure {
 public:
  void Replace(const PropertySpec& spec, const Failure& failure) {
    Slot* slot = CurrentSlot();
    if (slot != nullptr && noted_) {
      slot->log_used.store(log_used_);
    } else if (slot != nullptr) {
      log_used_ = slot->log_used.load();
    }
    Report(spec, failure);
    if (slot != nullptr) slot->failures.store(1);
    noted_ = true;
  }

 private:
  bool noted_ = false;
  std::uint32_t log_used_ = 0;
};

// Runs a given program; a racy one several times. True when it failed, which is then reported.
bool RunGiven(const PropertySpec& spec, const Program& program, PropertyStats& stats) {
  Failure failure;
  failure.program = program;
  const int runs = spec.racy ? kRacyReplays : 1;
  for (int i = 0; i < runs; ++i) {
    CaseOutcome outcome = spec.run(program);
    NoteChecksOfAll();
    stats.Add(outcome);
    if (!outcome.failed) continue;
    failure.outcome = std::move(outcome);
    Report(spec, failure);
    Keep(spec, program);
    return true;
  }
  return false;
}

bool RunKept(const PropertySpec& spec, PropertyStats& stats) {
  SeedFile kept = Kept();
  for (const KeptProgram& program : kept.Load(spec.name)) {
    if (RunGiven(spec, program.program, stats)) return true;
    kept.Passed(spec.name, program.program);
    Evidence("a program that failed before passed now: " + Encode(program.program));
  }
  return false;
}

void RecordStats(const PropertyStats& stats, double seconds) {
  RecordMetric("cases", static_cast<double>(stats.cases));
  RecordMetric("operations", static_cast<double>(stats.ops));
  RecordMetric("waits_seen_blocked", static_cast<double>(stats.waits));
  if (seconds > 0) RecordMetric("operations_per_s", static_cast<double>(stats.ops) / seconds);
  std::string kinds;
  for (std::size_t i = 0; i < stats.succeeded.size(); ++i) {
    if (stats.succeeded[i] == 0) continue;
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", Name(static_cast<Call>(i)),
                         stats.succeeded[i]);
  }
  Evidence(fmt::format("{} cases, {} operations, {} waits seen blocked; succeeded: {}", stats.cases,
                       stats.ops, stats.waits, kinds));
}

}  // namespace

void PropertyStats::Add(const CaseOutcome& outcome) {
  ++cases;
  ops += outcome.ops;
  waits += outcome.waits;
  succeeded.resize(std::max(succeeded.size(), outcome.succeeded.size()));
  for (std::size_t i = 0; i < outcome.succeeded.size(); ++i) succeeded[i] += outcome.succeeded[i];
}

std::string Vacuity(const PropertySpec& spec, const PropertyStats& stats) {
  for (const Needed& needed : spec.needed) {
    const auto at = static_cast<std::size_t>(needed.call);
    const std::uint64_t seen = at < stats.succeeded.size() ? stats.succeeded[at] : 0;
    if (seen < needed.times) {
      return fmt::format("{} succeeded {} times only in {} cases", Name(needed.call), seen,
                         stats.cases);
    }
  }
  if (stats.waits < spec.needed_waits) {
    return fmt::format("{} waits only were seen blocked in {} cases", stats.waits, stats.cases);
  }
  return "";
}

void CheckProperty(const PropertySpec& spec) {
  const Options& options = GlobalOptions();
  PropertyStats stats;
  if (!options.replay.empty()) {
    const std::optional<Program> program = DecodeProgram(options.replay);
    if (!program.has_value()) Unresolved("IPCSUITE_REPLAY is not a program (12 digits a step)");
    RunGiven(spec, *program, stats);
    return;
  }
  if (RunKept(spec, stats)) return;
  ExploreOptions explore;
  explore.seed = Mix(TestSeed() + options.round);
  explore.seconds = options.Seconds();
  explore.shrink_seconds = std::max(5.0, explore.seconds);
  explore.max_steps = spec.max_steps;
  PropertySpec wanted = spec;
  if (spec.WatchesWaits() && !ProbeIsCertain()) {
    // 20 ms for each look: few and short programs, and little is asked of them.
    explore.min_cases = 4;
    explore.max_steps = 30;
    explore.seconds *= 4;
    wanted.needed.resize(std::min<std::size_t>(wanted.needed.size(), 2), {Call::kNone});
    for (Needed& needed : wanted.needed) needed.times = 1;
    wanted.needed_waits = 1;
  }
  explore.enough = [&] { return Vacuity(wanted, stats).empty(); };
  std::string unresolved;
  const auto on_case = [&](const CaseOutcome& outcome) {
    stats.Add(outcome);
    NoteChecksOfAll();
    if (unresolved.empty()) unresolved = outcome.unresolved;
  };
  KnownFailure known;
  explore.on_failure = [&](const Failure& failure) { known.Replace(spec, failure); };
  const std::int64_t begin = NowNs();
  const std::optional<Failure> failure =
      spec.racy ? ExploreRacy(explore, spec.run, on_case) : Explore(explore, spec.run, on_case);
  const double seconds = static_cast<double>(NowNs() - begin) / 1e9;
  if (failure.has_value()) {
    known.Replace(spec, *failure);
    RecordStats(stats, seconds);
    Keep(spec, failure->program);
    return;
  }
  RecordStats(stats, seconds);
  if (!unresolved.empty()) Unresolved(unresolved);
  const std::string vacuous = Vacuity(wanted, stats);
  if (!vacuous.empty()) Untested("nothing was shown: " + vacuous);
}

}  // namespace ipcsuite::props
