/* select() fails with EBADF when a set has a descriptor that is not open. Linux cuts nfds to the
 * size of the process's descriptor table: bits beyond it are not looked at. The child of a fork has
 * a table no larger than it needs. XSH pselect(), ERRORS.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  const pid_t child = fork();
  if (child < 0) return 77;
  if (child == 0) {
    const int never_open = FD_SETSIZE - 1;
    struct timeval none = {0, 0};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(never_open, &set);
    const int r = select(FD_SETSIZE, &set, NULL, NULL, &none);
    printf("select() with descriptor %d, never open: %d, %s\n", never_open, r, strerror(errno));
    fflush(stdout);
    _exit(!(r == -1 && errno == EBADF));
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 77;
}
