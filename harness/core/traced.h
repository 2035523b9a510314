// The functions of POSIX that tests call, as objects that note in the test's trace with which
// arguments they were called and what they returned.
//
// Inside of CALL(...), and in code that says `using namespace calls`, an unqualified name means the
// object here. (An object, because argument-dependent lookup would find a function of the global
// namespace too.) It behaves as the function does: the same parameters, the same conversions; errno
// is left alone. `::write` is the function itself.
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

namespace ipcsuite {

// Of each of them harness/core/functions.cc knows its parameters.
// clang-format off
#define IPC_TRACED_FUNCTIONS(F) \
  F(read) F(write) F(readv) F(writev) F(pread) F(pwrite) F(open) F(openat) F(creat) F(close)     \
  F(pipe) F(dup) F(dup2) F(fcntl) F(mkfifo) F(mkfifoat) F(mknod) F(mkdir) F(rmdir) F(unlink)     \
  F(rename) F(link) F(symlink) F(chmod) F(fchmod) F(fchown) F(ftruncate) F(truncate) F(fstat)    \
  F(stat) F(lstat) F(lseek) F(fsync) F(fdatasync) F(pathconf) F(fpathconf) F(sysconf) F(umask)   \
  F(poll) F(ppoll) F(select) F(pselect) F(mq_open) F(mq_close) F(mq_unlink) F(mq_send)           \
  F(mq_timedsend) F(mq_receive) F(mq_timedreceive) F(mq_getattr) F(mq_setattr) F(mq_notify)      \
  F(sem_open) F(sem_close) F(sem_unlink) F(sem_init) F(sem_destroy) F(sem_wait) F(sem_trywait)   \
  F(sem_timedwait) F(sem_post) F(sem_getvalue) F(shm_open) F(shm_unlink) F(mmap) F(munmap)       \
  F(mprotect) F(msync) F(mlock) F(munlock) F(mlockall) F(munlockall) F(posix_fallocate)          \
  F(posix_madvise) F(kill) F(raise) F(sigqueue) F(sigaction) F(sigprocmask) F(pthread_sigmask)   \
  F(sigtimedwait) F(sigwaitinfo) F(sigwait) F(sigpending) F(sigsuspend) F(pause) F(alarm)        \
  F(pthread_kill) F(pthread_cancel) F(pthread_mutex_init) F(pthread_mutex_lock)                  \
  F(pthread_mutex_trylock) F(pthread_mutex_unlock) F(pthread_mutex_consistent)                   \
  F(pthread_mutex_timedlock) F(pthread_mutex_destroy) F(pthread_mutexattr_init)                  \
  F(pthread_mutexattr_destroy) F(pthread_mutexattr_setpshared) F(pthread_mutexattr_getpshared)   \
  F(pthread_mutexattr_settype) F(pthread_mutexattr_gettype) F(pthread_mutexattr_setrobust)       \
  F(pthread_mutexattr_getrobust) F(pthread_mutexattr_setprotocol)                                \
  F(pthread_mutexattr_getprotocol) F(pthread_cond_init) F(pthread_cond_wait)                     \
  F(pthread_cond_timedwait) F(pthread_cond_signal) F(pthread_cond_broadcast)                     \
  F(pthread_cond_destroy) F(pthread_condattr_init) F(pthread_condattr_destroy)                   \
  F(pthread_condattr_setpshared) F(pthread_condattr_getpshared) F(pthread_condattr_setclock)     \
  F(pthread_condattr_getclock) F(pthread_rwlock_init) F(pthread_rwlock_rdlock)                   \
  F(pthread_rwlock_tryrdlock) F(pthread_rwlock_timedrdlock) F(pthread_rwlock_wrlock)             \
  F(pthread_rwlock_trywrlock) F(pthread_rwlock_timedwrlock) F(pthread_rwlock_unlock)             \
  F(pthread_rwlock_destroy) F(pthread_rwlockattr_init) F(pthread_rwlockattr_destroy)             \
  F(pthread_rwlockattr_setpshared) F(pthread_rwlockattr_getpshared) F(pthread_barrier_init)      \
  F(pthread_barrier_wait) F(pthread_barrier_destroy) F(pthread_barrierattr_init)                 \
  F(pthread_barrierattr_destroy) F(pthread_barrierattr_setpshared)                               \
  F(pthread_barrierattr_getpshared) F(pthread_spin_init) F(pthread_spin_lock)                    \
  F(pthread_spin_trylock) F(pthread_spin_unlock) F(pthread_spin_destroy) F(setrlimit)            \
  F(getrlimit) F(fork) F(waitpid) F(mknodat) F(posix_fadvise)                                    \
  F(pthread_mutexattr_setprioceiling) F(pthread_mutexattr_getprioceiling)
// Where they exist.
#if defined(__linux__)
#define IPC_TRACED_EXTENSIONS(F) F(pipe2) F(dup3)
#elif defined(__FreeBSD__)
#define IPC_TRACED_EXTENSIONS(F) F(pipe2)
#else
#define IPC_TRACED_EXTENSIONS(F)
#endif
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 30)
#define IPC_TRACED_CLOCK_WAYS(F) \
  F(sem_clockwait) F(pthread_mutex_clocklock) F(pthread_cond_clockwait) \
  F(pthread_rwlock_clockrdlock) F(pthread_rwlock_clockwrlock)
