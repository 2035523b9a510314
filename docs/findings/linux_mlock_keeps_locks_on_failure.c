/* When mlock() fails, no lock of the address space has changed. Linux fails with ENOMEM at a hole,
 * but leaves the pages before it locked (seen by msync(MS_INVALIDATE): EBUSY).
 * XSH mlock(), RETURN VALUE. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* area = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SETUP(area != MAP_FAILED && munmap(area + page, page) == 0);
  SETUP(mlock(area, 3 * page) == -1 && errno == ENOMEM);
  const int r = msync(area, page, MS_SYNC | MS_INVALIDATE);
  printf("the page before the hole is %s\n", r && errno == EBUSY ? "still locked" : "not locked");
  return r == -1 && errno == EBUSY;
}
