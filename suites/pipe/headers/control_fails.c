// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#ifndef O_THAT_NO_HEADER_DEFINES
#error "this snippet must not compile"
#endif
