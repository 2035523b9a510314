// What keeps a test from running here, found out before it is started: the same in a run with
// processes and in one without.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/core/arena.h"
#include "harness/runner/runner.h"

namespace ipcsuite::internal {

class Gate {
 public:
  Gate(const RunnerOptions& options, Arena& arena) : options_(options), arena_(arena) {}

  // The record of a test that must not run: its clauses are not of the issue judged for (NOTINUSE),
  // it is dangerous and that was not allowed (UNTESTED), or its suite's probe says why nothing of
  // the suite can run here (UNSUPPORTED; of a test whose suite has no probe, those of the clauses
  // that it claims). Nothing: it may run. Uses slot 0, before any test does.
  std::optional<report::TestRecord> Refuse(const TestEntry& test);
  // What the suite's probe says now, by way of this slot; empty: nothing is missing.
  std::string AskProbe(const std::string& suite, Slot& slot);

 private:
  std::string AbsenceOf(const std::string& suite);
  std::string AbsenceFor(const TestMeta& meta);

  const RunnerOptions& options_;
  Arena& arena_;
  std::map<std::string, std::string> absence_;  // by suite, once asked
};

}  // namespace ipcsuite::internal
