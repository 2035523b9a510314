/* shm_unlink() without permission fails with EACCES. musl hands on the EPERM that unlink() gives
 * for another user's file in a directory with the sticky bit. To be run by root, or twice by hand.
 * XSH shm_unlink(), ERRORS. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* name = "/repro-shm-unlink";
  shm_unlink(name);
  SETUP(shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600) >= 0);
  SETUP(seteuid(65534) == 0); /* nobody */
  const int r = shm_unlink(name), error = errno;
  SETUP(seteuid(0) == 0);
  shm_unlink(name);
  printf("shm_unlink() of another user's object: %d, %s\n", r, r ? strerror(error) : "no error");
  return !(r == -1 && error == EACCES);
}
