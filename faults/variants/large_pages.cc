// A page of 64 KiB, as far as pages of 4 KiB can show one: objects are kept in whole large pages,
// their size beside; mappings begin and end at large pages.
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "faults/preload/shm.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

enum Use : uint32_t { kSize };

constexpr size_t kPage = 65536;

bool Aligned(const void* p) { return At(p) % kPage == 0; }
size_t Up(size_t n) { return (n + kPage - 1) / kPage * kPage; }
off_t Up(off_t n) { return static_cast<off_t>(Up(static_cast<size_t>(n))); }

// What the program knows as the size: kept beside (plus 1) as long as nobody else changed the file.
off_t KnownSize(const Obj& o) {
  off_t kept = static_cast<off_t>(Cell(o.key(), kSize).load()) - 1, size = SizeOf(o);
  return kept >= 0 && Up(kept) == size ? kept : size;
}
// Makes the file as large as whole pages for this size.
void KeepSize(const Obj& o, off_t n) {
  int saved = errno;
  if (real::ftruncate(o.fd, Up(n)) == 0) Cell(o.key(), kSize) = static_cast<uint64_t>(n) + 1;
  errno = saved;
}

int Truncate(const Obj& o, off_t n) {
  if (o.kind != Kind::shm || n < 0 || n > (off_t{1} << 50)) return real::ftruncate(o.fd, n);
  off_t old = KnownSize(o);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  if (n > old && static_cast<rlim_t>(n) > limit.rlim_cur) {
    pthread_kill(pthread_self(), SIGXFSZ);
    return Refuse(EFBIG);
  }
  int r = real::ftruncate(o.fd, Up(n));
  if (r != 0) return r;
  Cell(o.key(), kSize) = static_cast<uint64_t>(n) + 1;
  if (n < old && n % static_cast<off_t>(kPage) != 0) {
    off_t page = n / static_cast<off_t>(kPage) * static_cast<off_t>(kPage);
    void* p = real::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, o.fd, page);
    if (p != MAP_FAILED) {
      std::memset(static_cast<char*>(p) + (n - page), 0, kPage - static_cast<size_t>(n - page));
      real::munmap(p, kPage);
    }
  }
  return r;
}

// Address space that begins at a large page.
void* Reserve(size_t n) {
  void* p = real::mmap(nullptr, n + kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return p;
  uintptr_t begin = At(p), at = Up(begin);
  if (at > begin) real::munmap(p, at - begin);
  real::munmap(reinterpret_cast<void*>(at + n), begin + kPage - at);
  return reinterpret_cast<void*>(at);
}

void* MapPages(int fd, void* a, size_t n, int prot, int flags, off_t at) {
  if (n == 0 || n > (size_t{1} << 46)) return real::mmap(a, n, prot, flags, fd, at);
  bool fixed = flags & MAP_FIXED;
  if (at % static_cast<off_t>(kPage) != 0 || (fixed && !Aligned(a))) {
    return ResultOf<void*>(Refuse(EINVAL));
  }
  if (fixed) return real::mmap(a, Up(n), prot, flags, fd, at);
  void* p = real::mmap(a, Up(n), prot, flags, fd, at);
  if (p == MAP_FAILED || Aligned(p)) return p;
  real::munmap(p, Up(n));
  void* room = Reserve(Up(n));
  return room == MAP_FAILED ? room : real::mmap(room, Up(n), prot, flags | MAP_FIXED, fd, at);
}

// A call on a range of the address space, in whole large pages.
template <class Call>
int InPages(void* a, size_t n, Call call) {
  return Aligned(a) ? call(a, n == 0 ? 0 : Up(n)) : Refuse(EINVAL);
}

void SizeAsFile(Hooks& h) {
  h.fstat = [](const Obj& o, struct stat* s) {
    int r = real::fstat(o.fd, s);
    if (r == 0 && o.kind == Kind::shm) s->st_size = KnownSize(o);
    return r;
  };
  h.fallocate = [](const Obj& o, off_t at, off_t n) {
    int r = real::posix_fallocate(o.fd, at, n);
    if (r == 0 && o.kind == Kind::shm) {
      off_t known = KnownSize(o);
      KeepSize(o, at + n > known ? at + n : known);
    }
    return r;
  };
  h.read_shm = [](const Obj& o, void* b, size_t n) {
    off_t left = KnownSize(o) - real::lseek(o.fd, 0, SEEK_CUR);
    size_t most = left > 0 ? static_cast<size_t>(left) : 0;
    return real::read(o.fd, b, n < most ? n : most);
  };
  h.write_shm = [](const Obj& o, const void* b, size_t n) {
    off_t known = KnownSize(o);
    ssize_t r = real::write(o.fd, b, n);
    off_t end = real::lseek(o.fd, 0, SEEK_CUR);
    if (r > 0) KeepSize(o, end > known ? end : known);
    return r;
  };
  h.lseek_shm = [](const Obj& o, off_t at, int whence) {
    if (whence != SEEK_END) return real::lseek(o.fd, at, whence);
    return real::lseek(o.fd, KnownSize(o) + at, SEEK_SET);
  };
}

void LargePages(Hooks& h) {
  h.sysconf = [](int name) {
    return name == _SC_PAGESIZE ? Instead(static_cast<long>(kPage)) : real::sysconf(name);
  };
  h.ftruncate = Truncate;
  SizeAsFile(h);
  h.mmap = [](const Obj& o, void* a, size_t n, int prot, int flags, off_t at) {
    return MapPages(o.fd, a, n, prot, flags, at);
  };
  h.mmap_other = [](void* a, size_t n, int prot, int flags, int fd, off_t at) {
    bool small = n < kPage && !(flags & MAP_FIXED);
    return small ? real::mmap(a, n, prot, flags, fd, at) : MapPages(fd, a, n, prot, flags, at);
  };
  h.munmap = [](void* a, size_t n) { return InPages(a, n, real::munmap); };
  h.mprotect = [](void* a, size_t n, int prot) {
    return InPages(a, n, [=](void* p, size_t m) { return real::mprotect(p, m, prot); });
  };
  h.mprotect_other = [](void* a, size_t n, int prot) {
    return real::mprotect(a, Aligned(a) ? Up(n) : n, prot);
  };
  h.msync = [](void* a, size_t n, int flags) {
    return InPages(a, n, [=](void* p, size_t m) { return real::msync(p, m, flags); });
  };
}

const Row kVariants[] = {
    {.name = "page_64_kib",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"sysconf.pagesize"},
     .observed = "pagesize",
     .what = "A page has 64 KiB.",
     .source = "Linux on arm64 and ppc64",
     .arm = LargePages},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
