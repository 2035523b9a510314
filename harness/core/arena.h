// The arena: memory that a run shares between its runner, its tests and their peers.
//
// It is one MAP_SHARED|MAP_ANONYMOUS mapping made before any fork, so that the harness needs none
// of the IPC under test, and so that what a test wrote is still there after it crashed or was
// killed. Each test that runs owns one Slot. All synchronization is by atomics with bounded
// back-off and, where the kernel has one, a futex.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "harness/core/call.h"
#include "harness/core/trace.h"

namespace ipcsuite {

// A process or thread that performs calls under test, as the others see it.
struct Actor {
  enum State : std::uint32_t { kIdle, kIssued, kReturned };

  std::atomic<std::int32_t> pid;
  std::atomic<std::int32_t> tid;
  std::atomic<std::uint32_t> seq;    // number of calls issued so far; a futex word
  std::atomic<std::uint32_t> state;  // of call number `seq`; a futex word
  std::atomic<std::uint32_t> go;     // steps that its test released; a futex word
  std::atomic<std::uint32_t> steps_done;
  std::atomic<std::uint32_t> ended;  // 1: its function returned, 2: it was unwound (cancelled)
  const char* text;                  // of the current call; static storage
  std::uint32_t trace;               // of the current call: its entry
  CallResult last;                   // result of call number `seq` once kReturned
  static constexpr int kStepsMax = 24;
  CallResult step[kStepsMax];
  std::uint32_t step_seq[kStepsMax];
};

// A name in a name space of the system that must not outlive its test.
struct NameEntry {
  enum Kind : std::uint32_t { kNone, kShm, kMqueue, kSem, kPath };
  std::atomic<std::uint32_t> kind;
  std::atomic<std::uint32_t> live;
  char name[280];
};

enum class LogKind : std::uint32_t {
  kFailure,      // clause, file, line, expected, observed, message
  kObservation,  // clause, key, value
  kMetric,       // name, value, samples...
  kEvidence,     // text
  kAttachment,   // kind, title, content
};

struct LogRecord {
  LogKind kind;
  std::vector<std::string> fields;
};

// How many checks decided one clause.
struct ClauseChecks {
  std::atomic<std::uint64_t> clause;  // hash of its id; 0: a free entry
  std::atomic<std::uint32_t> checks;
};

// What one running test shares with its runner.
struct Slot {
  static constexpr std::size_t kLogBytes = 2u << 20;
  static constexpr std::size_t kHeapBytes = 8u << 20;
  static constexpr int kActorsMax = 160;
  static constexpr int kNamesMax = 512;
  static constexpr int kClausesMax = 64;

  enum Phase : std::uint32_t { kFree, kStarted, kFinished };

  std::atomic<std::uint32_t> phase;
  std::atomic<std::uint32_t> outcome;  // report::Verdict + 1 that the test asked for; 0: none
  std::atomic<std::uint32_t> failures;
  std::atomic<std::uint32_t> checks;     // matchers evaluated and values observed
  std::atomic<std::uint32_t> calls;      // calls under test issued
  std::atomic<std::uint32_t> blocked;    // waits shown blocked
  std::atomic<std::uint32_t> heuristic;  // waits only inferred from a settle time
  std::atomic<std::uint32_t> log_used;
  std::atomic<std::uint32_t> log_lost;
  std::atomic<std::uint32_t> heap_used;
  std::atomic<std::uint32_t> actors_used;
  std::atomic<std::uint32_t> names_used;
  std::atomic<std::uint32_t> joint_checks;  // that decided every clause which the test claims
  ClauseChecks clause_checks[kClausesMax];
  std::uint64_t seed;
  char test[256];
  char reason[512];
  char scratch_dir[256];     // the test's own directory; empty until asked for
  Actor actors[kActorsMax];  // [0] is the test's main thread
  NameEntry names[kNamesMax];
  Trace trace;
  alignas(64) char log[kLogBytes];
  alignas(64) char heap[kHeapBytes];

  // Counts checks of one clause: those of a scope (ForClause).
  void CountChecks(std::string_view clause, std::uint32_t count);
  std::uint32_t ChecksOf(std::string_view clause) const;
  void Reset();  // to all zero, touching only what was used
  void Append(LogKind kind, const std::vector<std::string_view>& fields);
  std::vector<LogRecord> ReadLog() const;
  Actor* NewActor();                                     // null when all are taken
  void* Allocate(std::size_t bytes, std::size_t align);  // from the heap; null when full
};

// How well blocking can be seen here; found out once, before the first test.
enum class ProbeMode : std::uint32_t {
  kUnknown,
  kSyscall,  // /proc/PID/task/TID/syscall and stat: certain
  kStat,     // stat alone: heuristic
  kSettle,   // a bounded settle time: heuristic
};

struct RunHeader {
  std::atomic<std::uint32_t> probe_mode;
  char probe_why[200];  // why the probe is not kSyscall
  std::uint64_t seed;   // of the run
  int issue;            // 7 or 8: what is judged for
  int slots;
  std::int64_t start_ns;  // CLOCK_MONOTONIC
  std::int32_t runner_pid;
  std::uint32_t allow_dangerous;
  std::uint32_t nofile_base;
  char run_id[32];         // in every name that this run creates
  char scratch_root[256];  // directory under which tests get their own
  // Directories in which FIFOs are tested, each ended by a newline; empty: the scratch directory.
  char fifo_dirs[1024];
};

class Arena {
 public:
  // Maps an arena of `slots` slots; throws std::system_error when memory can't be mapped.
  static Arena* Create(int slots);
  ~Arena();
  RunHeader& header() { return *header_; }
  Slot& slot(int index) { return slots_[index]; }

 private:
  Arena() = default;
  RunHeader* header_ = nullptr;
  Slot* slots_ = nullptr;
  std::size_t bytes_ = 0;
};

// Waits until `word` differs from `value`, at most `limit`; spurious returns are possible. Looks a
// few times before it sleeps.
void WaitWhileEquals(std::atomic<std::uint32_t>& word, std::uint32_t value, nanoseconds limit);

}  // namespace ipcsuite
