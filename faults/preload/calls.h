// Calls whose hook takes what the call takes and is asked for every call. One row makes the entry
// underneath (real::NAME), the hook (Hooks::NAME), its default and the replacement of libc's entry.
//
// Calls about a descriptor are not here: their hooks get the object (fault.h), so that a fault sees
// objects under test only. Nor are calls with "...", nor those that reach a hook by several names.
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

// X(result, name, (parameters), (arguments))
#define IPC_SINGLE_CALLS(X)                                                           \
  X(long, sysconf, (int name), (name))                                                \
  X(int, shm_open, (const char* path, int flags, mode_t mode), (path, flags, mode))   \
  X(int, shm_unlink, (const char* path), (path))                                      \
  X(int, mlockall, (int flags), (flags))                                              \
  X(int, munlockall, (), ())                                                          \
  X(int, mq_unlink, (const char* path), (path))                                       \
  X(int, sem_init, (sem_t * sem, int pshared, unsigned value), (sem, pshared, value)) \
  X(int, sem_destroy, (sem_t * sem), (sem))                                           \
  X(int, sem_close, (sem_t * sem), (sem))                                             \
  X(int, sem_unlink, (const char* path), (path))                                      \
  X(int, sem_wait, (sem_t * sem), (sem))                                              \
  X(int, sem_trywait, (sem_t * sem), (sem))                                           \
  X(int, sem_post, (sem_t * sem), (sem))                                              \
  X(int, sem_getvalue, (sem_t * sem, int* value), (sem, value))                       \
  X(FILE*, popen, (const char* command, const char* mode), (command, mode))           \
  X(int, pclose, (FILE * stream), (stream))                                           \
  X(int, posix_spawn_file_actions_adddup2,                                            \
    (posix_spawn_file_actions_t * actions, int from, int to), (actions, from, to))

