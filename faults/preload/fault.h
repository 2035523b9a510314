// What a fault is made of. The wrappers (wrap_*.cc) replace the libc entries; when the call is
// about an object under test they call one hook each, which by default is the real call. A fault or
// variant (a Row, see list.h) installs a few hooks. Exactly one is active in a process, chosen by
// IPCSUITE_FAULT.
#pragma once

#include <cerrno>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include "faults/preload/calls.h"
#include "faults/preload/list.h"
#include "faults/preload/real.h"

namespace faults {

enum class Kind : uint8_t { none, bad, pipe, fifo, shm, queue };

// A descriptor and the object that it refers to. `bad` is a closed or impossible descriptor.
struct Obj {
  int fd = -1;
  Kind kind = Kind::none;
  dev_t dev = 0;
  ino_t ino = 0;
  bool stream() const { return kind == Kind::pipe || kind == Kind::fifo; }
  bool ipc() const { return stream() || kind == Kind::shm || kind == Kind::queue; }
  uint64_t key() const { return (static_cast<uint64_t>(dev) << 40) ^ static_cast<uint64_t>(ino); }
};

// One function per thing that can be broken. Variants of a call come to the same hook: readv() to
// `read` through a bounce buffer if only `read` is replaced, pipe() to `pipe2` with flags 0,
// mq_send() to `mq_send` with a null time, select() and ppoll() to `ready`.
struct Hooks {
  // streams: pipes and FIFOs
  ssize_t (*read)(const Obj&, void*, size_t);
  ssize_t (*readv)(const Obj&, const iovec*, int);
  ssize_t (*pread)(const Obj&, void*, size_t, off_t);
  ssize_t (*write)(const Obj&, const void*, size_t);
  ssize_t (*writev)(const Obj&, const iovec*, int);
  ssize_t (*pwrite)(const Obj&, const void*, size_t, off_t);
  int (*pipe2)(int*, int flags);
  int (*mkfifoat)(int dir, const char*, mode_t);
  int (*mknodat)(int dir, const char*, mode_t, dev_t);
  int (*open_fifo)(int dir, const char*, int flags, mode_t);  // the path names a FIFO
  int (*unlink_fifo)(int dir, const char*);
  off_t (*lseek)(const Obj&, off_t, int);
  int (*fsync)(const Obj&);
  int (*fdatasync)(const Obj&);
  int (*fallocate)(const Obj&, off_t, off_t);
  int (*fadvise)(const Obj&, off_t, off_t, int);
  long (*fpathconf)(const Obj&, int);
  long (*pathconf_fifo)(const char*, int);
  int (*stat_fifo)(int dir, const char*, struct stat*, int flags);
  int (*stat_other)(int dir, const char*, struct stat*, int flags);  // of anything else
  int (*aio_read)(aiocb*);
  int (*aio_write)(aiocb*);
  ssize_t (*aio_return)(aiocb*);
  int (*aio_error)(const aiocb*);
  // any kind of descriptor under test
  int (*close)(const Obj&);
  int (*dup)(const Obj&);
  int (*dup2)(const Obj& from, const Obj& to);
  int (*dup3)(const Obj& from, const Obj& to, int flags);
  int (*fcntl)(const Obj&, int command, long argument);
  int (*fstat)(const Obj&, struct stat*);
  int (*fstat_other)(int fd, struct stat*);  // of anything else
  int (*ftruncate)(const Obj&, off_t);
  int (*fchmod)(const Obj&, mode_t);
  int (*fchown)(const Obj&, uid_t, gid_t);
  // readiness: `ready` corrects the events of one descriptor for all calls; the others replace one
  short (*ready)(const Obj&, short events, short revents);
  int (*poll)(pollfd*, nfds_t, int);
  int (*ppoll)(pollfd*, nfds_t, const timespec*, const sigset_t*);
  int (*select)(int, fd_set*, fd_set*, fd_set*, timeval*);
  int (*pselect)(int, fd_set*, fd_set*, fd_set*, const timespec*, const sigset_t*);
  // shared memory, also as a file
  ssize_t (*read_shm)(const Obj&, void*, size_t);
  ssize_t (*write_shm)(const Obj&, const void*, size_t);
  off_t (*lseek_shm)(const Obj&, off_t, int);
  void* (*mmap)(const Obj&, void*, size_t, int prot, int flags, off_t);
  void* (*mmap_other)(void*, size_t, int prot, int flags, int fd, off_t);  // of anything else
  int (*munmap)(void*, size_t);
  int (*mprotect)(void*, size_t, int);
  int (*mprotect_other)(void*, size_t, int);  // of anything else
  int (*msync)(void*, size_t, int);
  int (*mlock)(const void*, size_t);
  int (*munlock)(const void*, size_t);
  int (*posix_madvise)(void*, size_t, int);
  // message queues; as files where their descriptors are ones
  ssize_t (*pread_queue)(const Obj&, void*, size_t, off_t);
  mqd_t (*mq_open)(const char*, int flags, mode_t, const mq_attr*);
  int (*mq_close)(const Obj&);
  int (*mq_getattr)(const Obj&, mq_attr*);
  int (*mq_setattr)(const Obj&, const mq_attr*, mq_attr*);
  int (*mq_send)(const Obj&, const char*, size_t, unsigned, const timespec*);
  ssize_t (*mq_receive)(const Obj&, char*, size_t, unsigned*, const timespec*);
  int (*mq_notify)(const Obj&, const sigevent*);
  // clocks
  int (*clock_gettime)(clockid_t, timespec*);
  int (*clock_getres)(clockid_t, timespec*);
  // semaphores (the calls without a deadline are in calls.h)
  sem_t* (*sem_open)(const char*, int flags, mode_t, unsigned value);
  int (*sem_timedwait)(sem_t*, const timespec*);
  int (*sem_clockwait)(sem_t*, clockid_t, const timespec*);
  // processes; exec sees every exec*() and calls `before`, and `failed` when it came back
  void (*after_fork_in_child)();
  void (*before_exec)();
  void (*failed_exec)();
  void (*before_exit)();
  // calls whose hook takes what the call takes (calls.h)
#define IPC_HOOK(result, name, parameters, arguments) result(*name) parameters;
  IPC_PLAIN_CALLS(IPC_HOOK)
#undef IPC_HOOK
};

extern Hooks hooks;

// The next thing down, for faults that change arguments or results only.
const Hooks& DefaultHooks();

// One table of rows. A bank registers it where it defines it; core.cc finds all tables in a section
// of the library, since it needs them before any constructor has run.
struct Bank {
  const Row* rows;
  size_t count;
};
#define FAULTS_REGISTER(rows)                                                           \
  __attribute__((section("ipcfaults_banks"), used)) constinit Bank rows##_bank = {rows, \
                                                                                  std::size(rows)}

