#include "base/os/memory.h"

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>
#endif

namespace ipcsuite::os {

#if defined(__linux__) && !defined(IPCSUITE_POSIX_ALONE)
std::optional<std::size_t> ResidentPages(const void* address, std::size_t length) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(length / page);
  if (mincore(const_cast<void*>(address), length, pages.data()) != 0) return std::nullopt;
  return static_cast<std::size_t>(
      std::count_if(pages.begin(), pages.end(), [](unsigned char p) { return p & 1; }));
}
#else
std::optional<std::size_t> ResidentPages(const void*, std::size_t) { return std::nullopt; }
#endif

}  // namespace ipcsuite::os
