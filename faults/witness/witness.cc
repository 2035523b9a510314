#include "faults/witness/witness.h"

#include <time.h>

#include <cstdio>

namespace witness {

volatile sig_atomic_t caught = 0;

std::vector<Witness>& All() {
  static std::vector<Witness> all;
  return all;
}

void Nap(int ms) {
  int64_t end = NowNs() + ms * 1000000ll;
  for (int64_t left; (left = end - NowNs()) > 0;) {
    timespec t{static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
    // Gives another process time to block; no verdict rests on it.
    nanosleep(&t, nullptr);  // sleep-ok: see above
  }
}

int64_t NowNs(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

timespec InMs(int ms, clockid_t clock) {
  int64_t n = NowNs(clock) + ms * 1000000ll;
  return {static_cast<time_t>(n / 1000000000), static_cast<long>(n % 1000000000)};
}

Child::Child(const std::function<int()>& body) : pid_(fork()) {
  if (pid_ == 0) {
    alarm(20);
    _exit(body());
  }
}
Child::~Child() {
  if (status_ == -1 && pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
}
int Child::Exit(int ms) { return Pester(0, ms); }
int Child::Pester(int signo, int ms) {
  int64_t end = NowNs() + ms * 1000000ll;
  for (int i = 0; status_ == -1; ++i) {
    int s;
    if (waitpid(pid_, &s, WNOHANG) == pid_) {
      status_ = WIFEXITED(s) ? WEXITSTATUS(s) : 1000 + WTERMSIG(s);
    } else if (NowNs() > end) {
      return -1;
    } else {
      if (signo && i % 10 == 9) kill(pid_, signo);
      Nap(2);
    }
  }
  return status_;
}

int Unprivileged(const std::function<int()>& body) {
  Child c([&] {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 99;
    return body();
  });
  return c.Exit(10000);
}

bool Hangs(const std::function<void()>& body) {
  Child c([&] { return body(), 0; });
  return c.Exit() == -1;
}

int DiesBy(const std::function<void()>& body) {
  Child c([&] {
    rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    return body(), 0;
  });
  int code = c.Exit(10000);
  return code >= 1000 ? code - 1000 : 0;
}

void Handle(int signo, int flags) {
  struct sigaction a {};
  a.sa_handler = [](int) { caught = caught + 1; };
  a.sa_flags = flags;
  sigaction(signo, &a, nullptr);
}

void LimitDescriptors(int beyond_open) {
  int next = open("/dev/null", O_RDONLY);
  close(next);
  rlimit l{};
  getrlimit(RLIMIT_NOFILE, &l);
  l.rlim_cur = static_cast<rlim_t>(next + beyond_open);
  setrlimit(RLIMIT_NOFILE, &l);
}

std::string SelfPath() {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : "";
}

int ExecSelf(const std::string& command, int argument) {
  std::string self = SelfPath(), number = std::to_string(argument);
  execl(self.c_str(), self.c_str(), command.c_str(), number.c_str(), nullptr);
  return 98;
}

std::string NewName(const char* tag) {
  static int n = 0;
  return std::string("/ipcwitness-") + tag + "-" + std::to_string(getpid()) + "-" +
         std::to_string(++n);
}

Pipe::Pipe(int flags) {
  int p[2] = {-1, -1};
  if ((flags ? pipe2(p, flags) : pipe(p)) == 0) r = p[0], w = p[1];
}
Pipe::~Pipe() {
  close(r);
  close(w);
}
void Pipe::Fill() {
  fcntl(w, F_SETFL, O_NONBLOCK);
  char b[4096] = {};
  while (write(w, b, sizeof b) > 0) {
  }
  while (write(w, b, 1) > 0) {
  }
  fcntl(w, F_SETFL, 0);
}
void Pipe::Drain() {
  fcntl(r, F_SETFL, O_NONBLOCK);
  char b[4096];
  while (read(r, b, sizeof b) > 0) {
  }
  fcntl(r, F_SETFL, 0);
}

Dir::Dir() {
  // Not Bazel's folder for tests: users without privilege may not get there.
  path = "/tmp/ipcwitness-XXXXXX";
  if (!mkdtemp(path.data())) path = "/nonexistent";
  chmod(path.c_str(), 0755);
}
Dir::~Dir() {
  std::string command = "rm -rf '" + path + "'";
  if (std::system(command.c_str()) != 0) std::fprintf(stderr, "cannot remove %s\n", path.c_str());
}

Fifo::Fifo(bool open_ends, mode_t mode) : path(dir / "f") {
  umask(0);
  mkfifo(path.c_str(), mode);
  if (!open_ends) return;
  r = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  w = open(path.c_str(), O_WRONLY);
  fcntl(r, F_SETFL, 0);
}
Fifo::~Fifo() {
  close(r);
  close(w);
}

Shm::Shm(off_t size, mode_t mode) : name(NewName("shm")) {
  umask(0);
  fd = shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, mode);
  if (size && ftruncate(fd, size) != 0) std::perror("ftruncate");
}
Shm::~Shm() {
  close(fd);
  shm_unlink(name.c_str());
  unlink(("/dev/shm" + name).c_str());
}
char* Shm::Map(size_t length, int prot, int flags, off_t at) {
  return static_cast<char*>(mmap(nullptr, length, prot, flags, fd, at));
}
off_t Shm::Size() const {
  struct stat s {};
  fstat(fd, &s);
  return s.st_size;
}

Queue::Queue(long maxmsg, long msgsize, int flags, mode_t mode) : name(NewName("mq")) {
  umask(0);
  mq_attr a{};
  a.mq_maxmsg = maxmsg;
  a.mq_msgsize = msgsize;
  q = mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | flags, mode, &a);
}
Queue::~Queue() {
  mq_close(q);
  mq_unlink(name.c_str());
}
int Queue::Send(const char* text, unsigned prio) const {
  return mq_send(q, text, std::strlen(text), prio);
}
std::string Queue::Receive(unsigned* prio) const {
  std::vector<char> b(static_cast<size_t>(Attr().mq_msgsize));
  ssize_t n = mq_receive(q, b.data(), b.size(), prio);
  if (n < 0) return "!" + std::to_string(errno);
  return std::string(b.data(), static_cast<size_t>(n));
}
void Queue::Fill() const {
  for (long i = Attr().mq_maxmsg; i > 0; --i) Send("x");
}
mq_attr Queue::Attr() const {
  mq_attr a{};
  mq_getattr(q, &a);
  return a;
}

}  // namespace witness