// Mutexes, condition variables, barriers, read-write locks and spin locks.
#define IPC_THREAD_CALLS(X)                                                                  \
  X(int, pthread_mutexattr_init, (pthread_mutexattr_t * a), (a))                             \
  X(int, pthread_mutexattr_setpshared, (pthread_mutexattr_t * a, int v), (a, v))             \
  X(int, pthread_mutexattr_getpshared, (const pthread_mutexattr_t* a, int* v), (a, v))       \
  X(int, pthread_mutexattr_setrobust, (pthread_mutexattr_t * a, int v), (a, v))              \
  X(int, pthread_mutexattr_getrobust, (const pthread_mutexattr_t* a, int* v), (a, v))        \
  X(int, pthread_mutexattr_settype, (pthread_mutexattr_t * a, int v), (a, v))                \
  X(int, pthread_mutexattr_gettype, (const pthread_mutexattr_t* a, int* v), (a, v))          \
  X(int, pthread_mutexattr_setprotocol, (pthread_mutexattr_t * a, int v), (a, v))            \
  X(int, pthread_mutexattr_getprotocol, (const pthread_mutexattr_t* a, int* v), (a, v))      \
  X(int, pthread_mutexattr_setprioceiling, (pthread_mutexattr_t * a, int v), (a, v))         \
  X(int, pthread_mutexattr_getprioceiling, (const pthread_mutexattr_t* a, int* v), (a, v))   \
  X(int, pthread_condattr_init, (pthread_condattr_t * a), (a))                               \
  X(int, pthread_condattr_setpshared, (pthread_condattr_t * a, int v), (a, v))               \
  X(int, pthread_condattr_getpshared, (const pthread_condattr_t* a, int* v), (a, v))         \
  X(int, pthread_condattr_setclock, (pthread_condattr_t * a, clockid_t v), (a, v))           \
  X(int, pthread_condattr_getclock, (const pthread_condattr_t* a, clockid_t* v), (a, v))     \
  X(int, pthread_barrierattr_init, (pthread_barrierattr_t * a), (a))                         \
  X(int, pthread_barrierattr_setpshared, (pthread_barrierattr_t * a, int v), (a, v))         \
  X(int, pthread_barrierattr_getpshared, (const pthread_barrierattr_t* a, int* v), (a, v))   \
  X(int, pthread_rwlockattr_init, (pthread_rwlockattr_t * a), (a))                           \
  X(int, pthread_rwlockattr_setpshared, (pthread_rwlockattr_t * a, int v), (a, v))           \
  X(int, pthread_rwlockattr_getpshared, (const pthread_rwlockattr_t* a, int* v), (a, v))     \
  X(int, pthread_mutex_init, (pthread_mutex_t * m, const pthread_mutexattr_t* a), (m, a))    \
  X(int, pthread_mutex_destroy, (pthread_mutex_t * m), (m))                                  \
  X(int, pthread_mutex_lock, (pthread_mutex_t * m), (m))                                     \
  X(int, pthread_mutex_trylock, (pthread_mutex_t * m), (m))                                  \
  X(int, pthread_mutex_unlock, (pthread_mutex_t * m), (m))                                   \
  X(int, pthread_mutex_consistent, (pthread_mutex_t * m), (m))                               \
  X(int, pthread_cond_init, (pthread_cond_t * c, const pthread_condattr_t* a), (c, a))       \
  X(int, pthread_cond_destroy, (pthread_cond_t * c), (c))                                    \
  X(int, pthread_cond_signal, (pthread_cond_t * c), (c))                                     \
  X(int, pthread_cond_broadcast, (pthread_cond_t * c), (c))                                  \
  X(int, pthread_cond_wait, (pthread_cond_t * c, pthread_mutex_t * m), (c, m))               \
  X(int, pthread_barrier_init,                                                               \
    (pthread_barrier_t * b, const pthread_barrierattr_t* a, unsigned n), (b, a, n))          \
  X(int, pthread_barrier_destroy, (pthread_barrier_t * b), (b))                              \
  X(int, pthread_barrier_wait, (pthread_barrier_t * b), (b))                                 \
  X(int, pthread_rwlock_init, (pthread_rwlock_t * l, const pthread_rwlockattr_t* a), (l, a)) \
  X(int, pthread_rwlock_destroy, (pthread_rwlock_t * l), (l))                                \
  X(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))                                 \
  X(int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))                                 \
  X(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l))                              \
  X(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l))                              \
  X(int, pthread_rwlock_unlock, (pthread_rwlock_t * l), (l))                                 \
  X(int, pthread_spin_init, (pthread_spinlock_t * s, int shared), (s, shared))               \
  X(int, pthread_spin_lock, (pthread_spinlock_t * s), (s))                                   \
  X(int, pthread_spin_trylock, (pthread_spinlock_t * s), (s))                                \
  X(int, pthread_spin_unlock, (pthread_spinlock_t * s), (s))

// Those with a deadline: on a 32-bit libc the entry that takes 64-bit times has another name, and
// programs with 32-bit times keep theirs.
#define IPC_TIMED_CALLS(X)                                                                     \
  X(int, pthread_mutex_timedlock, (pthread_mutex_t * m, const timespec* t), (m, t))            \
  X(int, pthread_mutex_clocklock, (pthread_mutex_t * m, clockid_t k, const timespec* t),       \
    (m, k, t))                                                                                 \
  X(int, pthread_cond_timedwait, (pthread_cond_t * c, pthread_mutex_t * m, const timespec* t), \
    (c, m, t))                                                                                 \
  X(int, pthread_cond_clockwait,                                                               \
    (pthread_cond_t * c, pthread_mutex_t * m, clockid_t k, const timespec* t), (c, m, k, t))   \
  X(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t * l, const timespec* t), (l, t))        \
  X(int, pthread_rwlock_clockrdlock, (pthread_rwlock_t * l, clockid_t k, const timespec* t),   \
    (l, k, t))                                                                                 \
  X(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t * l, const timespec* t), (l, t))        \
  X(int, pthread_rwlock_clockwrlock, (pthread_rwlock_t * l, clockid_t k, const timespec* t),   \
    (l, k, t))

#define IPC_UNTIMED_CALLS(X) IPC_SINGLE_CALLS(X) IPC_THREAD_CALLS(X)
#define IPC_PLAIN_CALLS(X) IPC_UNTIMED_CALLS(X) IPC_TIMED_CALLS(X)
