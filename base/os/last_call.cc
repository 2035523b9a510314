#include "base/os/last_call.h"

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#endif

namespace ipcsuite::os {

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
namespace {

// What is called before the death.
struct {
  void (*call)(void*);
  void* argument;
} g_before;

void Die(int) {
  g_before.call(g_before.argument);
  kill(getpid(), SIGKILL);
}

// 32-bit systems may have one call for each width of time_t, or only one of them.
#ifdef __NR_futex
constexpr unsigned kFutex = __NR_futex;
#else
constexpr unsigned kFutex = __NR_futex_time64;
#endif
#ifdef __NR_futex_time64
constexpr unsigned kOtherFutex = __NR_futex_time64;
#else
constexpr unsigned kOtherFutex = kFutex;
#endif

}  // namespace

bool DieAtNextWake(void (*before)(void*), void* argument) {
  g_before = {before, argument};
  struct sigaction action {};
  action.sa_handler = Die;
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kFutex, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kOtherFutex, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  const sock_fprog program{sizeof filter / sizeof *filter, filter};
  return sigaction(SIGSYS, &action, nullptr) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
bool DieAtNextWake(void (*)(void*), void*) { return false; }
#endif

}  // namespace ipcsuite::os
