// What the tests of semaphores share: one body over the kinds of semaphore, the ways to wait,
// workers that are processes or threads, and counting what is left.
#pragma once

#include <semaphore.h>
#include <time.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "harness/objects/sem_clockwait.h"
#include "harness/objects/semaphore.h"
#include "harness/peers/worker.h"
#include "harness/test/test.h"

namespace ipcsuite::sem_suite {

// A kind of semaphore and who uses it.
struct Setting {
  const char* name;
  SemKind kind;
  bool processes;  // false: threads
};

// The fixture of what holds for every kind.
class SemTest : public TestWithParam<Setting> {
 protected:
  Semaphore Make(unsigned value = 0) const { return Semaphore(GetParam().kind, value); }
};
std::string SettingName(const testing::TestParamInfo<Setting>& info);
extern const std::vector<Setting> kAllSettings;
// Those whose users are processes.
extern const std::vector<Setting> kProcessSettings;

#define IPC_FOR_ALL_SEMAPHORES(fixture) \
  class fixture : public SemTest {};    \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture, testing::ValuesIn(kAllSettings), SettingName)
#define IPC_FOR_PROCESSES(fixture)   \
  class fixture : public SemTest {}; \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture, testing::ValuesIn(kProcessSettings), SettingName)

// A process or thread, as the setting says, that performs one step.
class Worker : public ipcsuite::Worker {
 public:
  Worker(const Setting& setting, std::function<CallResult()> step)
      : ipcsuite::Worker(setting.processes, std::move(step)) {}
};

// Ends the test where sem_clockwait() is not declared.
void NeedClockwait();

// The ways to wait.
enum class Way { kWait, kTimed, kClockRealtime, kClockMonotonic };
std::string ToString(Way way);
// All that exist here.
std::vector<Way> AllWays();
// Those with a deadline.
std::vector<Way> TimedWays();
// The clock of a way with a deadline.
clockid_t ClockOf(Way way);
// Waits that way; the deadline, if it has one, is `ms` from now.
CallResult WaitBy(Way way, sem_t* sem, std::int64_t ms = 60'000);
CallResult WaitUntil(Way way, sem_t* sem, const timespec& deadline);

// The value, as set-up; a negative one (waiters are counted) as it is.
int ValueOf(sem_t* sem);
// Posts as set-up.
void Post(sem_t* sem, int times = 1);
// Takes all tokens without waiting and returns how many there were. Counts as a check.
int Drain(sem_t* sem);
// The largest value of a semaphore here.
unsigned ValueMax();

}  // namespace ipcsuite::sem_suite
