// options: -D_POSIX_C_SOURCE=200809L
#include <limits.h>
#if defined(MQ_PRIO_MAX) && MQ_PRIO_MAX < 32
#error "MQ_PRIO_MAX is less than 32"
#endif
