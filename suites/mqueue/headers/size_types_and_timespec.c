// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
size_t size;
ssize_t length;
struct timespec time_of_day;
long nanoseconds(void) { return time_of_day.tv_nsec + (long)time_of_day.tv_sec + (long)sizeof(struct timespec); }
