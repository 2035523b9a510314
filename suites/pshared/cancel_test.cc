// Thread cancellation: condition waits are cancellation points, the other functions are not.
#include <pthread.h>

#include <string>

#include "spec/clauses/pshared.h"
#include "suites/pshared/monitor.h"

namespace ipcsuite::pshared_suite {
namespace {

void PendRequest() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cancel(pthread_self());
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
}

// What a clean-up handler finds of an error checking mutex: 0 if its thread owned it.
struct Cleanup {
  Monitor* monitor;
  std::atomic<int> ran, unlock;
};
void UnlockInCleanup(void* of) {
  auto* const cleanup = static_cast<Cleanup*>(of);
  cleanup->unlock = pthread_mutex_unlock(&cleanup->monitor->mutex);
  ++cleanup->ran;
}

// A thread that waits and is cancelled: its handler unlocks.
Call StartWait(ThreadPeer& peer, Way way, Monitor* monitor, Cleanup* cleanup, bool pending) {
  cleanup->monitor = monitor;
  return peer.start([=] {
    CallResult result;
    Lock(&monitor->mutex);
    pthread_cleanup_push(UnlockInCleanup, cleanup);
    if (pending) PendRequest();
    do {
      result = WaitBy(way, &monitor->cond, &monitor->mutex);
    } while (result.ok() && monitor->tokens == 0);
    pthread_cleanup_pop(0);
    if (result.ok()) --monitor->tokens;
    Unlock(&monitor->mutex);
    return result;
  });
}

const MutexKind kErrorcheck{.type = PTHREAD_MUTEX_ERRORCHECK};

IPC_TEST(CondCancel, EndsAWaitThatOwnsTheMutexAgain, clause::cond::pshared_cancel) {
  for (const Way way : AllWays()) {
    for (const bool pending : {false, true}) {
      const PlacedMonitor monitor(Place::kShm, kErrorcheck);
      Shared<Cleanup> cleanup;
      ThreadPeer peer;
      const Call call = StartWait(peer, way, monitor.get(), cleanup.get(), pending);
      if (!pending) {
        EXPECT_THAT(call, Blocks()) << ToString(way);
        Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
      }
      const CallResult end = call.result(2s);
      EXPECT_THAT(end, IsCancelled()) << ToString(way);
      if (end.fate != Fate::kCancelled) {
        monitor.Give(1);  // so that its thread ends
        pthread_cond_broadcast(&monitor->cond);
        return;
      }
      EXPECT_EQ(cleanup->ran, 1);
      EXPECT_EQ(cleanup->unlock, 0) << "the handler's unlock";
      EXPECT_THAT(CALL_ERRNO(pthread_mutex_trylock(&monitor->mutex)), SucceedsWith(0));
      Unlock(&monitor->mutex);
    }
  }
}

// It has to wait for the mutex before its handlers run.
IPC_TEST(CondCancel, WaitsForTheMutexFirst, clause::cond::pshared_cancel) {
  const PlacedMonitor monitor(Place::kShm, kErrorcheck);
  Shared<Cleanup> cleanup;
  ThreadPeer peer;
  const Call call = StartWait(peer, Way::kPlain, monitor.get(), cleanup.get(), false);
  EXPECT_THAT(call, Blocks());
  Lock(&monitor->mutex);
  Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
  EXPECT_THAT(call, Blocks()) << "for the mutex";
  EXPECT_EQ(cleanup->ran, 0);
  Unlock(&monitor->mutex);
  EXPECT_THAT(call.result(), IsCancelled());
  EXPECT_EQ(cleanup->unlock, 0) << "the handler's unlock";
}

// A request and a signal meet: the signal is for the one that is not cancelled.
IPC_TEST(CondCancel, TakesNoSignalFromAnother, clause::cond::pshared_cancel) {
  constexpr int kRounds = 24;
  int cancelled = 0;
  for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
    const Way way = AllWays()[static_cast<std::size_t>(round) % AllWays().size()];
    const PlacedMonitor monitor(Place::kShm, kErrorcheck);
    Shared<Cleanup> cleanup;
    ThreadPeer peer;
    const Call first = StartWait(peer, way, monitor.get(), cleanup.get(), false);
    EXPECT_THAT(first, Blocks());
    const Worker second(round % 2 == 0, [&] { return TakeToken(Way::kPlain, monitor.get()); });
    EXPECT_THAT(second.call(), Blocks());
    Lock(&monitor->mutex);
    ++monitor->tokens;
    Unlock(&monitor->mutex);
    if (round % 4 < 2) Setup(CALL_ERRNO(pthread_cond_signal(&monitor->cond)));
    Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
    if (round % 4 >= 2) Setup(CALL_ERRNO(pthread_cond_signal(&monitor->cond)));
    const CallResult end = first.result();
    if (end.fate == Fate::kCancelled) {
      ++cancelled;
      EXPECT_THAT(ResultOf(second.call(), &monitor->mutex, kHang), SucceedsWith(0))
          << "the other waiter of round " << round;
    } else {
      EXPECT_THAT(end, SucceedsWith(0)) << "it has the token";
    }
  }
  Evidence(std::to_string(cancelled) + " of " + std::to_string(kRounds) + " cancelled");
}

