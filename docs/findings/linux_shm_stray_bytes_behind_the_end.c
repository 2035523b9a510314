/* What is stored in the last page of a mapping beyond the end of the object never becomes part of
 * it. Linux keeps the bytes in the page, and later mappings show them.
 * XSH mmap(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* name = "/repro-shm-end";
  shm_unlink(name);
  const int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  shm_unlink(name);
  SETUP(fd >= 0 && ftruncate(fd, 100) == 0);
  char* view = mmap(NULL, 100, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SETUP(view != MAP_FAILED);
  view[100] = 'x';
  SETUP(munmap(view, 100) == 0);
  view = mmap(NULL, 100, PROT_READ, MAP_SHARED, fd, 0);
  SETUP(view != MAP_FAILED);
  printf("a later mapping has %d beyond the end\n", view[100]);
  return view[100] != 0;
}
