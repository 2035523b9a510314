/* <fcntl.h> defines O_SEARCH, an access mode for directories, O_EXEC, one for programs, and the flag
 * O_TTY_INIT. glibc defines none of them. XBD <fcntl.h>. 0: conforms, 1: deviates. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(void) {
  int missing = 0;
#ifndef O_SEARCH
  missing += puts("O_SEARCH is not defined") >= 0;
#endif
#ifndef O_EXEC
  missing += puts("O_EXEC is not defined") >= 0;
#endif
#ifndef O_TTY_INIT
  missing += puts("O_TTY_INIT is not defined") >= 0;
#endif
  return missing != 0;
}
