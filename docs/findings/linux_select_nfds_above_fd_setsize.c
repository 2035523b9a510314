/* select() fails with EINVAL when nfds is greater than FD_SETSIZE. Linux and its C libraries accept
 * it. XSH pselect(), ERRORS. 0: conforms, 1: deviates. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

int main(void) {
  fd_set sets[4]; /* room for what the kernel may read */
  memset(sets, 0, sizeof sets);
  struct timeval none = {0, 0};
  const int r = select(FD_SETSIZE + 1, &sets[0], NULL, NULL, &none);
  printf("select(FD_SETSIZE + 1, ...): %d, %s\n", r, r < 0 ? strerror(errno) : "no error");
  return !(r == -1 && errno == EINVAL);
}
