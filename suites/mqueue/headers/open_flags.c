// options: -D_POSIX_C_SOURCE=202405L
#include <mqueue.h>
enum { RDONLY = O_RDONLY, WRONLY = O_WRONLY, RDWR = O_RDWR, CREAT = O_CREAT, EXCL = O_EXCL, NONBLOCK = O_NONBLOCK };
#include <fcntl.h>
_Static_assert(RDONLY == O_RDONLY && WRONLY == O_WRONLY && RDWR == O_RDWR, "access modes differ from <fcntl.h>");
_Static_assert(CREAT == O_CREAT && EXCL == O_EXCL && NONBLOCK == O_NONBLOCK, "flags differ from <fcntl.h>");
