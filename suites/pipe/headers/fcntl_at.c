// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
enum { cwd = AT_FDCWD, access = AT_EACCESS, nofollow = AT_SYMLINK_NOFOLLOW, follow = AT_SYMLINK_FOLLOW, remove = AT_REMOVEDIR };
