// Cancellation of another thread, as set-up of what a test judges.
#pragma once

#include <pthread.h>

namespace ipcsuite {

// pthread_cancel(). C libraries make it of a signal: ends the test as UNSUPPORTED where the system
// can't queue one, and as UNRESOLVED on any other failure.
void RequestCancellation(pthread_t thread);

}  // namespace ipcsuite
