/* pthread_mutex_clocklock() of a mutex that inherits priorities fails with EINVAL for
 * CLOCK_MONOTONIC. glibc on Linux before 5.14, and on gVisor.
 *
 *   cc -o clocklock glibc_clocklock_inherit.c -pthread && ./clocklock
 *
 * Exit status 1: shown. 0: both time out. 77: no pthread_mutex_clocklock(). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#if defined(__GLIBC__)
static pthread_mutex_t mutex;

/* While another thread owns it: without a wait, the kernel is not asked. */
static void* lock_until(void* clock) {
  struct timespec deadline;
  clock_gettime(*(clockid_t*)clock, &deadline);
  deadline.tv_nsec = 0; /* just past */
  const int result = pthread_mutex_clocklock(&mutex, *(clockid_t*)clock, &deadline);
  printf("%s: %s\n", *(clockid_t*)clock == CLOCK_REALTIME ? "CLOCK_REALTIME" : "CLOCK_MONOTONIC",
         strerror(result));
  return result == ETIMEDOUT ? NULL : &mutex;
}

int main(void) {
  static clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&mutex, &attr);
  pthread_mutex_lock(&mutex);
  int shown = 0;
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    void* deviates = NULL;
    pthread_create(&thread, NULL, lock_until, &clocks[i]);
    pthread_join(thread, &deviates);
    shown |= deviates != NULL;
  }
  return shown;
}
#else
int main(void) { return 77; }
#endif
