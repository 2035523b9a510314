// options: -D_XOPEN_SOURCE=700
#include <unistd.h>
#if defined(_XOPEN_REALTIME) && _XOPEN_REALTIME != -1
#if !defined(_POSIX_MESSAGE_PASSING) || _POSIX_MESSAGE_PASSING != 200809L
#error "_XOPEN_REALTIME without _POSIX_MESSAGE_PASSING of 200809L"
#endif
#endif
