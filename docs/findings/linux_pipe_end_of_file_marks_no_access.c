/* The same as linux_fifo_read_eof_atime.c for a pipe: a read() of end-of-file is successful and
 * marks the last access. XSH read(), DESCRIPTION; XSH pipe().
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
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
  SETUP(pipe(ends) == 0 && close(ends[1]) == 0);
  SETUP(futimens(ends[0], old) == 0);
  SETUP(read(ends[0], &byte, 1) == 0);
  SETUP(fstat(ends[0], &st) == 0);
  printf("last access after read() = 0: %ld (before: 1000)\n", (long)st.st_atim.tv_sec);
  return st.st_atim.tv_sec == 1000;
}
