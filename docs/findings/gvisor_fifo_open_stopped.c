/* open() of a FIFO that waits for the other end goes on after a stop and a continuation: no handler
 * ran. gVisor fails with EINTR. XSH 2.4.3, signal actions.
 * 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

static char state_of(pid_t pid) {
  char path[32], text[128] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE* f = fopen(path, "r");
  if (!f) return '?';
  text[fread(text, 1, sizeof text - 1, f)] = 0;
  fclose(f);
  const char* end = strrchr(text, ')');
  return end ? end[2] : '?';
}

int main(void) {
  const char* path = "repro.fifo";
  int status;
  alarm(20);
  unlink(path);
  SETUP(mkfifo(path, 0600) == 0);
  const pid_t reader = fork();
  if (reader == 0) _exit(open(path, O_RDONLY) < 0);
  SETUP(reader > 0);
  while (state_of(reader) != 'S') sched_yield();
  SETUP(kill(reader, SIGSTOP) == 0);
  SETUP(waitpid(reader, &status, WUNTRACED) == reader);
  SETUP(kill(reader, SIGCONT) == 0);
  int writer = -1; /* as long as the reader has not failed */
  while (writer < 0 && waitpid(reader, &status, WNOHANG) == 0) {
    for (int i = 0; i < 100; ++i) sched_yield();
    writer = open(path, O_WRONLY | O_NONBLOCK);
  }
  if (writer >= 0) waitpid(reader, &status, 0);
  unlink(path);
  printf("open() after a stop and a continuation: %s\n", status ? "failed" : "went on");
  return status != 0;
}
