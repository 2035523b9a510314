// The engine: runs one slice of a workload (set up, fork, warm up, measure, stop, drain, audit) and
// says what came of it.
//
// A slice is one continuous run of one set of processes on fresh objects. A result is made of
// several slices, raw and checked in turn, so that the cost of checking is measured under the same
// conditions.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/os.h"
#include "stress/engine/workload.h"
#include "stress/measure/topology.h"

namespace ipcsuite::stress {

struct NemesisInfo;  // nemesis.h

// Which nemeses a slice runs under.
struct NemesisPlan {
  std::vector<const NemesisInfo*> nemeses;

  static NemesisPlan All();
  void Add(const NemesisInfo* info);
  bool Has(std::string_view name) const;
  bool any() const { return !nemeses.empty(); }
  bool kills() const;
  bool interrupts() const;
  NemesisPlan KillsAlone() const;
  std::string Text() const;  // as --nemesis takes it
};

// What a nemesis did in a slice.
struct NemesisTally {
  std::uint64_t acts = 0, in_call = 0;  // in_call: the process was inside a call
};
using NemesisTallies = std::map<const NemesisInfo*, NemesisTally>;

// Evidence: what was done to whom, when, and in which call it was then.
struct NemesisEvent {
  std::int64_t t_ns;  // since the start of the slice
  const NemesisInfo* by;
  bool end;  // of an act that lasts: SIGCONT
  int worker;
  pid_t pid;
  CallId call;
  std::uint64_t in_hand;  // packed stamp + 1 of what the process had in hand; 0 nothing
  int detail;             // signal number, cpu, errno at exhaustion
};

struct WorkerResult {
  Role role;
  int cpu;
  std::uint64_t count;
  double rate_per_s;
};

struct Usages {
  double voluntary_per_message = 0, involuntary_per_message = 0, cpu_ns_per_message = 0;
  double minor_faults_per_message = 0;
  std::uint64_t major_faults = 0;
  double steal_fraction = 0;  // of the machine's time while measuring
};

struct FindingRecord {
  Kind kind;
  ClauseRef clause;  // id empty: charged to none
  std::string text;
  std::uint64_t count = 1;
  std::string drawing = {};  // lines of text: the operations that prove it
  std::string history = {};  // the same for check-history
};

struct SliceResult {
  Mode mode = Mode::kChecked;
  bool nemeses = false;      // ran under nemeses
  std::string unsupported;   // why it could not run; nothing else is valid then
  std::string unresolved;    // why no verdict could be earned
  std::string inconclusive;  // nothing could have been seen
  double measured_s = 0;
  std::uint64_t messages = 0;        // of the measured window
  std::uint64_t messages_total = 0;  // with warm-up and drain: what was checked
  double rate_per_s = 0;
  double fairness = 1;  // Jain, over the side that competes
  Usages usage;
  std::string regime;
  std::unique_ptr<Histogram> latency;  // kTimed
  std::vector<WorkerResult> workers;
  std::vector<NemesisEvent> events;  // the first kEventsKept
  NemesisTallies tallies;
  std::uint64_t signals_caught = 0, signals_in_call = 0;  // by the handlers of the workers
  std::uint64_t eintr = 0;
  std::uint64_t checks = 0;  // invariants checked, messages included
  AuditResult audit;
  OrderResult order;
  std::vector<FindingRecord> findings;
  std::uint64_t findings_total = 0;
  std::vector<std::pair<std::string, std::string>> facts;
  std::uint64_t memory_bytes = 0;  // proportional set size of all processes, at the end
  std::uint64_t extra[8] = {};     // summed over workers (7: not summed)
};

constexpr std::size_t kEventsKept = 4096;

struct SliceOptions {
  const WorkloadInfo* info = nullptr;
  RunSpec spec;
  std::vector<int> cpus;  // by worker; -1 not pinned
  nanoseconds warm_up = 100ms, measure = 1s;
  NemesisPlan nemesis;
  bool storm_restart = true;  // signals of the storm are caught with SA_RESTART
  bool batch_policy = false;  // SCHED_BATCH: a process that wakes does not preempt the waker
  bool allow_global = false;
  bool keep_memory = false;  // ask for the memory of all processes
};

// What one invocation of the program shares among its slices.
class Context {
 public:
  explicit Context(std::uint64_t run_seed);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  SharedRegion region;
  Registry registry;
  const std::uint64_t seed;
  std::vector<int> allowed;

  // Called about four times a second with the messages checked so far in this slice and its age.
  std::function<void(std::uint64_t messages, double seconds)> on_tick;
  // Set when SIGINT or SIGTERM arrived: the slice ends early, its results stay valid.
  bool interrupted() const { return interrupted_; }
  // Waits for a child's end or a signal, at most that long. Notes SIGINT and SIGTERM.
  void Pause(nanoseconds limit);

 private:
  bool interrupted_ = false;
  pid_t guardian_ = -1;
  sigset_t old_mask_;
  struct sigaction old_[4];
  struct rlimit old_files_ {};
};

SliceResult RunSlice(Context& context, const SliceOptions& options);

// Jain's index of fairness: 1 all equal, 1/n one has all.
double Jain(const std::vector<double>& shares);
// Names the regime of a slice: on which of several very different paths the kernel was.
std::string NameRegime(const std::vector<int>& cpus, double voluntary_per_message,
                       double per_message_ns);

}  // namespace ipcsuite::stress
