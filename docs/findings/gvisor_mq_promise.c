/* Where _POSIX_MESSAGE_PASSING is claimed, message queues are there. Under gVisor the C library
 * claims them, and mq_timedsend() and others are absent. XBD <unistd.h>.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
  if (sysconf(_SC_MESSAGE_PASSING) <= 0) return puts("not claimed"), 0;
  mq_unlink("/repro-promise");
  const mqd_t q = mq_open("/repro-promise", O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  const int opened = q != (mqd_t)-1 || errno != ENOSYS;
  mq_unlink("/repro-promise");
  const int sent = !opened || mq_send(q, "x", 1, 0) == 0 || errno != ENOSYS;
  printf("claimed; mq_open() %s, mq_send() %s\n", opened ? "there" : "absent",
         sent ? "there" : "absent");
  return !(opened && sent);
}
