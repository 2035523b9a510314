#include "harness/objects/resources.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>
#include <vector>

#include "base/pipe_buf.h"
#include "harness/objects/queue_room.h"

namespace ipcsuite {

using namespace calls;  // NOLINT: what objects do is in the trace

void Fd::reset(int fd) {
  const int saved = errno;
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
  errno = saved;
}

std::string ToString(PipeKind kind) {
  switch (kind) {
    case PipeKind::kPipe: return "pipe";
    case PipeKind::kPipe2: return "pipe2";
    case PipeKind::kFifo: return "fifo";
  }
  return "?";
}

std::string TroubleOfShmPlace() {
#ifdef __linux__
  // Where glibc and musl keep shared memory objects.
  constexpr char kPlace[] = "/dev/shm";
  if (access(kPlace, F_OK) != 0) return "/dev/shm is absent: mount a tmpfs there";
  if (faccessat(AT_FDCWD, kPlace, W_OK, AT_EACCESS) == 0) return "";
  if (errno == EROFS) return "/dev/shm is read-only: mount it writable";
  return "/dev/shm can't be written by this user: give it mode 1777";
#else
  return "";
#endif
}

namespace {

// Ends the test: the interface is absent (ENOSYS) or its set-up failed.
[[noreturn]] void GiveUp(const CallResult& result, const std::string& interface) {
  if (result.failed_with(ENOSYS)) Unsupported(interface + " is absent here (ENOSYS)");
  std::string advice;
  if (result.error == EMFILE || result.error == ENFILE)
    advice = "; raise the limit on open files or queues";
  if (result.error == ENOSPC) advice = "; room or a system limit is used up by others";
  if (result.error == EINVAL)
    advice =
        "; a limit may be smaller than usual (on Linux fs.mqueue.msg_max and "
        "fs.mqueue.msgsize_max)";
  if (result.error == EACCES || result.error == EPERM) advice = "; this place does not permit it";
  if (const std::string trouble = TroubleOfShmPlace();
      interface == "shm_open()" && !trouble.empty())
    advice = "; " + trouble;
  Unresolved("set-up failed: " + Describe(result) + advice);
}

}  // namespace

Pipe::Pipe(PipeKind kind, int flags) {
  int ends[2] = {-1, -1};
  CallResult made;
  if (kind == PipeKind::kPipe2) {
#if defined(__linux__) || defined(__FreeBSD__)
    made = CALL(pipe2(ends, flags));
#else
    Unsupported("pipe2() is not declared");
#endif
  } else if (kind == PipeKind::kPipe) {
    made = CALL(pipe(ends));
  } else {
    UniqueName name = UniqueName::Path(".fifo");
    path_ = name.str();
    made = CALL(mkfifo(path_.c_str(), 0600));
    if (!made.ok()) GiveUp(made, "mkfifo()");
    rd_ = Fd(CALL(open(path_.c_str(), O_RDONLY | O_NONBLOCK | (flags & O_CLOEXEC))));
    wr_ = Fd(CALL(open(path_.c_str(), O_WRONLY | O_NONBLOCK | (flags & O_CLOEXEC))));
    if (!(flags & O_NONBLOCK)) {
      SetNonblocking(rd_, false);
      SetNonblocking(wr_, false);
    }
    return;  // the name goes; the open FIFO stays
  }
  if (!made.ok()) GiveUp(made, ToString(kind) + "()");
  rd_ = Fd(ends[0]);
  wr_ = Fd(ends[1]);
  if (kind == PipeKind::kPipe && (flags & O_NONBLOCK)) {
    SetNonblocking(rd_, true);
    SetNonblocking(wr_, true);
  }
  if (kind == PipeKind::kPipe && (flags & O_CLOEXEC)) {
    Setup(CALL(fcntl(rd_, F_SETFD, FD_CLOEXEC)));
    Setup(CALL(fcntl(wr_, F_SETFD, FD_CLOEXEC)));
  }
}

FifoNode::FifoNode(mode_t mode) : name_(UniqueName::Path(".fifo")) {
  const CallResult made = CALL(mkfifo(name_.c_str(), mode));
  if (!made.ok()) GiveUp(made, "mkfifo()");
}

void SetNonblocking(int fd, bool on) {
  const int flags = Setup(CALL(fcntl(fd, F_GETFL))).fd();
  Setup(CALL(fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)));
}

namespace {
// Sets O_NONBLOCK for a while; leaves the description as it was found.
class Nonblocking {
 public:
  explicit Nonblocking(int fd) : fd_(fd), flags_(::fcntl(fd, F_GETFL)) {
    ::fcntl(fd, F_SETFL, flags_ | O_NONBLOCK);
  }
  ~Nonblocking() { ::fcntl(fd_, F_SETFL, flags_); }

