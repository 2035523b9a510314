#include "harness/runner/result_log.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace ipcsuite::internal {

void ResultLog::Append(std::string_view line) {
  const std::uint64_t at = used.load(std::memory_order_relaxed);
  if (at + line.size() > kBytes) {
    lost.fetch_add(1);
    return;
  }
  std::memcpy(text + at, line.data(), line.size());
  used.store(at + line.size(), std::memory_order_release);
}

void UnmapResultLog::operator()(ResultLog* log) const { munmap(log, sizeof(ResultLog)); }

std::unique_ptr<ResultLog, UnmapResultLog> NewResultLog() {
  int flags = MAP_SHARED | MAP_ANONYMOUS;
#ifdef MAP_NORESERVE
  flags |= MAP_NORESERVE;
#endif
  void* memory = mmap(nullptr, sizeof(ResultLog), PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "mapping memory for results");
  return std::unique_ptr<ResultLog, UnmapResultLog>(static_cast<ResultLog*>(memory));
}

}  // namespace ipcsuite::internal
