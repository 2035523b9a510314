// Room for message queues, of which each user has a share (RLIMIT_MSGQUEUE on Linux).
#pragma once

#include <cstddef>

namespace ipcsuite {

// What the smallest queues that tests make take up, the system's own share of it included.
inline constexpr std::size_t kSmallQueueBytes = 1024;

// Whether waiting may help a call that failed since queues use all room up: false when the caller's
// share is so small that a queue with messages of these bytes never fits.
bool QueueRoomMayReturn(std::size_t message_bytes = kSmallQueueBytes);

}  // namespace ipcsuite
