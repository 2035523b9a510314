// Makes synchronization objects that processes share. Each function returns 0 or the error number
// of the first call that failed.
#pragma once

#include <pthread.h>
#include <time.h>

namespace ipcsuite {

inline int InitShared(pthread_mutex_t* mutex, int type = PTHREAD_MUTEX_NORMAL,
                      bool robust = false) {
  pthread_mutexattr_t attributes;
  int error = pthread_mutexattr_init(&attributes);
  if (error != 0) return error;
  error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = pthread_mutexattr_settype(&attributes, type);
  if (error == 0 && robust) error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (error == 0) error = pthread_mutex_init(mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return error;
}

inline int InitShared(pthread_cond_t* cond) {
  pthread_condattr_t attributes;
  int error = pthread_condattr_init(&attributes);
  if (error != 0) return error;
  error = pthread_condattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = pthread_cond_init(cond, &attributes);
  pthread_condattr_destroy(&attributes);
  return error;
}

inline int InitShared(pthread_rwlock_t* lock) {
  pthread_rwlockattr_t attributes;
  int error = pthread_rwlockattr_init(&attributes);
  if (error != 0) return error;
  error = pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = pthread_rwlock_init(lock, &attributes);
  pthread_rwlockattr_destroy(&attributes);
  return error;
}

inline int InitShared(pthread_barrier_t* barrier, unsigned count) {
  pthread_barrierattr_t attributes;
  int error = pthread_barrierattr_init(&attributes);
  if (error != 0) return error;
  error = pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  if (error == 0) error = pthread_barrier_init(barrier, &attributes, count);
  pthread_barrierattr_destroy(&attributes);
  return error;
}

}  // namespace ipcsuite
