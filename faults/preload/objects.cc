// Looking at objects from the side, rearranging a queue, and the table of mappings.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "faults/preload/state.h"

namespace faults {

bool Nonblocking(const Obj& o) { return real::fcntl(o.fd, F_GETFL, 0) & O_NONBLOCK; }
int AccessMode(const Obj& o) { return real::fcntl(o.fd, F_GETFL, 0) & O_ACCMODE; }

int Available(const Obj& o) {
  int n = 0, saved = errno;
  if (ioctl(o.fd, FIONREAD, &n) != 0) n = 0;
  errno = saved;
  return n;
}

int Capacity(const Obj& o) { return real::fcntl(o.fd, F_GETPIPE_SZ, 0); }
int Room(const Obj& o) { return Capacity(o) - Available(o); }

short Readiness(const Obj& o, short events) {
  int saved = errno;
  pollfd p{o.fd, events, 0};
  timespec zero{};
  real::ppoll(&p, 1, &zero, nullptr);
  errno = saved;
  return p.revents;
}

mq_attr Attributes(const Obj& q) {
  int saved = errno;
  mq_attr a{};
  real::mq_getattr(q.fd, &a);
  errno = saved;
  return a;
}

void ForEachDescriptor(void (*f)(const Obj&, void*), void* argument) {
  int saved = errno;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  int end = limit.rlim_cur < 1100 ? static_cast<int>(limit.rlim_cur) : 1100;
  for (int fd = 3; fd < end; ++fd) {
    if (real::fcntl(fd, F_GETFD, 0) < 0) continue;
    Obj o = ObjectOf(fd);
    if (o.ipc()) f(o, argument);
  }
  errno = saved;
}

int Reopen(int fd, int flags) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int opened = real::open(path, flags | O_CLOEXEC, 0);
  return MoveHigh(opened);
}

int MoveHigh(int fd) {
  if (fd < 0) return fd;
  int saved = errno;
  int high = real::fcntl(fd, F_DUPFD_CLOEXEC, 200);
  if (high >= 0) {
    real::close(fd);
    fd = high;
  }
  errno = saved;
  return fd;
}

bool Rearrange(const Obj& q, void (*change)(Message*, int&, void*), void* argument) {
  constexpr int kMost = 64;
  constexpr size_t kBytes = 1 << 16;
  mq_attr a = Attributes(q);
  if (a.mq_curmsgs > kMost || static_cast<size_t>(a.mq_msgsize) > kBytes) return false;
  int saved = errno;
  int fd = Reopen(q.fd, O_RDWR | O_NONBLOCK);
  if (fd < 0) {
    errno = saved;
    return false;
  }
  size_t room = static_cast<size_t>(a.mq_msgsize) * (kMost + 1);
  char* memory = static_cast<char*>(
      real::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) {
    real::close(fd);
    return false;
  }
  Message messages[kMost + 1];
  int count = 0;
  while (count < kMost) {
    Message& m = messages[count];
    m.data = memory + static_cast<size_t>(a.mq_msgsize) * count;
    ssize_t n = real::mq_receive(fd, m.data, a.mq_msgsize, &m.priority);
    if (n < 0) break;
    m.length = static_cast<size_t>(n);
    ++count;
  }
  change(messages, count, argument);
  for (int i = 0; i < count; ++i) {
    real::mq_send(fd, messages[i].data, messages[i].length, messages[i].priority);
  }
  real::munmap(memory, room);
  real::close(fd);
  errno = saved;
  return true;
}

namespace {
MappingEntry mappings[512];
bool Overlaps(const MappingEntry& m, uintptr_t address, size_t length) {
  return m.length != 0 && address < m.address + m.length && m.address < address + length;
}
}  // namespace

size_t PageSize() {
  static const size_t size = static_cast<size_t>(real::sysconf(_SC_PAGESIZE));
  return size;
}
size_t PageUp(size_t n) { return (n + PageSize() - 1) / PageSize() * PageSize(); }

void NoteMapped(const MappingEntry& m) {
  ForgetRange(m.address, m.length);
  for (MappingEntry& e : mappings) {
    if (e.length == 0) {
      e = m;
      return;
    }
  }
}

// Entries that are only partly hit are kept whole: they say where shared memory has been.
void NoteUnmapped(uintptr_t address, size_t length) {
  for (MappingEntry& e : mappings) {
    if (Overlaps(e, address, length) && address <= e.address &&
        address + length >= e.address + e.length) {
      e.live = false;
    }
  }
}

void ForgetRange(uintptr_t address, size_t length) {
  for (MappingEntry& e : mappings) {
    if (Overlaps(e, address, length))
      e.length = e.live && e.address < address ? address - e.address : 0;
  }
}

MappingEntry* MappingAt(uintptr_t address, size_t length, int n, bool dead) {
  for (MappingEntry& e : mappings) {
    if (Overlaps(e, address, length) && (e.live || dead) && n-- == 0) return &e;
  }
  return nullptr;
}
MappingEntry* MappingOf(const Obj& o, int n) {
  for (MappingEntry& e : mappings) {
    if (e.length != 0 && e.live && e.object.dev == o.dev && e.object.ino == o.ino && n-- == 0) {
      return &e;
    }
  }
  return nullptr;
}
MappingEntry* AnyMapping(int n) {
  for (MappingEntry& e : mappings) {
    if (e.length != 0 && e.live && n-- == 0) return &e;
  }
  return nullptr;
}

}  // namespace faults
