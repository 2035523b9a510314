/* A cancellation request that arrives after read() has taken bytes from a pipe must not be acted
 * upon in that call: either the thread has them, or the pipe still has them. glibc before 2.41
 * cancels the thread and the bytes are lost (bug 12683).
 * XSH 2.9.5.2. 0: conforms (not shown), 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

static int ends[2];
static _Atomic int ready;

static void* receive(void* unused) {
  char byte;
  ready = 1;
  const long got = read(ends[0], &byte, 1);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  return got == 1 ? unused : ends;
}

int main(void) {
  SETUP(pipe(ends) == 0);
  int cancelled = 0, lost = 0;
  for (int round = 0; round < 2000; ++round) {
    pthread_t thread;
    void* result;
    char byte;
    ready = 0;
    SETUP(pthread_create(&thread, NULL, receive, NULL) == 0);
    while (!ready) sched_yield();
    for (int i = 0; i < round % 50; ++i) sched_yield();
    SETUP(write(ends[1], "m", 1) == 1);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    SETUP(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    const long left = read(ends[0], &byte, 1);
    SETUP(fcntl(ends[0], F_SETFL, 0) == 0);
    if (result == PTHREAD_CANCELED) ++cancelled, lost += left != 1;
  }
  printf("%d of 2000 reads cancelled, %d bytes lost\n", cancelled, lost);
  return cancelled == 0 ? 77 : lost > 0;
}
