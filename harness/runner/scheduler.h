// The scheduler process of the runner: starts tests, reaps them, ends those that hang.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/core/arena.h"
#include "harness/runner/gate.h"
#include "harness/runner/result_log.h"
#include "harness/runner/runner.h"

namespace ipcsuite::internal {

class Scheduler {
 public:
  Scheduler(const RunnerOptions& options, std::vector<TestEntry> tests, Arena& arena,
            ResultFile& file, const ResultCallback& on_result);
  // Runs everything; the exit status of the scheduler's process: 0 complete, 1 interrupted.
  int Run();

 private:
  struct Job {
    std::size_t test;
    int attempt;
  };
  struct Active {
    Job job;
    pid_t pid = 0;
    int slot = -1;
    std::int64_t started_ns = 0, deadline_ns = 0;
    std::uint32_t main_seq = 0;      // call that the main thread was last seen blocked in
    std::int64_t main_since_ns = 0;  // since when without a break; 0: not blocked
    std::vector<std::string> states;
    bool hung = false, hung_in_call = false;
  };

  void Plan();
  bool RetriesAlone(const Job& job, const report::TestRecord& record);
  // One shell line that repeats an attempt.
  std::string Command(const std::string& test, int attempt) const;
  void FillRound(int attempt);
  void SkipTo(const std::string& last);
  bool StartNext();
  void Start(Job job);
  void Reap();
  void Finish(Active& active, int wait_status);
  void WatchForHangs(std::int64_t now);
  void End(Active& active, bool in_call);
  void ForgiveStandstill(std::int64_t lost_ns);
  void ExcuseLackOfRoom(Slot& slot, report::TestRecord& record);
  void StopAll();
  void Report(report::TestRecord record, std::size_t test);
  void SweepInChild(Slot& slot);
  void WriteRepeatSummaries();
  int FreeSlot() const;

  const RunnerOptions& options_;
  std::vector<TestEntry> tests_;
  Arena& arena_;
  ResultFile& file_;
  const ResultCallback& on_result_;
  std::deque<Job> parallel_, exclusive_;
  std::vector<Active> active_;
  std::map<std::size_t, report::TestRecord> merged_;  // of repeats
  std::set<std::pair<std::size_t, int>> retried_;     // test and attempt
  Gate gate_;
  Progress progress_;
  int jobs_ = 2;
  int round_ = 0;
  bool stop_ = false;
  // Where nobody can be killed, a test that hangs ends itself by alarm().
  bool can_kill_ = true;
};

// True when SIGINT, SIGTERM or SIGHUP arrived in the scheduler.
bool StopRequested();
void InstallStopHandlers();

}  // namespace ipcsuite::internal
