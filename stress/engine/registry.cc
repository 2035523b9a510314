#include "stress/engine/registry.h"

#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/os/os.h"

namespace ipcsuite::stress {

Registry::Registry(SharedRegion& region)
    : next_name_(region.Make<std::atomic<std::uint32_t>>()),
      names_(region.Zeroed<Name>(kNames)),
      processes_(region.Zeroed<std::atomic<std::int32_t>>(kProcesses)),
      counter_(region.Make<std::atomic<std::uint32_t>>()),
      owner_(getpid()) {}

int Registry::Enter(NameKind kind, const std::string& text) {
  for (int i = 0; i < kNames; ++i) {
    NameKind free = NameKind::kFree;
    // Text first would be better, but a slot must be owned before it is written: a reader that
    // finds a half-written name fails to remove it, which does no harm.
    if (!names_[i].kind.compare_exchange_strong(free, kind)) continue;
    std::strncpy(names_[i].text, text.c_str(), sizeof names_[i].text - 1);
    const auto used = static_cast<std::uint32_t>(i + 1);
    std::uint32_t seen = next_name_->load();
    while (seen < used && !next_name_->compare_exchange_weak(seen, used)) {
    }
    return i;
  }
  return -1;
}

std::string Registry::Directory() {
  if (!directory_.empty()) return directory_;
  const char* tmp = std::getenv("TEST_TMPDIR");
  if (tmp == nullptr || *tmp == '\0') tmp = std::getenv("TMPDIR");
  if (tmp == nullptr || *tmp == '\0' || std::strlen(tmp) > 60) tmp = "/tmp";
  std::string made =
      std::string(tmp) + "/ipcsuite-stress-" + std::to_string(owner_) + "-" + std::string(6, 'X');
  if (mkdtemp(made.data()) == nullptr) {
    made =
        std::string("/tmp/ipcsuite-stress-") + std::to_string(owner_) + "-" + std::string(6, 'X');
    if (mkdtemp(made.data()) == nullptr) return "/tmp";
  }
  directory_ = made;
  Enter(NameKind::kDirectory, directory_);
  return directory_;
}

std::string Registry::NewName(NameKind kind) {
  const std::string stem =
      "ipcsuite-stress-" + std::to_string(owner_) + "-" + std::to_string(counter_->fetch_add(1));
  const std::string name = (kind == NameKind::kPath ? Directory() : std::string()) + "/" + stem;
  Enter(kind, name);
  return name;
}

int Registry::Remember(pid_t pid) {
  for (int i = 0; i < kProcesses; ++i) {
    std::int32_t free = 0;
    if (processes_[i].compare_exchange_strong(free, static_cast<std::int32_t>(pid))) return i;
  }
  return -1;
}

void Registry::Forget(int slot) {
  if (slot >= 0) processes_[slot].store(0);
}

void Registry::ForgetName(const std::string& name) {
  const auto used = static_cast<int>(next_name_->load());
  for (int i = 0; i < used; ++i) {
    if (names_[i].kind.load() != NameKind::kFree && name == names_[i].text) {
      std::memset(names_[i].text, 0, sizeof names_[i].text);
      names_[i].kind.store(NameKind::kFree);
    }
  }
}

void Registry::RemovePath(std::string* path) {
  if (path->empty()) return;
  unlink(path->c_str());
  ForgetName(*path);
  path->clear();
}

bool MeansNoRoom(int error) {
  return error == EMFILE || error == ENFILE || error == ENOSPC || error == ENOMEM;
}

std::string WhyUnusable(Registry& registry, NameKind kind) {
  const std::string name = registry.NewName(kind);
  const char* call = "mkfifo";
  bool made = false, works = false;
  if (kind == NameKind::kShm) {
    call = "shm_open";
    const int fd = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
    made = works = fd >= 0;
    if (made) close(fd);
  } else if (kind == NameKind::kQueue) {
    call = "mq_open";
    mq_attr attr{};
    attr.mq_maxmsg = 1;
    attr.mq_msgsize = 8;
    const mqd_t queue = mq_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
    made = queue != static_cast<mqd_t>(-1);
    if (made) call = "mq_send";
    works = made && mq_send(queue, "", 1, 0) == 0;
    const int error = errno;
    if (made) mq_close(queue);
    errno = error;
  } else if (kind == NameKind::kSem) {
    call = "sem_open";
    sem_t* const sem = sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 1);
    made = sem != SEM_FAILED;
    if (made) call = "sem_trywait";
    works = made && sem_trywait(sem) == 0;
    const int error = errno;
    if (made) sem_close(sem);
    errno = error;
  } else {
    made = works = mkfifo(name.c_str(), 0600) == 0;
  }
  const std::string why = works ? "" : std::string(call) + ": " + std::strerror(errno);
  if (made) Registry::Remove(kind, name.c_str());
  registry.ForgetName(name);
  return why;
}

