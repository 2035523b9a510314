// options: -D_POSIX_C_SOURCE=200809L
#include <signal.h>
struct sigevent event;
int *how = &event.sigev_notify;
int *signo = &event.sigev_signo;
union sigval *value = &event.sigev_value;
void which(void) {
  void (**function)(union sigval) = &event.sigev_notify_function;
  pthread_attr_t **attributes = &event.sigev_notify_attributes;
  switch (*how) {
    case SIGEV_NONE: *attributes = 0; break;
    case SIGEV_SIGNAL: *function = 0; break;
    case SIGEV_THREAD: break;
  }
}
