/* A post of a semaphore is lost as a wake-up with the waiter that is killed before it took the
 * token: another waiter sleeps though the value is 1. Linux with glibc or musl.
 *
 *   cc -O1 -o lost semaphore_lost_wakeup.c -pthread && ./lost
 *
 * Exit status 1: shown. 0: not in 1000 tries. */
#define _GNU_SOURCE
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void pause_ms(long ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static pid_t start_waiter(sem_t* sem) {
  const pid_t pid = fork();
  if (pid == 0) {
    while (sem_wait(sem) != 0) {
    }
    _exit(0);
  }
  pause_ms(5); /* until it sleeps */
  return pid;
}

int main(void) {
  sem_t* sem = mmap(NULL, sizeof *sem, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  /* One CPU for all: the waiter that a post wakes does not run before it is killed. */
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);
  for (int i = 1; i <= 1000; ++i) {
    sem_init(sem, 1, 0);
    const pid_t first = start_waiter(sem), second = start_waiter(sem);
    const int posted = sem_post(sem);
    kill(first, SIGKILL);
    int status = 0, value = -1;
    waitpid(first, &status, 0);
    pause_ms(200);
    sem_getvalue(sem, &value);
    const int waits = waitpid(second, NULL, WNOHANG) == 0;
    if (waits) {
      kill(second, SIGKILL);
      waitpid(second, NULL, 0);
    }
    if (posted == 0 && WIFSIGNALED(status) && value > 0 && waits) {
      printf("try %d: sem_post() returned 0, the first waiter was killed, the value is %d, and the "
             "second waiter sleeps\n",
             i, value);
      return 1;
    }
  }
  printf("not shown in 1000 tries\n");
  return 0;
}
