// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
pthread_attr_t attributes;
unsigned long size(void) { return sizeof attributes; }
