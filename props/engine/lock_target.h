// Real synchronization objects in memory that the processes of a property share: a monitor (a mutex
// and a condition variable), a read-write lock, a barrier. They are not destroyed: a process that
// was killed may have left them in use.
#pragma once

#include <pthread.h>

#include <cstddef>

#include "props/engine/target.h"

namespace ipcsuite::props {

// A page of memory with the object at its start. Processes handle SIGUSR1 and ignore SIGUSR2.
class LockTarget : public Target {
 public:
  LockTarget(const LockTarget&) = delete;
  LockTarget& operator=(const LockTarget&) = delete;
  ~LockTarget() override;
  void Enter(int process) override;

 protected:
  // Ends the test as UNRESOLVED where there is no memory.
  explicit LockTarget(std::size_t size);
  void* memory() const { return memory_; }
  // Ends the test as UNSUPPORTED or UNRESOLVED when `error`, of making the object, is not 0.
  static void Check(int error, const char* what);

 private:
  std::size_t size_;
  void* memory_;
};

// Call::kExit: the process kills itself.
class MonitorTarget : public LockTarget {
 public:
  MonitorTarget(int type, bool robust);
  void Perform(Op& op, unsigned char* bytes) override;

  // Of the calling process: it has the mutex; and nobody repaired what a dead owner left.
  bool inside() const { return inside_; }
  bool inconsistent() const { return inconsistent_; }

 private:
  struct Monitor {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
  };
  void Lock(Op& op);
  void Wait(Op& op);

  void NoteHold(const Op& op);

  Monitor* monitor_;
  bool inside_ = false, inconsistent_ = false;
};

class RwlockTarget : public LockTarget {
 public:
  RwlockTarget();
  void Perform(Op& op, unsigned char* bytes) override;

  // Of the calling process, if it takes the lock once only: it has the lock.
  bool inside() const { return inside_; }

 private:
  void Take(Op& op);

  pthread_rwlock_t* lock_;
  bool inside_ = false;
};

class BarrierTarget : public LockTarget {
 public:
  explicit BarrierTarget(unsigned count);
  void Perform(Op& op, unsigned char* bytes) override;

 private:
  pthread_barrier_t* barrier_;
};

}  // namespace ipcsuite::props
