/* A signal that is sent to the process while its only thread blocks it stays pending. The thread
 * that musl 1.2.3 starts for SIGEV_THREAD blocks none and takes it. XSH 2.4.1. 0: conforms,
 * 1: deviates (not in every run), 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t taken;
static void take(int signal) {
  (void)signal;
  ++taken;
}
static void notified(union sigval value) { (void)value; }

int main(void) {
  const char* name = "/repro-notify-signals";
  mq_unlink(name);
  const mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
  if (queue == (mqd_t)-1) return perror("mq_open"), 77;
  mq_unlink(name);
  signal(SIGUSR1, take);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  struct sigevent by_thread = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notified};
  const struct timespec nothing = {0};
  for (int i = 0; i < 200; ++i) {
    if (mq_notify(queue, &by_thread) != 0) return perror("mq_notify"), 77;
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    sigtimedwait(&set, NULL, &nothing);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    mq_notify(queue, NULL);
  }
  printf("%d of 200 blocked signals were taken by another thread\n", (int)taken);
  return taken != 0;
}
