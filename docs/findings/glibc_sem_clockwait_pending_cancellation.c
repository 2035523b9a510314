/* sem_clockwait() is a cancellation point: a request that is pending is acted upon at the call,
 * also when a token is available. glibc takes the token and returns.
 * XSH 2.9.5.2 (Issue 8). 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <time.h>

#ifdef __GLIBC__
static sem_t sem;

static void* waiter(void* unused) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += 60;
  pthread_cancel(pthread_self());
  sem_clockwait(&sem, CLOCK_MONOTONIC, &end);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); /* no later point may act */
  return unused;
}

int main(void) {
  pthread_t thread;
  void* result;
  if (sem_init(&sem, 0, 1) || pthread_create(&thread, NULL, waiter, NULL)) return 77;
  pthread_join(thread, &result);
  int value;
  sem_getvalue(&sem, &value);
  printf("%s, tokens left: %d\n", result == PTHREAD_CANCELED ? "cancelled" : "not cancelled",
         value);
  return result != PTHREAD_CANCELED;
}
#else /* sem_clockwait() is of Issue 8, and not everywhere */
int main(void) {
  puts("sem_clockwait() may not be declared");
  return 77;
}
#endif
