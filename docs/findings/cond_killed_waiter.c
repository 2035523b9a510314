/* A process is killed in pthread_cond_wait(). Afterwards a signal is lost: it does not wake the
 * process that waits now; and pthread_cond_destroy() does not return. glibc; musl: destroy alone.
 *
 *   cc -o cond cond_killed_waiter.c -pthread && ./cond
 *
 * Exit status 1: shown. 0: neither. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int tokens;
};

static pid_t start_waiter(struct shared* s) {
  const pid_t pid = fork();
  if (pid == 0) {
    pthread_mutex_lock(&s->mutex);
    while (s->tokens == 0) pthread_cond_wait(&s->cond, &s->mutex);
    --s->tokens;
    pthread_mutex_unlock(&s->mutex);
    _exit(0);
  }
  sleep(1); /* until it sleeps */
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
  struct shared* s =
      mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t mutex_attr;
  pthread_mutexattr_init(&mutex_attr);
  pthread_mutexattr_setpshared(&mutex_attr, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(&s->mutex, &mutex_attr);
  pthread_condattr_t cond_attr;
  pthread_condattr_init(&cond_attr);
  pthread_condattr_setpshared(&cond_attr, PTHREAD_PROCESS_SHARED);
  pthread_cond_init(&s->cond, &cond_attr);

  const pid_t killed = start_waiter(s);
  kill(killed, SIGKILL);
  waitpid(killed, NULL, 0);
  int lost = 0;
  for (int i = 0; i < 3; ++i) {
    const pid_t waiter = start_waiter(s);
    pthread_mutex_lock(&s->mutex);
    s->tokens = 1;
    pthread_mutex_unlock(&s->mutex);
    const pid_t signaller = fork();
    if (signaller == 0) {
      pthread_cond_signal(&s->cond);
      _exit(0);
    }
    const int signalled = ends(signaller), woken = ends(waiter);
    printf("signal %d: pthread_cond_signal() %s; the living waiter %s\n", i + 1,
           signalled ? "returned" : "hangs", woken ? "was woken" : "was not woken");
    lost += !signalled || !woken;
    if (lost) break; /* the waiter has been killed as well */
  }
  const pid_t destroyer = fork();
  if (destroyer == 0) {
    pthread_cond_destroy(&s->cond);
    _exit(0);
  }
  const int destroyed = ends(destroyer);
  printf("pthread_cond_destroy() %s\n", destroyed ? "returned" : "hangs");
  return lost != 0 || !destroyed;
}
