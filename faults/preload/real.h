// The libc entries below the library: found once with dlsym(RTLD_NEXT), called by wrappers and
// faults. A name that this libc does not have stays null. Offsets and times have the width this
// library is compiled with (64 bits, see BUILD), so on a 32-bit libc the 64-bit entries are the
// ones found.
#pragma once

#include <aio.h>
#include <mqueue.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "faults/preload/calls.h"

// X(name, return type, parameters): the calls that have a wrapper of their own. Those that need
// none are rows of calls.h.
#define IPC_REAL_CALLS(X)                                                              \
  X(read, ssize_t, (int, void*, size_t))                                               \
  X(readv, ssize_t, (int, const iovec*, int))                                          \
  X(pread, ssize_t, (int, void*, size_t, off_t))                                       \
  X(preadv, ssize_t, (int, const iovec*, int, off_t))                                  \
  X(write, ssize_t, (int, const void*, size_t))                                        \
  X(writev, ssize_t, (int, const iovec*, int))                                         \
  X(pwrite, ssize_t, (int, const void*, size_t, off_t))                                \
  X(pwritev, ssize_t, (int, const iovec*, int, off_t))                                 \
  X(preadv2, ssize_t, (int, const iovec*, int, off_t, int))                            \
  X(pwritev2, ssize_t, (int, const iovec*, int, off_t, int))                           \
  X(pipe, int, (int*))                                                                 \
  X(pipe2, int, (int*, int))                                                           \
  X(close, int, (int))                                                                 \
  X(dup, int, (int))                                                                   \
  X(dup2, int, (int, int))                                                             \
  X(dup3, int, (int, int, int))                                                        \
  X(fcntl, int, (int, int, ...))                                                       \
  X(lseek, off_t, (int, off_t, int))                                                   \
  X(fsync, int, (int))                                                                 \
  X(fdatasync, int, (int))                                                             \
  X(ftruncate, int, (int, off_t))                                                      \
  X(posix_fallocate, int, (int, off_t, off_t))                                         \
  X(posix_fadvise, int, (int, off_t, off_t, int))                                      \
  X(fpathconf, long, (int, int))                                                       \
  X(pathconf, long, (const char*, int))                                                \
  X(fstat, int, (int, struct stat*))                                                   \
  X(fchmod, int, (int, mode_t))                                                        \
  X(fchown, int, (int, uid_t, gid_t))                                                  \
  X(open, int, (const char*, int, ...))                                                \
  X(openat, int, (int, const char*, int, ...))                                         \
  X(mkfifo, int, (const char*, mode_t))                                                \
  X(mkfifoat, int, (int, const char*, mode_t))                                         \
  X(mknod, int, (const char*, mode_t, dev_t))                                          \
  X(mknodat, int, (int, const char*, mode_t, dev_t))                                   \
  X(unlink, int, (const char*))                                                        \
  X(unlinkat, int, (int, const char*, int))                                            \
  X(fstatat, int, (int, const char*, struct stat*, int))                               \
  X(poll, int, (pollfd*, nfds_t, int))                                                 \
  X(ppoll, int, (pollfd*, nfds_t, const timespec*, const sigset_t*))                   \
  X(select, int, (int, fd_set*, fd_set*, fd_set*, timeval*))                           \
  X(pselect, int, (int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*))  \
  X(mmap, void*, (void*, size_t, int, int, int, off_t))                                \
  X(munmap, int, (void*, size_t))                                                      \
  X(mprotect, int, (void*, size_t, int))                                               \
  X(msync, int, (void*, size_t, int))                                                  \
  X(mlock, int, (const void*, size_t))                                                 \
  X(munlock, int, (const void*, size_t))                                               \
  X(posix_madvise, int, (void*, size_t, int))                                          \
  X(mq_open, mqd_t, (const char*, int, ...))                                           \
  X(mq_close, int, (mqd_t))                                                            \
  X(mq_getattr, int, (mqd_t, mq_attr*))                                                \
  X(mq_setattr, int, (mqd_t, const mq_attr*, mq_attr*))                                \
  X(mq_send, int, (mqd_t, const char*, size_t, unsigned))                              \
  X(mq_receive, ssize_t, (mqd_t, char*, size_t, unsigned*))                            \
  X(mq_timedsend, int, (mqd_t, const char*, size_t, unsigned, const timespec*))        \
  X(mq_timedreceive, ssize_t, (mqd_t, char*, size_t, unsigned*, const timespec*))      \
  X(mq_notify, int, (mqd_t, const sigevent*))                                          \
  X(clock_gettime, int, (clockid_t, timespec*))                                        \
  X(clock_getres, int, (clockid_t, timespec*))                                         \
  X(sem_open, sem_t*, (const char*, int, ...))                                         \
  X(sem_timedwait, int, (sem_t*, const timespec*))                                     \
  X(sem_clockwait, int, (sem_t*, clockid_t, const timespec*))                          \
  X(fork, pid_t, ())                                                                   \
  X(execve, int, (const char*, char* const*, char* const*))                            \
  X(execvp, int, (const char*, char* const*))                                          \
  X(execvpe, int, (const char*, char* const*, char* const*))                           \
  X(fexecve, int, (int, char* const*, char* const*))                                   \
  X(_exit, void, (int))                                                                \
  X(exit, void, (int))                                                                 \
  X(posix_spawn, int,                                                                  \
    (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, \
     char* const*, char* const*))                                                      \
  X(posix_spawnp, int,                                                                 \
    (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, \
     char* const*, char* const*))                                                      \
  X(aio_read, int, (aiocb*))                                                           \
  X(aio_write, int, (aiocb*))                                                          \
  X(aio_return, ssize_t, (aiocb*))                                                     \
  X(aio_error, int, (const aiocb*))

namespace faults::real {
#define IPC_DECLARE(name, result, parameters) extern result(*name) parameters;
IPC_REAL_CALLS(IPC_DECLARE)
#undef IPC_DECLARE
#define IPC_DECLARE(result, name, parameters, arguments) extern result(*name) parameters;
IPC_PLAIN_CALLS(IPC_DECLARE)
#undef IPC_DECLARE

// Looks all of them up. Called once before main.
void Resolve();
}  // namespace faults::real
