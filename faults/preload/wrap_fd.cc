// Making, duplicating, closing, asking and sizing descriptors.
#include <fcntl.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>

#include "faults/preload/wrap.h"

using namespace faults;

namespace {

int DoPipe(int* p, int flags) {
  if (Active()) return hooks.pipe2(p, flags);
  return flags ? real::pipe2(p, flags) : real::pipe(p);
}

// dup2 and dup3 concern the fault when either side is an object under test.
bool Pair(int from, int to, Obj* a, Obj* b) {
  if (!Active() || (from >= 0 && from <= 2) || (to >= 0 && to <= 2)) return false;
  *a = ObjectOf(from);
  *b = ObjectOf(to);
  return a->ipc() || b->ipc();
}

int DoFcntl(int fd, int command, long argument) {
  Obj o;
  return Hooked(fd, &o) ? hooks.fcntl(o, command, argument) : real::fcntl(fd, command, argument);
}

int DoFstat(int fd, struct stat* s) {
  Obj o;
  if (Hooked(fd, &o)) return hooks.fstat(o, s);
  return Active() ? hooks.fstat_other(fd, s) : real::fstat(fd, s);
}

int DoStat(int dir, const char* path, struct stat* s, int flags) {
  if (!Active()) return real::fstatat(dir, path, s, flags);
  const bool fifo = path && real::fstatat(dir, path, s, flags) == 0 && S_ISFIFO(s->st_mode);
  return (fifo ? hooks.stat_fifo : hooks.stat_other)(dir, path, s, flags);
}

int DoTruncate(int fd, off_t n) {
  Obj o;
  return Hooked(fd, &o) ? hooks.ftruncate(o, n) : real::ftruncate(fd, n);
}

}  // namespace

IPC_WRAP(int, pipe, int* p) { return DoPipe(p, 0); }
IPC_WRAP(int, pipe2, int* p, int flags) { return DoPipe(p, flags); }
IPC_WRAP(int, close, int fd) {
  Obj o;
  if (!Hooked(fd, &o)) return real::close(fd);
  return o.kind == Kind::queue ? hooks.mq_close(o) : hooks.close(o);
}
IPC_WRAP(int, dup, int fd) {
  Obj o;
  return Hooked(fd, &o) ? hooks.dup(o) : real::dup(fd);
}
IPC_WRAP(int, dup2, int from, int to) {
  Obj a, b;
  return Pair(from, to, &a, &b) ? hooks.dup2(a, b) : real::dup2(from, to);
}
IPC_WRAP(int, dup3, int from, int to, int flags) {
  Obj a, b;
  return Pair(from, to, &a, &b) ? hooks.dup3(a, b, flags) : real::dup3(from, to, flags);
}
#define IPC_FCNTL(name)                           \
  IPC_WRAP(int, name, int fd, int command, ...) { \
    va_list list;                                 \
    va_start(list, command);                      \
    long argument = va_arg(list, long);           \
    va_end(list);                                 \
    return DoFcntl(fd, command, argument);        \
  }
IPC_FCNTL(fcntl)
IPC_FCNTL(fcntl64)
IPC_FCNTL(__fcntl_time64)

