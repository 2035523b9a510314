// options: -D_POSIX_C_SOURCE=200809L
#include <mqueue.h>
mqd_that_no_header_declares q;
