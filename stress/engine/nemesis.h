// Nemeses: what is done to the processes of a slice while they work. Every act leaves evidence.
//
// A nemesis is one file in stress/nemeses that brings its row (Row<NemesisInfo>): options, help,
// reports and plots are derived from the table.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/rows.h"
#include "stress/engine/engine.h"

namespace ipcsuite::stress {

class Conductor;
class NemesisDriver;

// How an act is named in lists, and drawn in the time line.
struct NemesisMark {
  const char* name;  // "kill"
  char letter;       // unique among all marks
  const char* colour;
};

using Facts = std::vector<std::pair<std::string, std::string>>;

struct NemesisInfo {
  const char* name;     // of --nemesis
  const char* help;     // one line: what it does
  const char* counted;  // what its acts are called in reports: "kills"
  NemesisMark mark;
  NemesisMark end_mark = {};  // of what ends an act later (SIGCONT after SIGSTOP); name null: none
  nanoseconds period{0};      // mean time between two acts; 0: it does not act on the workers
  bool kills = false;         // ends processes, which are started again
  bool interrupts = false;    // calls fail with EINTR in the slices without SA_RESTART
  bool lists_acts = false;    // the first acts are listed in the evidence, one a line
  bool counts_calls = false;  // how many acts met a process inside a call is reported

  // Whether it can do anything to this workload here; null: always.
  bool (*applies)(const SliceOptions& options, const std::vector<int>& allowed) = nullptr;
  // Once in a period, in the parent.
  void (*act)(NemesisDriver& driver) = nullptr;
  // Before the order to stop; null: nothing is to be undone.
  void (*cease)(NemesisDriver& driver) = nullptr;

  // The work of a process of its own beside the workers, until Worker::Go() is false; null: none.
  void (*work)(Worker& worker, Registry& registry, bool allow_global) = nullptr;
  // What that process left in cold.extra. Returns the number of its acts.
  std::uint64_t (*collect)(const WorkerCold& cold, Facts* facts) = nullptr;
};

// Runs the nemeses of one slice, and is what their rows act through.
class NemesisDriver {
 public:
  NemesisDriver(Conductor& conductor, const NemesisPlan& plan, std::uint64_t seed);

  // Does what is due; returns when (CLOCK_MONOTONIC, ns) something is due next.
  std::int64_t Act(std::int64_t now_ns);
  // The slice is about to stop: nobody stays stopped, everybody may run where it was pinned.
  void Cease();

  // ---- for the rows
  const SliceOptions& options() const;
  const std::vector<int>& allowed() const;
  SplitMix64& random() { return random_; }
  bool alive(int worker) const;
  pid_t pid(int worker) const;
  // A process that runs; or one that may be killed, for messages of this size. -1: none found.
  int PickVictim();
  int PickMortal();
  // SIGKILL, inside a call if one comes soon; what the process had in hand is noted, and its
  // successor started.
  void Kill(int worker);
  // SIGSTOP now, SIGCONT after `duration`.
  void Stop(int worker, nanoseconds duration);
  // Evidence of an act of the row that acts at the moment. `detail`: signal number, cpu, errno.
  void Note(int worker, int detail);

 private:
  struct Timer {
    const NemesisInfo* info;
    std::int64_t due_ns = 0;
  };
  bool Due(Timer& timer);
  void Continue(std::int64_t* next_ns);
  void Record(const NemesisInfo* by, bool end, int worker, CallId call, std::uint64_t in_hand,
              int detail);

  Conductor& conductor_;
  const NemesisPlan plan_;
  SplitMix64 random_;
  std::vector<Timer> timers_;
  std::vector<const NemesisInfo*> stopped_by_;  // by worker
  const NemesisInfo* acting_ = nullptr;
  std::int64_t now_ns_ = 0;
};

}  // namespace ipcsuite::stress
