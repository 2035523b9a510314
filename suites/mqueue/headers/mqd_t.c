// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
mqd_t other(mqd_t q);
mqd_t pass(mqd_t q) {
  mqd_t copy;
  copy = q;
  if (copy == (mqd_t)-1) return (mqd_t)-1;
  return other(copy);
}
