/* pthread_mutex_timedlock() of a locked priority inheritance mutex with nanoseconds out of range
 * fails with EINVAL. musl's never returns and uses all of a CPU. XSH pthread_mutex_timedlock(),
 * EINVAL. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void spun(int signal) {
  (void)signal;
  static const char text[] = "pthread_mutex_timedlock(): used a CPU for a second, no end\n";
  _exit(write(1, text, sizeof text - 1) < 0 ? 77 : 1);
}

static void* try_lock(void* mutex) {
  const struct timespec invalid = {.tv_sec = time(NULL) + 60, .tv_nsec = 1000000000};
  const int error = pthread_mutex_timedlock(mutex, &invalid);
  printf("pthread_mutex_timedlock(): %s\n", strerror(error));
  exit(error != EINVAL);
}

int main(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) != 0) return 77;
  pthread_mutex_t mutex;
  if (pthread_mutex_init(&mutex, &attributes) != 0) return 77;
  if (pthread_mutex_lock(&mutex) != 0) return 77;
  signal(SIGXCPU, spun);
  const struct rlimit second = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
  if (setrlimit(RLIMIT_CPU, &second) != 0) return 77;
  pthread_t thread;
  if (pthread_create(&thread, NULL, try_lock, &mutex) != 0) return 77;
  alarm(20);
  pthread_join(thread, NULL);
  return 77;
}
