#include "suites/sem/sem.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>

namespace ipcsuite::sem_suite {

const std::vector<Setting> kAllSettings = {{"NamedProcesses", SemKind::kNamed, true},
                                           {"NamedThreads", SemKind::kNamed, false},
                                           {"SharedProcesses", SemKind::kShared, true},
                                           {"SharedThreads", SemKind::kShared, false},
                                           {"PrivateThreads", SemKind::kPrivate, false}};
const std::vector<Setting> kProcessSettings = {{"Named", SemKind::kNamed, true},
                                               {"Shared", SemKind::kShared, true}};

std::string SettingName(const testing::TestParamInfo<Setting>& info) { return info.param.name; }

void NeedClockwait() {
  if (!kHasClockwait) Unsupported("sem_clockwait() (of Issue 8) is not declared");
}

std::string ToString(Way way) {
  switch (way) {
    case Way::kWait: return "sem_wait()";
    case Way::kTimed: return "sem_timedwait()";
    case Way::kClockRealtime: return "sem_clockwait() on CLOCK_REALTIME";
    case Way::kClockMonotonic: return "sem_clockwait() on CLOCK_MONOTONIC";
  }
  return "?";
}

std::vector<Way> TimedWays() {
  if (kHasClockwait) return {Way::kTimed, Way::kClockRealtime, Way::kClockMonotonic};
  return {Way::kTimed};
}

std::vector<Way> AllWays() {
  std::vector<Way> ways = TimedWays();
  ways.insert(ways.begin(), Way::kWait);
  return ways;
}

clockid_t ClockOf(Way way) {
  return way == Way::kClockMonotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

CallResult WaitUntil(Way way, sem_t* sem, const timespec& deadline) {
  switch (way) {
    case Way::kWait: return CALL(sem_wait(sem));
    case Way::kTimed: return CALL(sem_timedwait(sem, &deadline));
    default: return ClockWait(sem, ClockOf(way), deadline);
  }
}

CallResult WaitBy(Way way, sem_t* sem, std::int64_t ms) {
  return WaitUntil(way, sem, ClockIn(ClockOf(way), ms));
}

int ValueOf(sem_t* sem) {
  int value = INT_MIN;
  Setup(CALL(sem_getvalue(sem, &value)));
  return value;
}

void Post(sem_t* sem, int times) {
  for (int i = 0; i < times; ++i) Setup(CALL(sem_post(sem)));
}

int Drain(sem_t* sem) {
  NoteChecks();
  int taken = 0;
  // Plain calls: there may be tens of thousands, and keeping times of each is slow on some systems.
  while (taken < 100'000 && sem_trywait(sem) == 0) ++taken;
  return taken;
}

unsigned ValueMax() {
#ifdef SEM_VALUE_MAX
  return SEM_VALUE_MAX;
#else
  const long value = sysconf(_SC_SEM_VALUE_MAX);
  return value > 0 ? static_cast<unsigned>(
                         std::min<unsigned long>(static_cast<unsigned long>(value), UINT_MAX))
                   : 32767;  // {_POSIX_SEM_VALUE_MAX}: what every system has
#endif
}

}  // namespace ipcsuite::sem_suite
