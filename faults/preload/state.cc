#include "faults/preload/state.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace faults {
namespace {

constexpr size_t kCells = 16384;
constexpr int kWaits = 256;

struct Wait {
  std::atomic<uint64_t> key;  // 0 is free
  std::atomic<uint64_t> order;
  std::atomic<int> pid, tid, kicked;
  std::atomic<uint32_t> use;
};

struct Shared {
  std::atomic<uint64_t> decisions;
  struct {
    std::atomic<uint64_t> key, value;
  } cells[kCells];
  Wait waits[kWaits];
  std::atomic<uint64_t> order;
  std::atomic<int> lock;
};

Shared* shared = nullptr;
int kick_signal = 0;
thread_local volatile sig_atomic_t kicked_here = 0;

int Tid() { return static_cast<int>(syscall(SYS_gettid)); }
bool Alive(const Wait& w) {
  int saved = errno;
  bool alive = syscall(SYS_tgkill, w.pid.load(), w.tid.load(), 0) == 0 || errno == EPERM;
  errno = saved;
  return alive;
}
uint64_t Mix(uint64_t x) {
  x ^= x >> 31;
  x *= 0x9e3779b97f4a7c15ull;
  x ^= x >> 29;
  return x ? x : 1;
}
bool Matches(const Wait& w, uint64_t key, uint32_t use) {
  return w.key.load() == Mix(key) && w.use.load() == use && Alive(w);
}

}  // namespace

void MapState() {
  int flags = MAP_SHARED | MAP_ANONYMOUS, fd = -1;
  const char* path = std::getenv(kIpcFaultStateVariable);
  if (path && *path) {
    fd = real::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0 && real::ftruncate(fd, sizeof(Shared)) == 0) flags = MAP_SHARED;
  }
  void* at = real::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, flags,
                        flags == MAP_SHARED ? fd : -1, 0);
  if (fd >= 0) real::close(fd);
  if (at == MAP_FAILED) abort();
  shared = static_cast<Shared*>(at);
}

std::atomic<uint64_t>& Cell(uint64_t key, uint32_t use) {
  uint64_t want = Mix(key * 1000003 + use);
  for (size_t i = 0; i < kCells; ++i) {
    auto& cell = shared->cells[(want + i) % kCells];
    uint64_t seen = cell.key.load();
    if (seen == 0 && cell.key.compare_exchange_strong(seen, want)) return cell.value;
    if (seen == want) return cell.value;
  }
  return shared->cells[want % kCells].value;
}

void Differ() { ++shared->decisions; }

Locked::Locked() : mine_(false) {
  for (int i = 0; i < 200 && !mine_; ++i) {
    int free = 0;
    mine_ = shared->lock.compare_exchange_strong(free, Tid());
    if (!mine_) PauseMs(1);
  }
}
Locked::~Locked() { shared->lock.store(0); }

int StuckMs() {
  static const int ms = [] {
    const char* text = std::getenv(kIpcFaultStuckVariable);
    int n = text ? std::atoi(text) : 0;
    return n > 0 ? n : 4000;
  }();
  return ms;
}

int64_t NowNs(clockid_t clock) {
  timespec t;
  real::clock_gettime(clock, &t);
  return t.tv_sec * 1000000000ll + t.tv_nsec;
}

