// Inside of the engine: the processes of one slice and what is done to them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stress/engine/engine.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {

class Conductor {
 public:
  Conductor(Context& context, const SliceOptions& options);
  ~Conductor();

  SliceResult Run();

 private:
  friend class NemesisDriver;
  struct Process {
    pid_t pid = -1;
    int slot = -1;  // in the registry
    bool alive = false;
    bool stopped = false;
    std::int64_t continue_at_ns = 0;
    int restarts = 0;
  };

  void MakeShared();
  void MakeShared(std::uint64_t bits_per_stream);
  void Spawn(int index);
  [[noreturn]] void Child(int index, pid_t parent);
  // Takes note of ended processes; one that died otherwise than by us is a finding.
  void Reap();
  // Waits for the end of one process that was sent SIGKILL; false when it ended otherwise before.
  bool AwaitKilled(int index);
  void Ended(int index, int status);
  bool Alive(Role role) const;
  std::uint64_t Counted() const;
  std::uint64_t CountedByAll() const;
  std::uint64_t CountedBy(Role role) const;
  bool CountConsumers() const;

  void AwaitReady();
  void RunPhase(Phase phase, nanoseconds duration);
  bool Drain(Role role);
  void ContinueStopped();
  // Nobody counted anything for 2.5 s, nobody is stopped, and all are shown to be asleep.
  bool Deadlocked();
  // All workers are asleep in each of several looks, and nobody counted anything meanwhile.
  bool AllAsleep();
  // After a kill: whether each of the others counts something within 2.5 s.
  bool SurvivorsGoOn();
  // One of them is not shown to be asleep: it may wait for a cpu, not for anybody else.
  bool Runnable(Role role) const;
  void Stuck(Role role);
  void KillEverybody();

  void Collect();
  void CollectUsage();
  void CollectFindings();
  void RunAudit();
  void RunOrder();
  void Find(Kind kind, ClauseRef clause, const std::string& text, std::uint64_t count = 1) {
    Find({kind, clause, text, count});
  }
  void Find(const FindingRecord& finding);

  Context& context_;
  const SliceOptions& options_;
  std::unique_ptr<SharedRegion> region_;
  std::unique_ptr<Workload> workload_;
  Shared shared_;
  std::vector<Process> processes_;
  std::vector<const NemesisInfo*>
      helpers_;  // nemeses with a process of their own, after the workers
  std::unique_ptr<NemesisDriver> nemeses_;
  std::vector<InHand> in_hand_;
  std::uint64_t consumer_kills_ = 0;
  std::uint64_t progress_count_ = 0;
  std::int64_t progress_ns_ = 0;
  bool deadlocked_ = false;
  bool starved_ = false;  // somebody did not go on after a kill: the slice ends, Drain() decides
  std::int64_t start_ns_ = 0, measure_begin_ns_ = 0, measure_end_ns_ = 0, last_tick_ns_ = 0;
  std::vector<std::uint64_t> begin_counts_, end_counts_;
  SliceResult result_;
};

}  // namespace ipcsuite::stress
