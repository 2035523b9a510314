/* write() marks modification and status change of a pipe, read() its access. Linux 6.15 and later
 * (f017b0a4951f) update no time of an unnamed pipe after its creation.
 * XSH write() and read(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  int ends[2];
  char byte;
  struct stat st;
  SETUP(pipe(ends) == 0 && futimens(ends[0], old) == 0);
  SETUP(write(ends[1], "x", 1) == 1);
  SETUP(fstat(ends[0], &st) == 0);
  const int written = st.st_mtim.tv_sec != 1000;
  SETUP(read(ends[0], &byte, 1) == 1);
  SETUP(fstat(ends[0], &st) == 0);
  const int accessed = st.st_atim.tv_sec != 1000;
  printf("modification marked by write(): %d, access marked by read(): %d\n", written, accessed);
  return !(written && accessed);
}
