#include "suites/pshared/place.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace ipcsuite::pshared_suite {

Memory::Memory(Place place)
    : place_(place),
      unique_(place == Place::kFile ? UniqueName::Path() : UniqueName::Shm()),
      mapped_by_(getpid()) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL;
  if (place == Place::kFile) {
    fd_ = Fd(CALL(open(unique_.c_str(), kFlags, 0600)));
  } else if (place != Place::kInherited) {
    fd_ = Fd(CALL(shm_open(unique_.c_str(), kFlags, 0600)));
  }
  if (fd_ >= 0) {
    name_ = unique_.str();
    Setup(CALL(ftruncate(fd_, static_cast<off_t>(PageSize()))));
  }
  first_ = Map();
  if (place == Place::kThreads) second_ = Map();
}

Memory::~Memory() {
  munmap(first_, PageSize());
  if (second_ != nullptr) munmap(second_, PageSize());
}

char* Memory::Here() const {
  if (place_ == Place::kThreads)
    return pthread_equal(pthread_self(), first_thread_) ? first_ : second_;
  if (place_ != Place::kInherited && getpid() != mapped_by_) {
    char* const inherited = std::exchange(first_, Map());
    ::munmap(inherited, PageSize());
    mapped_by_ = getpid();
  }
  return first_;
}

// Without CALL: it happens inside of calls under test. An entry of its own in their trace.
char* Memory::Map() const {
  const int flags = MAP_SHARED | (fd_ < 0 ? MAP_ANONYMOUS : 0);
  void* const memory = ::mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, flags, fd_, 0);
  if (memory == MAP_FAILED) Unresolved("set-up failed: mmap: " + ErrnoName(errno));
  if (TraceEntry* entry =
          NoteTrace(TraceEntry::Kind::kRaw,
                    {0, PageSize(), PROT_READ | PROT_WRITE, static_cast<std::uint64_t>(flags),
                     static_cast<std::uint64_t>(fd_.get()), 0})) {
    entry->function = Function::mmap;
    entry->value = reinterpret_cast<std::intptr_t>(memory);
  }
  return static_cast<char*>(memory);
}

void* MapByName(const std::string& name) {
  int fd = shm_open(name.c_str(), O_RDWR, 0);
  if (fd < 0) fd = open(name.c_str(), O_RDWR);
  if (fd < 0) return nullptr;
  void* const memory = mmap(nullptr, PageSize(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace ipcsuite::pshared_suite
