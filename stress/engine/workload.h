// A workload: what its processes do, which objects they share, what must hold.
#pragma once

#include <memory>
#include <string>
#include <vector>

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
    std::string clause, text;
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
  virtual void Teardown() {}
  // In a process that has no part in this workload: gives up inherited descriptors, removes
  // nothing.
  virtual void Forget() {}
};

// What is known of a workload without running it.
struct WorkloadInfo {
  const char* name;
  const char* title;
  const char* explain;    // several sentences: what it does, what it checks, what that costs
  const char* test_name;  // in reports: "Stress.PipeStream"
  Shape shape;
  bool has_raw;              // the same loop without checks makes sense
  bool uses_ledgers;         // messages are accounted for by Ledger and Audit
  int producers, consumers;  // default
  int max_priorities;
  std::size_t size_default, size_min, size_max;
  // Runs by default beside size_default, where long messages go another way than short ones; 0:
  // none.
  std::size_t size_large;
  // A process of this role may be killed, for messages up to that size (0: never).
  std::size_t kill_producer_upto, kill_consumer_upto;
  bool signals, open_loop;
  bool races;                        // shows nothing where its processes share a cpu
  bool waits;                        // a run in which nobody ever slept has shown nothing
  std::uint32_t sample_every;        // latency of every n-th message; 0: none
  const char* unit;                  // what one count is: "messages", "round trips", "outcomes"
  std::vector<const char*> clauses;  // claimed
  const char* loss_clause;           // of what the audit finds
  std::unique_ptr<Workload> (*make)();
};

const std::vector<WorkloadInfo>& AllWorkloads();
const WorkloadInfo* FindWorkload(const std::string& name);

}  // namespace ipcsuite::stress
