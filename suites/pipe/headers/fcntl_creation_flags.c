// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#if O_CLOEXEC == 0 || O_CREAT == 0 || O_DIRECTORY == 0 || O_EXCL == 0 || O_NOCTTY == 0 || O_NOFOLLOW == 0 || O_TRUNC == 0
#error "a creation flag is 0, or not defined"
#endif
#if (O_CLOEXEC | O_CREAT | O_DIRECTORY | O_EXCL | O_NOCTTY | O_NOFOLLOW | O_TRUNC) != \
    (O_CLOEXEC + O_CREAT + O_DIRECTORY + O_EXCL + O_NOCTTY + O_NOFOLLOW + O_TRUNC)
#error "creation flags share bits"
#endif
