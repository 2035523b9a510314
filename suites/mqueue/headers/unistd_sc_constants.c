// options: -D_POSIX_C_SOURCE=200809L
#include <unistd.h>
int which(int name) {
  switch (name) {
    case _SC_MESSAGE_PASSING: return 1;
    case _SC_MQ_OPEN_MAX: return 2;
    case _SC_MQ_PRIO_MAX: return 3;
  }
  return 0;
}