#else
#define IPC_TRACED_CLOCK_WAYS(F)
#endif
// clang-format on

enum class Function : std::uint8_t {
  none,
#define IPC_FUNCTION_(name) name,
  IPC_TRACED_FUNCTIONS(IPC_FUNCTION_) IPC_TRACED_EXTENSIONS(IPC_FUNCTION_)
      IPC_TRACED_CLOCK_WAYS(IPC_FUNCTION_)
#undef IPC_FUNCTION_
          count
};

namespace internal {

// The entry of a traced call; number 0 outside of a test.
struct TraceMark {
  std::uint32_t number = 0;
  bool in_call = false;  // the entry is that of the CALL around it
};
// Both keep errno.
TraceMark BeginFunction(Function function, const std::uint64_t* words, int count);
void EndFunction(TraceMark mark, std::int64_t value);

template <typename T>
std::uint64_t ToWord(const T& value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  } else {
    std::uint64_t word = 0;  // union sigval
    std::memcpy(&word, &value, sizeof value < sizeof word ? sizeof value : sizeof word);
    return word;
  }
}

template <typename F>
auto PerformTraced(Function function, const std::uint64_t* words, int count, F&& call) {
  const TraceMark mark = BeginFunction(function, words, count);
  const auto value = call();
  if (mark.number != 0) EndFunction(mark, static_cast<std::int64_t>(ToWord(value)));
  return value;
}

template <Function id, typename T>
struct Traced;

template <Function id, typename R, typename... A, bool n>
struct Traced<id, R (*)(A...) noexcept(n)> {
  R (*function)(A...) noexcept(n);
  R operator()(A... arguments) const {
    const std::uint64_t words[] = {ToWord(arguments)..., 0};
    return PerformTraced(id, words, sizeof...(A), [&] { return function(arguments...); });
  }
};

template <Function id, typename R, typename... A, bool n>
struct Traced<id, R (*)(A..., ...) noexcept(n)> {
  R (*function)(A..., ...) noexcept(n);
  template <typename... V>
  R operator()(A... arguments, V... further) const {
    const std::uint64_t words[] = {ToWord(arguments)..., ToWord(further)..., 0};
    return PerformTraced(id, words, sizeof...(A) + sizeof...(V),
                         [&] { return function(arguments..., further...); });
  }
};

}  // namespace internal

namespace calls {
// Attributes of the C library's declarations are of no use in a template's argument.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#define IPC_TRACED_(name) \
  inline constexpr internal::Traced<Function::name, decltype(&::name)> name{&::name};
IPC_TRACED_FUNCTIONS(IPC_TRACED_)
IPC_TRACED_EXTENSIONS(IPC_TRACED_) IPC_TRACED_CLOCK_WAYS(IPC_TRACED_)
#undef IPC_TRACED_
#pragma GCC diagnostic pop
}  // namespace calls

}  // namespace ipcsuite
