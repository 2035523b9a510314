// options: -D_POSIX_C_SOURCE=200809L
#include <limits.h>
#if _POSIX_MQ_OPEN_MAX != 8
#error "_POSIX_MQ_OPEN_MAX is not 8"
#endif
#if _POSIX_MQ_PRIO_MAX != 32
#error "_POSIX_MQ_PRIO_MAX is not 32"
#endif
