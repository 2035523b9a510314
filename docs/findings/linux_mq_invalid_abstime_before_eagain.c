/* With O_NONBLOCK, mq_timedsend() and mq_timedreceive() behave as mq_send() and mq_receive(), which
 * do not look at a time: a full or empty queue is EAGAIN. Linux judges abstime first (ipc/mqueue.c,
 * prepare_timeout) and fails with EINVAL.
 * XSH mq_send(), DESCRIPTION and ERRORS. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* name = "/repro-mq-timed";
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
  const struct timespec invalid = {0, 1000000000};
  char buffer[8];
  mq_unlink(name);
  const mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
  mq_unlink(name);
  SETUP(q != (mqd_t)-1);
  const long received = mq_timedreceive(q, buffer, sizeof buffer, NULL, &invalid);
  const int receive_error = errno;
  SETUP(mq_send(q, "x", 1, 0) == 0);
  const long sent = mq_timedsend(q, "y", 1, 0, &invalid);
  const int send_error = errno;
  printf("mq_timedreceive() of an empty queue: %ld, %s\n", received, strerror(receive_error));
  printf("mq_timedsend() to a full queue: %ld, %s\n", sent, strerror(send_error));
  return !(receive_error == EAGAIN && send_error == EAGAIN);
}