// ---- Not cancellation points

IPC_TEST(PsharedCancelPoints, OtherFunctionsAreNone, clause::pshared::not_cancellation_points) {
  constexpr const char* kSteps[] = {
      "pthread_mutex_init",     "pthread_mutex_lock",   "pthread_mutex_unlock",
      "pthread_mutex_trylock",  "pthread_mutex_unlock", "pthread_mutex_timedlock",
      "pthread_mutex_unlock",   "pthread_cond_init",    "pthread_cond_signal",
      "pthread_cond_broadcast", "pthread_barrier_init", "pthread_barrier_wait",
      "pthread_spin_init",      "pthread_spin_lock",    "pthread_spin_unlock",
      "pthread_spin_trylock",   "pthread_spin_destroy", "pthread_barrier_destroy",
      "pthread_cond_destroy",   "pthread_mutex_destroy"};
  constexpr int kCount = static_cast<int>(std::size(kSteps));
  pthread_mutexattr_t mutex_attributes;
  Setup(CALL_ERRNO(pthread_mutexattr_init(&mutex_attributes)));
  Setup(CALL_ERRNO(pthread_mutexattr_setpshared(&mutex_attributes, PTHREAD_PROCESS_SHARED)));
  std::atomic<int> steps{0};
  bool ok[kCount] = {};
  ThreadPeer peer;
  const Call call = peer.start([&] {
    PendRequest();
    // No CALL and no check up to the end: the harness must not be the cancellation point.
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    pthread_barrier_t barrier;
    pthread_spinlock_t spin;
    const timespec past{1, 0};
    ok[steps++] = pthread_mutex_init(&mutex, &mutex_attributes) == 0;
    ok[steps++] = pthread_mutex_lock(&mutex) == 0;
    ok[steps++] = pthread_mutex_unlock(&mutex) == 0;
    ok[steps++] = pthread_mutex_trylock(&mutex) == 0;
    ok[steps++] = pthread_mutex_unlock(&mutex) == 0;
    ok[steps++] = pthread_mutex_timedlock(&mutex, &past) == 0;
    ok[steps++] = pthread_mutex_unlock(&mutex) == 0;
    ok[steps++] = pthread_cond_init(&cond, nullptr) == 0;
    ok[steps++] = pthread_cond_signal(&cond) == 0;
    ok[steps++] = pthread_cond_broadcast(&cond) == 0;
    ok[steps++] = pthread_barrier_init(&barrier, nullptr, 1) == 0;
    ok[steps++] = pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD;
    ok[steps++] = pthread_spin_init(&spin, PTHREAD_PROCESS_SHARED) == 0;
    ok[steps++] = pthread_spin_lock(&spin) == 0;
    ok[steps++] = pthread_spin_unlock(&spin) == 0;
    ok[steps++] = pthread_spin_trylock(&spin) == 0;
    pthread_spin_unlock(&spin);
    ok[steps++] = pthread_spin_destroy(&spin) == 0;
    ok[steps++] = pthread_barrier_destroy(&barrier) == 0;
    ok[steps++] = pthread_cond_destroy(&cond) == 0;
    ok[steps++] = pthread_mutex_destroy(&mutex) == 0;
    pthread_testcancel();
    ++steps;
  });
  EXPECT_THAT(call.result(), IsCancelled());
  ASSERT_EQ(steps.load(), kCount) << (steps < kCount ? kSteps[steps] : "pthread_testcancel")
                                  << " acted on the request or did not";
  for (int i = 0; i < kCount; ++i) EXPECT_TRUE(ok[i]) << kSteps[i] << " failed";
}

