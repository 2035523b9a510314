/* pthread_mutex_trylock() by the owner of an error checking mutex that is robust, or that inherits
 * priorities, fails with EDEADLK in place of EBUSY. glibc.
 *
 *   cc -o edeadlk trylock_edeadlk.c -pthread && ./edeadlk
 *
 * Exit status 1: shown. 0: EBUSY throughout. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static int again(int robust, int protocol) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutexattr_setrobust(&attr, robust);
  pthread_mutexattr_setprotocol(&attr, protocol);
  static pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &attr);
  pthread_mutex_lock(&mutex);
  return pthread_mutex_trylock(&mutex);
}

int main(void) {
  const int plain = again(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
  const int robust = again(PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
  const int inherits = again(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
  printf("plain: %s\nrobust: %s\n", strerror(plain), strerror(robust));
  printf("inherits priorities: %s\n", strerror(inherits));
  return plain != EBUSY || robust != EBUSY || inherits != EBUSY;
}
