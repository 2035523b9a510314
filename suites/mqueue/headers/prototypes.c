// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
int (*close_)(mqd_t) = (mq_close);
int (*getattr_)(mqd_t, struct mq_attr *) = (mq_getattr);
int (*notify_)(mqd_t, const struct sigevent *) = (mq_notify);
mqd_t (*open_)(const char *, int, ...) = (mq_open);
ssize_t (*receive_)(mqd_t, char *, size_t, unsigned *) = (mq_receive);
int (*send_)(mqd_t, const char *, size_t, unsigned) = (mq_send);
int (*setattr_)(mqd_t, const struct mq_attr *restrict, struct mq_attr *restrict) = (mq_setattr);
ssize_t (*timedreceive_)(mqd_t, char *restrict, size_t, unsigned *restrict, const struct timespec *restrict) = (mq_timedreceive);
int (*timedsend_)(mqd_t, const char *, size_t, unsigned, const struct timespec *) = (mq_timedsend);
int (*unlink_)(const char *) = (mq_unlink);
