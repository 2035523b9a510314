/* A process is killed while it waits for a process-shared read-write lock, and the holder unlocks.
 * The lock should be free; with glibc it stays locked for ever in two of three cases.
 *
 *   cc -o rwlock rwlock_killed_waiter.c -pthread && ./rwlock
 *
 * Exit status 1: somebody can't get the lock. 0: it is free each time. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int case_of(const char* text, int held_for_writing, int killed_writer) {
  pthread_rwlock_t* lock =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_rwlockattr_t attr;
  pthread_rwlockattr_init(&attr);
  pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
  pthread_rwlock_init(lock, &attr);
  if (held_for_writing)
    pthread_rwlock_wrlock(lock);
  else
    pthread_rwlock_rdlock(lock);
  const pid_t killed = fork();
  if (killed == 0) {
    if (killed_writer)
      pthread_rwlock_wrlock(lock);
    else
      pthread_rwlock_rdlock(lock);
    _exit(0);
  }
  sleep(1); /* until it sleeps */
  kill(killed, SIGKILL);
  waitpid(killed, NULL, 0);
  pthread_rwlock_unlock(lock);
  const int busy = pthread_rwlock_trywrlock(lock);
  printf("%s: pthread_rwlock_trywrlock() returns %d\n", text, busy);
  return busy != 0;
}

int main(void) {
  int wrong = case_of("killed while it waited to write, after a reader", 0, 1);
  wrong += case_of("killed while it waited to read, after a writer", 1, 0);
  wrong += case_of("killed while it waited to write, after a writer", 1, 1);
  return wrong != 0;
}
