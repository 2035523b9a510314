#include "props/engine/lock_target.h"

#include <signal.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>

#include "base/shared_objects.h"
#include "harness/core/context.h"
#include "props/engine/outcome.h"

namespace ipcsuite::props {

LockTarget::LockTarget(std::size_t size)
    : size_(size),
      memory_(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
  if (memory_ == MAP_FAILED) Unresolved("no memory to share with processes");
}

LockTarget::~LockTarget() { munmap(memory_, size_); }

void LockTarget::Enter(int) {
  struct sigaction caught {};
  caught.sa_handler = [](int) {};  // no SA_RESTART
  sigaction(SIGUSR1, &caught, nullptr);
  signal(SIGUSR2, SIG_IGN);
}

void LockTarget::Check(int error, const char* what) {
  if (error == 0) return;
  const std::string text = std::string(what) + ": " + ErrnoName(error);
  if (error == ENOSYS || error == ENOTSUP) Unsupported("can't be made here: " + text);
  Unresolved("can't be made: " + text);
}

MonitorTarget::MonitorTarget(int type, bool robust)
    : LockTarget(sizeof(Monitor)), monitor_(static_cast<Monitor*>(memory())) {
  Check(InitShared(&monitor_->mutex, type, robust), "process-shared mutex");
  Check(InitShared(&monitor_->cond), "process-shared condition variable");
}

void MonitorTarget::Lock(Op& op) {
  pthread_mutex_t* const mutex = &monitor_->mutex;
  if (IsTry(op)) return NoteOutcome(op, CALL_ERRNO(pthread_mutex_trylock(mutex)));
  if (op.call == Call::kMutexLock) return NoteOutcome(op, CALL_ERRNO(pthread_mutex_lock(mutex)));
  const std::int64_t deadline_ns = DeadlineNs(op);
  const timespec deadline = ToTimespec(nanoseconds(deadline_ns));
  NoteOutcome(op, CALL_ERRNO(pthread_mutex_timedlock(mutex, &deadline)));
  NoteTimeout(op, deadline_ns);
}

void MonitorTarget::Wait(Op& op) {
  pthread_cond_t* const cond = &monitor_->cond;
  pthread_mutex_t* const mutex = &monitor_->mutex;
  if (op.call == Call::kCondWait)
    return NoteOutcome(op, CALL_ERRNO(pthread_cond_wait(cond, mutex)));
  const std::int64_t deadline_ns = DeadlineNs(op);
  const timespec deadline = ToTimespec(nanoseconds(deadline_ns));
  NoteOutcome(op, CALL_ERRNO(pthread_cond_timedwait(cond, mutex, &deadline)));
  NoteTimeout(op, deadline_ns);
}

void MonitorTarget::NoteHold(const Op& op) {
  const bool timed_out = IsCondWait(op.call) && op.error == ETIMEDOUT;
  if (IsMutexLock(op.call) || IsCondWait(op.call)) {
    inside_ = op.Ok() || op.error == EOWNERDEAD || timed_out || (inside_ && IsMutexLock(op.call));
    inconsistent_ = inconsistent_ || op.error == EOWNERDEAD;
  } else if (op.Ok()) {
    inside_ = inside_ && op.call != Call::kMutexUnlock;
    inconsistent_ = inconsistent_ && op.call != Call::kMutexConsistent;
  }
}

void MonitorTarget::Perform(Op& op, unsigned char*) {
  pthread_cond_t* const cond = &monitor_->cond;
  pthread_mutex_t* const mutex = &monitor_->mutex;
  switch (op.call) {
    case Call::kMutexUnlock: NoteOutcome(op, CALL_ERRNO(pthread_mutex_unlock(mutex))); break;
    case Call::kMutexConsistent:
      NoteOutcome(op, CALL_ERRNO(pthread_mutex_consistent(mutex)));
      break;
    case Call::kCondSignal: NoteOutcome(op, CALL_ERRNO(pthread_cond_signal(cond))); break;
    case Call::kCondBroadcast: NoteOutcome(op, CALL_ERRNO(pthread_cond_broadcast(cond))); break;
    case Call::kExit: raise(SIGKILL); break;
    default: IsCondWait(op.call) ? Wait(op) : Lock(op); break;
  }
  NoteHold(op);
}

RwlockTarget::RwlockTarget()
    : LockTarget(sizeof(pthread_rwlock_t)), lock_(static_cast<pthread_rwlock_t*>(memory())) {
  Check(InitShared(lock_), "process-shared read-write lock");
}

void RwlockTarget::Perform(Op& op, unsigned char*) {
  const bool unlocks = op.call == Call::kRwlockUnlock;
  if (unlocks) {
    NoteOutcome(op, CALL_ERRNO(pthread_rwlock_unlock(lock_)));
  } else {
    Take(op);
  }
  if (op.Ok()) inside_ = !unlocks;
}

void RwlockTarget::Take(Op& op) {
  const bool reads = IsReadLock(op.call);
  if (IsTry(op)) {
    return NoteOutcome(op, reads ? CALL_ERRNO(pthread_rwlock_tryrdlock(lock_))
                                 : CALL_ERRNO(pthread_rwlock_trywrlock(lock_)));
  }
  if (op.call == Call::kReadLock) return NoteOutcome(op, CALL_ERRNO(pthread_rwlock_rdlock(lock_)));
  if (op.call == Call::kWriteLock) return NoteOutcome(op, CALL_ERRNO(pthread_rwlock_wrlock(lock_)));
  const std::int64_t deadline_ns = DeadlineNs(op);
  const timespec deadline = ToTimespec(nanoseconds(deadline_ns));
  NoteOutcome(op, reads ? CALL_ERRNO(pthread_rwlock_timedrdlock(lock_, &deadline))
                        : CALL_ERRNO(pthread_rwlock_timedwrlock(lock_, &deadline)));
  NoteTimeout(op, deadline_ns);
}

BarrierTarget::BarrierTarget(unsigned count)
    : LockTarget(sizeof(pthread_barrier_t)), barrier_(static_cast<pthread_barrier_t*>(memory())) {
  Check(InitShared(barrier_, count), "process-shared barrier");
}

void BarrierTarget::Perform(Op& op, unsigned char*) {
  const std::int64_t result = CALL(pthread_barrier_wait(barrier_)).value;
  op.fate = Fate::kReturned;
  op.value = result == PTHREAD_BARRIER_SERIAL_THREAD ? 1 : 0;
  op.error = op.value == 1 ? 0 : static_cast<std::int32_t>(result);
}

}  // namespace ipcsuite::props