bool Registry::Remove(NameKind kind, const char* text) {
  switch (kind) {
    case NameKind::kQueue: return mq_unlink(text) == 0;
    case NameKind::kShm: return shm_unlink(text) == 0;
    case NameKind::kSem: return sem_unlink(text) == 0;
    case NameKind::kPath: return unlink(text) == 0;
    case NameKind::kDirectory: rmdir(text); return false;
    case NameKind::kFree: break;
  }
  return false;
}

int Registry::Sweep() {
  int left = 0;
  // Last entered first: the directory goes after what is in it... unless it came first, so twice.
  const auto used = static_cast<int>(next_name_->load());
  for (int round = 0; round < 2; ++round) {
    for (int i = used - 1; i >= 0; --i) {
      const NameKind kind = names_[i].kind.load();
      if (kind != NameKind::kFree && Remove(kind, names_[i].text)) ++left;
    }
  }
  return left;
}

void Registry::KillAll() {
  for (int i = 0; i < kProcesses; ++i) {
    const std::int32_t pid = processes_[i].load();
    if (pid > 1) kill(pid, SIGKILL);
  }
}

void DieWithParent(pid_t parent) {
  os::DieWithParent();
  if (getppid() != parent) _exit(127);
}

namespace {

void Guard(Registry& registry, pid_t parent) {
  // All signals are blocked: Ctrl-C reaches the whole foreground group, and the guardian must
  // outlive it.
  os::DieWithParent(SIGUSR1);
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigaddset(&wanted, SIGUSR2);
  const timespec period{0, 200'000'000};  // where the parent's death is not signalled
  while (getppid() == parent) {
    if (sigtimedwait(&wanted, nullptr, &period) == SIGUSR2) _exit(0);
  }
  // Workers may still be creating names until they are dead: kill, sweep, and look again.
  const timespec moment{0, 50'000'000};
  for (int round = 0; round < 5; ++round) {
    registry.KillAll();
    sigtimedwait(&wanted, nullptr, &moment);
    registry.Sweep();
  }
  _exit(0);
}

}  // namespace

pid_t StartGuardian(Registry& registry) {
  const pid_t parent = getpid();
  // The order to end may come immediately: SIGUSR2 is ignored by the run, and must stay pending.
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &old);
  const pid_t pid = fork();
  if (pid != 0) sigprocmask(SIG_SETMASK, &old, nullptr);
  if (pid == 0) {
    // Holds no descriptor of the run: a pipe of a shell must not stay open because of it.
    for (int fd = 0; fd < 3; ++fd) {
      const int null = open("/dev/null", O_RDWR);
      if (null >= 0) {
        dup2(null, fd);
        if (null > 2) close(null);
      }
    }
    Guard(registry, parent);
  }
  return pid;
}

void StopGuardian(pid_t guardian) {
  if (guardian <= 0) return;
  kill(guardian, SIGUSR2);
  while (waitpid(guardian, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ipcsuite::stress
