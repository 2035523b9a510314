/* A process locks a mutex while its parent holds another. musl's fork() leaves the parent's list of
 * locked mutexes in the child, whose first lock of an error checking, recursive or robust mutex
 * stores through it: here where the child has unmapped what the parent holds.
 * XSH fork(): the child may lock what is shared with it. 0: conforms, 1: deviates, 77: cannot
 * tell. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t* shared_mutex(void) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  void* const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  return pthread_mutex_init(page, &attributes) == 0 ? page : NULL;
}

int main(void) {
  pthread_mutex_t* const held = shared_mutex();
  pthread_mutex_t* const other = shared_mutex();
  if (!held || !other || pthread_mutex_lock(held) != 0) return 77;
  const pid_t child = fork();
  if (child == 0) {
    munmap(held, 4096);
    _exit(pthread_mutex_lock(other));
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) return perror("fork"), 77;
  if (WIFSIGNALED(status))
    printf("pthread_mutex_lock() of a free mutex: killed by signal %d\n", WTERMSIG(status));
  else
    printf("pthread_mutex_lock() of a free mutex: %d\n", WEXITSTATUS(status));
  return status != 0;
}
