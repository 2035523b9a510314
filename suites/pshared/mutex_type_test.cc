// What the type of a mutex decides: relocking, and unlocking by who does not own it. And when a
// mutex may be destroyed.
#include <sched.h>

#include <cstring>
#include <vector>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

// Whether somebody else finds it locked; takes nothing.
CallResult TrylockElsewhere(const Mutex& mutex) {
  Peer other;
  return other
      .start([&] {
        const CallResult locked = CALL_ERRNO(pthread_mutex_trylock(mutex));
        if (locked.ok()) Unlock(mutex);
        return locked;
      })
      .result();
}

struct TypeRow {
  const char* name;
  Claims claims;
  MutexKind kind;
};

const TypeRow kErrorcheck[] = {
    {"Stalled", {clause::mutex::pshared_errorcheck}, {.type = PTHREAD_MUTEX_ERRORCHECK}},
    {"Robust",
     {clause::robust::normal_type_relock},
     {.type = PTHREAD_MUTEX_ERRORCHECK, .robust = true}},
};
IPC_TABLE_TEST(MutexErrorcheck, TypeRow, kErrorcheck) {
  const Mutex mutex(row.kind);
  Lock(mutex);
  for (const Way way : AllWays()) EXPECT_THAT(LockBy(way, mutex), Fails(EDEADLK)) << ToString(way);
  EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  EXPECT_THAT(TrylockElsewhere(mutex), SucceedsWith(0)) << "one unlock frees it";
}

const TypeRow kRecursive[] = {
    {"Stalled", {clause::mutex::pshared_recursive}, {.type = PTHREAD_MUTEX_RECURSIVE}},
    {"Robust",
     {clause::robust::normal_type_relock},
     {.type = PTHREAD_MUTEX_RECURSIVE, .robust = true}},
};
IPC_TABLE_TEST(MutexRecursive, TypeRow, kRecursive) {
  const Mutex mutex(row.kind);
  int depth = 0;
  for (const Way way : AllWays()) {
    EXPECT_THAT(LockBy(way, mutex), SucceedsWith(0)) << ToString(way);
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), SucceedsWith(0));
    EXPECT_THAT(LockUntil(way, mutex, {1, 0}), SucceedsWith(0)) << "past deadline";
    depth += 3;
  }
  for (; depth > 0; --depth) {
    EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY)) << depth << " unlocks to go";
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  }
  EXPECT_THAT(TrylockElsewhere(mutex), SucceedsWith(0));
}

const TypeRow kNormal[] = {
    {"Stalled", {clause::mutex::pshared_normal_relock}, {}},
    {"Robust", {clause::robust::normal_type_relock}, {.robust = true}},
    {"Inherit", {clause::mutex::pshared_normal_relock}, {.protocol = PTHREAD_PRIO_INHERIT}},
};
IPC_TABLE_TEST(MutexNormalRelock, TypeRow, kNormal) {
  const Mutex mutex(row.kind);
  Lock(mutex);
  EXPECT_THAT(LockUntil(Way::kTimed, mutex, {1, 0}), FailsWithAnyOf(ETIMEDOUT, EDEADLK));
  EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY));
  Unlock(mutex);
  EXPECT_THAT(TrylockElsewhere(mutex), SucceedsWith(0)) << "locked once";
}

const TypeRow kNotRecursive[] = {
    {"Normal", {clause::mutex::pshared_trylock_own}, {}},
    {"Errorcheck", {clause::mutex::pshared_trylock_own}, {.type = PTHREAD_MUTEX_ERRORCHECK}},
    {"Inherit", {clause::mutex::pshared_trylock_own}, {.protocol = PTHREAD_PRIO_INHERIT}},
    {"RobustNormal", {clause::mutex::pshared_trylock_own}, {.robust = true}},
    {"RobustErrorcheck",
     {clause::mutex::pshared_trylock_own},
     {.type = PTHREAD_MUTEX_ERRORCHECK, .robust = true}},
    {"ErrorcheckInherit",
     {clause::mutex::pshared_trylock_own},
     {.type = PTHREAD_MUTEX_ERRORCHECK, .protocol = PTHREAD_PRIO_INHERIT}},
};
IPC_TABLE_TEST(MutexTrylockByTheOwner, TypeRow, kNotRecursive) {
  const Mutex mutex(row.kind);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), SucceedsWith(0));
  for (int i = 0; i < 2; ++i) EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(mutex)), Fails(EBUSY));
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0));
  EXPECT_THAT(TrylockElsewhere(mutex), SucceedsWith(0)) << "locked once";
}

// ---- Unlock by another

