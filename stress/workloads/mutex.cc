// Mutual exclusion by process-shared mutexes: a robust one whose owners die, and one that is not.
#include <pthread.h>

#include <cerrno>
#include <string>

#include "base/os/mutex_word.h"
#include "base/shared_objects.h"
#include "spec/clauses/pshared.h"
#include "stress/traffic/sections.h"

namespace ipcsuite::stress {
namespace {

struct PlainLock {
  int Init() { return InitShared(&mutex); }
  int Try() { return pthread_mutex_trylock(&mutex); }
  int Wait(Worker&, bool) { return pthread_mutex_lock(&mutex); }
  int Give() { return pthread_mutex_unlock(&mutex); }
  static constexpr bool kRobust = false;
  static constexpr CallId kTake = CallId::kLock, kLeave = CallId::kUnlock;
  static ClauseRef Exclusion() { return clause::mutex::pshared_exclusion; }
  static ClauseRef Wakes() { return clause::mutex::pshared_blocks_and_wakes; }

  pthread_mutex_t mutex;
};

struct RobustLock : PlainLock {
  int Init() { return InitShared(&mutex, PTHREAD_MUTEX_NORMAL, true); }
  // What the dead owner left is made whole, then declared so.
  int Recover(Worker& w, Section& section) {
    owner_dead.fetch_add(1);
    if (!w.spec.kills && w.spec.mode != Mode::kRaw) {
      w.Report(Kind::kNotRobust, clause::robust::not_holding,
               "EOWNERDEAD though no owner was killed", 0, 0, EOWNERDEAD);
    }
    if (section.Repair()) died_inside.fetch_add(1);
    if (const int rc = pthread_mutex_consistent(&mutex); rc != 0) {
      w.Report(Kind::kNotRobust, clause::robust::consistent_ok, "pthread_mutex_consistent", 0, 0,
               rc);
    }
    return 0;
  }
  static constexpr bool kRobust = true;

  std::atomic<std::uint64_t> owner_dead, died_inside;
};

template <class Lock>
class Mutex : public Sections<Lock> {
 public:
  std::string Describe(const Shared& shared) override {
    return "the mutex: " + os::DescribeMutexWord(this->Own()->lock.mutex) + "; " +
           Sections<Lock>::Describe(shared);
  }
};

class RobustMutex : public Mutex<RobustLock> {
 public:
  void Audit(const Shared& shared, const RunSpec& spec, AuditSink& sink) override {
    Mutex::Audit(shared, spec, sink);
    const std::uint64_t owner_dead = Own()->lock.owner_dead.load();
    sink.facts.emplace_back("EOWNERDEAD seen", std::to_string(owner_dead));
    sink.facts.emplace_back("owners killed inside the section",
                            std::to_string(Own()->lock.died_inside.load()));
    sink.checks += owner_dead;
    if (spec.kills && owner_dead == 0)
      sink.inconclusive = "no process was killed while it owned the mutex";
  }
};

const Row<WorkloadInfo> kRobustMutexRow(Alike({
    .name = "mutex",
    .title = "robust process-shared mutex whose owners die",
    .explain = "Processes change words together under one mutex, and are killed doing so. "
               "Exclusion, EOWNERDEAD after the death of an owner and only then, "
               "pthread_mutex_consistent; every section is accounted for. Latency: from the "
               "end of a section to the begin of the next by a process that had to wait.",
    .test_name = "Stress.RobustMutex",
    .producers = 3,
    .kill_producer_upto = 8 * kKiB,
    .hands_over = true,
    .unit = "sections",
    .clauses = {clause::mutex::pshared_exclusion, clause::mutex::pshared_blocks_and_wakes,
                clause::robust::kill_eownerdead, clause::robust::not_holding,
                clause::robust::consistent_ok, clause::pshared::other_address},
    .loss_clause = clause::mutex::pshared_blocks_and_wakes,
    .make = &Make<RobustMutex>,
}));

const Row<WorkloadInfo> kPlainMutexRow(Alike({
    .name = "mutex-plain",
    .title = "process-shared mutex that is not robust",
    .explain = "As the workload mutex, with a mutex that is not robust; nobody is killed: it "
               "would stay locked for ever.",
    .test_name = "Stress.PlainMutex",
    .producers = 3,
    .unit = "sections",
    .clauses = {clause::mutex::pshared_exclusion, clause::mutex::pshared_blocks_and_wakes,
                clause::mutex::pshared_trylock_busy, clause::mutex::pshared_no_eintr,
                clause::pshared::other_address},
    .loss_clause = clause::mutex::pshared_blocks_and_wakes,
    .make = &Make<Mutex<PlainLock>>,
}));

}  // namespace
}  // namespace ipcsuite::stress
