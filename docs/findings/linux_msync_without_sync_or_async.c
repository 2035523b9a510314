/* msync() takes either MS_ASYNC or MS_SYNC, and fails with EINVAL for invalid flags. Linux accepts
 * neither of them. XSH msync(), DESCRIPTION and ERRORS.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void* view = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (view == MAP_FAILED) return 77;
  const int r = msync(view, page, 0);
  printf("msync() with flags 0: %d, %s\n", r, r ? strerror(errno) : "no error");
  return !(r == -1 && errno == EINVAL);
}
