/* A successful write() to a FIFO marks its last modification, visible with stat(). On overlayfs
 * Linux marks an inode in memory that stat() does not look at (fs/overlayfs/inode.c).
 * XSH write(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell (no overlayfs of our own). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  const struct timespec old[2] = {{1000, 0}, {1000, 0}};
  struct stat st;
  char dir[] = "/tmp/repro-XXXXXX";
  SETUP(mkdtemp(dir) && (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0));
  SETUP(mount("none", "/", 0, MS_REC | MS_PRIVATE, 0) == 0);
  SETUP(mount("tmpfs", dir, "tmpfs", 0, 0) == 0 && chdir(dir) == 0);
  SETUP(mkdir("l", 0700) == 0 && mkdir("u", 0700) == 0);
  SETUP(mkdir("w", 0700) == 0 && mkdir("m", 0700) == 0);
  SETUP(mount("overlay", "m", "overlay", 0, "lowerdir=l,upperdir=u,workdir=w") == 0);
  SETUP(mkfifo("m/fifo", 0600) == 0);
  const int rd = open("m/fifo", O_RDONLY | O_NONBLOCK), wr = open("m/fifo", O_WRONLY);
  SETUP(rd >= 0 && wr >= 0 && utimensat(AT_FDCWD, "m/fifo", old, 0) == 0);
  SETUP(write(wr, "x", 1) == 1);
  SETUP(stat("m/fifo", &st) == 0);
  printf("last modification after write(): %ld (before: 1000)\n", (long)st.st_mtim.tv_sec);
  return st.st_mtim.tv_sec == 1000;
}
