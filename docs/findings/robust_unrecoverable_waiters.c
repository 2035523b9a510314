/* Several threads wait for a robust mutex when its notified owner unlocks it without
 * pthread_mutex_consistent(): the first is woken and gets ENOTRECOVERABLE, the others sleep for
 * ever. glibc and musl.
 *
 *   cc -o waiters robust_unrecoverable_waiters.c -pthread && ./waiters
 *
 * Exit status 1: shown. 0: all have returned. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kWaiters = 4 };

int main(void) {
  pthread_mutex_t* mutex =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attr);
  pid_t owner = fork();
  if (owner == 0) {
    pthread_mutex_lock(mutex);
    _exit(0);
  }
  waitpid(owner, NULL, 0);
  printf("lock by the next owner: %s\n",
         pthread_mutex_lock(mutex) == EOWNERDEAD ? "EOWNERDEAD" : "no EOWNERDEAD");
  pid_t waiters[kWaiters];
  for (int i = 0; i < kWaiters; ++i) {
    waiters[i] = fork();
    if (waiters[i] == 0) _exit(pthread_mutex_lock(mutex) == ENOTRECOVERABLE ? 0 : 1);
  }
  sleep(1); /* until they sleep */
  pthread_mutex_unlock(mutex);
  sleep(2);
  int asleep = 0;
  for (int i = 0; i < kWaiters; ++i) {
    if (waitpid(waiters[i], NULL, WNOHANG) == 0) {
      ++asleep;
      kill(waiters[i], SIGKILL);
    }
  }
  printf("%d of %d waiters still sleep 2 s after the unlock\n", asleep, kWaiters);
  return asleep != 0;
}
