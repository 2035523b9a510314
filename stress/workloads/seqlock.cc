// A sequence lock of atomics in shared memory: writers replace a block, readers must see it whole.
#include <sched.h>

#include <algorithm>

#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

struct SeqHeader {
  alignas(kLine) std::atomic<std::uint32_t> version;  // odd: a writer is inside
  alignas(kLine) std::atomic<std::uint64_t> retries;
};

class Seqlock : public Workload {
 public:
  std::string Setup(const RunSpec& spec, Registry& registry, SharedRegion&) override {
    words_ = std::max<std::size_t>(2, spec.size_bytes / 8);
    return object_.Make(registry, sizeof(SeqHeader) + words_ * 8);
  }
  void Run(Worker& w) override {
    void* const base = object_.MapElsewhere(w);
    if (base == nullptr) return;
    auto* const header = static_cast<SeqHeader*>(base);
    auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(header + 1);
    w.Enter(CallId::kSpin);
    if (w.role == Role::kProducer) {
      Write(w, header, words);
    } else {
      Read(w, header, words);
    }
    w.Leave();
  }
  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    const std::uint64_t retries = static_cast<SeqHeader*>(object_.base())->retries.load();
    sink.facts.emplace_back("reads repeated because a writer was inside", std::to_string(retries));
    (void)shared;
    if (spec.mode != Mode::kRaw && retries == 0) {
      sink.inconclusive = "no read ever met a writer";
    }
  }
  void Teardown() override { object_.Close(); }

 private:
  void Write(Worker& w, SeqHeader* header, std::atomic<std::uint64_t>* words) {
    std::uint64_t done = 0;
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      std::uint32_t version = header->version.load(std::memory_order_relaxed);
      int tries = 0;
      while ((version & 1) != 0 || !header->version.compare_exchange_weak(
                                       version, version + 1, std::memory_order_acquire)) {
        if (++tries % 100 == 0) sched_yield();
        version = header->version.load(std::memory_order_relaxed);
      }
      std::atomic_thread_fence(std::memory_order_release);
      const std::uint64_t value = Mix(version ^ w.spec.seed);
      for (std::size_t i = 0; i < words_; ++i) {
        words[i].store(value + i, std::memory_order_relaxed);
        // Now and then a reader that needs this very cpu gets to look into a half-written block.
        if (i == words_ / 2 && version % 512 == 0) sched_yield();
      }
      header->version.store(version + 2, std::memory_order_release);
      w.Count(++done);
      for (int i = 0; i < 40; ++i) Relax();  // readers need some room between two writes
    }
  }

  void Read(Worker& w, SeqHeader* header, std::atomic<std::uint64_t>* words) {
    std::vector<std::uint64_t> copy(words_);
    const bool checked = w.spec.mode != Mode::kRaw;
    std::uint64_t done = 0, retries = 0;
    std::uint32_t last = 0;
    while (w.Go()) {
      const std::uint32_t before = header->version.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < words_; ++i) copy[i] = words[i].load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      const std::uint32_t after = header->version.load(std::memory_order_relaxed);
      if ((before & 1) != 0 || before != after) {
        if (++retries % 100 == 0) sched_yield();
        continue;
      }
      w.Count(++done);
      if (!checked || before == 0) continue;
      w.Checked();
      const std::uint64_t value = Mix((before - 2) ^ w.spec.seed);
      for (std::size_t i = 0; i < words_; ++i) {
        if (copy[i] == value + i) continue;
        w.Report(Kind::kTorn, clause::memory::lock_free_atomics,
                 "a snapshot under an unchanged version holds words of another write");
        break;
      }
      if (static_cast<std::int32_t>(before - last) < 0) {
        w.Report(Kind::kReordered, clause::memory::lock_free_atomics, "the version went backwards");
      }
      last = before;
    }
    header->retries.fetch_add(retries);
  }

  ShmObject object_;
  std::size_t words_ = 0;
};

const Row<WorkloadInfo> kSeqlockRow({
    .name = "seqlock",
    .title = "sequence lock in shared memory",
    .explain = "Writers replace a block of words, readers must see it whole or not at all.",
    .test_name = "Stress.Seqlock",
    .shape = Shape::kFanIn,
    .uses_ledgers = false,
    .open_loop = false,
    .sample_every = 0,
    .unit = "writes",
    .clauses = {clause::memory::lock_free_atomics, clause::mmap::shared_visible_unrelated},
    .loss_clause = clause::memory::lock_free_atomics,
    .make = &Make<Seqlock>,
});

}  // namespace
}  // namespace ipcsuite::stress
