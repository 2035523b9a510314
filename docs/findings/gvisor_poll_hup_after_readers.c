/* POLLHUP says that writers were there and have gone. A reader that opens the FIFO later has not
 * seen any: gVisor reports it nevertheless. XSH poll(), DESCRIPTION.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* path = "repro.fifo";
  unlink(path);
  SETUP(mkfifo(path, 0600) == 0);
  const int first = open(path, O_RDONLY | O_NONBLOCK), writer = open(path, O_WRONLY);
  SETUP(first >= 0 && writer >= 0 && close(writer) == 0 && close(first) == 0);
  struct pollfd one = {open(path, O_RDONLY | O_NONBLOCK), POLLIN, 0};
  unlink(path);
  SETUP(one.fd >= 0 && poll(&one, 1, 0) >= 0);
  printf("revents of a new reader: %#x\n", (unsigned)one.revents);
  return (one.revents & POLLHUP) != 0;
}
