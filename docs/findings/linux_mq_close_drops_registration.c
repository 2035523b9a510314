/* mq_close() removes the registration that was made through the descriptor it closes, not one that
 * was made through another descriptor. Linux removes it (ipc/mqueue.c, mqueue_flush_file).
 * XSH mq_close(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* name = "/repro-mq-close";
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  mq_unlink(name);
  const mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  SETUP(q != (mqd_t)-1);
  const mqd_t other = mq_open(name, O_RDWR);
  mq_unlink(name);
  SETUP(other != (mqd_t)-1 && mq_notify(q, &event) == 0);
  SETUP(mq_close(other) == 0);
  const pid_t child = fork();
  SETUP(child >= 0);
  if (child == 0) { /* EBUSY as long as the parent is registered */
    const int r = mq_notify(q, &event);
    printf("another process registers: %d, %s\n", r, r ? strerror(errno) : "no error");
    fflush(stdout);
    _exit(!(r == -1 && errno == EBUSY));
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 77;
}
