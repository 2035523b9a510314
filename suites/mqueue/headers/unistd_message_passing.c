// options: -D_POSIX_C_SOURCE=200809L
#include <unistd.h>
#if defined(_POSIX_MESSAGE_PASSING)
#if _POSIX_MESSAGE_PASSING != -1 && _POSIX_MESSAGE_PASSING != 0 && _POSIX_MESSAGE_PASSING != 200809L && _POSIX_MESSAGE_PASSING != 202405L
#error "_POSIX_MESSAGE_PASSING is neither -1, 0 nor the date of a standard"
#endif
#endif
