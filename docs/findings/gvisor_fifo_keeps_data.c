/* When the last descriptor of a FIFO is closed, what was not read is discarded: who opens the
 * FIFO next finds it empty. gVisor keeps it. XSH write() and close(), DESCRIPTION.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* path = "repro.fifo";
  char byte;
  unlink(path);
  SETUP(mkfifo(path, 0600) == 0);
  const int both = open(path, O_RDWR | O_NONBLOCK);
  SETUP(both >= 0 && write(both, "x", 1) == 1 && close(both) == 0);
  const int again = open(path, O_RDWR | O_NONBLOCK);
  unlink(path);
  SETUP(again >= 0);
  const long r = read(again, &byte, 1);
  printf("read() after all were closed: %ld\n", r);
  return !(r == -1 && errno == EAGAIN);
}
