/* open() of a FIFO that waits for the other end is restarted after a handler that was set with
 * SA_RESTART. gVisor fails with EINTR. XSH open(), ERRORS; XBD <signal.h>.
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

static void on_signal(int sig) { (void)sig; }

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
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL);
  unlink(path);
  SETUP(mkfifo(path, 0600) == 0);
  const pid_t reader = fork();
  if (reader == 0) _exit(open(path, O_RDONLY) < 0);
  SETUP(reader > 0);
  while (state_of(reader) != 'S') sched_yield();
  SETUP(kill(reader, SIGUSR1) == 0);
  int writer = -1; /* as long as the reader has not failed */
  while (writer < 0 && waitpid(reader, &status, WNOHANG) == 0) {
    for (int i = 0; i < 100; ++i) sched_yield();
    writer = open(path, O_WRONLY | O_NONBLOCK);
  }
  if (writer >= 0) waitpid(reader, &status, 0);
  unlink(path);
  printf("open() after a signal with SA_RESTART: %s\n", status ? "failed" : "went on");
  return status != 0;
}
