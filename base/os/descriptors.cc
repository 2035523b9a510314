#include "base/os/descriptors.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cstdlib>

namespace ipcsuite::os {
namespace {

// False where it cannot be listed.
bool List(int end, std::vector<int>& numbers) {
#ifdef IPCSUITE_POSIX_ALONE
  (void)end, (void)numbers;
  return false;
#else
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return false;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd < end && fd != dirfd(folder)) numbers.push_back(fd);
  }
  closedir(folder);
  std::sort(numbers.begin(), numbers.end());
  return true;
#endif
}

}  // namespace

std::vector<int> OpenDescriptors(int end) {
  std::vector<int> numbers;
  if (List(end, numbers)) return numbers;
  for (int fd = 0; fd < end; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) numbers.push_back(fd);
  }
  return numbers;
}

}  // namespace ipcsuite::os
