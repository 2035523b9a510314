// options: -D_POSIX_C_SOURCE=200809L
#include <signal.h>
int which(int code) {
  switch (code) {
    case SI_MESGQ: return 1;
    case SI_USER: return 2;
    case SI_QUEUE: return 3;
    case SI_TIMER: return 4;
    case SI_ASYNCIO: return 5;
  }
  return 0;
}