 private:
  int fd_, flags_;
};

// Fills or drains a pipe: an entry of the trace that stands before what this sets free.
class MovedBytes {
 public:
  MovedBytes(TraceEntry::Kind kind, int fd)
      : entry_(NoteTrace(kind, {static_cast<std::uint64_t>(fd), 0})) {}
  void Count(std::size_t bytes) const {
    if (entry_) entry_->word[1] = bytes;
  }

 private:
  TraceEntry* entry_;
};
}  // namespace

std::size_t FillPipe(int wr, std::size_t chunk) {
  const MovedBytes moved(TraceEntry::Kind::kFill, wr);
  Nonblocking guard(wr);
  std::size_t total = 0;
  std::vector<char> data(chunk);
  for (;;) {
    for (std::size_t i = 0; i < chunk; ++i) data[i] = static_cast<char>((total + i) % 251);
    const ssize_t put = ::write(wr, data.data(), chunk);
    if (put > 0) {
      total += static_cast<std::size_t>(put);
    } else if (put < 0 && errno == EINTR) {
      continue;
    } else if (put == 0 || errno == EAGAIN) {  // 0 is wrong, and for the test of that to say
      if (chunk == 1) {
        moved.Count(total);
        return total;
      }
      chunk = chunk > 64 ? chunk / 2 : 1;  // smaller ones may still fit
    } else {
      Unresolved("set-up failed: filling a pipe: " + ErrnoName(errno));
    }
    if (total > (std::size_t{1} << 30))
      Unresolved("set-up failed: a pipe took 1 GiB without getting full");
  }
}

std::string DrainPipe(int rd) {
  const MovedBytes moved(TraceEntry::Kind::kDrain, rd);
  Nonblocking guard(rd);
  std::string all;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(rd, buffer, sizeof buffer);
    if (got > 0) {
      all.append(buffer, static_cast<std::size_t>(got));
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else if (got == 0 || errno == EAGAIN) {
      moved.Count(all.size());
      return all;
    } else {
      Unresolved("set-up failed: draining a pipe: " + ErrnoName(errno));
    }
  }
}

Queue::Queue(long maxmsg, long msgsize, int oflag, mode_t mode) : name_(UniqueName::Mq()) {
  mq_attr attr{};
  attr.mq_maxmsg = maxmsg;
  attr.mq_msgsize = msgsize;
  CallResult opened;
  // Others may use up what all queues of this user, or of the system, may occupy: for a moment.
  const bool may_return =
      QueueRoomMayReturn(static_cast<std::size_t>(maxmsg) * static_cast<std::size_t>(msgsize));
  const Deadline end(may_return ? 3s : 0s);
  for (Backoff backoff;; backoff.Pause()) {
    opened = CALL(mq_open(name_.c_str(), oflag | O_CREAT | O_EXCL, mode, &attr));
    const bool exhausted =
        opened.failed_with(EMFILE) || opened.failed_with(ENOSPC) || opened.failed_with(ENFILE);
    if (!exhausted || end.passed()) break;
  }
  if (!opened.ok()) GiveUp(opened, "mq_open()");
  mqd_ = static_cast<mqd_t>(opened.value);
}

Queue::~Queue() { Close(); }

void Queue::Close() {
  const int saved = errno;
  if (mqd_ != static_cast<mqd_t>(-1)) mq_close(mqd_);
  mqd_ = static_cast<mqd_t>(-1);
  errno = saved;
}

mqd_t Queue::OpenAgain(int oflag) const {
  return static_cast<mqd_t>(Setup(CALL(mq_open(name_.c_str(), oflag))).value);
}

ShmObject::ShmObject(std::size_t size, int oflag, mode_t mode) : name_(UniqueName::Shm()) {
  const CallResult opened = CALL(shm_open(name_.c_str(), oflag | O_CREAT | O_EXCL, mode));
  if (!opened.ok()) GiveUp(opened, "shm_open()");
  fd_ = Fd(opened.fd());
  if (size > 0) Setup(CALL(ftruncate(fd_, static_cast<off_t>(size))));
}

Mapping::Mapping(const CallResult& mapped, std::size_t length)
    : data_(reinterpret_cast<char*>(static_cast<std::intptr_t>(Setup(mapped).value))),
      size_(length) {}

