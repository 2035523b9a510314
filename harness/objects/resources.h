// RAII for every kernel object that tests use. Constructors that create end the test as UNRESOLVED
// (or UNSUPPORTED for ENOSYS) when they fail: a test of creation itself calls the interface through
// CALL and adopts the result. They never mask the failure of a call under test.
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>

#include "harness/core/context.h"
#include "harness/core/names.h"

namespace ipcsuite {

// Owns a file descriptor; -1 owns nothing. Converts to int so that it stands in calls.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  // Adopts the descriptor that a call returned; ends the test as UNRESOLVED if it failed.
  explicit Fd(const CallResult& opened) : fd_(Setup(opened).fd()) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  operator int() const { return fd_; }  // NOLINT: stands for the number
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// The ways to get a pipe; clauses that hold for all are tested by one body over the kinds.
enum class PipeKind { kPipe, kPipe2, kFifo };
std::string ToString(PipeKind kind);

// A pipe or FIFO, both ends open in this process.
class Pipe {
 public:
  // `flags`: O_NONBLOCK and O_CLOEXEC, for both ends. kPipe2 with no pipe2() ends as UNSUPPORTED.
  explicit Pipe(PipeKind kind = PipeKind::kPipe, int flags = 0);
  int rd() const { return rd_; }
  int wr() const { return wr_; }
  Fd& rd_fd() { return rd_; }
  Fd& wr_fd() { return wr_; }
  void CloseRd() { rd_.reset(); }
  void CloseWr() { wr_.reset(); }
  // Of a FIFO: its path; empty for pipes.
  const std::string& path() const { return path_; }

 private:
  Fd rd_, wr_;
  std::string path_;
};

// Makes a FIFO node (mode 0600) at a unique path of the scratch directory and removes it at the
// end.
class FifoNode {
 public:
  explicit FifoNode(mode_t mode = 0600);
  const char* path() const { return name_.c_str(); }

 private:
  UniqueName name_;
};

// Sets or clears O_NONBLOCK in the open file description.
void SetNonblocking(int fd, bool on);
// Writes until EAGAIN (the description is left as it was found); returns how many bytes went in.
// Pattern bytes: position mod 251. `chunk`: bytes a write; 1 fills to the last byte, larger is
// faster.
std::size_t FillPipe(int wr, std::size_t chunk = 4096);
// Reads until EAGAIN or end-of-file; returns what was read.
std::string DrainPipe(int rd);

// A message queue with a unique name, unlinked at the end.
class Queue {
 public:
  // Small enough for every default limit.
  explicit Queue(long maxmsg = 4, long msgsize = 64, int oflag = O_RDWR, mode_t mode = 0600);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  operator mqd_t() const { return mqd_; }  // NOLINT: stands for the descriptor
  mqd_t get() const { return mqd_; }
  const char* name() const { return name_.c_str(); }
  // Another open description of the same queue.
  mqd_t OpenAgain(int oflag) const;
  void Close();

 private:
  UniqueName name_;
  mqd_t mqd_;
};

// Why shared memory objects can't be created here for reasons outside of the interface, with what
// to do about it; empty when nothing is seen.
std::string TroubleOfShmPlace();

// A shared memory object with a unique name and the given size, unlinked at the end.
class ShmObject {
 public:
  explicit ShmObject(std::size_t size = 0, int oflag = O_RDWR, mode_t mode = 0600);
  operator int() const { return fd_; }  // NOLINT
  int fd() const { return fd_; }
  Fd& owner() { return fd_; }
  const char* name() const { return name_.c_str(); }

 private:
  UniqueName name_;
  Fd fd_;
};

// A mapping, unmapped at the end.
class Mapping {
 public:
  Mapping() = default;
  // Adopts what mmap returned; UNRESOLVED if it failed.
  Mapping(const CallResult& mapped, std::size_t length);
  // MAP_SHARED of a descriptor, readable and writable by default.
  static Mapping Of(int fd, std::size_t length, int prot = PROT_READ_WRITE, int flags = 0,
                    off_t offset = 0);
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  char& operator[](std::size_t i) const { return data_[i]; }
  char* release() { return std::exchange(data_, nullptr); }
  static constexpr int PROT_READ_WRITE = -1;

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Bytes with an inaccessible page before and a canary after: a call that writes outside of its
// buffer is seen. `at_end`: the buffer ends at an inaccessible page instead.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t size, bool at_end = false);
  ~GuardedBuffer();
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  // True while no byte outside of the buffer has changed.
  bool Intact() const;

 private:
  char* base_ = nullptr;
  char* data_ = nullptr;
  std::size_t size_ = 0, mapped_ = 0;
  bool at_end_ = false;
};

// Installs a signal handler and restores the old one at the end.
class ScopedSignal {
 public:
  ScopedSignal(int signal, void (*handler)(int), int flags = 0);
  ScopedSignal(int signal, void (*handler)(int, siginfo_t*, void*), int flags = SA_SIGINFO);
  ~ScopedSignal();
  ScopedSignal(const ScopedSignal&) = delete;

 private:
  int signal_;
  struct sigaction old_;
};
// Handler that does nothing but count; the count is in memory shared with peers.
void CountSignal(int);
int SignalCount();

// Blocks signals in the calling thread and restores the mask at the end.
class ScopedSigmask {
 public:
  explicit ScopedSigmask(std::initializer_list<int> block);
  ~ScopedSigmask();

 private:
  sigset_t old_;
};

// Sets a soft resource limit and restores it at the end.
class ScopedRlimit {
 public:
  ScopedRlimit(int resource, rlim_t soft);
  ~ScopedRlimit();

 private:
  int resource_;
  rlimit old_;
};

class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask);
  ~ScopedUmask();

 private:
  mode_t old_;
};

// `base` + ms as an absolute time of the clock; negative ms are in the past.
timespec ClockIn(clockid_t clock, std::int64_t ms);
inline timespec RealtimeIn(std::int64_t ms) { return ClockIn(CLOCK_REALTIME, ms); }
// a < b.
bool Before(const timespec& a, const timespec& b);
std::size_t PageSize();
// The lowest descriptor number that is free now.
int LowestFreeFd();

}  // namespace ipcsuite
