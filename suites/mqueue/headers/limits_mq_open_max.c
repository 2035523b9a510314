// options: -D_POSIX_C_SOURCE=200809L
#include <limits.h>
#if defined(MQ_OPEN_MAX) && MQ_OPEN_MAX < 8
#error "MQ_OPEN_MAX is less than 8"
#endif
