// Start of the library: which row is active, the default hooks, what a descriptor is.
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "faults/preload/fault.h"
#include "faults/preload/state.h"

namespace faults {

Hooks hooks;

namespace {

bool active = false;
bool started = false;
struct {
  dev_t dev;
  ino_t ino;
} standard[3];
dev_t shm_device = 0;

void PassStreams(Hooks& h) {
  h.read = [](const Obj& o, void* b, size_t n) { return real::read(o.fd, b, n); };
  h.pread = [](const Obj& o, void* b, size_t n, off_t at) { return real::pread(o.fd, b, n, at); };
  h.write = [](const Obj& o, const void* b, size_t n) { return real::write(o.fd, b, n); };
  h.readv = [](const Obj& o, const iovec* v, int n) { return real::readv(o.fd, v, n); };
  h.writev = [](const Obj& o, const iovec* v, int n) { return real::writev(o.fd, v, n); };
  h.pwrite = [](const Obj& o, const void* b, size_t n, off_t at) {
    return real::pwrite(o.fd, b, n, at);
  };
  h.pipe2 = [](int* p, int flags) { return flags ? real::pipe2(p, flags) : real::pipe(p); };
  h.mkfifoat = [](int d, const char* p, mode_t m) { return real::mkfifoat(d, p, m); };
  h.mknodat = [](int d, const char* p, mode_t m, dev_t v) { return real::mknodat(d, p, m, v); };
  h.open_fifo = [](int d, const char* p, int f, mode_t m) { return real::openat(d, p, f, m); };
  h.unlink_fifo = [](int d, const char* p) { return real::unlinkat(d, p, 0); };
  h.lseek = [](const Obj& o, off_t at, int w) { return real::lseek(o.fd, at, w); };
  h.fsync = [](const Obj& o) { return real::fsync(o.fd); };
  h.fdatasync = [](const Obj& o) { return real::fdatasync(o.fd); };
  h.fallocate = [](const Obj& o, off_t at, off_t n) { return real::posix_fallocate(o.fd, at, n); };
  h.fadvise = [](const Obj& o, off_t at, off_t n, int a) {
    return real::posix_fadvise(o.fd, at, n, a);
  };
  h.fpathconf = [](const Obj& o, int name) { return real::fpathconf(o.fd, name); };
  h.pathconf_fifo = [](const char* p, int name) { return real::pathconf(p, name); };
  h.stat_fifo = [](int d, const char* p, struct stat* s, int f) {
    return real::fstatat(d, p, s, f);
  };
  h.stat_other = h.stat_fifo;
  h.fstat_other = real::fstat;
  h.aio_read = [](aiocb* a) { return real::aio_read(a); };
  h.aio_write = [](aiocb* a) { return real::aio_write(a); };
  h.aio_return = [](aiocb* a) { return real::aio_return(a); };
  h.aio_error = [](const aiocb* a) { return real::aio_error(a); };
}

Hooks MakeDefaults() {
  Hooks h{};
  PassStreams(h);
  h.close = [](const Obj& o) { return real::close(o.fd); };
  h.dup = [](const Obj& o) { return real::dup(o.fd); };
  h.dup2 = [](const Obj& a, const Obj& b) { return real::dup2(a.fd, b.fd); };
  h.dup3 = [](const Obj& a, const Obj& b, int f) { return real::dup3(a.fd, b.fd, f); };
  h.fcntl = [](const Obj& o, int c, long a) { return real::fcntl(o.fd, c, a); };
  h.fstat = [](const Obj& o, struct stat* s) { return real::fstat(o.fd, s); };
  h.ftruncate = [](const Obj& o, off_t n) { return real::ftruncate(o.fd, n); };
  h.fchmod = [](const Obj& o, mode_t m) { return real::fchmod(o.fd, m); };
  h.fchown = [](const Obj& o, uid_t u, gid_t g) { return real::fchown(o.fd, u, g); };
  h.poll = [](pollfd* p, nfds_t n, int t) { return real::poll(p, n, t); };
  h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, const sigset_t* m) {
    return real::ppoll(p, n, t, m);
  };
  h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
    return real::select(n, r, w, e, t);
  };
  h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, const sigset_t* m) {
    return real::pselect(n, r, w, e, t, m);
  };
  h.read_shm = h.read;
  h.pread_queue = h.pread;
  h.write_shm = h.write;
  h.lseek_shm = h.lseek;
  h.mmap = [](const Obj& o, void* a, size_t n, int p, int f, off_t at) {
    return real::mmap(a, n, p, f, o.fd, at);
  };
  h.mmap_other = real::mmap;
  h.mprotect_other = real::mprotect;
  h.munmap = [](void* a, size_t n) { return real::munmap(a, n); };
  h.mprotect = [](void* a, size_t n, int p) { return real::mprotect(a, n, p); };
  h.msync = [](void* a, size_t n, int f) { return real::msync(a, n, f); };
  h.mlock = [](const void* a, size_t n) { return real::mlock(a, n); };
  h.munlock = [](const void* a, size_t n) { return real::munlock(a, n); };
  h.posix_madvise = [](void* a, size_t n, int v) { return real::posix_madvise(a, n, v); };
  h.mq_open = [](const char* p, int f, mode_t m, const mq_attr* a) {
    return real::mq_open(p, f, m, a);
  };
  h.mq_close = [](const Obj& o) { return real::mq_close(o.fd); };
  h.mq_getattr = [](const Obj& o, mq_attr* a) { return real::mq_getattr(o.fd, a); };
  h.mq_setattr = [](const Obj& o, const mq_attr* n, mq_attr* old) {
    return real::mq_setattr(o.fd, n, old);
  };
  h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, const timespec* t) {
    return t ? real::mq_timedsend(o.fd, b, n, p, t) : real::mq_send(o.fd, b, n, p);
  };
  h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, const timespec* t) {
    return t ? real::mq_timedreceive(o.fd, b, n, p, t) : real::mq_receive(o.fd, b, n, p);
  };
  h.mq_notify = [](const Obj& o, const sigevent* s) { return real::mq_notify(o.fd, s); };
  h.clock_gettime = real::clock_gettime;
  h.clock_getres = real::clock_getres;
  h.sem_open = [](const char* p, int f, mode_t m, unsigned v) {
    return real::sem_open(p, f, m, v);
  };
  h.sem_timedwait = [](sem_t* s, const timespec* t) { return real::sem_timedwait(s, t); };
  h.sem_clockwait = [](sem_t* s, clockid_t c, const timespec* t) {
    return real::sem_clockwait(s, c, t);
  };
  h.after_fork_in_child = [] {};
  h.before_exec = [] {};
  h.failed_exec = [] {};
  h.before_exit = [] {};