IPC_WRAP(off_t, lseek64, int fd, off_t at, int whence) {
  Obj o;
  if (!Hooked(fd, &o) || o.kind == Kind::queue) return real::lseek(fd, at, whence);
  return o.stream() ? hooks.lseek(o, at, whence) : hooks.lseek_shm(o, at, whence);
}
IPC_WRAP(long, lseek, int fd, long at, int whence) {
  return static_cast<long>(ipcfaults_lseek64(fd, at, whence));
}
IPC_WRAP(int, fsync, int fd) {
  Obj o;
  return HookedStream(fd, &o) ? hooks.fsync(o) : real::fsync(fd);
}
IPC_WRAP(int, fdatasync, int fd) {
  Obj o;
  return HookedStream(fd, &o) ? hooks.fdatasync(o) : real::fdatasync(fd);
}
IPC_WRAP(int, ftruncate, int fd, long n) { return DoTruncate(fd, n); }
IPC_WRAP(int, ftruncate64, int fd, off_t n) { return DoTruncate(fd, n); }
IPC_WRAP(int, posix_fallocate64, int fd, off_t at, off_t n) {
  Obj o;
  return Hooked(fd, &o) ? hooks.fallocate(o, at, n) : real::posix_fallocate(fd, at, n);
}
IPC_WRAP(int, posix_fallocate, int fd, long at, long n) {
  return ipcfaults_posix_fallocate64(fd, at, n);
}
IPC_WRAP(int, posix_fadvise64, int fd, off_t at, off_t n, int advice) {
  Obj o;
  return HookedStream(fd, &o) ? hooks.fadvise(o, at, n, advice)
                              : real::posix_fadvise(fd, at, n, advice);
}
IPC_WRAP(int, posix_fadvise, int fd, long at, long n, int advice) {
  return ipcfaults_posix_fadvise64(fd, at, n, advice);
}
IPC_WRAP(long, fpathconf, int fd, int name) {
  Obj o;
  return Hooked(fd, &o, /*bad_too=*/true) && o.kind != Kind::shm && o.kind != Kind::queue
             ? hooks.fpathconf(o, name)
             : real::fpathconf(fd, name);
}
IPC_WRAP(long, pathconf, const char* path, int name) {
  struct stat s;
  int saved = errno;
  if (Active() && path && real::fstatat(AT_FDCWD, path, &s, 0) == 0 && S_ISFIFO(s.st_mode)) {
    return hooks.pathconf_fifo(path, name);
  }
  errno = saved;
  return real::pathconf(path, name);
}
IPC_WRAP(int, fchmod, int fd, mode_t mode) {
  Obj o;
  return Hooked(fd, &o) ? hooks.fchmod(o, mode) : real::fchmod(fd, mode);
}
IPC_WRAP(int, fchown, int fd, uid_t u, gid_t g) {
  Obj o;
  return Hooked(fd, &o) ? hooks.fchown(o, u, g) : real::fchown(fd, u, g);
}

// The struct stat of the narrow entries is another type on a 32-bit libc; they stay real there.
#if __SIZEOF_POINTER__ == 8
IPC_WRAP(int, fstat, int fd, struct stat* s) { return DoFstat(fd, s); }
IPC_WRAP(int, stat, const char* path, struct stat* s) { return DoStat(AT_FDCWD, path, s, 0); }
IPC_WRAP(int, lstat, const char* path, struct stat* s) {
  return DoStat(AT_FDCWD, path, s, AT_SYMLINK_NOFOLLOW);
}
IPC_WRAP(int, fstatat, int dir, const char* path, struct stat* s, int flags) {
  return DoStat(dir, path, s, flags);
}
IPC_WRAP(int, fstat64, int fd, struct stat* s) { return DoFstat(fd, s); }
IPC_WRAP(int, stat64, const char* path, struct stat* s) { return DoStat(AT_FDCWD, path, s, 0); }
IPC_WRAP(int, lstat64, const char* path, struct stat* s) {
  return DoStat(AT_FDCWD, path, s, AT_SYMLINK_NOFOLLOW);
}
IPC_WRAP(int, fstatat64, int dir, const char* path, struct stat* s, int flags) {
  return DoStat(dir, path, s, flags);
}
// What programs built against glibc before 2.33 call; the version says which struct they mean.
IPC_WRAP(int, __fxstat, int, int fd, struct stat* s) { return DoFstat(fd, s); }
IPC_WRAP(int, __fxstat64, int, int fd, struct stat* s) { return DoFstat(fd, s); }
IPC_WRAP(int, __xstat, int, const char* path, struct stat* s) {
  return DoStat(AT_FDCWD, path, s, 0);
}
IPC_WRAP(int, __xstat64, int, const char* path, struct stat* s) {
  return DoStat(AT_FDCWD, path, s, 0);
}
#else
IPC_WRAP(int, __fstat64_time64, int fd, struct stat* s) { return DoFstat(fd, s); }
IPC_WRAP(int, __stat64_time64, const char* path, struct stat* s) {
  return DoStat(AT_FDCWD, path, s, 0);
}
IPC_WRAP(int, __lstat64_time64, const char* path, struct stat* s) {
  return DoStat(AT_FDCWD, path, s, AT_SYMLINK_NOFOLLOW);
}
IPC_WRAP(int, __fstatat64_time64, int dir, const char* path, struct stat* s, int flags) {
  return DoStat(dir, path, s, flags);
}
#endif
