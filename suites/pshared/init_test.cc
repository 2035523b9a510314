// Making objects in memory that held something else, again after their destruction, and with
// attributes that change afterwards.
#include <cstring>
#include <string>

#include "spec/clauses/pshared.h"
#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {
namespace {

// All five objects.
struct Objects {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  pthread_barrier_t barrier;
  pthread_rwlock_t rwlock;
  pthread_spinlock_t spin;
  int tokens;
};

void InitAll(Objects* objects, const MutexKind& kind = {}) {
  std::memset(static_cast<void*>(objects), 0xa5, sizeof *objects);  // what was there before
  InitMutex(&objects->mutex, kind);
  InitCond(&objects->cond);
  InitBarrier(&objects->barrier, 2);
  InitRwlock(&objects->rwlock);
  Setup(CALL_ERRNO(pthread_spin_init(&objects->spin, PTHREAD_PROCESS_SHARED)));
  objects->tokens = 0;
}

// Uses all of them together with another process: each blocks it once and lets it go again.
void ExpectAllWork(const Placed<Objects>& placed) {
  Peer other([&](Peer::Self& self) {
    Objects* const own = placed.get();
    self.step([&] {
      const CallResult locked = CALL_ERRNO(pthread_mutex_lock(&own->mutex));
      while (own->tokens == 0) CALL_ERRNO(pthread_cond_wait(&own->cond, &own->mutex));
      pthread_mutex_unlock(&own->mutex);
      return locked;
    });
    self.step([&] { return CALL_ERRNO(pthread_rwlock_rdlock(&own->rwlock)); });
    self.step([&] { return CALL_ERRNO(pthread_rwlock_unlock(&own->rwlock)); });
    self.step([&] { return CALL_ERRNO(pthread_spin_trylock(&own->spin)); });
    self.step([&] {
      const CallResult passed = CALL(pthread_barrier_wait(&own->barrier));
      return passed.value == PTHREAD_BARRIER_SERIAL_THREAD ? CALL(0) : passed;
    });
  });
  Objects* const mine = placed.get();
  Lock(&mine->mutex);
  const Call locks = other.next();
  EXPECT_THAT(locks, Blocks()) << "in the mutex";
  Unlock(&mine->mutex);
  EXPECT_THAT(locks, Blocks()) << "in the condition variable";
  Lock(&mine->mutex);
  mine->tokens = 1;
  Unlock(&mine->mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&mine->cond)), SucceedsWith(0));
  EXPECT_THAT(ResultOf(locks, &mine->mutex), SucceedsWith(0));
  Setup(CALL_ERRNO(pthread_rwlock_wrlock(&mine->rwlock)));
  const Call reads = other.next();
  EXPECT_THAT(reads, Blocks()) << "in the read-write lock";
  EXPECT_THAT(CALL_ERRNO(pthread_rwlock_unlock(&mine->rwlock)), SucceedsWith(0));
  EXPECT_THAT(ResultOf(reads), SucceedsWith(0));
  EXPECT_THAT(ResultOf(other.next()), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_spin_lock(&mine->spin)), SucceedsWith(0));
  EXPECT_THAT(ResultOf(other.next()), Fails(EBUSY)) << "of the spin lock";
  EXPECT_THAT(CALL_ERRNO(pthread_spin_unlock(&mine->spin)), SucceedsWith(0));
  const Call arrives = other.next();
  EXPECT_THAT(arrives, Blocks()) << "at the barrier";
  pthread_barrier_wait(&mine->barrier);
  EXPECT_THAT(ResultOf(arrives), SucceedsWith(0));
}

void DestroyAll(Objects* objects) {
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_destroy(&objects->mutex)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_cond_destroy(&objects->cond)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_barrier_destroy(&objects->barrier)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_rwlock_destroy(&objects->rwlock)), SucceedsWith(0));
  EXPECT_THAT(CALL_ERRNO(pthread_spin_destroy(&objects->spin)), SucceedsWith(0));
}

IPC_TEST(PsharedInit, WhateverTheMemoryHeld, clause::mutex_init::unlocked,
         clause::rwlock::pshared_init_state, clause::spin::init_unlocked) {
  for (const int fill : {0x00, 0xa5, 0xff}) {
    const Placed<Objects> placed(Place::kShm);
    Objects* const mine = placed.get();
    std::memset(static_cast<void*>(mine), fill, sizeof *mine);
    for (const bool robust : {false, true}) {
      InitMutex(&mine->mutex, {.robust = robust});
      EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(&mine->mutex)), SucceedsWith(0));
      Unlock(&mine->mutex);
      Setup(CALL_ERRNO(pthread_mutex_destroy(&mine->mutex)));
      std::memset(static_cast<void*>(&mine->mutex), fill, sizeof mine->mutex);
    }
    {
      const ForClause scope(clause::rwlock::pshared_init_state);
      InitRwlock(&mine->rwlock);
      EXPECT_THAT(CALL_ERRNO(pthread_rwlock_trywrlock(&mine->rwlock)), SucceedsWith(0));
    }
    const ForClause scope(clause::spin::init_unlocked);
    Setup(CALL_ERRNO(pthread_spin_init(&mine->spin, PTHREAD_PROCESS_SHARED)));
    EXPECT_THAT(CALL_ERRNO(pthread_spin_trylock(&mine->spin)), SucceedsWith(0));
  }
}

