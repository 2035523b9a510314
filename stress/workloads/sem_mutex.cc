// Mutual exclusion by a binary semaphore over words of shared memory.
#include <semaphore.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "spec/clauses/sem.h"
#include "spec/clauses/shm.h"
#include "stress/engine/workload.h"
#include "stress/traffic/semaphore.h"
#include "stress/traffic/shm_object.h"

namespace ipcsuite::stress {
namespace {

struct SectionHeader {
  alignas(kLine) sem_t free;
  alignas(kLine) std::atomic<std::uint64_t> contended;
  alignas(kLine) volatile std::int32_t owner;  // pid of the process inside, 0 none
  // Written inside only, with plain stores: torn if two were ever inside.
  volatile std::uint64_t words[8];
};

class SemaphoreMutex : public Workload {
 public:
  std::string Setup(const RunSpec&, Registry& registry, SharedRegion&) override {
    const std::string error = object_.Make(registry, sizeof(SectionHeader));
    return error.empty() ? MakeSemaphore(&Header()->free, 1) : error;
  }

  void Run(Worker& w) override {
    auto* const header = static_cast<SectionHeader*>(object_.MapElsewhere(w.index));
    if (header == nullptr) {
      w.Report(Kind::kWrongErrno, clause::mmap::shm_supported, "mmap", 0, 0, errno);
      return;
    }
    w.spec.mode == Mode::kRaw ? Change<false>(w, header) : Change<true>(w, header);
  }

  void Audit(const Shared&, const RunSpec& spec, AuditSink& sink) override {
    SectionHeader* const header = Header();
    const std::uint64_t waits = header->contended.load();
    sink.facts.emplace_back("waits for the semaphore", std::to_string(waits));
    if (spec.mode == Mode::kRaw) return;
    ++sink.checks;
    if (const int value = ValueOf(&header->free); value != 1) {
      sink.findings.push_back({Kind::kLost, clause::sem_post::concurrent_exact,
                               "the value at rest is " + std::to_string(value) + ", not 1"});
    }
    if (waits == 0) sink.inconclusive = "no process ever found the semaphore taken";
  }
  std::string Describe(const Shared&) override {
    const std::int32_t inside = Header()->owner;
    return "the value of the semaphore is " + std::to_string(ValueOf(&Header()->free)) +
           "; in the section: " + (inside == 0 ? "nobody" : "process " + std::to_string(inside));
  }
  void Teardown() override { object_.Close(); }

 private:
  SectionHeader* Header() const { return static_cast<SectionHeader*>(object_.base()); }

  template <bool kChecked>
  static void Change(Worker& w, SectionHeader* header) {
    const auto self = static_cast<std::int32_t>(getpid());
    std::uint64_t done = w.count();
    while (w.Go() && (w.spec.ops == 0 || done < w.spec.ops)) {
      if (sem_trywait(&header->free) != 0) {
        if (kChecked) header->contended.fetch_add(1, std::memory_order_relaxed);
        if (!Take<kChecked>(w, &header->free)) return;
      }
      if (kChecked && header->owner != 0) ReportOther(w, header);
      if (kChecked) header->owner = self;
      const std::uint64_t first = header->words[0];
      std::uint64_t wrong = 0;
      for (std::size_t i = 0; i < 8; ++i) {
        const std::uint64_t word = header->words[i];
        if (kChecked) wrong |= word ^ first;
        header->words[i] = word + 1;
        // Now and then long inside, so that others wait.
        if (i == 4 && done % 64 == 0) {
          for (int k = 0; k < 200; ++k) Relax();
        }
      }
      if (kChecked && wrong != 0) {
        w.Report(Kind::kTorn, clause::sem_post::memory_sync,
                 "words that are changed together differ", wrong, first);
      }
      if (kChecked) header->owner = 0;
      if (!Give<false>(w, &header->free)) return;
      w.Count(++done);
    }
    if (kChecked) w.Checked(done);
  }

  static void ReportOther(Worker& w, const SectionHeader* header) {
    w.Report(Kind::kExclusion, clause::sem_wait::one_release_per_post,
             "another process is inside: the owner field is set",
             static_cast<std::uint64_t>(header->owner));
  }

  ShmObject object_;
};

const Row<WorkloadInfo> kMutexRow({
    .name = "sem-mutex",
    .title = "mutual exclusion by a binary semaphore",
    .explain = "Processes change words of shared memory together while they hold the one token. "
               "Never two inside, no word torn or stale, the value at rest is 1. Processes are not "
               "killed here: nothing gives back what a killed one holds.",
    .test_name = "Stress.SemaphoreMutex",
    .shape = Shape::kAlike,
    .uses_ledgers = false,
    .producers = 3,
    .consumers = 0,
    .open_loop = false,
    .sample_every = 0,
    .unit = "sections",
    .clauses = {clause::sem_wait::one_release_per_post, clause::sem_post::wakes_waiter,
                clause::sem_post::memory_sync, clause::sem_init::pshared_other_address,
                clause::sem_wait::sa_restart},
    .loss_clause = clause::sem_post::wakes_waiter,
    .make = &Make<SemaphoreMutex>,
});

}  // namespace

}  // namespace ipcsuite::stress
