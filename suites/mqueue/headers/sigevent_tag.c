// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
struct sigevent *event;
int notify(mqd_t q) { return mq_notify(q, event); }
