// Properties of mutexes, condition variables, read-write locks and barriers that processes share,
// in lockstep.
#include <pthread.h>

#include <vector>

#include "harness/test/test.h"
#include "props/engine/lock_target.h"
#include "props/engine/lockstep.h"
#include "props/engine/property.h"
#include "props/properties/lock_domain.h"
#include "spec/clauses/pshared.h"

namespace ipcsuite::props {
namespace {

// The type of the mutex: varied by the program.
MutexModel::Type TypeOf(const Program& program) {
  return program.empty() ? MutexModel::Type::kNormal
                         : static_cast<MutexModel::Type>((program[0].a >> 8) % 3);
}
bool IsRobust(const Program& program) { return !program.empty() && (program[0].b >> 8) % 2 == 0; }

int ForCalls(MutexModel::Type type) {
  constexpr int kTypes[] = {PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ERRORCHECK,
                            PTHREAD_MUTEX_RECURSIVE};
  return kTypes[static_cast<int>(type)];
}

CaseOutcome UseMonitor(const Program& program, bool robust, const MonitorDomain::Shape& shape) {
  const MutexModel::Config config{TypeOf(program), robust};
  MonitorTarget target(ForCalls(config.type), config.robust);
  Crew crew(5, target);
  MonitorDomain domain(config, shape);
  return Lockstep<MonitorModel>(domain, crew).Run(program);
}

CaseOutcome UseRwlock(const Program& program, bool kills_waiters) {
  RwlockTarget target;
  Crew crew(5, target);
  RwlockDomain domain(kills_waiters);
  return Lockstep<RwlockModel>(domain, crew).Run(program);
}

CaseOutcome UseBarrier(const Program& program, bool kills) {
  const unsigned count = program.empty() ? 2 : 1 + (program[0].a >> 8) % 4;
  BarrierTarget target(count);
  Crew crew(6, target);
  BarrierDomain domain(count, kills);
  return Lockstep<BarrierModel>(domain, crew).Run(program);
}

// Signals and kills come too seldom by chance.
Program Disturbed(Program program, bool kills) {
  for (RawStep& step : program) {
    if (step.b % 32 == 31) step.what = 254;
    if (kills && step.b % 16 == 14) step.what = 255;
  }
  return program;
}

IPC_TEST(PropLockstep, MutexOwners, clause::mutex::pshared_exclusion,
         clause::mutex::pshared_blocks_and_wakes, clause::mutex::pshared_trylock_busy,
         clause::mutex::pshared_timedlock_immediate, clause::mutex::pshared_no_eintr,
         clause::mutex::pshared_recursive, clause::mutex::pshared_errorcheck,
         clause::mutex::pshared_unlock_not_owner, clause::robust::unlock_eperm,
         clause::robust::consistent_err_not_inconsistent, clause::robust::consistent_err_not_robust,
         timeout_s(300)) {
  PropertySpec spec{
      "PropLockstep.MutexOwners",
      __FILE__,
      __LINE__,
      120,
      [](const Program& p) { return UseMonitor(Disturbed(p, false), IsRobust(p), {}); },
      {{Call::kMutexLock, 50}, {Call::kMutexTryLock, 20}, {Call::kMutexUnlock, 100}},
      10,
      false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, MutexOwnersKilled, clause::robust::kill_eownerdead,
         clause::robust::waiter_woken, clause::robust::one_waiter_notified, clause::robust::trylock,
         clause::robust::timedlock, clause::robust::not_holding, clause::robust::consistent_ok,
         clause::robust::consistent_twice, clause::robust::owner_dies_again,
         clause::robust::owner_dies_after_consistent, clause::robust::recursive_count,
         clause::robust::stalled_no_action, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.MutexOwnersKilled",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      return UseMonitor(Disturbed(p, true), p.size() % 4 != 0, {.kills = true});
                    },
                    {{Call::kMutexLock, 50}, {Call::kMutexUnlock, 50}, {Call::kMutexConsistent, 5}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, MutexGivenUp, clause::robust::unlock_without_consistent,
         clause::robust::notrecoverable_lock, clause::robust::notrecoverable_trylock,
         clause::robust::notrecoverable_timedlock, clause::robust::notrecoverable_blocked_waiters,
         timeout_s(300)) {
  PropertySpec spec{"PropLockstep.MutexGivenUp",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      return UseMonitor(Disturbed(p, true), true,
                                        {.kills = true, .gives_up = true});
                    },
                    {{Call::kMutexLock, 50}, {Call::kMutexUnlock, 50}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, MonitorWaiters, clause::cond::pshared_signal,
         clause::cond::pshared_broadcast, clause::cond::pshared_no_lost_wakeup,
         clause::cond::pshared_mutex_owned_on_return, clause::cond::pshared_timedwait_etimedout,
         clause::cond::pshared_no_eintr, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.MonitorWaiters",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      return UseMonitor(Disturbed(p, false), IsRobust(p), {.waits = true});
                    },
                    {{Call::kCondWait, 15}, {Call::kCondSignal, 30}, {Call::kCondBroadcast, 10}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, MonitorUsersKilled, clause::robust::cond_wait, clause::cond::pshared_signal,
         clause::cond::pshared_broadcast, clause::robust::kill_eownerdead, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.MonitorUsersKilled",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      return UseMonitor(Disturbed(p, true), true, {.waits = true, .kills = true});
                    },
                    {{Call::kCondWait, 15}, {Call::kCondSignal, 30}, {Call::kMutexConsistent, 5}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, MonitorWaitersKilled, clause::cond::pshared_killed_waiter, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.MonitorWaitersKilled",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      return UseMonitor(Disturbed(p, true), true,
                                        {.waits = true, .kills = true, .kills_waiters = true});
                    },
                    {{Call::kCondWait, 15}, {Call::kCondSignal, 30}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, RwlockUsers, clause::rwlock::pshared_readers_share,
         clause::rwlock::pshared_writer_excludes, clause::rwlock::pshared_blocked_wakes,
         clause::rwlock::pshared_read_recursion, clause::rwlock::pshared_tryrd_ebusy,
         clause::rwlock::pshared_trywr_ebusy, clause::rwlock::pshared_timed_etimedout,
         clause::rwlock::pshared_timed_immediate, clause::rwlock::pshared_no_eintr,
         timeout_s(300)) {
  PropertySpec spec{"PropLockstep.RwlockUsers",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) { return UseRwlock(Disturbed(p, true), false); },
                    {{Call::kReadLock, 50}, {Call::kWriteLock, 30}, {Call::kRwlockUnlock, 100}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, RwlockWaitersKilled, clause::rwlock::pshared_killed_waiter, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.RwlockWaitersKilled",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) { return UseRwlock(Disturbed(p, true), true); },
                    {{Call::kReadLock, 30}, {Call::kWriteLock, 20}, {Call::kRwlockUnlock, 50}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, BarrierRounds, clause::barrier::pshared_blocks_until_count,
         clause::barrier::pshared_one_serial, clause::barrier::pshared_reset,
         clause::barrier::pshared_count_one, clause::barrier::pshared_signal_handler,
         timeout_s(300)) {
  PropertySpec spec{"PropLockstep.BarrierRounds",
                    __FILE__,
                    __LINE__,
                    80,
                    [](const Program& p) { return UseBarrier(Disturbed(p, false), false); },
                    {{Call::kBarrierWait, 100}},
                    10,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, BarrierWaitersKilled, clause::barrier::pshared_blocks_until_count,
         clause::barrier::pshared_one_serial, timeout_s(300)) {
  PropertySpec spec{"PropLockstep.BarrierWaitersKilled",
                    __FILE__,
                    __LINE__,
                    80,
                    [](const Program& p) { return UseBarrier(Disturbed(p, true), true); },
                    {{Call::kBarrierWait, 50}},
                    10,
                    false};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
