#include "suites/mqueue/room.h"

#include <errno.h>
#include <pthread.h>

#include "harness/test/test.h"

namespace ipcsuite::mqueue_suite {

void NeedThreads() {
  Backoff backoff;
  for (int i = 0; i < 200; ++i, backoff.Pause()) {
    pthread_t thread;
    const int error = pthread_create(
        &thread, nullptr, [](void* nothing) { return nothing; }, nullptr);
    if (error == 0) pthread_join(thread, nullptr);
    if (error == EAGAIN)
      Unresolved("no thread can be started for a notification: raise the limit on processes");
  }
}

}  // namespace ipcsuite::mqueue_suite
