#include "base/pipe_buf.h"

#include <limits.h>
#include <unistd.h>

namespace ipcsuite {
namespace {

std::size_t Known(long value) {
  return value > 0 ? static_cast<std::size_t>(value) : std::size_t{_POSIX_PIPE_BUF};
}

}  // namespace

std::size_t PipeBufOf(int fd) { return Known(fpathconf(fd, _PC_PIPE_BUF)); }
std::size_t PipeBufAt(const char* directory) { return Known(pathconf(directory, _PC_PIPE_BUF)); }

}  // namespace ipcsuite
