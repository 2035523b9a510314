/* A blocked write() of which a part was transferred goes on after the process was stopped and
 * continued: a stop is not a signal that is caught. Linux (fs/pipe.c) returns the count so far.
 * XSH write(), RETURN VALUE; XBD 3 "Stop"; XSH 2.4.3.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77
enum { kLength = 1 << 22 }; /* more than a pipe holds */

static char state_of(pid_t pid) {
  char path[32], text[128] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE* f = fopen(path, "r");
  if (!f) return '?';
  const size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = 0;
  const char* end = strrchr(text, ')');
  return end ? end[2] : '?';
}

int main(void) {
  static char data[kLength], buffer[65536];
  int ends[2], status;
  alarm(20);
  volatile long* written =
      mmap(NULL, sizeof *written, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SETUP(written != MAP_FAILED && pipe(ends) == 0);
  const pid_t writer = fork();
  if (writer == 0) {
    close(ends[0]);
    *written = write(ends[1], data, kLength);
    _exit(0);
  }
  SETUP(writer > 0 && close(ends[1]) == 0);
  for (int inside = 0; inside == 0 || state_of(writer) != 'S'; sched_yield())
    SETUP(ioctl(ends[0], FIONREAD, &inside) == 0);
  SETUP(kill(writer, SIGSTOP) == 0 && waitpid(writer, &status, WUNTRACED) == writer);
  SETUP(kill(writer, SIGCONT) == 0);
  long total = 0, got;
  while ((got = read(ends[0], buffer, sizeof buffer)) > 0) total += got;
  waitpid(writer, &status, 0);
  printf("write() of %d bytes, stopped and continued: returned %ld, read: %ld\n", kLength, *written,
         total);
  return *written != kLength;
}
