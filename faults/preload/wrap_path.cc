// Calls that name a FIFO: making, opening, removing.
#include <fcntl.h>
#include <unistd.h>

#include <cstdarg>

#include "faults/preload/wrap.h"

// Macros in musl before 1.2.4: the symbols of that name are wanted.
#undef open64
#undef openat64

using namespace faults;

namespace {

bool IsFifo(int dir, const char* path, int flags) {
  struct stat s;
  int saved = errno;
  bool yes = path && real::fstatat(dir, path, &s, flags) == 0 && S_ISFIFO(s.st_mode);
  errno = saved;
  return yes;
}

int DoOpen(int dir, const char* path, int flags, mode_t mode) {
  if (Active() && !(flags & O_PATH) && IsFifo(dir, path, 0)) {
    return hooks.open_fifo(dir, path, flags, mode);
  }
  return real::openat(dir, path, flags, mode);
}

mode_t ModeOf(int flags, va_list list) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

int DoMkfifo(int dir, const char* path, mode_t mode) {
  return Active() ? hooks.mkfifoat(dir, path, mode) : real::mkfifoat(dir, path, mode);
}

int DoMknod(int dir, const char* path, mode_t mode, dev_t dev) {
  return Active() && S_ISFIFO(mode) ? hooks.mknodat(dir, path, mode, dev)
                                    : real::mknodat(dir, path, mode, dev);
}

}  // namespace

#define IPC_OPEN(name)                                    \
  IPC_WRAP(int, name, const char* path, int flags, ...) { \
    va_list list;                                         \
    va_start(list, flags);                                \
    mode_t mode = ModeOf(flags, list);                    \
    va_end(list);                                         \
    return DoOpen(AT_FDCWD, path, flags, mode);           \
  }
#define IPC_OPENAT(name)                                           \
  IPC_WRAP(int, name, int dir, const char* path, int flags, ...) { \
    va_list list;                                                  \
    va_start(list, flags);                                         \
    mode_t mode = ModeOf(flags, list);                             \
    va_end(list);                                                  \
    return DoOpen(dir, path, flags, mode);                         \
  }
IPC_OPEN(open)
IPC_OPEN(open64)
IPC_OPENAT(openat)
IPC_OPENAT(openat64)
IPC_WRAP(int, __open_2, const char* path, int flags) { return DoOpen(AT_FDCWD, path, flags, 0); }
IPC_WRAP(int, __open64_2, const char* path, int flags) { return DoOpen(AT_FDCWD, path, flags, 0); }
IPC_WRAP(int, __openat_2, int dir, const char* path, int flags) {
  return DoOpen(dir, path, flags, 0);
}
IPC_WRAP(int, __openat64_2, int dir, const char* path, int flags) {
  return DoOpen(dir, path, flags, 0);
}
IPC_WRAP(int, creat, const char* path, mode_t mode) {
  return DoOpen(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
IPC_WRAP(int, creat64, const char* path, mode_t mode) {
  return DoOpen(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
IPC_WRAP(int, mkfifo, const char* path, mode_t mode) { return DoMkfifo(AT_FDCWD, path, mode); }
IPC_WRAP(int, mkfifoat, int dir, const char* path, mode_t mode) {
  return DoMkfifo(dir, path, mode);
}
IPC_WRAP(int, mknod, const char* path, mode_t mode, dev_t dev) {
  return DoMknod(AT_FDCWD, path, mode, dev);
}
IPC_WRAP(int, mknodat, int dir, const char* path, mode_t mode, dev_t dev) {
  return DoMknod(dir, path, mode, dev);
}
IPC_WRAP(int, __xmknod, int, const char* path, mode_t mode, dev_t* dev) {
  return DoMknod(AT_FDCWD, path, mode, *dev);
}
IPC_WRAP(int, unlink, const char* path) {
  if (Active() && IsFifo(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)) {
    return hooks.unlink_fifo(AT_FDCWD, path);
  }
  return real::unlink(path);
}
IPC_WRAP(int, unlinkat, int dir, const char* path, int flags) {
  if (Active() && flags == 0 && IsFifo(dir, path, AT_SYMLINK_NOFOLLOW)) {
    return hooks.unlink_fifo(dir, path);
  }
  return real::unlinkat(dir, path, flags);
}
