// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#if F_DUPFD < 0 || F_DUPFD_CLOEXEC < 0 || F_GETFD < 0 || F_SETFD < 0 || F_GETFL < 0 || F_SETFL < 0 || F_GETLK < 0 || \
    F_SETLK < 0 || F_SETLKW < 0 || F_GETOWN < 0 || F_SETOWN < 0 || FD_CLOEXEC == 0 || F_RDLCK == F_UNLCK
/* Any value will do: it must be possible to ask. */
#endif
#if !defined(F_DUPFD) || !defined(F_DUPFD_CLOEXEC) || !defined(F_GETFD) || !defined(F_SETFD) || !defined(F_GETFL) || \
    !defined(F_SETFL) || !defined(F_GETLK) || !defined(F_SETLK) || !defined(F_SETLKW) || !defined(F_GETOWN) || \
    !defined(F_SETOWN) || !defined(FD_CLOEXEC) || !defined(F_RDLCK) || !defined(F_UNLCK) || !defined(F_WRLCK)
#error "a name for fcntl() is not defined as a macro"
#endif
int unique(int command) {
  switch (command) {
    case F_DUPFD: case F_DUPFD_CLOEXEC: case F_GETFD: case F_SETFD: case F_GETFL: case F_SETFL:
    case F_GETLK: case F_SETLK: case F_SETLKW: case F_GETOWN: case F_SETOWN: return 1;
  }
  return 0;
}
int unique_type(int type) {
  switch (type) {
    case F_RDLCK: case F_UNLCK: case F_WRLCK: return 1;
  }
  return 0;
}
