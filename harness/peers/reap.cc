#include "harness/peers/reap.h"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

namespace ipcsuite {

void KillAndReap(pid_t child, int* status) {
  if (kill(child, SIGKILL) != 0) return;
  while (waitpid(child, status, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ipcsuite