#define IPC_DEFAULT(result, name, parameters, arguments) h.name = real::name;
  IPC_PLAIN_CALLS(IPC_DEFAULT)
#undef IPC_DEFAULT
  return h;
}

const Row kMeta[] = {
    {.name = "neutral",
     .family = Family::meta,
     .what = "Everything is interposed and nothing is changed.",
     .arm = [](Hooks&) {}},
    {.name = "canary",
     .family = Family::meta,
     .what = "Nothing can be created: every test must fail.",
     .arm =
         [](Hooks& h) {
           Edit<&Hooks::pipe2>::Always<ENOSYS>(h);
           Edit<&Hooks::mkfifoat>::Always<ENOSYS>(h);
           Edit<&Hooks::shm_open>::Always<ENOSYS>(h);
           Edit<&Hooks::mq_open>::Always<ENOSYS>(h);
           Edit<&Hooks::sem_init>::Always<ENOSYS>(h);
           h.pthread_mutexattr_setpshared = [](pthread_mutexattr_t*, int) { return ENOTSUP; };
           h.pthread_condattr_setpshared = [](pthread_condattr_t*, int) { return ENOTSUP; };
           h.sem_open = [](const char*, int, mode_t, unsigned) {
             errno = ENOSYS;
             return static_cast<sem_t*>(SEM_FAILED);
           };
         }},
};

