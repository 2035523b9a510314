// What the tests of process-shared objects share: kinds of mutexes, objects in memory of several
// kinds (place.h), the ways to wait, and what is known of a call that hangs.
#pragma once

#include <pthread.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/peers/start_line.h"
#include "harness/peers/worker.h"
#include "harness/test/test.h"
#include "suites/pshared/place.h"

namespace ipcsuite::pshared_suite {

// How long a call may be shown asleep, without a break, before it counts as hanging, where it is
// known to hang on some platforms and nobody else has to run first. Who was woken is not asleep,
// however late it runs.
inline constexpr nanoseconds kHang = 400ms;

// ---- Mutexes

struct MutexKind {
  const char* name = "";
  Place place = Place::kShm;
  int type = PTHREAD_MUTEX_NORMAL;
  bool robust = false;
  int protocol = PTHREAD_PRIO_NONE;
};

// Makes a process-shared mutex there. Ends the test as UNSUPPORTED where the kind is not.
void InitMutex(pthread_mutex_t* mutex, const MutexKind& kind);
void InitCond(pthread_cond_t* cond, clockid_t clock = CLOCK_REALTIME);
void InitBarrier(pthread_barrier_t* barrier, unsigned count);
void InitRwlock(pthread_rwlock_t* lock);

// A process-shared mutex of this kind. Stands for its address, as the caller sees it. It is not
// destroyed: a test may leave it locked.
class Mutex {
 public:
  explicit Mutex(const MutexKind& kind) : placed_(kind.place) { InitMutex(placed_.get(), kind); }
  operator pthread_mutex_t*() const { return placed_.get(); }  // NOLINT
  pthread_mutex_t* get() const { return placed_.get(); }
  const std::string& name() const { return placed_.name(); }

 private:
  Placed<pthread_mutex_t> placed_;
};

// The fixture of one body over kinds of mutexes.
class MutexTest : public TestWithParam<MutexKind> {
 protected:
  static Worker Work(std::function<CallResult()> step) {
    return Worker(UsedByProcesses(GetParam().place), std::move(step));
  }
};
std::string NameOf(const testing::TestParamInfo<MutexKind>& info);
extern const std::vector<MutexKind> kMutexKinds;
// Those that are robust, used by processes.
extern const std::vector<MutexKind> kRobustKinds;

#define IPC_FOR_ALL_MUTEXES(fixture)   \
  class fixture : public MutexTest {}; \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture, testing::ValuesIn(kMutexKinds), NameOf)
#define IPC_FOR_ROBUST_MUTEXES(fixture) \
  class fixture : public MutexTest {};  \
  INSTANTIATE_TEST_SUITE_P(Kinds, fixture, testing::ValuesIn(kRobustKinds), NameOf)

// The fixture of one body over places of memory.
class PlaceTest : public TestWithParam<Place> {
 protected:
  static Worker Work(std::function<CallResult()> step) {
    return Worker(UsedByProcesses(GetParam()), std::move(step));
  }
};
std::string PlaceName(const testing::TestParamInfo<Place>& info);
#define IPC_FOR_ALL_PLACES(fixture)    \
  class fixture : public PlaceTest {}; \
  INSTANTIATE_TEST_SUITE_P(            \
      Places, fixture,                 \
      testing::Values(Place::kInherited, Place::kShm, Place::kFile, Place::kThreads), PlaceName)

// ---- Ways to wait

// Without a deadline; with one on CLOCK_REALTIME; with one on a clock of the caller's choice.
enum class Way { kPlain, kTimed, kClockRealtime, kClockMonotonic };
std::string ToString(Way way);
inline bool OfIssue8(Way way) { return way == Way::kClockRealtime || way == Way::kClockMonotonic; }
// All that exist here (the last two are of Issue 8).
std::vector<Way> AllWays();
// Those with a deadline.
std::vector<Way> TimedWays();
// The clock of a way with a deadline.
clockid_t ClockOf(Way way);
// Ends the test where the functions of Issue 8 are not declared.
void NeedClockWays();

CallResult LockUntil(Way way, pthread_mutex_t* mutex, const timespec& deadline);
CallResult WaitUntil(Way way, pthread_cond_t* cond, pthread_mutex_t* mutex,
                     const timespec& deadline);
CallResult ReadLockUntil(Way way, pthread_rwlock_t* lock, const timespec& deadline);
CallResult WriteLockUntil(Way way, pthread_rwlock_t* lock, const timespec& deadline);
// With a clock of any number; ENOSYS where the functions are not declared.
CallResult ClockLock(pthread_mutex_t* mutex, clockid_t clock, const timespec& deadline);
CallResult ClockWait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                     const timespec& deadline);
// The deadline, if the way has one, is `ms` from now.
CallResult LockBy(Way way, pthread_mutex_t* mutex, std::int64_t ms = 60'000);
CallResult WaitBy(Way way, pthread_cond_t* cond, pthread_mutex_t* mutex, std::int64_t ms = 60'000);

// ---- Steps

// As set-up.
void Lock(pthread_mutex_t* mutex);
void Unlock(pthread_mutex_t* mutex);

// A process that takes something and holds it until it is killed.
class Owner {
 public:
  explicit Owner(std::function<void()> take);
  // Locks this mutex.
  explicit Owner(const Mutex& mutex);
  void Kill() { peer_.Kill(); }

 private:
  Peer peer_;
};
// Leaves the mutex with a dead owner.
void LetOwnerDie(const Mutex& mutex);
// ... and unrecoverable: the next owner unlocks it as it is.
void MakeUnrecoverable(const Mutex& mutex);

// The result of a call that may hang: when it does, where its thread sleeps and the state of the
// mutex that it may wait for are noted as evidence.
CallResult ResultOf(const Call& call, const pthread_mutex_t* mutex = nullptr,
                    nanoseconds patience = 2s);

}  // namespace ipcsuite::pshared_suite
