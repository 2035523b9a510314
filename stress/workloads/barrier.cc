// Rounds of a process-shared barrier.
#include <pthread.h>

#include <cstring>
#include <string>

#include "base/shared_objects.h"
#include "spec/clauses/pshared.h"
#include "stress/engine/ticks.h"
#include "stress/engine/workload.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

class Barrier : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion& region) override {
    const std::string error = object_.Make(registry, sizeof(Header));
    if (!error.empty()) return error;
    arrivals_ = region.Make<Arrival>(static_cast<std::size_t>(spec.producers));
    const int made = InitShared(&Own()->barrier, static_cast<unsigned>(spec.producers));
    return made == 0 ? "" : std::string("a barrier: ") + std::strerror(made);
  }

  void Run(Worker& w) override {
    auto* const header = object_.MapElsewhere<Header>(w);
    if (header == nullptr) return;
    w.spec.mode == Mode::kRaw ? Loop<false>(w, header) : Loop<true>(w, header);
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    const std::uint64_t rounds = shared.hot[0]->count.load();
    const std::uint64_t serials = Own()->serials.load();
    sink.facts.emplace_back("rounds", std::to_string(rounds));
    if (spec.mode == Mode::kRaw) return;
    ++sink.checks;
    for (int i = 1; i < spec.producers; ++i) {
      const std::uint64_t own = shared.hot[static_cast<std::size_t>(i)]->count.load();
      if (own == rounds) continue;
      sink.findings.push_back({Kind::kLost, clause::barrier::pshared_reset,
                               "one process made " + std::to_string(own) + " rounds, another " +
                                   std::to_string(rounds)});
    }
    if (serials != rounds) {
      sink.findings.push_back(
          {Kind::kDuplicated, clause::barrier::pshared_one_serial,
           std::to_string(serials) + " serial threads in " + std::to_string(rounds) + " rounds"});
    }
    if (rounds == 0) sink.inconclusive = "no round was completed";
  }
  std::string Describe(const Shared&) override {
    return "serial threads so far: " + std::to_string(Own()->serials.load());
  }
  void Teardown() override { object_.Close(); }

 private:
  struct Header {
    alignas(kLine) pthread_barrier_t barrier;
    // By round modulo 3: it is the last one. Nobody can write it for a later round before all have
    // read it for this one.
    alignas(kLine) std::atomic<std::uint32_t> last[3];
    alignas(kLine) std::atomic<std::uint64_t> serials;
    alignas(kLine) std::atomic<std::int64_t> arrived;  // kTimed: Ticks() of the last to arrive
  };
  struct alignas(kLine) Arrival {
    std::atomic<std::uint64_t> rounds;
  };
  Header* Own() const { return static_cast<Header*>(object_.base()); }

  template <bool kChecked>
  void Loop(Worker& w, Header* header) {
    for (std::uint64_t round = 1;; ++round) {
      std::atomic<std::uint32_t>& last = header->last[round % 3];
      if (!w.Go() || (w.spec.ops != 0 && round >= w.spec.ops)) last.store(1);
      arrivals_[w.index].rounds.store(round, std::memory_order_relaxed);
      if (w.spec.mode == Mode::kTimed) header->arrived.store(Ticks(), std::memory_order_relaxed);
      if (kChecked) w.Enter(CallId::kBarrierWait);
      const int rc = pthread_barrier_wait(&header->barrier);
      if (kChecked) w.Leave();
      if (w.spec.mode == Mode::kTimed) w.Latency(TicksToNs(Ticks() - header->arrived.load()));
      if (rc == PTHREAD_BARRIER_SERIAL_THREAD) {
        header->serials.fetch_add(1);
      } else if (rc != 0) {
        w.Report(Kind::kWrongErrno, clause::barrier::pshared_signal_handler, "pthread_barrier_wait",
                 0, 0, rc);
        return;
      }
      if (kChecked) ExpectAllArrived(w, round);
      w.Count(round);
      if (last.load() != 0) return;
    }
  }

  void ExpectAllArrived(Worker& w, std::uint64_t round) {
    w.Checked();
    for (int i = 0; i < w.spec.producers; ++i) {
      const std::uint64_t other = arrivals_[i].rounds.load(std::memory_order_relaxed);
      if (other == round || other == round + 1) continue;
      w.Report(Kind::kExclusion, clause::barrier::pshared_blocks_until_count,
               "released while another process is in another round", other, round);
    }
  }

  ShmObject object_;
  Arrival* arrivals_ = nullptr;
};

const Row<WorkloadInfo> kBarrierRow(Alike({
    .name = "barrier",
    .title = "rounds of a process-shared barrier",
    .explain = "Processes meet again and again. Nobody is released before all have arrived, "
               "one of each round is the serial one, and all make the same number of rounds. "
               "Latency: from the last arrival to the return. Nobody is killed: POSIX leaves "
               "open whether a dead process has arrived.",
    .test_name = "Stress.Barrier",
    .producers = 3,
    .waits = true,
    .unit = "rounds",
    .clauses = {clause::barrier::pshared_blocks_until_count, clause::barrier::pshared_one_serial,
                clause::barrier::pshared_reset, clause::barrier::pshared_signal_handler,
                clause::pshared::other_address},
    .loss_clause = clause::barrier::pshared_reset,
    .make = &Make<Barrier>,
}));

}  // namespace
}  // namespace ipcsuite::stress
