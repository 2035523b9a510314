#include "harness/objects/queue_room.h"

#include <sys/resource.h>

namespace ipcsuite {

bool QueueRoomMayReturn([[maybe_unused]] std::size_t message_bytes) {
#ifdef RLIMIT_MSGQUEUE
  rlimit share{};
  return getrlimit(RLIMIT_MSGQUEUE, &share) != 0 || share.rlim_cur == RLIM_INFINITY ||
         share.rlim_cur >= message_bytes;
#else
  return true;
#endif
}

}  // namespace ipcsuite
