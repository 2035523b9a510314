/* A process is killed in pthread_barrier_wait(). Its arrival counts (glibc) or not (musl), which
 * POSIX does not say; pthread_barrier_destroy() hangs on both.
 *
 *   cc -o barrier barrier_killed_waiter.c -pthread && ./barrier
 *
 * Exit status 1: destroy hangs. 0: it returns. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start(int (*what)(pthread_barrier_t*), pthread_barrier_t* barrier) {
  const pid_t pid = fork();
  if (pid == 0) {
    what(barrier);
    _exit(0);
  }
  return pid;
}

/* Whether the process ends within 2 s; kills it otherwise. */
static int ends(pid_t pid) {
  for (int i = 0; i < 20; ++i) {
    if (waitpid(pid, NULL, WNOHANG) == pid) return 1;
    usleep(100000);
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  return 0;
}

int main(void) {
  pthread_barrier_t* barrier =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_barrierattr_t attr;
  pthread_barrierattr_init(&attr);
  pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(barrier, &attr, 2);
  const pid_t killed = start(pthread_barrier_wait, barrier);
  sleep(1); /* until it sleeps */
  kill(killed, SIGKILL);
  waitpid(killed, NULL, 0);
  printf("the arrival of the killed process %s\n",
         ends(start(pthread_barrier_wait, barrier)) ? "counts" : "does not count");
  const int destroyed = ends(start(pthread_barrier_destroy, barrier));
  printf("pthread_barrier_destroy() %s\n", destroyed ? "returned" : "hangs");
  return !destroyed;
}
