/* Descriptors of regular files always select true for reading, for writing and for error
 * conditions. Linux never sets them in errorfds. XSH pselect(), DESCRIPTION.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/select.h>

int main(void) {
  FILE* file = tmpfile();
  if (!file) return 77;
  const int fd = fileno(file);
  struct timeval none = {0, 0};
  fd_set rd, wr, ex;
  FD_ZERO(&rd);
  FD_ZERO(&wr);
  FD_ZERO(&ex);
  FD_SET(fd, &rd);
  FD_SET(fd, &wr);
  FD_SET(fd, &ex);
  const int r = select(fd + 1, &rd, &wr, &ex, &none);
  printf("select() of a regular file: %d; read %d, write %d, error %d\n", r, FD_ISSET(fd, &rd) != 0,
         FD_ISSET(fd, &wr) != 0, FD_ISSET(fd, &ex) != 0);
  return !(r == 3);
}
