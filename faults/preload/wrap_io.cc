// read, write and their relatives, on pipes and FIFOs.
#include <climits>
#include <cstring>

#include "faults/preload/wrap.h"

namespace faults {
namespace {

constexpr int kMostVectors = 1024;

size_t Total(const iovec* v, int n) {
  size_t sum = 0;
  for (int i = 0; i < n; ++i) sum += v[i].iov_len;
  return sum;
}

// A private buffer for one call; unmapped too when the thread is cancelled in the call.
struct Bounce {
  explicit Bounce(size_t n)
      : size(PageUp(n ? n : 1)),
        data(static_cast<char*>(real::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Bounce() { real::munmap(data, size); }
  Bounce(const Bounce&) = delete;
  Bounce& operator=(const Bounce&) = delete;
  size_t size;
  char* data;
};

bool Plain(const iovec* v, int n) {
  return n < 1 || n > kMostVectors || Total(v, n) > (1u << 24) || Total(v, n) == 0;
}

ssize_t Scatter(const Obj& o, const iovec* v, int n) {
  if (hooks.readv != DefaultHooks().readv || hooks.read == DefaultHooks().read || Plain(v, n)) {
    return hooks.readv(o, v, n);
  }
  Bounce b(Total(v, n));
  ssize_t got = hooks.read(o, b.data, Total(v, n));
  size_t at = 0;
  for (int i = 0; i < n && static_cast<ssize_t>(at) < got; ++i) {
    size_t part = v[i].iov_len < got - at ? v[i].iov_len : got - at;
    std::memcpy(v[i].iov_base, b.data + at, part);
    at += part;
  }
  return got;
}

ssize_t Gather(const Obj& o, const iovec* v, int n) {
  if (hooks.writev != DefaultHooks().writev || hooks.write == DefaultHooks().write || Plain(v, n)) {
    return hooks.writev(o, v, n);
  }
  Bounce b(Total(v, n));
  size_t at = 0;
  for (int i = 0; i < n; ++i) {
    std::memcpy(b.data + at, v[i].iov_base, v[i].iov_len);
    at += v[i].iov_len;
  }
  return hooks.write(o, b.data, at);
}

ssize_t DoRead(int fd, void* b, size_t n) {
  Obj o;
  if (!Hooked(fd, &o)) return real::read(fd, b, n);
  if (o.stream()) return hooks.read(o, b, n);
  return o.kind == Kind::shm ? hooks.read_shm(o, b, n) : real::read(fd, b, n);
}
ssize_t DoWrite(int fd, const void* b, size_t n) {
  Obj o;
  if (!Hooked(fd, &o)) return real::write(fd, b, n);
  if (o.stream()) return hooks.write(o, b, n);
  return o.kind == Kind::shm ? hooks.write_shm(o, b, n) : real::write(fd, b, n);
}
ssize_t DoPread(int fd, void* b, size_t n, off_t at) {
  Obj o;
  if (!Hooked(fd, &o) || o.kind == Kind::shm) return real::pread(fd, b, n, at);
  return o.stream() ? hooks.pread(o, b, n, at) : hooks.pread_queue(o, b, n, at);
}
ssize_t DoPwrite(int fd, const void* b, size_t n, off_t at) {
  Obj o;
  return HookedStream(fd, &o) ? hooks.pwrite(o, b, n, at) : real::pwrite(fd, b, n, at);
}
// The vector forms with an offset are the scalar ones on the first area: on a stream they only
// fail.
ssize_t DoPreadv(int fd, const iovec* v, int n, off_t at) {
  Obj o;
  if (!HookedStream(fd, &o) || n < 1) return real::preadv(fd, v, n, at);
  return hooks.pread(o, v[0].iov_base, v[0].iov_len, at);
}
ssize_t DoPwritev(int fd, const iovec* v, int n, off_t at) {
  Obj o;
  if (!HookedStream(fd, &o) || n < 1) return real::pwritev(fd, v, n, at);
  return hooks.pwrite(o, v[0].iov_base, v[0].iov_len, at);
}

}  // namespace
}  // namespace faults

using namespace faults;

// The kernel's ABI for 32-bit off_t: the argument is a long there.
using Narrow = long;

IPC_WRAP(ssize_t, read, int fd, void* b, size_t n) { return DoRead(fd, b, n); }
IPC_WRAP(ssize_t, __read_chk, int fd, void* b, size_t n, size_t room) {
  if (n > room) __builtin_trap();
  return DoRead(fd, b, n);
}
IPC_WRAP(ssize_t, readv, int fd, const iovec* v, int n) {
  Obj o;
  return HookedStream(fd, &o) ? Scatter(o, v, n) : real::readv(fd, v, n);
}
IPC_WRAP(ssize_t, pread, int fd, void* b, size_t n, Narrow at) { return DoPread(fd, b, n, at); }
IPC_WRAP(ssize_t, pread64, int fd, void* b, size_t n, off_t at) { return DoPread(fd, b, n, at); }
IPC_WRAP(ssize_t, __pread_chk, int fd, void* b, size_t n, Narrow at, size_t room) {
  if (n > room) __builtin_trap();
  return DoPread(fd, b, n, at);
}
IPC_WRAP(ssize_t, __pread64_chk, int fd, void* b, size_t n, off_t at, size_t room) {
  if (n > room) __builtin_trap();
  return DoPread(fd, b, n, at);
}
IPC_WRAP(ssize_t, preadv, int fd, const iovec* v, int n, Narrow at) {
  return DoPreadv(fd, v, n, at);
}
IPC_WRAP(ssize_t, preadv64, int fd, const iovec* v, int n, off_t at) {
  return DoPreadv(fd, v, n, at);
}
IPC_WRAP(ssize_t, preadv2, int fd, const iovec* v, int n, off_t at, int flags) {
  Obj o;
  if (at == -1 && flags == 0 && HookedStream(fd, &o)) return Scatter(o, v, n);
  if (!real::preadv2) return Fail(ENOSYS);
  return real::preadv2(fd, v, n, at, flags);
}
IPC_WRAP(ssize_t, preadv64v2, int fd, const iovec* v, int n, off_t at, int flags) {
  return ipcfaults_preadv2(fd, v, n, at, flags);
}
IPC_WRAP(ssize_t, write, int fd, const void* b, size_t n) { return DoWrite(fd, b, n); }
IPC_WRAP(ssize_t, writev, int fd, const iovec* v, int n) {
  Obj o;
  return HookedStream(fd, &o) ? Gather(o, v, n) : real::writev(fd, v, n);
}
IPC_WRAP(ssize_t, pwrite, int fd, const void* b, size_t n, Narrow at) {
  return DoPwrite(fd, b, n, at);
}
IPC_WRAP(ssize_t, pwrite64, int fd, const void* b, size_t n, off_t at) {
  return DoPwrite(fd, b, n, at);
}
IPC_WRAP(ssize_t, pwritev, int fd, const iovec* v, int n, Narrow at) {
  return DoPwritev(fd, v, n, at);
}
IPC_WRAP(ssize_t, pwritev64, int fd, const iovec* v, int n, off_t at) {
  return DoPwritev(fd, v, n, at);
}
IPC_WRAP(ssize_t, pwritev2, int fd, const iovec* v, int n, off_t at, int flags) {
  Obj o;
  if (at == -1 && flags == 0 && HookedStream(fd, &o)) return Gather(o, v, n);
  if (!real::pwritev2) return Fail(ENOSYS);
  return real::pwritev2(fd, v, n, at, flags);
}
IPC_WRAP(ssize_t, pwritev64v2, int fd, const iovec* v, int n, off_t at, int flags) {
  return ipcfaults_pwritev2(fd, v, n, at, flags);
}
IPC_WRAP(int, aio_read, aiocb* a) {
  Obj o;
  return HookedStream(a->aio_fildes, &o) ? hooks.aio_read(a) : real::aio_read(a);
}
IPC_WRAP(int, aio_write, aiocb* a) {
  Obj o;
  return HookedStream(a->aio_fildes, &o) ? hooks.aio_write(a) : real::aio_write(a);
}
IPC_WRAP(ssize_t, aio_return, aiocb* a) {
  Obj o;
  return HookedStream(a->aio_fildes, &o) ? hooks.aio_return(a) : real::aio_return(a);
}
IPC_WRAP(int, aio_error, const aiocb* a) {
  Obj o;
  return HookedStream(a->aio_fildes, &o) ? hooks.aio_error(a) : real::aio_error(a);
}
#if __SIZEOF_POINTER__ == 8  // struct aiocb64 is another type elsewhere
IPC_WRAP(int, aio_read64, aiocb* a) { return ipcfaults_aio_read(a); }
IPC_WRAP(int, aio_write64, aiocb* a) { return ipcfaults_aio_write(a); }
IPC_WRAP(ssize_t, aio_return64, aiocb* a) { return ipcfaults_aio_return(a); }
IPC_WRAP(int, aio_error64, const aiocb* a) { return ipcfaults_aio_error(a); }
#endif
