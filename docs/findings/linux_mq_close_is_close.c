/* mq_close() fails with EBADF for what is not a message queue descriptor. The C libraries of Linux
 * make it out of close(): it closes a regular file's descriptor.
 * XSH mq_close(), ERRORS. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  FILE* file = tmpfile();
  if (!file) return 77;
  const int r = mq_close((mqd_t)fileno(file));
  printf("mq_close() of a file's descriptor: %d, %s\n", r, r ? strerror(errno) : "no error");
  return !(r == -1 && errno == EBADF);
}
