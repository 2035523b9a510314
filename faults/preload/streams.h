// What faults of pipes, FIFOs and readiness share.
#pragma once

#include <fcntl.h>

#include "faults/preload/state.h"

namespace faults {

inline int SetFd(int fd, int flags) { return real::fcntl(fd, F_SETFD, static_cast<long>(flags)); }
inline int SetFl(int fd, int flags) { return real::fcntl(fd, F_SETFL, static_cast<long>(flags)); }
inline int GetFl(int fd) { return real::fcntl(fd, F_GETFL, 0); }

inline bool CanRead(const Obj& o) { return AccessMode(o) != O_WRONLY; }
inline bool CanWrite(const Obj& o) { return AccessMode(o) != O_RDONLY; }
inline bool WriterWaits(const Obj& o) {
  return !Nonblocking(o) && CanWrite(o) && Readiness(o, POLLOUT) == 0;
}

// A real read; `late` says whether it had to wait first.
inline ssize_t Read(const Obj& o, void* b, size_t n, bool* late = nullptr) {
  if (late) *late = ReaderWaits(o);
  return real::read(o.fd, b, n);
}
inline ssize_t Write(const Obj& o, const void* b, size_t n) { return real::write(o.fd, b, n); }

// fstat() on streams of this kind, with the result changed.
template <Kind K, void (*Change)(const Obj&, struct stat*)>
void FstatOf(Hooks& h) {
  h.fstat = [](const Obj& o, struct stat* s) {
    int r = real::fstat(o.fd, s);
    if (r == 0 && o.kind == K) Change(o, s);
    return r;
  };
}

}  // namespace faults
