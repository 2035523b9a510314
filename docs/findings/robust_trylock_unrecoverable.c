/* pthread_mutex_trylock() of an unrecoverable robust mutex reports ENOTRECOVERABLE and keeps the
 * lock word: from then on others find the mutex busy, time out, or sleep for ever. glibc.
 *
 *   cc -o trylock robust_trylock_unrecoverable.c -pthread && ./trylock
 *
 * Exit status 1: shown. 0: every attempt failed with ENOTRECOVERABLE. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t* mutex;

static void in_child(void (*what)(void)) {
  const pid_t pid = fork();
  if (pid == 0) {
    what();
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void lock_and_die(void) { pthread_mutex_lock(mutex); }
static void give_up(void) {
  pthread_mutex_lock(mutex); /* EOWNERDEAD */
  pthread_mutex_unlock(mutex);
}

static int wrong = 0;
static void check(const char* what, int error) {
  printf("%-40s %s\n", what, strerror(error));
  wrong += error != ENOTRECOVERABLE;
}

int main(void) {
  mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attr);
  in_child(lock_and_die);
  in_child(give_up);
  check("first trylock", pthread_mutex_trylock(mutex));
  check("second trylock", pthread_mutex_trylock(mutex));
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_sec += 1;
  check("timedlock, a second ahead", pthread_mutex_timedlock(mutex, &soon));
  return wrong != 0;
}
