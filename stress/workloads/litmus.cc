// Litmus tests on shared memory between two processes, every outcome counted.
//
// Both walk through the same array of cells at the same time; a barrier of their own (atomics, then
// yielding) separates the rounds. Cells of a round are spread over cache lines, so that two cells
// never share one. Outcomes are counted by one of the two after the round, in its own memory.
#include <sched.h>

#include <algorithm>

#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

constexpr int kCells = 2048;
constexpr int kOutcomes = 4;

struct Cell {
  alignas(128) std::atomic<std::uint32_t> x;
  alignas(128) std::atomic<std::uint32_t> y;
};

struct LitmusHeader {
  alignas(kLine) std::atomic<std::uint32_t> arrived[2];  // round each side has finished
  alignas(kLine) std::atomic<std::uint32_t> stop_at;     // round after which both end; 0 not yet
  alignas(kLine) std::uint8_t left[kCells];
  alignas(kLine) std::uint8_t right[kCells];
};

enum class Test { kMessagePassing, kStoreBuffer, kStoreBufferFenced };

class Litmus : public Workload {
 public:
  explicit Litmus(Test test) : test_(test) {}

  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    pairs_ = spec.producers;
    pitch_ = sizeof(LitmusHeader) + sizeof(Cell) * kCells;
    return object_.Make(registry, pitch_ * static_cast<std::size_t>(pairs_));
  }

  void Run(Worker& w) override {
    auto* const base = object_.MapElsewhere<char>(w);
    if (base == nullptr) return;
    auto* const header =
        reinterpret_cast<LitmusHeader*>(base + pitch_ * static_cast<std::size_t>(w.role_index));
    auto* const cells = reinterpret_cast<Cell*>(header + 1);
    w.Enter(CallId::kSpin);
    const bool left = w.role == Role::kProducer;
    switch (test_) {
      case Test::kMessagePassing: Rounds<Test::kMessagePassing>(w, header, cells, left); break;
      case Test::kStoreBuffer: Rounds<Test::kStoreBuffer>(w, header, cells, left); break;
      case Test::kStoreBufferFenced:
        Rounds<Test::kStoreBufferFenced>(w, header, cells, left);
        break;
    }
    w.Leave();
  }

  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    std::uint64_t outcomes[kOutcomes] = {};
    for (int i = 0; i < spec.producers; ++i) {
      for (int k = 0; k < kOutcomes; ++k) {
        outcomes[k] += shared.cold[static_cast<std::size_t>(i)]->extra[k];
      }
    }
    static const char* const kBits[kOutcomes] = {"0,0", "0,1", "1,0", "1,1"};
    for (int k = 0; k < kOutcomes; ++k) {
      sink.facts.emplace_back(std::string("outcome ") + kBits[k], std::to_string(outcomes[k]));
    }
    if (spec.mode == Mode::kRaw) return;
    const bool together = spec.producers > 0 && OneCpu(shared);
    const std::uint64_t weak = outcomes[0], raced = outcomes[0] + outcomes[3];
    if (test_ == Test::kStoreBuffer && weak == 0) {
      sink.inconclusive =
          together ? "both processes share one cpu: store buffers can't show"
                   : "no weak outcome (0,0) of the store buffer without a fence was seen";
    } else if (test_ == Test::kStoreBufferFenced && (together || raced == 0)) {
      sink.inconclusive = "the processes never raced: both saw each other's store or shared a cpu";
    } else if (test_ == Test::kMessagePassing && (outcomes[3] == 0 || outcomes[0] == 0)) {
      sink.inconclusive = "the flag was seen always or never: the processes didn't race";
    }
  }
  void Teardown() override { object_.Close(); }

 private:
  static bool OneCpu(const Shared& shared) {
    return shared.cpus.front() >= 0 &&
           std::all_of(shared.cpus.begin(), shared.cpus.end(),
                       [&](int cpu) { return cpu == shared.cpus.front(); });
  }

  // Both must have finished `round` (and what they wrote is visible) before either goes on.
  static void Meet(LitmusHeader* header, bool left, std::uint32_t round) {
    header->arrived[left ? 0 : 1].store(round, std::memory_order_release);
    auto& peer = header->arrived[left ? 1 : 0];
    for (int spins = 0;
         static_cast<std::int32_t>(peer.load(std::memory_order_acquire) - round) < 0;) {
      Relax();
      if (++spins % 2000 == 0) sched_yield();
    }
  }

  template <Test T>
  static std::uint8_t Left(Cell& cell, std::uint32_t value) {
    if constexpr (T == Test::kMessagePassing) {
      cell.x.store(value, std::memory_order_relaxed);  // the data
      cell.y.store(value, std::memory_order_release);  // the flag
      return 0;
    } else {
      cell.x.store(value, std::memory_order_relaxed);
      if constexpr (T == Test::kStoreBufferFenced) {
        std::atomic_thread_fence(std::memory_order_seq_cst);
      } else {
        std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler keeps the order
      }
      return cell.y.load(std::memory_order_relaxed) == value;
    }
  }

  // For message passing: bit 1 the flag was seen, bit 0 the data was seen.
  template <Test T>
  static std::uint8_t Right(Cell& cell, std::uint32_t value) {
    if constexpr (T == Test::kMessagePassing) {
      const bool flag = cell.y.load(std::memory_order_acquire) == value;
      const bool data = cell.x.load(std::memory_order_relaxed) == value;
      return static_cast<std::uint8_t>(flag << 1 | data);
    } else {
      cell.y.store(value, std::memory_order_relaxed);
      if constexpr (T == Test::kStoreBufferFenced) {
        std::atomic_thread_fence(std::memory_order_seq_cst);
      } else {
        std::atomic_signal_fence(std::memory_order_seq_cst);
      }
      return cell.x.load(std::memory_order_relaxed) == value;
    }
  }

  template <Test T>
  static void Rounds(Worker& w, LitmusHeader* header, Cell* cells, bool left) {
    const bool tally = left && w.spec.mode != Mode::kRaw;
    std::uint64_t done = 0;
    std::uint32_t meeting = 0;
    for (std::uint32_t round = 1;; ++round) {
      // The left side decides on the end; the right one learns it at the meeting.
      if (left && (!w.Go() || (w.spec.ops != 0 && done >= w.spec.ops))) {
        header->stop_at.store(round, std::memory_order_relaxed);
      } else if (!left) {
        w.Go();
      }
      Meet(header, left, ++meeting);
      if (header->stop_at.load(std::memory_order_relaxed) == round) return;
      // Message passing is more telling when the reader meets the writer somewhere in the array.
      const int offset =
          T == Test::kMessagePassing && !left ? static_cast<int>(w.random.Below(64)) : 0;
      for (int i = 0; i < kCells; ++i) {
        Cell& cell = cells[(i + offset) % kCells];
        if (left) {
          header->left[i] = Left<T>(cell, round);
        } else {
          header->right[(i + offset) % kCells] = Right<T>(cell, round);
        }
      }
      Meet(header, left, ++meeting);
      if (tally) Count<T>(w, header, round);
      done += kCells;
      w.Count(done);
    }
  }

  template <Test T>
  static void Count(Worker& w, const LitmusHeader* header, std::uint32_t round) {
    std::uint64_t counts[kOutcomes] = {};
    for (int i = 0; i < kCells; ++i) {
      const int outcome =
          T == Test::kMessagePassing ? header->right[i] : header->left[i] << 1 | header->right[i];
      ++counts[outcome & 3];
    }
    for (int k = 0; k < kOutcomes; ++k) w.cold.extra[k] += counts[k];
    w.Checked(kCells);
    const int forbidden = T == Test::kMessagePassing ? 2 : T == Test::kStoreBufferFenced ? 0 : -1;
    if (forbidden >= 0 && counts[forbidden] != 0) {
      w.Report(Kind::kForbiddenOutcome, clause::memory::lock_free_atomics,
               T == Test::kMessagePassing
                   ? "the flag was seen (acquire) without the data stored before it (release)"
                   : "0,0 though both processes fence between store and load",
               round, counts[forbidden]);
    }
  }

  const Test test_;
  ShmObject object_;
  std::size_t pitch_ = 0;
  int pairs_ = 0;
};

