// Preloaded: functions of the C library that are not there. IPCSUITE_ABSENT names them, each with
// the error that its calls end with: "mq_open=ENOSYS,mkfifo=EPERM". Includes only libc.
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

namespace {

struct NamedError {
  const char* name;
  int number;
};
constexpr NamedError kErrors[] = {
    {"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EACCES", EACCES}, {"ENOTSUP", ENOTSUP}};

// The error that calls of the function end with; 0: it is there.
int ErrorOf(const char* function) {
  const char* at = getenv("IPCSUITE_ABSENT");
  const size_t length = strlen(function);
  while (at != nullptr) {
    if (strncmp(at, function, length) == 0 && at[length] == '=') {
      for (const NamedError& error : kErrors) {
        if (strncmp(at + length + 1, error.name, strlen(error.name)) == 0) return error.number;
      }
    }
    at = strchr(at, ',');
    if (at != nullptr) ++at;
  }
  return 0;
}

}  // namespace

// Arguments pass through as the machine passes integers and pointers: in registers, whatever their
// types (64-bit machines). `failure` is what the function returns with errno set; 1: it returns the
// error number itself.
#define ABSENT(name, failure)                                                                      \
  extern "C" __attribute__((visibility("default"))) long absent_##name(long, long, long, long,     \
                                                                       long, long) __asm__(#name); \
  extern "C" long absent_##name(long a, long b, long c, long d, long e, long f) {                  \
    const int error = ErrorOf(#name);                                                              \
    if (error == 0) {                                                                              \
      using Real = long (*)(long, long, long, long, long, long);                                   \
      return reinterpret_cast<Real>(dlsym(RTLD_NEXT, #name))(a, b, c, d, e, f);                    \
    }                                                                                              \
    if ((failure) == 1) return error;                                                              \
    errno = error;                                                                                 \
    return failure;                                                                                \
  }

ABSENT(pipe, -1)
ABSENT(pipe2, -1)
ABSENT(mkfifo, -1)
ABSENT(mkfifoat, -1)
ABSENT(poll, -1)
ABSENT(ppoll, -1)
ABSENT(select, -1)
ABSENT(pselect, -1)
ABSENT(shm_open, -1)
ABSENT(shm_unlink, -1)
ABSENT(msync, -1)
ABSENT(mlock, -1)
ABSENT(munlock, -1)
ABSENT(posix_madvise, 1)
ABSENT(mq_open, -1)
ABSENT(mq_close, -1)
ABSENT(mq_unlink, -1)
ABSENT(mq_send, -1)
ABSENT(mq_timedsend, -1)
ABSENT(mq_receive, -1)
ABSENT(mq_timedreceive, -1)
ABSENT(mq_notify, -1)
ABSENT(mq_getattr, -1)
ABSENT(mq_setattr, -1)
ABSENT(sem_open, 0)
ABSENT(sem_close, -1)
ABSENT(sem_unlink, -1)
ABSENT(sem_init, -1)
ABSENT(sem_destroy, -1)
ABSENT(sem_wait, -1)
ABSENT(sem_trywait, -1)
ABSENT(sem_timedwait, -1)
ABSENT(sem_clockwait, -1)
ABSENT(sem_post, -1)
ABSENT(sem_getvalue, -1)