// A thread that is blocked in one of them stays blocked, and returns when it may.
IPC_TEST(PsharedCancelPoints, BlockedThreadsStay, clause::pshared::not_cancellation_points) {
  for (const Way way : AllWays()) {
    const Mutex mutex(MutexKind{.place = Place::kThreads});
    Lock(mutex);
    std::atomic<int> returned{0};
    ThreadPeer peer;
    const Call call = peer.start([&] {
      const CallResult locked = LockBy(way, mutex);
      returned = 1;
      Unlock(mutex);
      pthread_testcancel();
      return locked;
    });
    EXPECT_THAT(call, Blocks());
    Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
    EXPECT_THAT(call, Blocks()) << ToString(way);
    Unlock(mutex);
    EXPECT_THAT(call.result(), IsCancelled()) << "at the next cancellation point";
    EXPECT_EQ(returned, 1) << "it returned with the mutex: " << ToString(way);
  }
  Placed<pthread_barrier_t> barrier(Place::kThreads);
  InitBarrier(barrier.get(), 2);
  std::atomic<int> passed{0};
  ThreadPeer peer;
  const Call call = peer.start([&] {
    pthread_barrier_t* const own = barrier.get();
    const CallResult result = CALL(pthread_barrier_wait(own));
    passed = 1;
    pthread_testcancel();
    return result;
  });
  EXPECT_THAT(call, Blocks());
  Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
  EXPECT_THAT(call, Blocks()) << "at the barrier";
  pthread_barrier_wait(barrier.get());
  EXPECT_THAT(call.result(), IsCancelled());
  EXPECT_EQ(passed, 1) << "it passed the barrier";
}

IPC_TEST(PsharedCancelPoints, ReadWriteLocksMayBe, clause::rwlock::pshared_cancellation_points) {
  for (const bool read : {false, true}) {
    const Placed<pthread_rwlock_t> lock(Place::kThreads);
    InitRwlock(lock.get());
    Setup(CALL_ERRNO(pthread_rwlock_wrlock(lock.get())));
    ThreadPeer peer;
    const Call call = peer.start([&] {
      pthread_rwlock_t* const own = lock.get();
      const CallResult taken =
          read ? CALL_ERRNO(pthread_rwlock_rdlock(own)) : CALL_ERRNO(pthread_rwlock_wrlock(own));
      pthread_rwlock_unlock(own);
      return taken;
    });
    EXPECT_THAT(call, Blocks());
    Setup(CALL_ERRNO(pthread_cancel(peer.handle())));
    Backoff backoff;
    for (const Deadline late(50ms); peer.alive() && !late.passed();) backoff.Pause();
    const bool ended = !peer.alive();
    Observe(clause::rwlock::pshared_cancellation_points,
            read ? "a blocked reader" : "a blocked writer", ended ? "is cancelled" : "stays");
    Setup(CALL_ERRNO(pthread_rwlock_unlock(lock.get())));
    if (!ended) call.result();
  }
}

}  // namespace
}  // namespace ipcsuite::pshared_suite
