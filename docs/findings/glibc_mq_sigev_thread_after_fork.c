/* The function of a SIGEV_THREAD notification runs in the process that registered it. glibc has one
 * netlink socket for all of them; after a fork parent and child read from the same one and run each
 * other's functions.
 * XSH mq_notify(), DESCRIPTION; XSH 2.4.1. 0: conforms (not shown), 1: deviates, 77: cannot tell.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

static struct { _Atomic int ran_in, registered, stop; } * s;

static void notice(union sigval value) {
  (void)value;
  s->ran_in = getpid();
}

int main(void) {
  const char* name = "/repro-mq-thread";
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notice};
  char buffer[8];
  alarm(20);
  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mq_unlink(name);
  const mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  mq_unlink(name);
  SETUP(s != MAP_FAILED && q != (mqd_t)-1);
  SETUP(mq_notify(q, &event) == 0 && mq_notify(q, NULL) == 0); /* makes the socket */
  const pid_t child = fork();
  SETUP(child >= 0);
  int wrong = 0;
  for (int round = 0; round < 40; ++round) {
    const pid_t me = round % 4 < 2 ? child : 0; /* AABBAABB... */
    if (child == 0) {                           /* registers in its rounds, then waits */
      while (s->registered != 2 * round && !s->stop) sched_yield();
      if (round % 4 < 2) mq_notify(q, &event);
      s->registered = 2 * round + 1;
      continue;
    }
    while (s->registered != 2 * round + 1) sched_yield();
    const int own = me == 0;
    if (own) SETUP(mq_notify(q, &event) == 0);
    s->ran_in = 0;
    SETUP(mq_send(q, "m", 1, 0) == 0);
    while (s->ran_in == 0) sched_yield();
    wrong += s->ran_in != (own ? getpid() : child);
    SETUP(mq_receive(q, buffer, sizeof buffer, NULL) == 1);
    s->registered = 2 * round + 2;
  }
  if (child == 0) {
    while (!s->stop) sched_yield();
    _exit(0);
  }
  s->stop = 1;
  waitpid(child, NULL, 0);
  printf("%d of 40 functions ran in the wrong process\n", wrong);
  return wrong > 0;
}