Mapping Mapping::Of(int fd, std::size_t length, int prot, int flags, off_t offset) {
  if (prot == PROT_READ_WRITE) prot = PROT_READ | PROT_WRITE;
  if ((flags & (MAP_SHARED | MAP_PRIVATE)) == 0) flags |= MAP_SHARED;
  return Mapping(CALL(mmap(nullptr, length, prot, flags, fd, offset)), length);
}

Mapping::~Mapping() {
  if (data_) munmap(data_, size_);
}
Mapping::Mapping(Mapping&& other) noexcept : data_(other.release()), size_(other.size_) {}
Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (data_) munmap(data_, size_);
  data_ = other.release();
  size_ = other.size_;
  return *this;
}

namespace {
constexpr char kCanary = '\x5a';
}

GuardedBuffer::GuardedBuffer(std::size_t size, bool at_end) : size_(size), at_end_(at_end) {
  const std::size_t page = PageSize();
  const std::size_t body = (size + 64 + page - 1) / page * page;
  mapped_ = body + 2 * page;
  base_ = static_cast<char*>(
      ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (base_ == MAP_FAILED) Unresolved("set-up failed: no memory for a guarded buffer");
  ::mprotect(base_, page, PROT_NONE);
  ::mprotect(base_ + page + body, page, PROT_NONE);
  std::memset(base_ + page, kCanary, body);
  data_ = at_end ? base_ + page + body - size : base_ + page;
}

GuardedBuffer::~GuardedBuffer() { ::munmap(base_, mapped_); }

bool GuardedBuffer::Intact() const {
  const std::size_t page = PageSize();
  const char* begin = at_end_ ? base_ + page : data_ + size_;
  const char* end = at_end_ ? data_ : base_ + mapped_ - page;
  return std::all_of(begin, end, [](char c) { return c == kCanary; });
}

ScopedSignal::ScopedSignal(int signal, void (*handler)(int), int flags) : signal_(signal) {
  if (handler == CountSignal) SignalCount();  // makes the counter, outside of the handler
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags & ~SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, &old_) != 0)
    Unresolved("set-up failed: sigaction for " + SignalName(signal));
}
ScopedSignal::ScopedSignal(int signal, void (*handler)(int, siginfo_t*, void*), int flags)
    : signal_(signal) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = flags | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, &old_) != 0)
    Unresolved("set-up failed: sigaction for " + SignalName(signal));
}
ScopedSignal::~ScopedSignal() { sigaction(signal_, &old_, nullptr); }

namespace {
std::atomic<int>* SignalCounter() {
  // A page of its own: tests that run in one process (--no-isolation) share it too.
  static auto* counter = new (::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>{0};
  return counter;
}
}  // namespace

int SignalCount() { return SignalCounter()->load(); }
// Async-signal-safe once SignalCount() or ScopedSignal has made the counter.
void CountSignal(int) { SignalCounter()->fetch_add(1); }

ScopedSigmask::ScopedSigmask(std::initializer_list<int> block) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : block) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, &old_);
}
ScopedSigmask::~ScopedSigmask() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }

namespace {
// glibc's C++ prototypes take an enumeration, others an int.
#ifdef __GLIBC__
__rlimit_resource_t Resource(int resource) { return static_cast<__rlimit_resource_t>(resource); }
#else
int Resource(int resource) { return resource; }
#endif
}  // namespace

ScopedRlimit::ScopedRlimit(int resource, rlim_t soft) : resource_(resource) {
  if (getrlimit(Resource(resource), &old_) != 0) Unresolved("set-up failed: getrlimit");
  rlimit changed = old_;
  changed.rlim_cur = std::min(soft, old_.rlim_max);
  if (setrlimit(Resource(resource), &changed) != 0) Unresolved("set-up failed: setrlimit");
}
ScopedRlimit::~ScopedRlimit() { setrlimit(Resource(resource_), &old_); }

ScopedUmask::ScopedUmask(mode_t mask) : old_(umask(mask)) {}
ScopedUmask::~ScopedUmask() { umask(old_); }

timespec ClockIn(clockid_t clock, std::int64_t ms) {
  timespec now;
  clock_gettime(clock, &now);
  std::int64_t nsec = now.tv_nsec + (ms % 1000) * 1'000'000;
  std::int64_t sec = now.tv_sec + ms / 1000;
  if (nsec < 0) nsec += 1'000'000'000, --sec;
  if (nsec >= 1'000'000'000) nsec -= 1'000'000'000, ++sec;
  now.tv_sec = static_cast<time_t>(sec);
  now.tv_nsec = static_cast<long>(nsec);
  return now;
}

bool Before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

std::size_t PageSize() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

int LowestFreeFd() {
  for (int fd = 0;; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) return fd;
  }
}

}  // namespace ipcsuite
