/* A robust process-shared mutex loses a wake-up when processes are killed around an unlock: the
 * others sleep on a free mutex. Linux before 6.6.152, 6.12.104, 6.18.45 and 7.2 with glibc.
 *
 *   cc -O1 -o lost robust_mutex_lost_wakeup.c -pthread && ./lost
 *
 * Exit status 1: shown, with the lock word. 0: not within 100,000 kills. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kWorkers = 4 };

struct shared {
  pthread_mutex_t mutex;
  volatile unsigned long sections[kWorkers];
  volatile int stop;
};

static void work(struct shared* s, int self) {
  while (!s->stop) {
    const int rc = pthread_mutex_lock(&s->mutex);
    if (rc == EOWNERDEAD) pthread_mutex_consistent(&s->mutex);
    for (volatile int i = 0; i < 50; ++i) {
    }
    pthread_mutex_unlock(&s->mutex);
    ++s->sections[self];
  }
  _exit(0);
}

static pid_t start(struct shared* s, int self) {
  const pid_t pid = fork();
  if (pid == 0) work(s, self);
  return pid;
}

static void pause_ns(long ns) {
  const struct timespec time = {ns / 1000000000, ns % 1000000000};
  nanosleep(&time, NULL);
}

int main(void) {
  struct shared* s =
      mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&s->mutex, &attr);
  pid_t pids[kWorkers];
  for (int i = 0; i < kWorkers; ++i) pids[i] = start(s, i);
  long kills = 0;
  int asleep = 0;
  for (; kills < 100000 && !s->stop; ++kills) {
    const int victim = rand() % kWorkers;
    pause_ns(rand() % 300000);
    kill(pids[victim], SIGKILL);
    waitpid(pids[victim], NULL, 0);
    pids[victim] = 0;
    /* Nobody new comes until each of the others has been inside: a newcomer that waits would set
     * the waiters bit again. */
    for (int i = 0; i < kWorkers; ++i) {
      const unsigned long before = s->sections[i];
      for (int ms = 0; i != victim && s->sections[i] == before; ++ms) {
        pause_ns(1000000);
        if (ms == 2000) s->stop = 1;
        if (ms >= 2000) break;
      }
    }
    if (!s->stop) pids[victim] = start(s, victim);
  }
  /* Those that can go on come to their end now. */
  s->stop = 1;
  for (int ms = 0; ms < 3000; ++ms) {
    asleep = 0;
    for (int i = 0; i < kWorkers; ++i) {
      if (pids[i] != 0 && waitpid(pids[i], NULL, WNOHANG) == pids[i]) pids[i] = 0;
      asleep += pids[i] != 0;
    }
    pause_ns(1000000);
  }
  printf("%ld kills; %d processes still wait for the mutex; its word is 0x%08x (0: free)\n", kills,
         asleep, *(volatile unsigned*)&s->mutex);
  for (int i = 0; i < kWorkers; ++i) {
    if (pids[i] != 0) kill(pids[i], SIGKILL);
  }
  return asleep != 0;
}
