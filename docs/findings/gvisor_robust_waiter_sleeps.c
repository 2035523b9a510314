/* A process dies while it owns a robust process-shared mutex that another one waits for: the waiter
 * sleeps on. gVisor.
 *
 *   cc -o waiter gvisor_robust_waiter_sleeps.c -pthread && ./waiter
 *
 * Exit status 1: shown. 0: the waiter was told (EOWNERDEAD). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
  pthread_mutex_t mutex;
  volatile int owned, waits, result;
};

static void pause_ms(long ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/* What the waiter's lock returned; -1: it sleeps on, five seconds after the owner's death. `bit`:
 * of the owner's number. */
static int told_after_death(struct shared* s, int bit) {
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&s->mutex, &attr);
  s->owned = s->waits = 0;
  s->result = -1;
  pid_t owner;
  while ((owner = fork()) > 0 && !(owner & 128) == !!bit) {
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
  }
  if (owner == 0) {
    if (!(getpid() & 128) == !!bit) pause();
    pthread_mutex_lock(&s->mutex);
    s->owned = 1;
    for (;;) pause();
  }
  while (!s->owned) pause_ms(1);
  const pid_t waiter = fork();
  if (waiter == 0) {
    s->waits = 1;
    s->result = pthread_mutex_lock(&s->mutex);
    _exit(0);
  }
  while (!s->waits) pause_ms(1);
  pause_ms(500); /* asleep by now */
  kill(owner, SIGKILL);
  waitpid(owner, NULL, 0);
  for (int ms = 0; ms < 5000 && s->result == -1; ++ms) pause_ms(1);
  const int told = s->result;
  kill(waiter, SIGKILL);
  waitpid(waiter, NULL, 0);
  printf("owner %d: the waiter %s\n", (int)owner, told == -1 ? "sleeps on" : strerror(told));
  return told;
}

int main(void) {
  struct shared* s =
      mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int clear = told_after_death(s, 0), set = told_after_death(s, 1);
  return clear != EOWNERDEAD || set != EOWNERDEAD;
}
