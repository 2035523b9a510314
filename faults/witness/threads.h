// What the witnesses of faults of process-shared mutexes and their kin share.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <type_traits>

#include "faults/witness/sem.h"

namespace witness {

// An object in memory that children inherit.
template <typename T>
struct Placed {
  Placed() {
    at = static_cast<T*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  }
  ~Placed() { munmap(const_cast<std::remove_volatile_t<T>*>(at), 4096); }
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;
  operator T*() const { return at; }
  T* operator->() const { return at; }
  T* at;
};

struct MutexAttr {
  explicit MutexAttr(int type = PTHREAD_MUTEX_NORMAL, bool robust = false,
                     int protocol = PTHREAD_PRIO_NONE) {
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_settype(&a, type);
    pthread_mutexattr_setrobust(&a, robust ? PTHREAD_MUTEX_ROBUST : PTHREAD_MUTEX_STALLED);
    pthread_mutexattr_setprotocol(&a, protocol);
  }
  pthread_mutexattr_t a;
};
struct Mutex : Placed<pthread_mutex_t> {
  explicit Mutex(int type = PTHREAD_MUTEX_NORMAL, bool robust = false,
                 int protocol = PTHREAD_PRIO_NONE) {
    const MutexAttr attr(type, robust, protocol);
    pthread_mutex_init(at, &attr.a);
  }
};
inline constexpr bool kRobust = true;

struct CondAndMutex {
  pthread_cond_t cond;
  pthread_mutex_t mutex;
  int tokens;
  int takers;  // that have begun, and wait where the mutex is free
};
struct Cond : Placed<CondAndMutex> {
  explicit Cond(int type = PTHREAD_MUTEX_NORMAL, bool robust = false,
                clockid_t clock = CLOCK_REALTIME) {
    const MutexAttr attr(type, robust);
    pthread_mutex_init(&at->mutex, &attr.a);
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_condattr_setclock(&a, clock);
    pthread_cond_init(&at->cond, &a);
  }
  // Waits for a token; 0, or the error of the wait.
  int Take() const {
    pthread_mutex_lock(&at->mutex);
    ++at->takers;
    int error = 0;
    while (at->tokens == 0 && error == 0) error = pthread_cond_wait(&at->cond, &at->mutex);
    if (error == 0) --at->tokens;
    pthread_mutex_unlock(&at->mutex);
    return error;
  }
  // Locks the mutex once a taker waits.
  void LockWhenOneWaits() const {
    for (;;) {
      pthread_mutex_lock(&at->mutex);
      if (at->takers > 0) return;
      pthread_mutex_unlock(&at->mutex);
      Nap(5);
    }
  }
  void Give(int tokens = 1) const {
    pthread_mutex_lock(&at->mutex);
    at->tokens += tokens;
    pthread_mutex_unlock(&at->mutex);
  }
};

struct Barrier : Placed<pthread_barrier_t> {
  explicit Barrier(unsigned count) {
    pthread_barrierattr_t a;
    pthread_barrierattr_init(&a);
    pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(at, &a, count);
  }
  // 0: passed, 1: passed as the serial one.
  int Pass() const { return pthread_barrier_wait(at) == PTHREAD_BARRIER_SERIAL_THREAD; }
};

struct Rwlock : Placed<pthread_rwlock_t> {
  Rwlock() {
    pthread_rwlockattr_t a;
    pthread_rwlockattr_init(&a);
    pthread_rwlockattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(at, &a);
  }
};

struct Spin : Placed<pthread_spinlock_t> {
  Spin() { pthread_spin_init(at, PTHREAD_PROCESS_SHARED); }
};

// What the function returns in another process; -1 if it hangs.
inline int Elsewhere(const std::function<int()>& body) { return Child(body).Exit(); }
// Leaves the mutex with a dead owner, which locked it so often.
inline void LetOwnerDie(pthread_mutex_t* m, int times = 1) {
  Elsewhere([=] {
    for (int i = 0; i < times; ++i) pthread_mutex_lock(m);
    return 0;
  });
}
inline void MakeUnrecoverable(pthread_mutex_t* m) {
  LetOwnerDie(m);
  Elsewhere([=] {
    pthread_mutex_lock(m);
    pthread_mutex_unlock(m);
    return 0;
  });
}
inline int Recover(pthread_mutex_t* m) {
  const int error = pthread_mutex_lock(m);
  if (error == EOWNERDEAD) pthread_mutex_consistent(m);
  pthread_mutex_unlock(m);
  return error;
}

}  // namespace witness
