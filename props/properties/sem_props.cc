// Properties of semaphores: sequential, in lockstep, and racing.
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "harness/objects/privilege.h"
#include "harness/test/test.h"
#include "props/engine/free_run.h"
#include "props/engine/lockstep.h"
#include "props/engine/property.h"
#include "props/engine/sem_target.h"
#include "props/engine/sequential.h"
#include "props/properties/sem_domain.h"
#include "spec/clauses/sem.h"

namespace ipcsuite::props {
namespace {

// The largest value of a semaphore, as far as sem_getvalue() can report it.
unsigned MaxValue() {
#ifdef SEM_VALUE_MAX
  return static_cast<unsigned>(std::min<unsigned long>(SEM_VALUE_MAX, INT_MAX));
#else
  const long value = sysconf(_SC_SEM_VALUE_MAX);
  return value > 0 ? static_cast<unsigned>(std::min<long>(value, INT_MAX)) : 32767;
#endif
}

// Where a semaphore starts, and whether it has a name: varied by the program.
unsigned InitialValue(const Program& program) {
  const unsigned choices[] = {0, 1, 3, 0, 200, MaxValue() - 2};
  return program.empty() ? 0 : choices[(program[0].a >> 8) % 6];
}
bool HasName(const Program& program) { return !program.empty() && (program[0].b >> 8) % 2 == 0; }

SemModel::Config ConfigOf(unsigned initial) {
  SemModel::Config config;
  config.initial = initial;
  config.max_value = MaxValue();
  config.overflow_may_pass = JudgedIssue() < 8;
  return config;
}

// What the program was run on, as its first line.
CaseOutcome On(unsigned value, CaseOutcome outcome) {
  outcome.lines.insert(outcome.lines.begin(), "     a semaphore of value " + std::to_string(value));
  return outcome;
}

CaseOutcome Sequentially(const Program& program) {
  const unsigned initial = InitialValue(program);
  SemTarget target(HasName(program), initial);
  target.Enter(0);
  SemModel::Config config = ConfigOf(initial);
  config.waiters_known = true;
  SemDomain domain(SemModel(config), {});
  return On(initial, RunSequential(domain, target, program, nullptr));
}

CaseOutcome InLockstep(const Program& program, int processes, const SemDomain::Shape& shape,
                       const std::vector<int>& levels = {}) {
  const unsigned initial = InitialValue(program) % 4;  // waits are what this is about
  SemTarget target(HasName(program), initial);
  target.SetLevels(levels);
  Crew crew(processes, target);
  SemModel::Config config = ConfigOf(initial);
  config.signals = shape.signals && !shape.ignored;
  config.waiters_known = true;
  config.levels = levels;
  SemDomain domain(SemModel(config), shape);
  return On(initial, Lockstep<SemModel>(domain, crew).Run(program));
}

CaseOutcome Race(const Program& program, int processes, bool kills) {
  const unsigned initial = InitialValue(program) % 4;
  SemTarget target(HasName(program), initial);
  FreeRun run;
  run.processes = processes;
  run.model.name = "semaphore";
  run.model.initial_value = initial;
  run.origin = "race on a semaphore";
  run.kills = kills;
  run.decode = [](const RawStep& step, int, std::uint64_t) { return DecodeSemaphore(step, true); };
  run.drain = [](Op& op) {
    if (op.call == Call::kSemTryWait && !op.Ok()) return false;
    op = Op{};
    op.call = Call::kSemTryWait;
    return true;
  };
  return RunFree(run, target, program);
}

// Signals and kills come too seldom by chance.
Program Disturbed(Program program, bool signals, bool kills) {
  for (RawStep& step : program) {
    if (signals && step.b % 32 == 31) step.what = 254;
    if (kills && step.b % 64 == 30) step.what = 255;
  }
  return program;
}

IPC_TEST(PropSequential, SemaphoreCounts, clause::sem_post::increments,
         clause::sem_wait::takes_token, clause::sem_trywait::takes_token,
         clause::sem_trywait::err_eagain, clause::sem_timedwait::immediate,
         clause::sem_timedwait::past_deadline, clause::sem_timedwait::timeout_state,
         clause::sem_getvalue::value, clause::sem_getvalue::no_effect, timeout_s(300)) {
  PropertySpec spec{"PropSequential.SemaphoreCounts",
                    __FILE__,
                    __LINE__,
                    600,
                    Sequentially,
                    {{Call::kSemPost, 100},
                     {Call::kSemWait, 50},
                     {Call::kSemTryWait, 10},
                     {Call::kSemTimedWait, 10},
                     {Call::kSemClockWait, 10},
                     {Call::kSemValue, 20}},
                    0,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, SemaphoreWaiters, clause::sem_wait::blocks_at_zero,
         clause::sem_wait::one_release_per_post, clause::sem_post::wakes_waiter,
         clause::sem_wait::ignored_signal, clause::sem_timedwait::post_wins,
         clause::sem_getvalue::locked, timeout_s(300)) {
  SemDomain::Shape shape;
  shape.signals = true;
  shape.ignored = true;
  PropertySpec spec{
      "PropLockstep.SemaphoreWaiters",
      __FILE__,
      __LINE__,
      120,
      [shape](const Program& p) { return InLockstep(Disturbed(p, true, false), 4, shape); },
      {{Call::kSemPost, 50}, {Call::kSemWait, 50}},
      20,
      false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, SemaphoreWaitersKilledAndInterrupted,
         clause::sem::killed_waiter_takes_nothing, clause::sem::exit_does_not_post,
         clause::sem_wait::failure_state, clause::sem_post::wakes_waiter, timeout_s(300)) {
  SemDomain::Shape shape;
  shape.kills = true;
  shape.signals = true;
  PropertySpec spec{
      "PropLockstep.SemaphoreWaitersKilledAndInterrupted",
      __FILE__,
      __LINE__,
      120,
      [shape](const Program& p) { return InLockstep(Disturbed(p, true, true), 5, shape); },
      {{Call::kSemPost, 50}, {Call::kSemWait, 50}},
      20,
      false};
  CheckProperty(spec);
}

IPC_TEST(PropLockstep, SemaphorePriorities, clause::sem_post::priority_order, timeout_s(300)) {
  if (sysconf(_SC_PRIORITY_SCHEDULING) <= 0)
    Unsupported("the order is unspecified without the Priority Scheduling option");
  if (!CanUseRealtime())
    Unsupported("SCHED_FIFO is not available: needs CAP_SYS_NICE or a nonzero RLIMIT_RTPRIO");
  PropertySpec spec{"PropLockstep.SemaphorePriorities",
                    __FILE__,
                    __LINE__,
                    120,
                    [](const Program& p) {
                      return InLockstep(p, 5, {}, {1, 3, 1, 2, 3});
                    },
                    {{Call::kSemPost, 50}, {Call::kSemWait, 50}},
                    20,
                    false};
  CheckProperty(spec);
}

IPC_TEST(PropFree, SemaphoreLinearizable, clause::sem_wait::one_release_per_post,
         clause::sem_post::concurrent_exact, clause::sem_post::wakes_waiter,
         clause::sem_trywait::takes_token, clause::sem_trywait::err_eagain,
         clause::sem_timedwait::timeout_state, clause::sem_timedwait::not_early,
         clause::sem_getvalue::linearizable, timeout_s(300)) {
  PropertySpec spec{"PropFree.SemaphoreLinearizable",
                    __FILE__,
                    __LINE__,
                    800,
                    [](const Program& p) { return Race(p, 4, false); },
                    {{Call::kSemPost, 100},
                     {Call::kSemWait, 100},
                     {Call::kSemTryWait, 10},
                     {Call::kSemTimedWait, 10},
                     {Call::kSemValue, 20}},
                    20,
                    true};
  CheckProperty(spec);
}

IPC_TEST(PropFree, SemaphoreUsersKilled, clause::sem::killed_waiter_takes_nothing,
         clause::sem::exit_does_not_post, clause::sem_post::wakes_waiter, timeout_s(300)) {
  PropertySpec spec{"PropFree.SemaphoreUsersKilled",
                    __FILE__,
                    __LINE__,
                    400,
                    [](const Program& p) { return Race(Disturbed(p, false, true), 6, true); },
                    {{Call::kSemPost, 100}, {Call::kSemWait, 50}},
                    20,
                    true};
  CheckProperty(spec);
}

}  // namespace
}  // namespace ipcsuite::props