// Raw, since nanosleep() is a cancellation point; sleeps on through signals.
void PauseMs(int ms) {
  int saved = errno;
  int64_t end = NowNs(CLOCK_MONOTONIC) + ms * 1000000ll;
  for (int64_t left; (left = end - NowNs(CLOCK_MONOTONIC)) > 0;) {
    timespec t{static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
    real::ppoll(nullptr, 0, &t, nullptr);
  }
  errno = saved;
}

void Stuck() {
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
  PauseMs(StuckMs());
  pthread_setcancelstate(before, nullptr);
}

static void CatchKicks() {
  struct sigaction action {};
  action.sa_handler = [](int) { kicked_here = 1; };
  sigaction(kick_signal, &action, nullptr);
}

void UseKicks() {
  kick_signal = SIGRTMAX - 3;
  CatchKicks();
}

Waiting::Waiting(uint64_t key, uint32_t use) : slot_(-1) {
  kicked_here = 0;
  if (kick_signal != 0) CatchKicks();  // a program may have reset all signals
  for (int i = 0; i < kWaits; ++i) {
    Wait& w = shared->waits[i];
    uint64_t seen = w.key.load();
    if (seen != 0 && Alive(w)) continue;
    if (!w.key.compare_exchange_strong(seen, ~0ull)) continue;
    w.pid = getpid();
    w.tid = Tid();
    w.kicked = 0;
    w.use = use;
    w.order = shared->order.fetch_add(1) + 1;
    w.key.store(Mix(key));
    slot_ = i;
    return;
  }
}
Waiting::~Waiting() {
  if (slot_ >= 0) shared->waits[slot_].key.store(0);
}
bool Waiting::Kicked() const { return slot_ >= 0 && shared->waits[slot_].kicked.load() != 0; }

bool Waiting::Newest() const {
  if (slot_ < 0) return true;
  const Wait& mine = shared->waits[slot_];
  for (const Wait& w : shared->waits) {
    const bool same = w.key.load() == mine.key.load() && w.use.load() == mine.use.load();
    if (same && w.order.load() > mine.order.load() && Alive(w)) return false;
  }
  return true;
}

int WaiterCount(uint64_t key, uint32_t use) {
  int n = 0;
  for (const Wait& w : shared->waits) n += Matches(w, key, use);
  return n;
}

int Kick(uint64_t key, uint32_t use, bool all) {
  int saved = errno, n = 0;
  Wait* newest = nullptr;
  for (Wait& w : shared->waits) {
    if (!Matches(w, key, use)) continue;
    if (all) {
      w.kicked = 1;
      n += syscall(SYS_tgkill, w.pid.load(), w.tid.load(), kick_signal) == 0;
    } else if (!newest || w.order.load() > newest->order.load()) {
      newest = &w;
    }
  }
  if (newest) {
    newest->kicked = 1;
    n = syscall(SYS_tgkill, newest->pid.load(), newest->tid.load(), kick_signal) == 0;
  }
  errno = saved;
  return n;
}

Bounded::Bounded() {
  kicked_here = 0;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kick_signal;
  event.sigev_notify_thread_id = Tid();
  armed_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  itimerspec when{};
  when.it_value.tv_sec = StuckMs() / 1000;
  when.it_value.tv_nsec = StuckMs() % 1000 * 1000000l;
  if (armed_) timer_settime(timer_, 0, &when, nullptr);
}
Bounded::~Bounded() {
  if (armed_) timer_delete(timer_);
}
bool Bounded::Fired() const { return kicked_here != 0; }

Disturbed::Disturbed(Disturb which) {
  int saved = errno;
  for (int s = 1; s <= 64; ++s) {
    if (sigaction(s, nullptr, &saved_[s]) != 0) continue;
    struct sigaction now = saved_[s];
    bool fits = false;
    bool handled = now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN;
    if (which == Disturb::restarting) {
      fits = handled && (now.sa_flags & SA_RESTART);
    } else {
      bool quiet = now.sa_handler == SIG_DFL && (s == SIGCHLD || s == SIGURG || s == SIGWINCH);
      fits =
          which == Disturb::ignored ? now.sa_handler == SIG_IGN || quiet : s == SIGCONT && !handled;
      if (fits) now.sa_handler = [](int) {};
    }
    if (!fits) continue;
    now.sa_flags &= ~SA_RESTART;
    changed_[s] = sigaction(s, &now, nullptr) == 0;
  }
  errno = saved;
}
Disturbed::~Disturbed() {
  int saved = errno;
  for (int s = 1; s <= 64; ++s) {
    if (changed_[s]) sigaction(s, &saved_[s], nullptr);
  }
  errno = saved;
}

}  // namespace faults
