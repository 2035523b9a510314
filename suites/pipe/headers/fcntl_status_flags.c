// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#if !defined(O_APPEND) || !defined(O_NONBLOCK) || !defined(O_SYNC) || !defined(O_ACCMODE)
#error "a status flag, or O_ACCMODE, is not defined as a macro"
#endif
#if O_APPEND < 0 || O_NONBLOCK < 0 || O_SYNC < 0 || O_ACCMODE < 0
/* Any value will do: it must be possible to ask. */
#endif
