// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#ifndef O_EXEC
#error "O_EXEC is not defined"
#endif
