// options: -D_POSIX_C_SOURCE=200809L
#include <fcntl.h>
static struct flock lock;
short *type = &lock.l_type, *whence = &lock.l_whence;
off_t *start = &lock.l_start, *length = &lock.l_len;
pid_t *process = &lock.l_pid;
mode_t mode = 0;
enum { from_start = SEEK_SET, from_here = SEEK_CUR, from_end = SEEK_END };
int (*creat_function)(const char *, mode_t) = creat;
int (*fcntl_function)(int, int, ...) = fcntl;
int (*open_function)(const char *, int, ...) = open;
int (*openat_function)(int, const char *, int, ...) = openat;
