// What faults of shared memory share.
#pragma once

#include <fcntl.h>

#include "faults/preload/state.h"

namespace faults {

inline uintptr_t At(const void* p) { return reinterpret_cast<uintptr_t>(p); }

inline int OpenShm(const char* n, int f, mode_t m) { return real::shm_open(n, f, m); }
inline bool ShmExists(const char* n) {
  int saved = errno;
  int fd = OpenShm(n, O_RDONLY, 0);
  if (fd >= 0) real::close(fd);
  errno = saved;
  return fd >= 0;
}

inline off_t SizeOf(const Obj& o) {
  struct stat s;
  int saved = errno;
  off_t n = real::fstat(o.fd, &s) == 0 ? s.st_size : -1;
  errno = saved;
  return n;
}

// A second mapping of the object's first bytes, private to the library.
struct View {
  View(const Obj& o, off_t size) : length(PageUp(static_cast<size_t>(size > 0 ? size : 1))) {
    if (size <= 0 || size > (64 << 20)) return;
    void* p = real::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, o.fd, 0);
    if (p != MAP_FAILED) data = static_cast<char*>(p);
  }
  ~View() {
    if (data) real::munmap(data, length);
  }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  size_t length;
  char* data = nullptr;
};

// mmap() as the library below does it.
inline void* Map(const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
  return real::mmap(a, n, prot, flags, o.fd, at);
}
// mmap() of shared memory replaced.
template <void* (*Call)(const Obj&, void*, size_t, int, int, off_t)>
void MapAs(Hooks& h) {
  h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
    return (o.kind == Kind::shm ? Call : Map)(o, a, n, prot, flags, at);
  };
}

}  // namespace faults
