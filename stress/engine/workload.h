// A workload: what its processes do, which objects they share, what must hold.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/rows.h"
#include "spec/clause.h"
#include "stress/engine/registry.h"
#include "stress/engine/worker.h"

namespace ipcsuite::stress {

enum class Shape {
  kPaired,  // producer i sends to consumer i over an object of their own
  kFanIn,   // all producers send to one consumer
  kShared,  // all producers and consumers share one object
  kAlike,   // all processes do the same; there are no consumers
};

// Findings and facts that the parent gains when all processes have ended.
struct AuditSink {
  struct Item {
    Kind kind;
    ClauseRef clause;
    std::string text;
    std::uint64_t count = 1;
  };
  std::vector<Item> findings;
  std::vector<std::pair<std::string, std::string>> facts;  // shown in the report
  std::uint64_t checks = 0;
  std::string inconclusive;  // why nothing could have been seen; empty: the run had teeth
};

class Workload {
 public:
  virtual ~Workload() = default;
  // Makes the objects. Returns "" or why the workload can't run here (UNSUPPORTED).
  virtual std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) = 0;
  // The work of one process, in that process; called again in a new process after a kill.
  virtual void Run(Worker& worker) = 0;
  // All producers have ended (in the parent, once): let the consumers come to their end.
  virtual void ProducersDone(const Shared&) {}
  // Called now and then from the stop until all have ended: wakes those that wait for nothing.
  virtual void Nudge(const Shared&) {}
  // All processes have ended: what the workload itself checks.
  virtual void Audit(const Shared&, const RunSpec&, AuditSink&) {}
  // Processes are stuck: the state of the objects they wait on, for the evidence; "": nothing
  // known.
  virtual std::string Describe(const Shared&) { return ""; }
  virtual void Teardown() {}
  // In a process that has no part in this workload: gives up inherited descriptors, removes
  // nothing.
  virtual void Forget() {}
};

inline constexpr std::size_t kKiB = 1024;

// What is known of a workload without running it: its row (Row<WorkloadInfo>), which stands in its
// own file in stress/workloads. The defaults are those of a checked stream of messages.
struct WorkloadInfo {
  const char* name;
  const char* title;
  const char* explain;    // several sentences: what it does, what it checks, its costs
  const char* test_name;  // in reports: "Stress.PipeStream"
  Shape shape = Shape::kPaired;
  bool has_raw = true;               // the same loop without checks makes sense
  bool uses_ledgers = true;          // messages are accounted for by Ledger and Audit
  int producers = 1, consumers = 1;  // default
  int max_priorities = 1;
  std::size_t size_default = 64, size_min = 8, size_max = 8 * kKiB;
  // Runs by default beside size_default, where long messages go another way than short ones; 0:
  // none.
  std::size_t size_large = 0;
  // A process of this role may be killed, for messages up to that size (0: never).
  std::size_t kill_producer_upto = 0, kill_consumer_upto = 0;
  // What processes wait for is handed over by one of them, who may be killed. Some slices then have
  // kills alone (signals wake whom a lost wake-up left asleep), and no process takes the place of a
  // killed one before each of the others went on.
  bool hands_over = false;
  ClauseRef lost_handover_clause = {};  // of processes that are stuck under kills, if it is another
  bool signals = true, open_loop = true;
  bool races = false;              // shows nothing where its processes share a cpu
  bool waits = false;              // a run in which nobody ever slept has shown nothing
  std::uint32_t sample_every = 1;  // latency of every n-th message; 0: none
  const char* unit = "messages";   // what one count is: "round trips", "outcomes"
  std::vector<ClauseRef> clauses;  // claimed
  ClauseRef loss_clause;           // of what the audit finds, and of processes that are stuck
  // Operations are logged and their order is decided where numbers alone don't decide it (order.h).
  // Empty: not logged.
  ClauseRef order_clause = {};     // oldest first
  ClauseRef priority_clause = {};  // highest first
  std::unique_ptr<Workload> (*make)();
  const char* file = __builtin_FILE();  // where the row stands
};

// A row of processes that all do the same, count what they did and send nothing to each other.
inline WorkloadInfo Alike(WorkloadInfo row) {
  row.shape = Shape::kAlike;
  row.uses_ledgers = false;
  row.consumers = 0;
  row.open_loop = false;
  return row;
}

// For WorkloadInfo::make.
template <class W, auto... kArguments>
std::unique_ptr<Workload> Make() {
  return std::make_unique<W>(kArguments...);
}

}  // namespace ipcsuite::stress
