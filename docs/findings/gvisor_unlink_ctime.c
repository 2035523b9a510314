/* unlink() marks the status change of a file that has other links. gVisor does not, for a FIFO.
 * XSH unlink(), DESCRIPTION.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  struct stat before, after;
  struct timespec now;
  unlink("repro.fifo");
  unlink("repro.link");
  SETUP(mkfifo("repro.fifo", 0600) == 0 && link("repro.fifo", "repro.link") == 0);
  SETUP(stat("repro.fifo", &before) == 0);
  do { /* until the clock of files has moved on */
    SETUP(clock_gettime(CLOCK_REALTIME, &now) == 0);
  } while (now.tv_sec <= before.st_ctim.tv_sec + 1);
  SETUP(unlink("repro.link") == 0 && stat("repro.fifo", &after) == 0);
  unlink("repro.fifo");
  const int marked = after.st_ctim.tv_sec > before.st_ctim.tv_sec;
  printf("unlink() of a second link: status change %s\n", marked ? "marked" : "not marked");
  return !marked;
}
