/* <fcntl.h> defines O_SEARCH, an access mode for directories. glibc does not.
 * XBD <fcntl.h>. 0: conforms, 1: deviates. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(void) {
#ifdef O_SEARCH
  return puts("O_SEARCH is defined"), 0;
#else
  return puts("O_SEARCH is not defined"), 1;
#endif
}
