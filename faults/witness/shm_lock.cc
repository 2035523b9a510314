// Witnesses of memory locks, and of cancellation in calls on shared memory.
#include <pthread.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {

const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));
bool Locked(char* p) { return Fails(msync(p, 1, MS_SYNC | MS_INVALIDATE), EBUSY); }
bool Resident(void* p) {
  unsigned char page = 0;
  return mincore(p, kPage, &page) == 0 && (page & 1);
}

// Whether a thread that has requested its own cancellation gets past the call.
bool GetsPast(std::function<void()> call) {
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void* body) -> void* {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
        pthread_cancel(pthread_self());
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
        (*static_cast<std::function<void()>*>(body))();
        return nullptr;
      },
      &call);
  void* result = nullptr;
  pthread_join(thread, &result);
  return result != PTHREAD_CANCELED;
}

}  // namespace

WITNESS(mlock_does_nothing) {
  Shm s(static_cast<off_t>(kPage));
  char* p = s.Map(kPage);
  return mlock(p, kPage) == 0 && !Resident(p);
}
WITNESS(mlockall_ignores_current) {
  Shm s(10);
  char* p = s.Map(10);
  return mlockall(MCL_CURRENT) == 0 && !Locked(p);
}
WITNESS(mlockall_ignores_future) {
  Shm s(10);
  return mlockall(MCL_FUTURE) == 0 && !Locked(s.Map(10));
}
WITNESS(munlockall_does_nothing) {
  Shm s(10);
  char* p = s.Map(10);
  mlock(p, 10);
  return munlockall() == 0 && Locked(p);
}
WITNESS(msync_not_cancellation_point) {
  Shm s(10);
  char* p = s.Map(10);
  return GetsPast([p] { msync(p, 10, MS_SYNC); });
}
WITNESS(shm_open_is_cancellation_point) {
  return !GetsPast([] { shm_open("/witness-none", O_RDWR, 0); });
}
