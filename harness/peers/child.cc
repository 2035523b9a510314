#include "harness/peers/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/os/os.h"
#include "harness/core/matchers.h"
#include "harness/objects/privilege.h"
#include "harness/objects/resources.h"
#include "harness/peers/peer.h"

namespace ipcsuite {

void InChild(const std::function<void()>& body) {
  Peer child([&](Peer::Self&) { body(); });
  const int status = child.Join();
  // What ended the child (a privilege that is absent, no room) ends the test too.
  if (CurrentSlot()->outcome.load() != 0) throw TestAbort();
  // No body sends it: the kernel did, for want of memory.
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    Unresolved("the child was killed by SIGKILL: give the machine more memory");
  EXPECT_TRUE(WIFEXITED(status)) << "the child was killed by "
                                 << SignalName(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

void EnterPrivatePlace(const std::string& options) {
  if (access(kShmPlace, F_OK) != 0) Unresolved(TroubleOfShmPlace());
  EnterPrivateNamespaces(os::kMounts);
  if (const int error = os::Mount("tmpfs", kShmPlace, {.data = options}); error != 0) {
    Unsupported("a tmpfs with \"" + options + "\" can't be mounted here (" + ErrnoName(error) +
                ")");
  }
}

void MakePrivatePlaceReadOnly(const std::string& options) {
  Setup(CALL_ERRNO(
      os::Mount("tmpfs", kShmPlace, {.remount = true, .read_only = true, .data = options})));
}

}  // namespace ipcsuite
