// Critical sections: what processes change together under a lock, in shared memory. Whether two
// were ever inside is seen by each, and every section is accounted for: it is counted inside, with
// plain stores, and by the process that was there.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>

#include "stress/engine/ticks.h"
#include "stress/engine/workload.h"
#include "stress/traffic/lives.h"

namespace ipcsuite::stress {

struct Section {
  alignas(kLine) std::atomic<std::uint64_t> contended;  // times that somebody found it taken
  alignas(kLine) volatile std::int32_t owner;           // pid of the process inside, 0 none
  // Written inside only, with plain stores: they differ if two were ever inside. Each is the number
  // of sections.
  volatile std::uint64_t words[8];
  volatile std::int64_t left;  // kTimed: Ticks() when the last one went

  // Changes the words, inside the lock. Now and then it stays long, so that others wait and are
  // killed.
  template <bool kChecked>
  void Change(Worker& w, std::uint64_t turn, ClauseRef exclusion) {
    if (kChecked && owner != 0) {
      w.Report(Kind::kExclusion, exclusion, "another process is inside: the owner field is set",
               static_cast<std::uint64_t>(owner));
    }
    if (kChecked) owner = w.cold.pid.load(std::memory_order_relaxed);
    const std::uint64_t first = words[0];
    std::uint64_t wrong = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint64_t word = words[i];
      if (kChecked) wrong |= word ^ first;
      words[i] = word + 1;
      if (i == 4 && turn % 64 == 0) {
        for (int k = 0; k < 200; ++k) Relax();
      }
    }
    if (kChecked && wrong != 0) {
      w.Report(Kind::kTorn, exclusion, "words that are changed together differ", wrong, first);
    }
    if (kChecked) owner = 0;
    if (w.spec.mode == Mode::kTimed) left = Ticks();
  }

  // Makes whole what an owner left that was killed inside; true when it was inside.
  bool Repair() {
    const bool inside = owner != 0;
    owner = 0;
    for (std::size_t i = 1; i < 8; ++i) words[i] = words[0];
    return inside;
  }

  // Notes how long after the last owner went a process that had to wait came in.
  void NoteHandover(Worker& w) const {
    if (w.spec.mode == Mode::kTimed) w.Latency(TicksToNs(Ticks() - left));
  }

  std::string Describe() const {
    return "in the section: " + (owner == 0 ? "nobody" : "process " + std::to_string(owner));
  }

  // What the processes of the workload counted. (A nemesis may have processes beside them.)
  static std::uint64_t Counted(const Shared& shared, const RunSpec& spec) {
    std::uint64_t counted = 0;
    for (int i = 0; i < spec.producers; ++i)
      counted += shared.hot[static_cast<std::size_t>(i)]->count.load();
    return counted;
  }

  // All processes have ended: the sections that were counted inside against `counted`, those that
  // the processes counted. Each that was killed may have begun one section that it did not count.
  void Audit(const Shared& shared, const RunSpec& spec, std::uint64_t counted, std::int64_t killed,
             ClauseRef exclusion, AuditSink& sink) const {
    std::uint64_t most = 0, least = ~std::uint64_t{0};
    for (int i = 0; i < spec.producers; ++i) {
      const std::uint64_t own = shared.hot[static_cast<std::size_t>(i)]->count.load();
      most = std::max(most, own);
      least = std::min(least, own);
    }
    const auto missing = static_cast<std::int64_t>(words[0] - counted);
    sink.facts.emplace_back("sections counted inside", std::to_string(words[0]));
    sink.facts.emplace_back("times that somebody had to wait", std::to_string(contended.load()));
    sink.facts.emplace_back("fairness: turns of the idlest and the busiest process",
                            std::to_string(least) + " and " + std::to_string(most));
    if (spec.mode == Mode::kRaw) return;
    ++sink.checks;
    if (missing < 0 || missing > killed) {
      sink.findings.push_back({Kind::kExclusion, exclusion,
                               "sections counted inside: " + std::to_string(words[0]) +
                                   ", by processes: " + std::to_string(counted) +
                                   "; processes killed: " + std::to_string(killed)});
    }
    if (contended.load() == 0) sink.inconclusive = "nobody ever found it taken";
  }
};

}  // namespace ipcsuite::stress
