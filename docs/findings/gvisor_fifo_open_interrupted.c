/* An open() of a FIFO that a signal ends leaves no trace: the other side has met nobody and waits
 * on. On gVisor an opener that was interrupted has met the other one, whose open() succeeds.
 * XSH open() ERRORS [EINTR]. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

enum { kRounds = 300 };
static void nothing(int sig) { (void)sig; }

static int open_in_storm(const char* path, int flags) {
  int fd;
  while ((fd = open(path, flags)) < 0 && errno == EINTR) continue;
  return fd;
}

/* Each round meets one writer, which sends one byte. */
static int read_rounds(const char* path, volatile int* read_up_to) {
  for (int round = 0; round < kRounds; ++round) {
    const int fd = open_in_storm(path, O_RDONLY);
    char byte;
    ssize_t got;
    if (fd < 0) return 77;
    while ((got = read(fd, &byte, 1)) < 0 && errno == EINTR) continue;
    if (got == 0) {
      fprintf(stderr, "round %d: opened, but nobody was there\n", round);
      return 1;
    }
    while (read(fd, &byte, 1) != 0) continue; /* until the writer has closed */
    close(fd);
    *read_up_to = round + 1;
  }
  return 0;
}

static int write_rounds(const char* path, volatile int* read_up_to) {
  for (int round = 0; round < kRounds; ++round) {
    while (*read_up_to < round) usleep(10);
    const int fd = open_in_storm(path, O_WRONLY);
    if (fd < 0 || write(fd, "x", 1) != 1) return 77;
    close(fd);
  }
  return 0;
}

int main(void) {
  const char* path = "repro.fifo";
  volatile int* shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  SETUP(shared != MAP_FAILED);
  alarm(60);
  unlink(path);
  SETUP(mkfifo(path, 0600) == 0);
  signal(SIGPIPE, SIG_IGN);
  const struct sigaction handler = {.sa_handler = nothing}; /* no SA_RESTART */
  SETUP(sigaction(SIGUSR1, &handler, NULL) == 0);
  const pid_t reader = fork();
  if (reader == 0) _exit(read_rounds(path, shared));
  const pid_t writer = fork();
  if (writer == 0) _exit(write_rounds(path, shared));
  SETUP(reader > 0 && writer > 0);
  int status;
  while (waitpid(reader, &status, WNOHANG) == 0) {
    kill(reader, SIGUSR1);
    kill(writer, SIGUSR1);
    usleep(50);
  }
  kill(writer, SIGKILL);
  unlink(path);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 77;
}
