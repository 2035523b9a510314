/* A signal that the mask of ppoll() unblocks is delivered before it returns. qemu-user delivers it
 * at the next occasion. XSH ppoll(), DESCRIPTION. 0: conforms, 1: deviates, 77: cannot tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETUP(c) \
  if (!(c)) return perror(#c), 77

static volatile sig_atomic_t delivered;
static void on_signal(int sig) { (void)sig, delivered = 1; }

int main(void) {
  sigset_t block, none;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL);
  SETUP(sigprocmask(SIG_BLOCK, &block, NULL) == 0 && raise(SIGUSR1) == 0);
  const struct timespec long_time = {10, 0};
  const int r = ppoll(NULL, 0, &long_time, &none), error = errno;
  const int in_time = delivered;
  printf("ppoll(): %d, %s; the signal was %s\n", r, r ? strerror(error) : "no error",
         in_time ? "delivered" : "not delivered");
  return !(r == -1 && error == EINTR && in_time);
}
