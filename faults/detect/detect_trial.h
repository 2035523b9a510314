// One run of the suite as a child process, with or without a fault, and what it said.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace ipcsuite::detect {

struct TrialOptions {
  std::string program;  // the ipcsuite binary
  std::string library;  // of faults
  std::string kernel;   // user-mode Linux that has the faults; empty: the library has them
  std::string folder;   // for files that go away afterwards
  int timeout_s = 5;    // of each test
  int jobs = 2;         // tests run concurrently
  std::string profile = "quick";
  // Each run has the names of queues, semaphores and shared memory to itself: what a fault leaves
  // goes with it. Needs OwnNames().
  bool own_names = false;
  bool programs = false;  // with the reproducer of each test that fails
};

// Lets runs have names of their own. Before any thread is started; an error where it is not
// permitted.
Result<void> OwnNames();

struct Observation {
  std::string clause, key, value;
};

struct TestOutcome {
  std::string verdict, reason;
  bool surroundings = false;
  double seconds = 0;
  std::vector<Observation> observations;
  std::string program, no_program;  // its reproducer, or why there is none
  // Whether somebody who runs the suite would have noticed.
  bool Red() const {
    return verdict == "FAIL" || verdict == "FLAKY" || verdict == "XPASS" ||
           (verdict == "UNRESOLVED" && !surroundings);
  }
  // The same, or shown as an open question of the standard: what a test of a disputed clause can
  // do.
  bool Noticed() const { return Red() || verdict == "DISPUTED"; }
  bool Judged() const { return verdict == "PASS" || verdict == "OBSERVED" || verdict == "XFAIL"; }
};

struct TrialResult {
  std::map<std::string, TestOutcome> tests;
  std::string problem;  // why there are no results; empty: there are
  double seconds = 0;
  std::uint64_t decisions =
      0;  // how often a variant decided differently (see kIpcFaultStateVariable)
};

// Runs these tests (all tests of the suites if `tests` is empty) with the fault of this name (none
// if empty), until the first red one if asked. Safe to call from several threads.
TrialResult RunTrial(const TrialOptions& options, const std::string& fault,
                     const std::vector<std::string>& tests, const std::vector<std::string>& suites,
                     bool until_fail);

// Runs all stress workloads for `seconds` together with all nemeses, as `ipcsuite run` does, with
// the fault of this name (none if empty).
TrialResult RunStressTrial(const TrialOptions& options, const std::string& fault, double seconds);

// Runs another program under the fault (none if empty) in this folder, which is its working
// directory; its wait status, or -1.
int RunProgram(const TrialOptions& options, const std::string& fault, const std::string& program,
               const std::string& folder);

}  // namespace ipcsuite::detect
