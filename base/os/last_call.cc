#include "base/os/last_call.h"

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
#include <linux/seccomp.h>
#include <sys/prctl.h>
#endif

namespace ipcsuite::os {

bool DieAtNextSystemCall() {
#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0;
#else
  return false;
#endif
}

}  // namespace ipcsuite::os