const Row<WorkloadInfo> kLitmusMessagePassingRow({
    .name = "litmus-mp",
    .title = "message passing: data, then a flag",
    .explain =
        "The flag seen (acquire) without the data (release) is forbidden; outcomes are counted.",
    .test_name = "Stress.LitmusMessagePassing",
    .uses_ledgers = false,
    .open_loop = false,
    .races = true,
    .sample_every = 0,
    .unit = "outcomes",
    .clauses = {clause::memory::lock_free_atomics, clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::memory::lock_free_atomics,
    .make = &Make<Litmus, Test::kMessagePassing>,
});

const Row<WorkloadInfo> kLitmusStoreBufferRow({
    .name = "litmus-sb",
    .title = "store buffering without a fence",
    .explain = "Both store and then load the other's cell. 0,0 is allowed and is expected on real "
               "machines: a run that never shows it has proven nothing about the fenced test.",
    .test_name = "Stress.LitmusStoreBuffer",
    .uses_ledgers = false,
    .open_loop = false,
    .races = true,
    .sample_every = 0,
    .unit = "outcomes",
    .clauses = {clause::memory::lock_free_atomics, clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::memory::lock_free_atomics,
    .make = &Make<Litmus, Test::kStoreBuffer>,
});

const Row<WorkloadInfo> kLitmusStoreBufferFencedRow({
    .name = "litmus-sb-fence",
    .title = "store buffering with a fence",
    .explain = "As litmus-sb with a sequentially consistent fence between: 0,0 is forbidden.",
    .test_name = "Stress.LitmusStoreBufferFenced",
    .uses_ledgers = false,
    .open_loop = false,
    .races = true,
    .sample_every = 0,
    .unit = "outcomes",
    .clauses = {clause::memory::lock_free_atomics, clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::memory::lock_free_atomics,
    .make = &Make<Litmus, Test::kStoreBufferFenced>,
});

}  // namespace

}  // namespace ipcsuite::stress
