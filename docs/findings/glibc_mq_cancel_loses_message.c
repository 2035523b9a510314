/* A cancellation request that arrives after mq_receive() has taken a message must not be acted upon
 * in that call: either the thread has the message, or the queue still has it. glibc before 2.41
 * cancels the thread and the message is lost (bug 12683).
 * XSH 2.9.5.2. 0: conforms (not shown), 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

static mqd_t q;
static _Atomic int ready;

static void* receive(void* unused) {
  char buffer[8];
  ready = 1;
  mq_receive(q, buffer, sizeof buffer, NULL);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  return unused;
}

int main(void) {
  const char* name = "/repro-mq-cancel";
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
  mq_unlink(name);
  q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  mq_unlink(name);
  SETUP(q != (mqd_t)-1);
  int cancelled = 0, lost = 0;
  for (int round = 0; round < 2000; ++round) {
    pthread_t thread;
    void* result;
    ready = 0;
    SETUP(pthread_create(&thread, NULL, receive, NULL) == 0);
    while (!ready) sched_yield();
    for (int i = 0; i < round % 50; ++i) sched_yield();
    SETUP(mq_send(q, "m", 1, 0) == 0);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    mq_getattr(q, &attr);
    if (result == PTHREAD_CANCELED) ++cancelled, lost += attr.mq_curmsgs == 0;
    char buffer[8];
    while (attr.mq_curmsgs-- > 0) mq_receive(q, buffer, sizeof buffer, NULL);
  }
  printf("%d of 2000 receives cancelled, %d messages lost\n", cancelled, lost);
  return cancelled == 0 ? 77 : lost > 0;
}
