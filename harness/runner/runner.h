// The runner: each test in its own forked process, several concurrently, under a watchdog, with
// every result on disk as soon as it is known.
//
// Three kinds of process: the caller (which only waits, and so survives all that tests do), the
// scheduler that it forks (single-threaded; starts tests, reaps them, ends those that hang, writes
// one JSON line for each result), and the tests. If the scheduler dies, the caller ends the tests,
// sweeps their names and returns what is on disk; if the caller dies, the scheduler does that and
// ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/arena.h"
#include "harness/test/registry.h"
#include "reports/results/model.h"
#include "spec/clause.h"

namespace ipcsuite {

struct RunnerOptions {
  std::vector<std::string> suites;   // folders; empty: all
  std::string filter = "*";          // GoogleTest style: "A*:B.C-*Slow*"
  std::vector<std::string> clauses;  // ids, or patterns with '*'; empty: all
  // Only tests of what these words concern, be they conformance tests or properties: a suite, an
  // interface, a function or its prefix ("mq"); empty: all.
  std::vector<std::string> about;
  std::vector<std::string> names;  // exactly these tests; empty: all
  int issue = 8;                   // 7 or 8
  // Concurrent tests; 0: three for each CPU that we may use (many wait), six at least.
  int jobs = 0;
  int repeat = 1;           // attempts of each test; 0: until a failure
  bool until_fail = false;  // stop everything at the first red result that is not expected
  std::function<bool(const report::TestRecord&)> expected;  // unset: none is
  bool shuffle = false;                                     // by the seed
  // Leaves out what comes in the order up to this test, and the test itself: it brought the
  // platform down. Empty: begins with the first.
  std::string resume_after;
  std::function<void(const std::string& test)> on_begin;  // before a test's process is started
  std::uint64_t seed = 1;
  int timeout_s = 0;  // of each test; 0: its own
  // How many times as long as on an ordinary machine to wait before giving up; 0: as measured at
  // the start.
  double time_scale = 0;
  std::vector<std::string> fifo_dirs;  // where FIFOs are made; empty: in the scratch directory
  bool isolation = true;               // false: all in the calling process, one after the other
  bool allow_dangerous = false;
  int shard_index = 0, shard_count = 1;
  std::string results_path;    // JSON lines are appended here; empty: not kept
  std::string results_header;  // the first of them (report::ToJsonHeader)
  // Of an earlier run that broke off: kept as they are, their tests are not run again.
  std::vector<report::TestRecord> done;
  // How reproduction commands start and end: the program, options besides those of the test.
  std::string launcher = "./ipcsuite", reproduce_with;
  // Gets the slot of each attempt before it is used again, and may add to the record.
  std::function<void(const Slot&, const TestEntry&, report::TestRecord&)> inspect;
};

// What the caller is given, in the scheduler's process, after each attempt.
struct Progress {
  int done = 0, total = 0;  // attempts
  int red = 0, known = 0;   // red or undecided ones; `known`: those that are expected
};
using ResultCallback = std::function<void(const report::TestRecord&, const Progress&)>;

struct RunnerOutcome {
  std::vector<report::TestRecord> tests;  // merged over attempts
  std::string interrupted;                // empty: complete
  std::string probe;                      // how well blocking could be seen, in words
  bool probe_downgraded = false;          // blocking is inferred from a settle time
  double time_scale = 1;                  // what was used
  std::int64_t duration_ns = 0;
};

// Whether a clause is one that the word is about (RunnerOptions::about).
bool IsAbout(const Clause& clause, std::string_view word);

// The tests that the options select, in order of definition. Those of the other issue are among
// them (they become NOTINUSE).
std::vector<TestEntry> SelectTests(const RunnerOptions& options);

// Runs them. Throws std::system_error when no run is possible (no memory, no process, the results
// file can't be written).
RunnerOutcome RunTests(const RunnerOptions& options, const ResultCallback& on_result = {});

// GoogleTest's pattern lists: '*', '?', ':' and one '-'.
bool MatchesFilter(const std::string& name, const std::string& filter);

namespace internal {

// ---- in the test's process (body.cc)
// Must be called once, before tests run in this process or in its children.
void PrepareGoogleTest();
// Runs the test in this process, with the slot as its own.
void RunTestBody(Slot& slot, const TestEntry& test);

// ---- verdicts (judge.cc)
struct Ending {
  int wait_status = 0;        // of the test's process
  bool hung = false;          // killed by the watchdog
  bool hung_in_call = false;  // its main thread was in a call under test all the time
  bool leaked_process = false;
  std::vector<std::string> states;  // of its processes, when it hung
};
// Reads what the test left in its slot.
report::TestRecord Judge(Slot& slot, const TestEntry& test, const Ending& ending);
// Puts several attempts of one test together.
void MergeAttempt(report::TestRecord& into, report::TestRecord&& attempt);
bool IsRedOrUnresolved(report::Verdict verdict);
// A record with all that is known without running.
report::TestRecord Blank(const TestEntry& test);
// Lines that describe the processes of a group and the calls of a slot's actors.
std::vector<std::string> DescribeProcesses(Slot& slot, int process_group);

}  // namespace internal
}  // namespace ipcsuite
