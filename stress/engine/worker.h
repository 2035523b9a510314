// What one process of a workload has at hand: its role, the shared state, and the calls that keep
// the evidence (which call it is in, what it has in hand, what it found).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "stress/engine/account.h"
#include "stress/engine/order.h"
#include "stress/engine/state.h"
#include "stress/measure/message.h"

namespace ipcsuite::stress {

// kRaw is the yardstick: the same calls in the same loop without any check. kTimed is kChecked plus
// the latency of each message (or of each n-th, where a message costs less than a clock reading).
enum class Mode { kRaw, kChecked, kTimed };
const char* ToString(Mode mode);

enum class Role { kProducer, kConsumer };

// Signals of the storm nemesis: caught without and with SA_RESTART.
int StormSignal(bool restart);

struct RunSpec {
  std::size_t size_bytes = 64;
  int producers = 1, consumers = 1;
  int priorities = 1;
  std::uint64_t seed = 1;
  double rate_per_s = 0;  // of all producers together; 0: closed loop
  std::uint64_t ops = 0;  // messages of each producer; 0: until stopped
  Mode mode = Mode::kChecked;
  std::uint32_t sample_every = 1;  // kTimed: every n-th message is timed; a power of two
  bool eintr_expected = false;     // a storm without SA_RESTART is on
  bool kills = false;              // processes of this run are killed
  int workers() const { return producers + consumers; }
};

// Send times of the messages of one producer, read by the consumers: slots by sequence.
struct TimeRing {
  std::atomic<std::int64_t>* slots = nullptr;
  std::uint32_t per_stream = 0;  // a power of two; more than can be under way
};

struct Shared {
  Control* control = nullptr;
  std::atomic<std::uint32_t>* ready = nullptr;  // by worker: set by it, read by the parent alone
  std::vector<WorkerHot*> hot;                  // by worker: producers first
  std::vector<WorkerCold*> cold;
  std::vector<SentBook> sent;       // by producer
  std::vector<Ledger> ledgers;      // by consumer
  std::vector<OrderLog> sends;      // by producer
  std::vector<OrderLog> receives;   // by consumer
  std::vector<TimeRing> times;      // by producer
  std::vector<Histogram*> latency;  // by worker
  std::vector<int> cpus;            // pin of each worker, -1 none
  std::vector<int> allowed;
};

class Worker {
 public:
  Worker(Shared& shared, const RunSpec& spec, int index);

  Shared& shared;
  const RunSpec& spec;
  const int index;  // among all workers
  const Role role;
  const int role_index;  // among producers or consumers
  int object_index;  // of the workload's objects (pipes, rings): role_index unless said otherwise
  WorkerHot& hot;
  WorkerCold& cold;
  Histogram& latency;
  SplitMix64 random;

  // False when the run is over. Notes usage where measuring begins and ends.
  bool Go() {
    const Phase phase = shared.control->phase.load(std::memory_order_relaxed);
    if (phase != seen_) Changed(phase);
    return phase < Phase::kStop;
  }
  // True when all producers have ended: a consumer that waits by spinning may end when it finds
  // nothing more.
  bool Drained() {
    return shared.control->phase.load(std::memory_order_acquire) == Phase::kDrained;
  }
  bool measuring() const { return seen_ == Phase::kMeasure; }
  // Says "ready" and waits for the start of warm-up.
  void WaitForStart();
  // Notes the end of this process's work.
  void Finish();

  void Enter(CallId call) { hot.in_call.store(call, std::memory_order_relaxed); }
  void Leave() { hot.in_call.store(CallId::kNone, std::memory_order_relaxed); }
  void Hold(std::uint64_t packed) { hot.in_hand.store(packed + 1, std::memory_order_relaxed); }
  void Release() { hot.in_hand.store(0, std::memory_order_release); }
  void Count(std::uint64_t n) { hot.count.store(n, std::memory_order_relaxed); }
  void Checked(std::uint64_t n = 1) {
    hot.checks.store(hot.checks.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t count() const { return hot.count.load(std::memory_order_relaxed); }

  // A call returned -1 with EINTR: allowed only while signals are caught without SA_RESTART.
  void Interrupted(ClauseRef sa_restart_clause);

  void Report(Kind kind, ClauseRef clause, std::string_view text, std::uint64_t got = 0,
              std::uint64_t expected = 0, int error = 0);
  // As Report, with the bytes around the first wrong one.
  void ReportTorn(ClauseRef clause, const unsigned char* message, std::size_t size,
                  std::size_t offset, std::uint64_t expected);
  void Latency(std::int64_t ns) {
    if (measuring()) latency.Record(ns < 0 ? 0 : static_cast<std::uint64_t>(ns));
  }

 private:
  void Changed(Phase phase);
  Finding* NextFinding(Kind kind, ClauseRef clause);
  Phase seen_ = Phase::kReady;
};

// The caller's own processor time and counts up to now.
UsageMark Usage(std::uint64_t count);

// Tells the processor that this is a spin loop.
inline void Relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

}  // namespace ipcsuite::stress
