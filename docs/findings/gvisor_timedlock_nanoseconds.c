/* pthread_mutex_timedlock() that has to wait accepts a time with invalid nanoseconds: it sleeps
 * until the seconds are over. gVisor, with a C library that leaves the check to futex().
 *
 *   cc -o nanoseconds gvisor_timedlock_nanoseconds.c -pthread && ./nanoseconds
 *
 * Exit status 1: shown. 0: EINVAL, as the standard has it. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long nanoseconds;

static void* wait_for_it(void* result) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 2;
  deadline.tv_nsec = nanoseconds;
  *(int*)result = pthread_mutex_timedlock(&mutex, &deadline);
  return NULL;
}

int main(void) {
  static const long invalid[] = {-1, 1000000000};
  int shown = 0;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    int result = -1;
    nanoseconds = invalid[i];
    pthread_create(&thread, NULL, wait_for_it, &result);
    pthread_join(thread, NULL);
    printf("tv_nsec %ld: %s\n", nanoseconds, strerror(result));
    shown |= result != EINVAL;
  }
  return shown;
}
