#include "harness/runner/result_log.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace ipcsuite::internal {
namespace {

// A test's line has 600 bytes in the mean; one with failures, processes and a metric's samples,
// some tens of thousands. Pages are taken as they are used.
constexpr std::size_t kBytesPerTest = 8u << 10;
constexpr std::size_t kBytesMin = 1u << 20;

void* Map(std::size_t bytes) {
  int flags = MAP_SHARED | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
}

}  // namespace

ResultLog::ResultLog(std::size_t tests) : bytes_(kBytesMin + tests * kBytesPerTest) {
  void* memory = Map(bytes_);
  while (memory == MAP_FAILED && bytes_ > kBytesMin) {
    bytes_ = std::max(bytes_ / 2, kBytesMin);
    memory = Map(bytes_);
  }
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "mapping memory for results");
  head_ = static_cast<Head*>(memory);
  text_ = reinterpret_cast<char*>(head_ + 1);
}

ResultLog::~ResultLog() { munmap(head_, bytes_); }

void ResultLog::Append(std::string_view line) {
  const std::uint64_t at = head_->used.load(std::memory_order_relaxed);
  if (sizeof(Head) + at + line.size() > bytes_) {
    head_->lost.fetch_add(1);
    return;
  }
  std::memcpy(text_ + at, line.data(), line.size());
  head_->used.store(at + line.size(), std::memory_order_release);
}

std::string_view ResultLog::lines() const {
  return std::string_view(text_, head_->used.load(std::memory_order_acquire));
}

std::uint32_t ResultLog::lost() const { return head_->lost.load(); }

}  // namespace ipcsuite::internal
