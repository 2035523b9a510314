// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#ifndef O_TTY_INIT
#error "O_TTY_INIT is not defined"
#endif
