/* fchmod() of a pipe succeeds or fails with EINVAL. gVisor fails with EPERM, also for the owner.
 * XSH fchmod(), ERRORS.
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
  int ends[2];
  SETUP(pipe(ends) == 0);
  const int r = fchmod(ends[0], 0600), error = errno;
  printf("fchmod() of a pipe: %d, %s\n", r, r ? strerror(error) : "no error");
  return !(r == 0 || error == EINVAL);
}
