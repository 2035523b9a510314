// A witness shows by direct calls that a fault is there: it returns true ("seen") with the fault
// and false without, on a conforming system. It is not a test of the platform: it looks only where
// the fault is, and takes evidence, not absence of it, for "seen".
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <time.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace witness {

struct Witness {
  const char* fault;
  bool (*seen)();
};
std::vector<Witness>& All();
struct Register {
  Register(const char* fault, bool (*seen)()) { All().push_back({fault, seen}); }
};

// How long something that should happen may take before it counts as not happening; shorter than
// the "hang" of a fault (see main.cc).
inline constexpr int kSoonMs = 1500;
// How long a race is tried.
inline constexpr int64_t kRaceNs = 5'000'000'000;

void Nap(int ms);
int64_t NowNs(clockid_t clock = CLOCK_MONOTONIC);
timespec InMs(int ms, clockid_t clock = CLOCK_REALTIME);

// A child process that runs a function and exits with its result (0 to 100).
class Child {
 public:
  explicit Child(const std::function<int()>& body);
  ~Child();  // kills it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  // The exit code within `ms`; 1000 + n if signal n ended it; -1 if it still runs.
  int Exit(int ms = kSoonMs);
  // Sends the signal every 20 ms until it ends or the time is over; as Exit().
  int Pester(int signo, int ms = kSoonMs);
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  int status_ = -1;
};
// Runs a function in a child that gave up root, if it had it.
int Unprivileged(const std::function<int()>& body);
// Whether the function is over within kSoonMs.
bool Hangs(const std::function<void()>& body);
// The signal that the function ends with, 0 for none.
int DiesBy(const std::function<void()>& body);
// Installs a handler that does nothing but count in `caught`.
void Handle(int signo, int flags = 0);
extern volatile sig_atomic_t caught;
void LimitDescriptors(int beyond_open);
// Runs this program again with a command of its own (see main.cc): "fd-open N", "exit N".
int ExecSelf(const std::string& command, int argument);
std::string SelfPath();

struct Pipe {
  explicit Pipe(int flags = 0);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void Fill();   // until a non-blocking byte does not fit
  void Drain();  // what is there
  int r = -1, w = -1;
};
// A directory that goes away, and a name in it.
struct Dir {
  Dir();
  ~Dir();
  Dir(const Dir&) = delete;
  Dir& operator=(const Dir&) = delete;
  std::string operator/(const char* name) const { return path + "/" + name; }
  std::string path;
};
// A FIFO in a directory, with both ends open without waiting.
struct Fifo {
  explicit Fifo(bool open_ends = true, mode_t mode = 0600);
  ~Fifo();
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  Dir dir;
  std::string path;
  int r = -1, w = -1;
};
// A shared memory object, removed at the end.
struct Shm {
  explicit Shm(off_t size = 0, mode_t mode = 0600);
  ~Shm();
  Shm(const Shm&) = delete;
  Shm& operator=(const Shm&) = delete;
  char* Map(size_t length, int prot = PROT_READ | PROT_WRITE, int flags = MAP_SHARED, off_t at = 0);
  off_t Size() const;
  std::string name;
  int fd = -1;
};
// A message queue, removed at the end.
struct Queue {
  explicit Queue(long maxmsg = 4, long msgsize = 16, int flags = 0, mode_t mode = 0600);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  int Send(const char* text, unsigned prio = 0) const;
  std::string Receive(unsigned* prio = nullptr) const;  // "!" and the error number on failure
  void Fill() const;
  mq_attr Attr() const;
  std::string name;
  mqd_t q = -1;
};
std::string NewName(const char* tag);

inline bool Fails(long r, int error) { return r == -1 && errno == error; }

}  // namespace witness

#define WITNESS(name)                                                 \
  static bool Seen_##name();                                          \
  static const witness::Register register_##name(#name, Seen_##name); \
  static bool Seen_##name()
