/* mq_notify() registers for notification. qemu-user fails with ENOSYS, though the other functions
 * of message queues work. XSH mq_notify(). 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
  mq_unlink("/repro-notify");
  const mqd_t q = mq_open("/repro-notify", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  mq_unlink("/repro-notify");
  SETUP(q != (mqd_t)-1);
  const int r = mq_notify(q, &(struct sigevent){.sigev_notify = SIGEV_NONE}), error = errno;
  printf("mq_notify(): %d, %s\n", r, r ? strerror(error) : "no error");
  return r != 0;
}
