// Properties of mutexes, condition variables, read-write locks and barriers that processes share,
// racing: never two inside, no wake-up lost, nobody released early.
#include <pthread.h>

#include <vector>

#include "harness/test/test.h"
#include "props/engine/free_run.h"
#include "props/engine/lock_target.h"
#include "props/engine/property.h"
#include "props/properties/lock_domain.h"
#include "spec/clauses/pshared.h"

namespace ipcsuite::props {
namespace {

Op Make(Call call) {
  Op op;
  op.call = call;
  return op;
}

// Far deadlines become near ones, which race with what they wait for.
Op NearBy(Op op, const RawStep& step) {
  const bool timed = op.call == Call::kMutexTimedLock || op.call == Call::kCondTimedWait ||
                     op.call == Call::kTimedReadLock || op.call == Call::kTimedWriteLock;
  if (!timed || op.flags != 0) return op;
  op.flags = kNearDeadline;
  op.value = step.a;
  return op;
}

struct MonitorRace {
  bool waits = false;  // the condition variable is used
  bool kills = false;  // processes kill themselves, mostly inside
};

// An owner soon gives the mutex up, mostly; one that got it from the dead repairs it first.
Op Use(const MonitorTarget& target, const MonitorRace& race, const RawStep& step) {
  if (race.kills && step.b % 16 == 14) return Make(Call::kExit);
  if (target.inconsistent()) return Make(Call::kMutexConsistent);
  if (!target.inside()) return NearBy(MutexLockBy(step.b), step);
  switch (race.waits ? step.what % 8U : 7U) {
    case 0:
    case 1: return NearBy(Make(step.b % 4 == 0 ? Call::kCondWait : Call::kCondTimedWait), step);
    case 2:
    case 3: return Make(Call::kCondSignal);
    case 4: return Make(Call::kCondBroadcast);
    default: return Make(Call::kMutexUnlock);
  }
}

// What ends a process's use of the mutex; false when it holds nothing.
bool Leave(const MonitorTarget& target, Op& op) {
  if (!target.inside()) return false;
  op = Make(target.inconsistent() ? Call::kMutexConsistent : Call::kMutexUnlock);
  return true;
}

CaseOutcome Race(const Program& program, const MonitorRace& race) {
  const bool robust = race.kills || (!program.empty() && program[0].a % 512 < 256);
  MonitorTarget target(PTHREAD_MUTEX_NORMAL, robust);
  FreeRun run;
  run.processes = race.kills ? 6 : 4;
  run.model.name = "mutex";
  run.origin = "race for a mutex";
  run.decode = [&](const RawStep& step, int, std::uint64_t) { return Use(target, race, step); };
  run.finish = [&](int, Op& op) { return Leave(target, op); };
  run.drain = [&](Op& op) {
    if (op.call != Call::kNone) return Leave(target, op);
    op = Make(Call::kMutexTryLock);
    return true;
  };
  return RunFree(run, target, program);
}

CaseOutcome RaceForRwlock(const Program& program) {
  RwlockTarget target;
  FreeRun run;
  run.processes = 4;
  run.model.name = "rwlock";
  run.origin = "race for a read-write lock";
  run.decode = [&](const RawStep& step, int, std::uint64_t) {
    return target.inside() ? Make(Call::kRwlockUnlock) : NearBy(RwlockBy(step.b), step);
  };
  run.finish = [&](int, Op& op) {
    op = Make(Call::kRwlockUnlock);
    return target.inside();
  };
  run.drain = [&](Op& op) {
    const bool first = op.call == Call::kNone;
    op = Make(first ? Call::kTryWriteLock : Call::kRwlockUnlock);
    return first || target.inside();
  };
  return RunFree(run, target, program);
}

CaseOutcome RaceToBarrier(const Program& program) {
  const unsigned count = program.empty() ? 2 : 2 + (program[0].a >> 8) % 2;
  BarrierTarget target(count);
  FreeRun run;
  run.processes = 4;
  run.model.name = "barrier";
  run.model.count = count;
  run.origin = "race to a barrier";
  run.decode = [](const RawStep&, int, std::uint64_t) { return Make(Call::kBarrierWait); };
  return RunFree(run, target, program);
}

IPC_TEST(PropFree, MutexExclusion, clause::mutex::pshared_exclusion,
         clause::mutex::pshared_blocks_and_wakes, clause::mutex::pshared_trylock_busy,
         clause::mutex::pshared_timedlock_timeout, timeout_s(300)) {
  PropertySpec spec{"PropFree.MutexExclusion",
                    __FILE__,
                    __LINE__,
                    600,
                    [](const Program& p) { return Race(p, {}); },
                    {{Call::kMutexLock, 100}, {Call::kMutexTryLock, 20}, {Call::kMutexUnlock, 100}},
                    0,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, MutexUsersKilled, clause::robust::kill_eownerdead, clause::robust::not_holding,
         clause::mutex::pshared_blocks_and_wakes, timeout_s(300)) {
  PropertySpec spec{"PropFree.MutexUsersKilled",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return Race(p, {.kills = true}); },
                    {{Call::kMutexLock, 100}, {Call::kMutexConsistent, 20}},
                    0,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, MonitorWakeups, clause::cond::pshared_no_lost_wakeup,
         clause::cond::pshared_signal, clause::cond::pshared_broadcast,
         clause::cond::pshared_mutex_owned_on_return, clause::mutex::pshared_exclusion,
         timeout_s(300)) {
  PropertySpec spec{"PropFree.MonitorWakeups",
                    __FILE__,
                    __LINE__,
                    600,
                    [](const Program& p) { return Race(p, {.waits = true}); },
                    {{Call::kMutexLock, 100}, {Call::kCondWait, 30}, {Call::kCondSignal, 100}},
                    10,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, RwlockLinearizable, clause::rwlock::pshared_writer_excludes,
         clause::rwlock::pshared_readers_share, clause::rwlock::pshared_blocked_wakes,
         clause::rwlock::pshared_timed_etimedout, timeout_s(300)) {
  PropertySpec spec{"PropFree.RwlockLinearizable",
                    __FILE__,
                    __LINE__,
                    600,
                    RaceForRwlock,
                    {{Call::kReadLock, 50}, {Call::kWriteLock, 50}, {Call::kRwlockUnlock, 100}},
                    0,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, BarrierRounds, clause::barrier::pshared_blocks_until_count,
         clause::barrier::pshared_one_serial, clause::barrier::pshared_reset, timeout_s(300)) {
  PropertySpec spec{"PropFree.BarrierRounds",    __FILE__, __LINE__, 400, RaceToBarrier,
                    {{Call::kBarrierWait, 100}}, 20,       true};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
