// Mutual exclusion by a process-shared spin lock.
#include <pthread.h>

#include "spec/clauses/pshared.h"
#include "stress/traffic/sections.h"

namespace ipcsuite::stress {
namespace {

struct SpinLock {
  int Init() { return pthread_spin_init(&lock, PTHREAD_PROCESS_SHARED); }
  int Try() { return pthread_spin_trylock(&lock); }
  int Wait(Worker&, bool) { return pthread_spin_lock(&lock); }
  int Give() { return pthread_spin_unlock(&lock); }
  static constexpr bool kRobust = false;
  static constexpr CallId kTake = CallId::kSpinLock, kLeave = CallId::kUnlock;
  static ClauseRef Exclusion() { return clause::spin::pshared_usable; }
  static ClauseRef Wakes() { return clause::spin::pshared_spins_until_free; }

  pthread_spinlock_t lock;
};

const Row<WorkloadInfo> kSpinRow(Alike({
    .name = "spin",
    .title = "process-shared spin lock",
    .explain = "Processes change words together under one spin lock; every section is "
               "accounted for. Nobody is killed: the lock would stay taken. Where processes "
               "share a cpu, one that spins waits for its turn to end.",
    .test_name = "Stress.SpinLock",
    .producers = 2,
    .unit = "sections",
    .clauses = {clause::spin::pshared_usable, clause::spin::pshared_spins_until_free,
                clause::spin::pshared_trylock_ebusy, clause::pshared::other_address},
    .loss_clause = clause::spin::pshared_spins_until_free,
    .make = &Make<Sections<SpinLock>>,
}));

}  // namespace
}  // namespace ipcsuite::stress