// Whether a row (the neutral one too) is active; otherwise wrappers only pass calls on.
bool Active();
// Looks at the descriptor with one system call each for type and file system; keeps errno. The
// standard streams, and whatever is the same object as they, are Kind::none.
Obj ObjectOf(int fd);

inline int Fail(int error) {
  errno = error;
  return -1;
}

// ---- ready-made hooks ------------------------------------------------------------------------

// A number as the result type of a call: what -1 is for mmap() is a pointer.
template <class R>
R ResultOf(intptr_t n) {
  if constexpr (std::is_pointer_v<R>) {
    return reinterpret_cast<R>(n);
  } else {
    return static_cast<R>(n);
  }
}

template <auto Member>
struct Edit;  // Edit<&Hooks::read>::Errno<EBADF, EINVAL> and the like

template <class R, class... A, R (*Hooks::*Member)(A...)>
struct Edit<Member> {
  // The call fails with To where it should fail with From.
  template <int From, int To>
  static void Errno(Hooks& table) {
    table.*Member = [](A... a) -> R {
      R r = (DefaultHooks().*Member)(a...);
      if (r == ResultOf<R>(-1) && errno == From) errno = To;
      return r;
    };
  }
  // The call returns Value where it should fail with From.
  template <int From, int Value>
  static void Accept(Hooks& table) {
    table.*Member = [](A... a) -> R {
      R r = (DefaultHooks().*Member)(a...);
      if (r == ResultOf<R>(-1) && errno == From) return ResultOf<R>(Value);
      return r;
    };
  }
  // The call does nothing and returns Value.
  template <int Value>
  static void Nothing(Hooks& table) {
    table.*Member = [](A...) -> R { return ResultOf<R>(Value); };
  }
  // The call always fails with Error.
  template <int Error>
  static void Always(Hooks& table) {
    table.*Member = [](A...) -> R {
      errno = Error;
      return ResultOf<R>(-1);
    };
  }
};

}  // namespace faults