// The linker's names for the ends of the section that FAULTS_REGISTER fills.
extern "C" __attribute__((visibility("hidden"))) const Bank __start_ipcfaults_banks[];
extern "C" __attribute__((visibility("hidden"))) const Bank __stop_ipcfaults_banks[];

const Row* RowAt(size_t i) {
  if (i < std::size(kMeta)) return &kMeta[i];
  i -= std::size(kMeta);
  for (const Bank* bank = __start_ipcfaults_banks; bank != __stop_ipcfaults_banks; ++bank) {
    if (i < bank->count) return &bank->rows[i];
    i -= bank->count;
  }
  return nullptr;
}

const Row* RowNamed(const char* name) {
  for (size_t i = 0;; ++i) {
    const Row* row = RowAt(i);
    if (!row || std::strcmp(row->name, name) == 0) return row;
  }
}

// Looked up again when it is another: the process may have got a file system of its own there.
bool IsShmDevice(dev_t dev) {
  struct stat s;
  int saved = errno;
  if (dev != shm_device && real::fstatat(AT_FDCWD, "/dev/shm", &s, 0) == 0) shm_device = s.st_dev;
  errno = saved;
  return dev == shm_device;
}

void Start() {
  if (started) return;
  started = true;
  real::Resolve();
  hooks = DefaultHooks();
  const char* name = std::getenv(kIpcFaultVariable);
  if (!name || !*name) return;
  const Row* row = RowNamed(name);
  if (!row) {
    std::fprintf(stderr, "ipcfaults: %s=%s: no such fault; `ipcsuite detect --list` names them\n",
                 kIpcFaultVariable, name);
    _exit(2);
  }
  for (int fd = 0; fd < 3; ++fd) {
    struct stat s;
    if (real::fstat(fd, &s) == 0) standard[fd] = {s.st_dev, s.st_ino};
  }
  MapState();
  row->arm(hooks);
  active = true;
}

__attribute__((constructor(101))) void StartAtLoad() { Start(); }

}  // namespace

const Hooks& DefaultHooks() {
  static const Hooks defaults = MakeDefaults();
  return defaults;
}

bool Active() {
  if (!started) Start();
  return active;
}

Obj ObjectOf(int fd) {
  constexpr long kPipeFs = 0x50495045, kQueueFs = 0x19800202, kTmpFs = 0x01021994;
  Obj o;
  o.fd = fd;
  if (fd >= 0 && fd <= 2) return o;
  int saved = errno;
  struct stat s;
  struct statfs fs;
  if (fd < 0 || real::fstat(fd, &s) != 0 || fstatfs(fd, &fs) != 0) {
    o.kind = Kind::bad;
    errno = saved;
    return o;
  }
  errno = saved;
  o.dev = s.st_dev;
  o.ino = s.st_ino;
  if (S_ISFIFO(s.st_mode)) {
    for (const auto& one : standard) {
      if (one.dev == s.st_dev && one.ino == s.st_ino) return o;
    }
    o.kind = static_cast<long>(fs.f_type) == kPipeFs ? Kind::pipe : Kind::fifo;
  } else if (static_cast<long>(fs.f_type) == kQueueFs) {
    o.kind = Kind::queue;
  } else if (S_ISREG(s.st_mode) && static_cast<long>(fs.f_type) == kTmpFs &&
             IsShmDevice(s.st_dev)) {
    o.kind = Kind::shm;
  }
  return o;
}

}  // namespace faults

extern "C" __attribute__((visibility("default"))) const faults::Row* ipcfaults_row(size_t i) {
  return faults::RowAt(i);
}
