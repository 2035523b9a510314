// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
#if !defined(O_RDONLY) || !defined(O_WRONLY) || !defined(O_RDWR)
#error "an access mode is not defined as a macro"
#endif
#if O_RDONLY == O_WRONLY || O_RDONLY == O_RDWR || O_WRONLY == O_RDWR
#error "access modes are not unique"
#endif
#if (O_RDONLY & O_ACCMODE) != O_RDONLY || (O_WRONLY & O_ACCMODE) != O_WRONLY || (O_RDWR & O_ACCMODE) != O_RDWR
#error "O_ACCMODE hides a part of an access mode"
#endif
