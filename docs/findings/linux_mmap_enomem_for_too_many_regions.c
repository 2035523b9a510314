/* mmap() fails with EMFILE when the number of mapped regions would exceed a limit. Linux has
 * vm.max_map_count and fails with ENOMEM.
 * XSH mmap(), ERRORS. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < 300000; ++i) { /* neighbours differ, so that none are merged */
    errno = 0;
    if (mmap(NULL, page, i % 2 ? PROT_READ : PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
        MAP_FAILED)
      continue;
    const int error = errno;
    printf("region %d: %s\n", i, strerror(error));
    return error == EMFILE ? 0 : error == ENOMEM ? 1 : 77;
  }
  return puts("no limit seen up to 300000 regions"), 77;
}
