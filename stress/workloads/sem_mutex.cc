// Mutual exclusion by a binary semaphore over words of shared memory.
#include <semaphore.h>

#include <cerrno>
#include <string>

#include "spec/clauses/sem.h"
#include "stress/traffic/sections.h"
#include "stress/traffic/semaphore.h"

namespace ipcsuite::stress {
namespace {

struct BinarySemaphore {
  int Init() { return sem_init(&free, 1, 1) == 0 ? 0 : errno; }
  int Try() {
    if (sem_trywait(&free) == 0) return 0;
    return errno == EAGAIN ? EBUSY : errno;
  }
  int Wait(Worker& w, bool checked) {
    while (sem_wait(&free) != 0) {
      if (errno != EINTR) return errno;
      if (checked) w.Interrupted(clause::sem_wait::sa_restart);
    }
    return 0;
  }
  int Give() { return sem_post(&free) == 0 ? 0 : errno; }
  static constexpr bool kRobust = false;
  static constexpr CallId kTake = CallId::kSemWait, kLeave = CallId::kSemPost;
  static ClauseRef Exclusion() { return clause::sem_wait::one_release_per_post; }
  static ClauseRef Wakes() { return clause::sem_wait::blocks_at_zero; }

  sem_t free;
};

class SemaphoreMutex : public Sections<BinarySemaphore> {
 public:
  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    Sections::Audit(shared, spec, sink);
    if (spec.mode == Mode::kRaw) return;
    ++sink.checks;
    if (const int value = ValueOf(&Own()->lock.free); value != 1) {
      sink.findings.push_back({Kind::kLost, clause::sem_post::concurrent_exact,
                               "the value at rest is " + std::to_string(value) + ", not 1"});
    }
  }
  std::string Describe(const Shared& shared) override {
    return "the value of the semaphore is " + std::to_string(ValueOf(&Own()->lock.free)) + "; " +
           Sections::Describe(shared);
  }
};

const Row<WorkloadInfo> kMutexRow(Alike({
    .name = "sem-mutex",
    .title = "mutual exclusion by a binary semaphore",
    .explain =
        "Processes change words of shared memory together while they hold the one token. Never "
        "two inside, no word torn or stale, every section is accounted for, the value at rest "
        "is 1. Processes are not killed here: nothing gives back what a killed one holds.",
    .test_name = "Stress.SemaphoreMutex",
    .producers = 3,
    .unit = "sections",
    .clauses = {clause::sem_wait::one_release_per_post, clause::sem_post::wakes_waiter,
                clause::sem_post::memory_sync, clause::sem_init::pshared_other_address,
                clause::sem_wait::sa_restart},
    .loss_clause = clause::sem_post::wakes_waiter,
    .make = &Make<SemaphoreMutex>,
}));

}  // namespace
}  // namespace ipcsuite::stress
