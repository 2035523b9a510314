#include "suites/pshared/pshared.h"

#include <unistd.h>

#include <utility>

#include "base/os/mutex_word.h"
#include "base/os/os.h"

namespace ipcsuite::pshared_suite {

const std::vector<MutexKind> kMutexKinds = {
    {"NormalInherited", Place::kInherited},
    {"NormalShm", Place::kShm},
    {"NormalFile", Place::kFile},
    {"NormalThreads", Place::kThreads},
    {"Default", Place::kInherited, PTHREAD_MUTEX_DEFAULT},
    {"Errorcheck", Place::kShm, PTHREAD_MUTEX_ERRORCHECK},
    {"Recursive", Place::kShm, PTHREAD_MUTEX_RECURSIVE},
    {"Inherit", Place::kShm, PTHREAD_MUTEX_NORMAL, false, PTHREAD_PRIO_INHERIT},
    {"Robust", Place::kShm, PTHREAD_MUTEX_NORMAL, true},
    {"RobustThreads", Place::kThreads, PTHREAD_MUTEX_NORMAL, true},
    {"RobustInherit", Place::kShm, PTHREAD_MUTEX_NORMAL, true, PTHREAD_PRIO_INHERIT}};
const std::vector<MutexKind> kRobustKinds = {
    {"Inherited", Place::kInherited, PTHREAD_MUTEX_NORMAL, true},
    {"Shm", Place::kShm, PTHREAD_MUTEX_NORMAL, true},
    {"File", Place::kFile, PTHREAD_MUTEX_NORMAL, true},
    {"Errorcheck", Place::kShm, PTHREAD_MUTEX_ERRORCHECK, true},
    {"Recursive", Place::kShm, PTHREAD_MUTEX_RECURSIVE, true},
    {"PrioInherit", Place::kShm, PTHREAD_MUTEX_NORMAL, true, PTHREAD_PRIO_INHERIT}};

std::string NameOf(const testing::TestParamInfo<MutexKind>& info) { return info.param.name; }

std::string PlaceName(const testing::TestParamInfo<Place>& info) {
  switch (info.param) {
    case Place::kInherited: return "Inherited";
    case Place::kShm: return "Shm";
    case Place::kFile: return "File";
    case Place::kThreads: return "Threads";
  }
  return "?";
}

void InitMutex(pthread_mutex_t* mutex, const MutexKind& kind) {
  pthread_mutexattr_t attributes;
  Setup(CALL_ERRNO(pthread_mutexattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_mutexattr_settype(&attributes, kind.type)));
  if (kind.robust)
    Setup(CALL_ERRNO(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST)));
  if (kind.protocol != PTHREAD_PRIO_NONE) {
    const CallResult set = CALL_ERRNO(pthread_mutexattr_setprotocol(&attributes, kind.protocol));
    if (!set.ok()) Unsupported("the protocol is not supported: " + ErrnoName(set.error));
  }
  const CallResult made = CALL_ERRNO(pthread_mutex_init(mutex, &attributes));
  pthread_mutexattr_destroy(&attributes);
  if (made.failed_with(ENOTSUP)) Unsupported("such a mutex is not supported: ENOTSUP");
  Setup(made);
}

void InitCond(pthread_cond_t* cond, clockid_t clock) {
  pthread_condattr_t attributes;
  Setup(CALL_ERRNO(pthread_condattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)));
  if (clock != CLOCK_REALTIME) Setup(CALL_ERRNO(pthread_condattr_setclock(&attributes, clock)));
  Setup(CALL_ERRNO(pthread_cond_init(cond, &attributes)));
  pthread_condattr_destroy(&attributes);
}

void InitBarrier(pthread_barrier_t* barrier, unsigned count) {
  pthread_barrierattr_t attributes;
  Setup(CALL_ERRNO(pthread_barrierattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_barrier_init(barrier, &attributes, count)));
  pthread_barrierattr_destroy(&attributes);
}

void InitRwlock(pthread_rwlock_t* lock) {
  pthread_rwlockattr_t attributes;
  Setup(CALL_ERRNO(pthread_rwlockattr_init(&attributes)));
  Setup(CALL_ERRNO(pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED)));
  Setup(CALL_ERRNO(pthread_rwlock_init(lock, &attributes)));
  pthread_rwlockattr_destroy(&attributes);
}

void Lock(pthread_mutex_t* mutex) { Setup(CALL_ERRNO(pthread_mutex_lock(mutex))); }
void Unlock(pthread_mutex_t* mutex) { Setup(CALL_ERRNO(pthread_mutex_unlock(mutex))); }

Owner::Owner(std::function<void()> take)
    : peer_([take = std::move(take)](Peer::Self& self) {
        self.step([&] {
          take();
          return CALL(0);
        });
        self.step([] { return CALL(pause()); });
      }) {
  Setup(peer_.next().result());
}

Owner::Owner(const Mutex& mutex) : Owner([&mutex] { Lock(mutex); }) {}

void LetOwnerDie(const Mutex& mutex) {
  Peer owner;
  Setup(owner.start([&] { return CALL_ERRNO(pthread_mutex_lock(mutex)); }).result());
}

void MakeUnrecoverable(const Mutex& mutex) {
  LetOwnerDie(mutex);
  Peer notified;
  Setup(notified
            .start([&] {
              const CallResult locked = CALL_ERRNO(pthread_mutex_lock(mutex));
              if (locked.error != EOWNERDEAD) Unresolved("set-up failed: no EOWNERDEAD");
              return CALL_ERRNO(pthread_mutex_unlock(mutex));
            })
            .result());
}

CallResult ResultOf(const Call& call, const pthread_mutex_t* mutex, nanoseconds patience) {
  const CallResult result = call.result(patience);
  if (result.fate == Fate::kStillBlocked) {
    const os::ThreadState state = os::ReadThreadState(call.pid(), call.tid());
    std::string line = std::string("hangs: ") + result.text;
    if (mutex != nullptr) line += "; " + os::DescribeMutexWord(*mutex);
    line += "; pid " + std::to_string(call.pid()) + " sleeps (state " + state.state +
            ") in syscall " + state.raw.substr(0, state.raw.find('\n'));
    Evidence(line);
  }
  return result;
}

}  // namespace ipcsuite::pshared_suite
