#include "stress/engine/state.h"

#include <sys/mman.h>
#include <unistd.h>

namespace ipcsuite::stress {

SharedRegion::SharedRegion(std::size_t bytes)
    : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
  size_ = (bytes + page_ - 1) / page_ * page_;
  int flags = MAP_SHARED | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  void* const at = mmap(nullptr, size_, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<char*>(at);
}

SharedRegion::~SharedRegion() { munmap(base_, size_); }

void* SharedRegion::Take(std::size_t bytes) {
  const std::size_t rounded = (bytes + page_ - 1) / page_ * page_;
  if (rounded > size_ - used_) throw std::bad_alloc();
  void* const at = base_ + used_;
  used_ += rounded;
  return at;
}

const char* ToString(CallId call) {
  static const char* const kNames[] = {"no call",
                                       "write",
                                       "read",
                                       "mq_send",
                                       "mq_receive",
                                       "mq_notify",
                                       "sigtimedwait",
                                       "open",
                                       "close",
                                       "unlink",
                                       "ftruncate",
                                       "mmap",
                                       "pthread_mutex_lock",
                                       "pthread_mutex_unlock",
                                       "futex",
                                       "spinning",
                                       "poll"};
  return kNames[static_cast<int>(call)];
}

const char* ToString(Kind kind) {
  static const char* const kNames[kKinds] = {"lost",
                                             "duplicated",
                                             "out of order",
                                             "torn",
                                             "out of thin air",
                                             "priority inverted",
                                             "wrong errno",
                                             "partial write",
                                             "wrong length",
                                             "spurious EINTR",
                                             "exclusion violated",
                                             "stale data",
                                             "notification lost",
                                             "notification too many",
                                             "notification wrong",
                                             "forbidden outcome",
                                             "stuck",
                                             "robustness violated",
                                             "left behind",
                                             "died"};
  return kNames[static_cast<int>(kind)];
}

}  // namespace ipcsuite::stress
