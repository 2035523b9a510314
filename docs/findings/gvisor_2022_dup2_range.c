/* dup2() to a number at or above {OPEN_MAX} fails with EBADF. gVisor 20221219 fails with EMFILE.
 * XSH dup(), ERRORS.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  struct rlimit limit;
  SETUP(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 1u << 30);
  const int r = dup2(1, (int)limit.rlim_cur), error = errno;
  printf("dup2() to the limit on open files: %d, %s\n", r, strerror(error));
  return !(r == -1 && error == EBADF);
}
