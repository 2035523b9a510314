#include "harness/objects/cancel.h"

#include <cerrno>

#include "harness/core/call.h"
#include "harness/core/context.h"

namespace ipcsuite {

void RequestCancellation(pthread_t thread) {
  const CallResult requested = CALL_ERRNO(pthread_cancel(thread));
  if (requested.failed_with(EAGAIN)) {
    Unsupported(
        "no thread can be cancelled here (pthread_cancel() fails with EAGAIN, no signal can be "
        "queued): raise RLIMIT_SIGPENDING");
  }
  Setup(requested);
}

}  // namespace ipcsuite
