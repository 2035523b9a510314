/* A process dies with 4,000 robust mutexes held: Linux marks 2,048 of them, the others stay locked
 * by nobody, and no lock ever failed with EAGAIN. Every libc.
 *
 *   cc -o limit robust_list_limit.c -pthread && ./limit
 *
 * Exit status 1: shown. 0: all are marked, or a lock was refused. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMutexes = 4000 };

int main(void) {
  pthread_mutex_t* mutexes = mmap(NULL, kMutexes * sizeof(pthread_mutex_t), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  for (int i = 0; i < kMutexes; ++i) pthread_mutex_init(&mutexes[i], &attr);
  const pid_t owner = fork();
  if (owner == 0) {
    for (int i = 0; i < kMutexes; ++i) {
      if (pthread_mutex_lock(&mutexes[i]) != 0) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(owner, &status, 0);
  int dead = 0, busy = 0;
  for (int i = 0; i < kMutexes; ++i) {
    const int error = pthread_mutex_trylock(&mutexes[i]);
    dead += error == EOWNERDEAD;
    busy += error == EBUSY;
  }
  printf("%s; EOWNERDEAD %d, EBUSY %d of %d\n",
         WEXITSTATUS(status) == 0 ? "every lock succeeded" : "a lock failed", dead, busy, kMutexes);
  return WEXITSTATUS(status) == 0 && busy != 0;
}
