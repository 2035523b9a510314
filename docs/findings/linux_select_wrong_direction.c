/* A descriptor is ready for reading when a read() would not wait, even if it fails: read() of a
 * write end fails with EBADF and does not wait, so it is ready. Linux reports the direction alone
 * that the end is open for.
 * XSH pselect(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/select.h>
#include <unistd.h>

int main(void) {
  int ends[2];
  if (pipe(ends) != 0) return 77;
  struct timeval none = {0, 0};
  fd_set rd;
  FD_ZERO(&rd);
  FD_SET(ends[1], &rd);
  const int r = select(ends[1] + 1, &rd, NULL, NULL, &none);
  printf("select() for reading of a write end: %d\n", r);
  return r != 1;
}
