/* poll() reports error conditions also where events is 0, and wakes for them. gVisor 20221219
 * sleeps on. XSH poll(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

int main(void) {
  int ends[2], status;
  SETUP(pipe(ends) == 0);
  const pid_t waiter = fork();
  if (waiter == 0) {
    struct pollfd one = {ends[1], 0, 0};
    close(ends[0]);
    _exit(poll(&one, 1, 10000) != 1 || !(one.revents & POLLERR));
  }
  SETUP(waiter > 0);
  for (const time_t end = time(NULL) + 2; time(NULL) < end;) sched_yield(); /* it sleeps now */
  SETUP(close(ends[0]) == 0 && waitpid(waiter, &status, 0) == waiter);
  printf("poll() with events 0 %s by the last reader's end\n",
         status ? "was not woken" : "was woken");
  return status != 0;
}
