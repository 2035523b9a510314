/* posix_madvise() returns ENOMEM for a range that is not mapped. gVisor and qemu-user return 0.
 * XSH posix_madvise(), ERRORS.
 * 0: conforms, 1: deviates, 77: cannot tell. */
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
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void* view = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SETUP(view != MAP_FAILED && munmap(view, page) == 0);
  const int r = posix_madvise(view, page, POSIX_MADV_WILLNEED);
  printf("posix_madvise() where nothing is mapped: %s\n", strerror(r));
  return r != ENOMEM;
}