IPC_TEST(PsharedInit, AgainAfterDestruction, clause::pshared::reinit_after_destroy) {
  const Placed<Objects> placed(Place::kShm);
  const MutexKind kKinds[] = {{},
                              {.robust = true},
                              {.type = PTHREAD_MUTEX_RECURSIVE},
                              {.type = PTHREAD_MUTEX_ERRORCHECK, .robust = true}};
  for (const MutexKind& kind : kKinds) {
    InitAll(placed.get(), kind);
    ExpectAllWork(placed);
    DestroyAll(placed.get());
    // Private ones in between.
    Objects* const mine = placed.get();
    Setup(CALL_ERRNO(pthread_mutex_init(&mine->mutex, nullptr)));
    Setup(CALL_ERRNO(pthread_cond_init(&mine->cond, nullptr)));
    Setup(CALL_ERRNO(pthread_barrier_init(&mine->barrier, nullptr, 1)));
    Setup(CALL_ERRNO(pthread_rwlock_init(&mine->rwlock, nullptr)));
    Setup(CALL_ERRNO(pthread_spin_init(&mine->spin, PTHREAD_PROCESS_PRIVATE)));
    EXPECT_THAT(CALL_ERRNO(pthread_mutex_lock(&mine->mutex)), SucceedsWith(0));
    Unlock(&mine->mutex);
    DestroyAll(mine);
  }
}

// Sets the attribute the other way, destroys it and fills its memory.
template <typename A, const auto& Set, const auto& Destroy>
void Spoil(A* attributes) {
  Setup(CALL_ERRNO(Set(attributes, PTHREAD_PROCESS_PRIVATE)));
  Setup(CALL_ERRNO(Destroy(attributes)));
  std::memset(static_cast<void*>(attributes), 0xff, sizeof *attributes);
}

IPC_TEST(PsharedInit, LaterChangesOfTheAttributesDoNotMatter,
         clause::pshared::attr_change_after_init) {
  const Placed<Objects> placed(Place::kShm);
  Objects* const mine = placed.get();
  pthread_mutexattr_t mutex;
  pthread_condattr_t cond;
  pthread_barrierattr_t barrier;
  pthread_rwlockattr_t rwlock;
  Setup(CALL_ERRNO(pthread_mutexattr_init(&mutex)));
  Setup(CALL_ERRNO(pthread_condattr_init(&cond)));
  Setup(CALL_ERRNO(pthread_barrierattr_init(&barrier)));
  Setup(CALL_ERRNO(pthread_rwlockattr_init(&rwlock)));
  Setup(CALL_ERRNO(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_mutex_init(&mine->mutex, &mutex)));
  Setup(CALL_ERRNO(pthread_cond_init(&mine->cond, &cond)));
  Setup(CALL_ERRNO(pthread_barrier_init(&mine->barrier, &barrier, 2)));
  Setup(CALL_ERRNO(pthread_rwlock_init(&mine->rwlock, &rwlock)));
  Setup(CALL_ERRNO(pthread_spin_init(&mine->spin, PTHREAD_PROCESS_SHARED)));
  Spoil<pthread_mutexattr_t, pthread_mutexattr_setpshared, pthread_mutexattr_destroy>(&mutex);
  Spoil<pthread_condattr_t, pthread_condattr_setpshared, pthread_condattr_destroy>(&cond);
  Spoil<pthread_barrierattr_t, pthread_barrierattr_setpshared, pthread_barrierattr_destroy>(
      &barrier);
  Spoil<pthread_rwlockattr_t, pthread_rwlockattr_setpshared, pthread_rwlockattr_destroy>(&rwlock);
  ExpectAllWork(placed);
}

// ---- Whose memory it is

class PsharedPlace : public PlaceTest {};
INSTANTIATE_TEST_SUITE_P(Places, PsharedPlace,
                         testing::Values(Place::kInherited, Place::kShm, Place::kFile), PlaceName);

IPC_TEST_P(PsharedPlace, EveryObjectWorksAtAnotherAddress, clause::pshared::other_address) {
  const Placed<Objects> placed(GetParam());
  InitAll(placed.get());
  ExpectAllWork(placed);
}