const TypeRow kOwned[] = {
    {"Errorcheck", {clause::mutex::pshared_unlock_not_owner}, {.type = PTHREAD_MUTEX_ERRORCHECK}},
    {"Recursive", {clause::mutex::pshared_unlock_not_owner}, {.type = PTHREAD_MUTEX_RECURSIVE}},
    {"RobustNormal", {clause::robust::unlock_eperm}, {.robust = true}},
    {"RobustErrorcheck",
     {clause::robust::unlock_eperm},
     {.type = PTHREAD_MUTEX_ERRORCHECK, .robust = true}},
    {"RobustRecursive",
     {clause::robust::unlock_eperm},
     {.type = PTHREAD_MUTEX_RECURSIVE, .robust = true}},
    {"RobustDefault",
     {clause::robust::unlock_eperm},
     {.type = PTHREAD_MUTEX_DEFAULT, .robust = true}},
    {"RobustInherit",
     {clause::robust::unlock_eperm},
     {.robust = true, .protocol = PTHREAD_PRIO_INHERIT}},
};
IPC_TABLE_TEST(MutexUnlock, TypeRow, kOwned) {
  const Mutex mutex(row.kind);
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), Fails(EPERM)) << "an unlocked one";
  Lock(mutex);
  const Worker process(true, [&] { return CALL_ERRNO(pthread_mutex_unlock(mutex)); });
  EXPECT_THAT(process.result(), Fails(EPERM)) << "in another process";
  const Worker thread(false, [&] { return CALL_ERRNO(pthread_mutex_unlock(mutex)); });
  EXPECT_THAT(thread.result(), Fails(EPERM)) << "in another thread";
  EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY)) << "it had no effect";
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0)) << "by the owner";
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), Fails(EPERM)) << "once more";
}

// ---- fork()

const TypeRow kForked[] = {
    {"Errorcheck", {clause::mutex::pshared_fork_owner}, {.type = PTHREAD_MUTEX_ERRORCHECK}},
    {"Recursive", {clause::mutex::pshared_fork_owner}, {.type = PTHREAD_MUTEX_RECURSIVE}},
    {"Robust", {clause::mutex::pshared_fork_owner}, {.robust = true}},
};
IPC_TABLE_TEST(MutexFork, TypeRow, kForked) {
  const Mutex mutex(row.kind);
  Lock(mutex);
  {
    Peer child([&](Peer::Self& self) {
      self.step([&] { return CALL_ERRNO(pthread_mutex_trylock(mutex)); });
      self.step([&] { return CALL_ERRNO(pthread_mutex_unlock(mutex)); });
    });
    EXPECT_THAT(child.next().result(), Fails(EBUSY)) << "locked before the fork";
    EXPECT_THAT(child.next().result(), Fails(EPERM)) << "in the child";
    child.Join();
  }
  EXPECT_THAT(TrylockElsewhere(mutex), Fails(EBUSY)) << "after the end of the child";
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_unlock(mutex)), SucceedsWith(0)) << "by the parent";
}

// ---- Destruction

IPC_FOR_ALL_MUTEXES(MutexDestroy);

// An object that its last user destroys: who unlocked before may not have returned yet.
IPC_TEST_P(MutexDestroy, ByTheLastUserAtItsUnlock, clause::mutex::pshared_destroy_when_unlocked) {
  struct Counted {
    pthread_mutex_t mutex;
    int users;
  };
  constexpr int kRounds = 150;
  const Placed<Counted> object(GetParam().place);
  Shared<StartLine> start;
  const auto use = [&](bool makes) {
    int touched = 0;
    for (int round = 0; round < kRounds; ++round) {
      Counted* const own = object.get();
      if (makes) {
        InitMutex(&own->mutex, GetParam());
        own->users = 2;
      }
      start->Wait(2);
      pthread_mutex_lock(&own->mutex);
      const bool last = --own->users == 0;
      pthread_mutex_unlock(&own->mutex);
      if (last) {
        touched += pthread_mutex_destroy(&own->mutex) != 0;
        std::memset(&own->mutex, 0x5a, sizeof own->mutex);
      }
      start->Wait(2);
      const auto* const bytes = reinterpret_cast<const unsigned char*>(&own->mutex);
      for (std::size_t i = 0; i < sizeof own->mutex; ++i) touched += bytes[i] != 0x5a;
      start->Wait(2);
    }
    return CALL(touched);
  };
  const Worker other = Work([&] { return use(false); });
  EXPECT_THAT(use(true), SucceedsWith(0)) << "bytes of reused memory that somebody wrote to";
  EXPECT_THAT(other.result(20s), SucceedsWith(0));
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
