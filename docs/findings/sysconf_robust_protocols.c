/* <unistd.h> says that robust mutexes inherit priorities, sysconf() says that they do not. glibc.
 *
 *   cc -o option sysconf_robust_protocols.c && ./option
 *
 * Exit status 1: they disagree. 0: they agree, or the constant is not defined. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

int main(void) {
#if defined(_POSIX_THREAD_ROBUST_PRIO_INHERIT) && defined(_SC_THREAD_ROBUST_PRIO_INHERIT)
  const long constant = _POSIX_THREAD_ROBUST_PRIO_INHERIT + 0;
  const long asked = sysconf(_SC_THREAD_ROBUST_PRIO_INHERIT);
  printf("constant %ld, sysconf() %ld\n", constant, asked);
  return constant > 0 && asked <= 0;
#else
  return 0;
#endif
}