// A child of a child, and the processes in between are gone.
IPC_TEST_P(PsharedPlace, ChildrenOfChildrenUseThem, clause::pshared::fork_inherited) {
  const Placed<Objects> placed(GetParam());
  InitAll(placed.get());
  Lock(&placed->mutex);
  Peer child;
  const Call waits = child.start([&] {
    Peer grandchild;
    const CallResult got = grandchild
                               .start([&] {
                                 Objects* const own = placed.get();
                                 const CallResult locked =
                                     CALL_ERRNO(pthread_mutex_lock(&own->mutex));
                                 own->tokens = 5;
                                 pthread_cond_broadcast(&own->cond);
                                 Unlock(&own->mutex);
                                 return locked;
                               })
                               .result(20s);
    return got;
  });
  Objects* const mine = placed.get();
  while (mine->tokens == 0) {
    const timespec deadline = RealtimeIn(20'000);
    const CallResult waited =
        CALL_ERRNO(pthread_cond_timedwait(&mine->cond, &mine->mutex, &deadline));
    ASSERT_THAT(waited, SucceedsWith(0)) << "the grandchild did not get the mutex, or not through";
  }
  EXPECT_EQ(mine->tokens, 5);
  Unlock(&mine->mutex);
  EXPECT_THAT(waits.result(), SucceedsWith(0));
}

// ---- Another program

// Maps the objects by name and performs its half of the same steps.
IPC_ROLE(pshared_use_objects) {
  auto* const own = static_cast<Objects*>(MapByName(args[0]));
  if (own == nullptr) return 10;
  const timespec deadline = RealtimeIn(20'000);
  if (pthread_mutex_timedlock(&own->mutex, &deadline) != 0) return 11;
  own->tokens = 1;
  pthread_cond_signal(&own->cond);
  while (own->tokens == 1) {
    if (pthread_cond_timedwait(&own->cond, &own->mutex, &deadline) != 0) return 12;
  }
  pthread_mutex_unlock(&own->mutex);
  if (pthread_rwlock_timedwrlock(&own->rwlock, &deadline) != 0) return 13;
  pthread_rwlock_unlock(&own->rwlock);
  pthread_barrier_wait(&own->barrier);
  if (pthread_spin_trylock(&own->spin) != EBUSY) return 14;
  pthread_barrier_wait(&own->barrier);
  if (args[1] == "exit") {
    // Ends with a robust mutex held, by way of exit().
    if (pthread_mutex_timedlock(&own->mutex, &deadline) != 0) return 15;
    exit(0);
  }
  return 0;
}

void UseWithAnotherProgram(const Placed<Objects>& placed, const std::string& last) {
  Objects* const mine = placed.get();
  const timespec deadline = RealtimeIn(20'000);
  Lock(&mine->mutex);
  Setup(CALL_ERRNO(pthread_rwlock_rdlock(&mine->rwlock)));
  Setup(CALL_ERRNO(pthread_spin_lock(&mine->spin)));
  ExecSelf other("pshared_use_objects", {placed.name(), last});
  while (mine->tokens == 0) {
    ASSERT_THAT(CALL_ERRNO(pthread_cond_timedwait(&mine->cond, &mine->mutex, &deadline)),
                SucceedsWith(0))
        << "the other program did not get the mutex, or its signal did not arrive";
  }
  mine->tokens = 2;
  EXPECT_THAT(CALL_ERRNO(pthread_cond_signal(&mine->cond)), SucceedsWith(0));
  Unlock(&mine->mutex);
  EXPECT_THAT(CALL_ERRNO(pthread_rwlock_unlock(&mine->rwlock)), SucceedsWith(0));
  const Worker arrives(false, [&] {
    pthread_barrier_wait(&mine->barrier);
    pthread_barrier_wait(&mine->barrier);
    return CALL(0);
  });
  EXPECT_EQ(other.Wait(), 0)
      << "10: no memory, 11: mutex, 12: condition variable, 13: read-write lock, 14: spin lock";
  EXPECT_THAT(ResultOf(arrives.call()), SucceedsWith(0)) << "at the barrier";
}

IPC_TEST(PsharedProgram, AnotherOneFindsThemByName, clause::pshared::unrelated_process) {
  for (const Place place : {Place::kShm, Place::kFile}) {
    const Placed<Objects> placed(place);
    InitAll(placed.get());
    UseWithAnotherProgram(placed, "return");
  }
}

IPC_TEST(PsharedProgram, ExitWithARobustMutex, clause::robust::exit_eownerdead) {
  const Placed<Objects> placed(Place::kShm);
  InitAll(placed.get(), {.robust = true});
  UseWithAnotherProgram(placed, "exit");
  EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(&placed->mutex)), Fails(EOWNERDEAD));
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
