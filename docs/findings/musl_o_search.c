/* A directory that was opened with O_SEARCH needs no search permission when it is used in openat()
 * and the like. musl defines O_SEARCH as O_PATH, and Linux checks the permission at each use.
 * Needs another user than root. XSH mkfifoat(), ERRORS [EACCES].
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
#ifdef O_SEARCH
  if (geteuid() == 0) SETUP(seteuid(65534) == 0);
  char path[] = "/tmp/repro-search-XXXXXX";
  SETUP(mkdtemp(path));
  const int dir = open(path, O_SEARCH | O_DIRECTORY);
  SETUP(dir >= 0 && fchmodat(AT_FDCWD, path, 0200, 0) == 0);
  const int r = mkfifoat(dir, "f", 0600), error = errno;
  chmod(path, 0700);
  unlinkat(dir, "f", 0);
  rmdir(path);
  printf("mkfifoat() in a directory that was opened for search: %d, %s\n", r,
         r ? strerror(error) : "no error");
  return r != 0;
#else
  return puts("O_SEARCH is not defined"), 77;
#endif
}
