// Calls whose hook takes what the call takes and is asked for every call. One row makes the entry
// underneath (real::NAME), the hook (Hooks::NAME), its default and the replacement of libc's entry.
//
// Calls about a descriptor are not here: their hooks get the object (fault.h), so that a fault sees
// objects under test only. Nor are calls with "...", nor those that reach a hook by several names.
#pragma once

#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>

// X(result, name, (parameters), (arguments))
#define IPC_PLAIN_CALLS(X)                                                            \
  X(long, sysconf, (int name), (name))                                                \
  X(int, shm_open, (const char* path, int flags, mode_t mode), (path, flags, mode))   \
  X(int, shm_unlink, (const char* path), (path))                                      \
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
