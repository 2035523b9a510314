/* readv() and writev() fail with EINVAL when the sum of the lengths overflows ssize_t. Linux cuts
 * the sum to MAX_RW_COUNT. Shown by programs of 32 bits (cc -m32); of 64 bits such areas cannot be
 * valid. XSH readv(), ERRORS. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const size_t half = (size_t)SSIZE_MAX / 2 + 1;
  int ends[2];
  if (sizeof(long) != 4) return puts("needs a program of 32 bits"), 77;
  char* area = mmap(NULL, half, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  SETUP(area != MAP_FAILED && pipe(ends) == 0);
  const struct iovec twice[2] = {{area, half}, {area, half}};
  alarm(10);
  errno = 0;
  SETUP(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  const ssize_t r = writev(ends[1], twice, 2);
  printf("writev() of more than SSIZE_MAX: %zd, %s\n", r, strerror(errno));
  return !(r == -1 && errno == EINVAL);
}
