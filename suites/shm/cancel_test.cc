// Cancellation: of the functions of shared memory msync() alone acts on a request (XSH 2.9.5.2).
#include <pthread.h>

#include <atomic>

#include "harness/test/test.h"
#include "spec/clauses/shm.h"
#include "suites/shm/support.h"

namespace ipcsuite::shm_suite {
namespace {

// A request for the calling thread that a cancellation point would act on.
void RequestOwnCancellation() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  pthread_cancel(pthread_self());
  pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
}

#if defined(_POSIX_SYNCHRONIZED_IO) || defined(_XOPEN_VERSION)
// On a regular file: what msync() does to a shared memory object is unspecified.
IPC_TEST(ShmCancellation, MsyncActsOnAPendingRequest, clause::msync::cancellation_point) {
  const Fd file = RegularFile(PageSize());
  Mapping view = Mapping::Of(file, PageSize());
  ThreadPeer peer;
  const Call call = peer.start([&] {
    RequestOwnCancellation();
    return CALL(msync(view.data(), PageSize(), MS_SYNC));
  });
  EXPECT_THAT(call.result(), IsCancelled());
}
#endif

// What the thread has reached, and what each step before returned.
struct Steps {
  const char* next = "pthread_setcancelstate()";
  bool ok = true;
  int fd = -1;
  int error = 0;  // of shm_open()
};

// No CALL and no check up to the end: the harness must not be the cancellation point.
void UseAnObject(const char* name, Steps& steps) {
  const auto step = [&](const char* function, bool succeeds) {
    steps.ok = steps.ok && succeeds;
    if (steps.ok) steps.next = function;
  };
  const std::size_t size = PageSize();
  steps.next = "shm_open()";
  steps.fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (steps.fd < 0) steps.error = errno;
  step("ftruncate()", steps.fd >= 0);
  step("mmap()", ftruncate(steps.fd, static_cast<off_t>(size)) == 0);
  void* at = mmap(nullptr, size, PROT_READ, MAP_SHARED, steps.fd, 0);
  step("mprotect()", at != MAP_FAILED);
  step("mlock()", mprotect(at, size, PROT_READ | PROT_WRITE) == 0);
  // Locking may not be permitted here; that it is not a cancellation point holds all the same.
  if (mlock(at, size) == 0) munlock(at, size);
  step("munmap()", true);
  step("shm_unlink()", munmap(at, size) == 0);
  step("pthread_testcancel()", shm_unlink(name) == 0);
}

IPC_TEST(ShmCancellation, OtherFunctionsAreNoCancellationPoints,
         clause::shm::not_cancellation_points) {
  const UniqueName name = UniqueName::Shm();
  Steps steps;
  std::atomic<bool> survived{false};
  ThreadPeer peer;
  const Call call = peer.start([&] {
    RequestOwnCancellation();
    UseAnObject(name.c_str(), steps);
    pthread_testcancel();
    survived = true;
  });
  const CallResult end = call.result();
  const Fd closes(steps.fd);
  if (steps.error == ENOSPC || steps.error == EMFILE || steps.error == ENFILE)
    Unresolved("set-up failed: shm_open() fails with " + ErrnoName(steps.error));
  EXPECT_THAT(end, IsCancelled());
  EXPECT_FALSE(survived.load());
  EXPECT_TRUE(steps.ok) << steps.next << " failed";
  EXPECT_STREQ(steps.next, "pthread_testcancel()") << "the thread ended in this function";
}

}  // namespace
}  // namespace ipcsuite::shm_suite
