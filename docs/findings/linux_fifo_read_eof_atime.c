/* A successful read() marks the file's last access, also one that returns 0 at end-of-file.
 * Linux marks it only when bytes were transferred (fs/pipe.c).
 * XSH read(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const char* path = "repro.fifo";
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  char byte;
  struct stat st;
  struct statvfs fs;
  unlink(path);
  SETUP(mkfifo(path, 0600) == 0);
  const int rd = open(path, O_RDONLY | O_NONBLOCK), wr = open(path, O_WRONLY);
  unlink(path);
  SETUP(rd >= 0 && wr >= 0 && fstatvfs(rd, &fs) == 0);
  SETUP(!(fs.f_flag & ST_NOATIME)); /* the mount may keep no access times at all */
  SETUP(close(wr) == 0 && futimens(rd, old) == 0);
  SETUP(read(rd, &byte, 1) == 0);
  SETUP(fstat(rd, &st) == 0);
  printf("last access after read() = 0: %ld (before: 1000)\n", (long)st.st_atim.tv_sec);
  return st.st_atim.tv_sec == 1000;
}
