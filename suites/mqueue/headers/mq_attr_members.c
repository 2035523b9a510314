// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
struct mq_attr attr;
long *flags = &attr.mq_flags;
long *maxmsg = &attr.mq_maxmsg;
long *msgsize = &attr.mq_msgsize;
long *curmsgs = &attr.mq_curmsgs;
_Static_assert(_Generic(attr.mq_flags, long: 1, default: 0), "mq_flags");
_Static_assert(_Generic(attr.mq_maxmsg, long: 1, default: 0), "mq_maxmsg");
_Static_assert(_Generic(attr.mq_msgsize, long: 1, default: 0), "mq_msgsize");
_Static_assert(_Generic(attr.mq_curmsgs, long: 1, default: 0), "mq_curmsgs");
