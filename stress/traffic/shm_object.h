// A shared memory object of a run, mapped by each process for itself at an address of its own.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "spec/clauses/shm.h"
#include "stress/engine/registry.h"
#include "stress/engine/worker.h"

namespace ipcsuite::stress {

class ShmObject {
 public:
  ShmObject() = default;
  ~ShmObject() { Close(); }
  ShmObject(const ShmObject&) = delete;
  ShmObject& operator=(const ShmObject&) = delete;

  // Makes the object, maps it in the parent (zero-filled), and unlinks its name at once: nothing
  // can be left behind. Returns "" or what failed.
  std::string Make(Registry& registry, std::size_t bytes) {
    const std::string name = registry.NewName(NameKind::kShm);
    fd_ = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd_ < 0) return "shm_open " + name + ": " + std::strerror(errno);
    bytes_ = bytes;
    std::string error;
    // Room is asked for now: a full tmpfs must give an error here, not a SIGBUS later.
    if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
      error = std::string("ftruncate of a shared memory object: ") + std::strerror(errno);
    } else if (const int rc = posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
               rc == ENOSPC || rc == EFBIG) {
      error = "a shared memory object of " + std::to_string(bytes) + " bytes: " + std::strerror(rc);
    } else if ((base_ = Map(fd_, bytes)) == nullptr) {
      error = std::string("mmap of a shared memory object: ") + std::strerror(errno);
    }
    shm_unlink(name.c_str());
    registry.ForgetName(name);
    return error;
  }

  void* base() const { return base_; }
  std::size_t bytes() const { return bytes_; }

  // Maps the object once more, at an address that differs from the parent's and from the other
  // processes'; the inherited mapping is removed, so that nobody can use it by mistake. Null, with
  // a finding, when that fails.
  template <class T = void>
  T* MapElsewhere(Worker& w) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t pad = page * (1 + static_cast<std::size_t>(w.index) * 3);
    mmap(nullptr, pad, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void* const mine = Map(fd_, bytes_);
    if (mine != nullptr && base_ != nullptr) {
      munmap(base_, bytes_);
      base_ = nullptr;
    }
    if (mine == nullptr)
      w.Report(Kind::kWrongErrno, clause::mmap::shm_supported, "mmap", 0, 0, errno);
    return static_cast<T*>(mine);
  }

  void Close() {
    if (base_ != nullptr) munmap(base_, bytes_);
    if (fd_ >= 0) close(fd_);
    base_ = nullptr;
    fd_ = -1;
  }

 private:
  static void* Map(int fd, std::size_t bytes) {
    void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? nullptr : at;
  }
  int fd_ = -1;
  void* base_ = nullptr;
  std::size_t bytes_ = 0;
};

// How long to spin before sleeping: not at all where the peer needs this very cpu.
inline int SpinBudget(const Shared& shared) {
  bool same = true;
  for (const int cpu : shared.cpus) same = same && cpu == shared.cpus.front();
  if (same && shared.cpus.front() >= 0) return 0;
  return shared.cpus.size() > shared.allowed.size() ? 50 : 4000;
}

}  // namespace ipcsuite::stress
