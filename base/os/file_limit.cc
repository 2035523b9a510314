#include "base/os/file_limit.h"

#ifndef IPCSUITE_POSIX_ALONE
#include <fstream>
#endif

namespace ipcsuite::os {

#ifdef IPCSUITE_POSIX_ALONE
long SystemFileLimit() { return 0; }
bool SetSystemFileLimit(long) { return false; }
#else
constexpr char kFileMax[] = "/proc/sys/fs/file-max";

long SystemFileLimit() {
  long limit = 0;
  return std::ifstream(kFileMax) >> limit ? limit : 0;
}
bool SetSystemFileLimit(long value) {
  std::ofstream file(kFileMax);
  file << value << std::flush;
  return file.good();
}
#endif

}  // namespace ipcsuite::os
