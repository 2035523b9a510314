/* RLIMIT_AS bounds what mmap() may map: ENOMEM beyond. qemu-user ignores it.
 * XSH getrlimit(), DESCRIPTION; XSH mmap(), ERRORS.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  struct rlimit limit;
  SETUP(getrlimit(RLIMIT_AS, &limit) == 0);
  limit.rlim_cur = 256u << 20;
  SETUP(setrlimit(RLIMIT_AS, &limit) == 0);
  void* view = mmap(NULL, 512u << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int error = errno;
  printf("512 MiB with a limit of 256 MiB: %s\n", view == MAP_FAILED ? strerror(error) : "mapped");
  return !(view == MAP_FAILED && error == ENOMEM);
}
