// Descriptors of given numbers, for calls that depend on them.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>

#include <optional>
#include <string>

#include "harness/test/test.h"

namespace ipcsuite::poll_suite {

// Raises the soft limit on open files, as long as it lives, so that numbers below `count` can be
// open; UNSUPPORTED where the hard limit is lower.
class OpenFilesRoom {
 public:
  explicit OpenFilesRoom(rlim_t count) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= count) return;  // RLIM_INFINITY is more than any
    if (limit.rlim_max < count) {
      Unsupported("descriptors can't have numbers up to " + std::to_string(count - 1) +
                  " here: raise the hard limit on open files (ulimit -Hn)");
    }
    raised_.emplace(RLIMIT_NOFILE, count);
  }

 private:
  std::optional<ScopedRlimit> raised_;
};

// A copy of `fd` that has this number. UNRESOLVED if the number is in use: somebody who started
// this program left it open.
inline Fd DuplicateAt(int fd, int number) {
  Fd copy(CALL(fcntl(fd, F_DUPFD, number)));
  if (copy != number) Unresolved("descriptor " + std::to_string(number) + " is in use");
  return copy;
}

// The descriptor, if a set of select() can have it.
inline int NeedSelectable(int fd) {
  if (fd >= FD_SETSIZE)
    Unresolved("descriptor " + std::to_string(fd) +
               " is too high for select(): close inherited ones");
  return fd;
}

}  // namespace ipcsuite::poll_suite
