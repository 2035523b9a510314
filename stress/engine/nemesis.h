// Nemeses: what is done to the processes of a slice while they work. Every act leaves evidence.
#pragma once

#include <vector>

#include "stress/engine/engine.h"

namespace ipcsuite::stress {

class Conductor;

class Nemesis {
 public:
  Nemesis(Conductor& conductor, const NemesisPlan& plan, std::uint64_t seed);

  // Does what is due; returns when (CLOCK_MONOTONIC, ns) something is due next.
  std::int64_t Act(std::int64_t now_ns);
  // The slice is about to stop: nobody stays stopped, everybody may run where it was pinned.
  void Cease();

 private:
  struct Timer {
    std::int64_t due_ns = 0, period_ns = 0;
    bool on = false;
  };
  bool Due(Timer& timer, std::int64_t now_ns);
  int PickVictim(bool for_kill);
  void Kill(std::int64_t now_ns);
  void Stop(std::int64_t now_ns);
  void Storm(std::int64_t now_ns);
  void Shuffle(std::int64_t now_ns);
  void Note(NemesisKind kind, int worker, CallId call, std::uint64_t in_hand, int detail,
            std::int64_t now_ns);

  Conductor& conductor_;
  const NemesisPlan plan_;
  SplitMix64 random_;
  Timer kill_, stop_, storm_, shuffle_;
};

// The work of a process that exhausts what it can without hurting others: its own descriptors, its
// user's queue bytes by rlimit, the number of queues in an IPC namespace of its own, a small tmpfs
// in a mount namespace of its own. Checks that the errno is the one of the standard and that all
// room comes back. Runs until the slice stops. `events` of the result are counted in
// worker.hot.count.
void RunHog(Worker& worker, Registry& registry, bool allow_global);

}  // namespace ipcsuite::stress
