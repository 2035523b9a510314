/* poll() does not change fd and events of its caller's array. gVisor writes the array back with
 * POLLERR and POLLHUP added. XSH poll(), DESCRIPTION.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  int ends[2];
  SETUP(pipe(ends) == 0);
  struct pollfd one = {ends[0], POLLIN, 0};
  SETUP(poll(&one, 1, 0) == 0);
  printf("events after poll(): %#x, before: %#x\n", (unsigned)one.events, (unsigned)POLLIN);
  return one.events != POLLIN;
}
