// Shared memory objects and their mappings.
#include <fcntl.h>
#include <unistd.h>

#include "faults/preload/wrap.h"

using namespace faults;

namespace {

uintptr_t At(const void* p) { return reinterpret_cast<uintptr_t>(p); }

// Ranges where shared memory is mapped, or once was: only there are the hooks asked.
bool Ours(const void* address, size_t length) {
  return Active() && MappingAt(At(address), length ? length : 1, 0, true) != nullptr;
}

void* DoMmap(void* address, size_t length, int prot, int flags, int fd, off_t offset) {
  if (!Active()) return real::mmap(address, length, prot, flags, fd, offset);
  Obj o;
  bool anonymous = flags & MAP_ANONYMOUS;
  if (!anonymous) o = ObjectOf(fd);
  void* at;
  if (!anonymous && o.ipc()) {
    at = hooks.mmap(o, address, length, prot, flags, offset);
  } else {
    at = hooks.mmap_other(address, length, prot, flags, fd, offset);
  }
  if (at == MAP_FAILED) return at;
  if (o.kind == Kind::shm) {
    NoteMapped({At(at), PageUp(length), prot, flags, o, offset, true});
  } else {
    ForgetRange(At(at), PageUp(length));
  }
  return at;
}

}  // namespace

IPC_WRAP(void*, mmap, void* a, size_t n, int prot, int flags, int fd, long offset) {
  return DoMmap(a, n, prot, flags, fd, offset);
}
IPC_WRAP(void*, mmap64, void* a, size_t n, int prot, int flags, int fd, off_t offset) {
  return DoMmap(a, n, prot, flags, fd, offset);
}
IPC_WRAP(int, munmap, void* a, size_t n) {
  if (!Ours(a, n)) return real::munmap(a, n);
  int r = hooks.munmap(a, n);
  if (r == 0) NoteUnmapped(At(a), PageUp(n));
  return r;
}
IPC_WRAP(int, mprotect, void* a, size_t n, int prot) {
  if (Ours(a, n)) return hooks.mprotect(a, n, prot);
  return Active() ? hooks.mprotect_other(a, n, prot) : real::mprotect(a, n, prot);
}
IPC_WRAP(int, msync, void* a, size_t n, int flags) {
  // Of any mapping: what it does to objects is unspecified, so that tests use regular files.
  return Active() ? hooks.msync(a, n, flags) : real::msync(a, n, flags);
}
IPC_WRAP(int, mlock, const void* a, size_t n) {
  return Ours(a, n) ? hooks.mlock(a, n) : real::mlock(a, n);
}
IPC_WRAP(int, munlock, const void* a, size_t n) {
  return Ours(a, n) ? hooks.munlock(a, n) : real::munlock(a, n);
}
IPC_WRAP(int, posix_madvise, void* a, size_t n, int advice) {
  return Ours(a, n) ? hooks.posix_madvise(a, n, advice) : real::posix_madvise(a, n, advice);
}
