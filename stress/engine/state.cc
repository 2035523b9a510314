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

#define IPCSUITE_STRESS_TEXT(constant, text) text,

const char* ToString(CallId call) {
  static const char* const kNames[] = {IPCSUITE_STRESS_CALLS(IPCSUITE_STRESS_TEXT)};
  return kNames[static_cast<int>(call)];
}

const char* ToString(Kind kind) {
  static const char* const kNames[] = {IPCSUITE_STRESS_FINDINGS(IPCSUITE_STRESS_TEXT)};
  return kNames[static_cast<int>(kind)];
}

}  // namespace ipcsuite::stress
