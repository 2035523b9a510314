/* A process waits for a robust mutex with priority inheritance, gets it, and ends. The next locker
 * is to be told. musl never names the list of robust mutexes to the kernel when the first lock of a
 * process is such a one that it has to wait for.
 * XSH pthread_mutex_lock(), EOWNERDEAD. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) != 0) return 77;
  pthread_mutex_t* const mutex =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mutex == MAP_FAILED || pthread_mutex_init(mutex, &attributes) != 0) return 77;
  if (pthread_mutex_lock(mutex) != 0) return 77;
  const pid_t child = fork();
  if (child == 0) _exit(pthread_mutex_lock(mutex)); /* waits, owns it, ends */
  const struct timespec until_it_waits = {.tv_nsec = 300 * 1000 * 1000};
  nanosleep(&until_it_waits, NULL);
  pthread_mutex_unlock(mutex);
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 77;
  const int error = pthread_mutex_trylock(mutex);
  printf("pthread_mutex_trylock() after the owner ended: %s\n", strerror(error));
  return error != EOWNERDEAD;
}
