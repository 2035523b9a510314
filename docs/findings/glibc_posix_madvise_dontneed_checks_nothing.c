/* posix_madvise() returns ENOMEM for a range that is not mapped. glibc and musl do nothing at all
 * for POSIX_MADV_DONTNEED and return 0.
 * XSH posix_madvise(), ERRORS. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void* view = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (view == MAP_FAILED || munmap(view, page) != 0) return 77;
  const int other = posix_madvise(view, page, POSIX_MADV_WILLNEED);
  const int r = posix_madvise(view, page, POSIX_MADV_DONTNEED);
  printf("DONTNEED where nothing is mapped: %s (WILLNEED: %s)\n", strerror(r), strerror(other));
  return r != ENOMEM;
}
