// Variants that are habits of whole systems: slow or coarse clocks, calls that are interrupted
// where they may be, low limits, two-way pipes.
#include <fcntl.h>
#include <time.h>

#include "faults/preload/queues.h"
#include "faults/preload/sems.h"
#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

using Time = const timespec*;

// ---- late wake-ups ----

// A call that ends 100 ms later if it had to wait.
template <class Call>
auto Late(Call call) {
  int64_t start = NowNs(CLOCK_MONOTONIC);
  auto r = call();
  if (NowNs(CLOCK_MONOTONIC) - start > 1000000) {
    Differ();
    PauseMs(100);
  }
  return r;
}

// ---- interrupted calls ----

bool OpenInterrupted(const char*, int, mode_t) { return SignalNow(); }
bool UnlinkInterrupted(const char*) { return SignalNow(); }
bool QueueOpenInterrupted(const char*, int, mode_t, const mq_attr*) { return SignalNow(); }
bool TruncateInterrupted(const Obj& o, off_t n) {
  return o.kind == Kind::shm && n >= 0 && SignalNow();
}
bool FifoOpenInterrupted(int, const char*, int, mode_t) { return SignalNow(); }

// ---- coarse times ----

void WholeSeconds(struct stat* s) {
  if (s->st_atim.tv_nsec | s->st_mtim.tv_nsec | s->st_ctim.tv_nsec) Differ();
  s->st_atim.tv_nsec = s->st_mtim.tv_nsec = s->st_ctim.tv_nsec = 0;
}

constexpr int64_t kTick = 5000000;  // nanoseconds
int64_t TickDown(int64_t ns) { return ns / kTick * kTick; }
int64_t TickUp(int64_t ns) { return (ns + kTick - 1) / kTick * kTick; }
timespec Spec(int64_t ns) {
  return {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
}
bool Sane(Time t) {
  return t && t->tv_sec >= 0 && t->tv_sec < 4000000000 && t->tv_nsec >= 0 &&
         t->tv_nsec < 1000000000;
}
int64_t Ns(const timespec& t) { return t.tv_sec * int64_t{1000000000} + t.tv_nsec; }
void TickDown(timespec* t) { *t = Spec(TickDown(Ns(*t))); }
// The end of a time-out in ticks, and one more for the tick that has begun.
timespec TickTimeout(const timespec& t) { return Spec(TickUp(Ns(t)) + kTick); }

void CoarseTimes(struct stat* s) {
  Differ();
  for (timespec* t : {&s->st_atim, &s->st_mtim, &s->st_ctim}) TickDown(t);
}

template <void (*Change)(struct stat*)>
void StatTimes(Hooks& h) {
  h.fstat = [](const Obj& o, struct stat* s) {
    int r = real::fstat(o.fd, s);
    if (r == 0) Change(s);
    return r;
  };
  h.fstat_other = [](int fd, struct stat* s) {
    int r = real::fstat(fd, s);
    if (r == 0) Change(s);
    return r;
  };
  h.stat_fifo = h.stat_other = [](int d, const char* p, struct stat* s, int f) {
    int r = real::fstatat(d, p, s, f);
    if (r == 0) Change(s);
    return r;
  };
}

// A deadline passes with the tick in which the coarse clock shows it.
timespec TickDeadline(Time t) { return Spec(TickUp(Ns(*t))); }

void CoarseClock(Hooks& h) {
  h.clock_gettime = [](clockid_t clock, timespec* t) {
    int r = real::clock_gettime(clock, t);
    if (r == 0) TickDown(t);
    return r;
  };
  h.clock_getres = [](clockid_t clock, timespec* t) {
    int r = real::clock_getres(clock, t);
    if (r == 0 && t) *t = Spec(kTick);
    return r;
  };
  StatTimes<CoarseTimes>(h);
  h.poll = [](pollfd* p, nfds_t n, int ms) {
    return real::poll(p, n, ms <= 0 || ms > 1 << 30 ? ms : (ms + 9) / 5 * 5);
  };
  h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
    if (!Sane(t) || Ns(*t) == 0) return real::ppoll(p, n, t, m);
    timespec later = TickTimeout(*t);
    return real::ppoll(p, n, &later, m);
  };
  h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
    timespec limit{};
    if (t) limit = {t->tv_sec, static_cast<long>(t->tv_usec) * 1000};
    if (!t || !Sane(&limit) || Ns(limit) == 0) return real::select(n, r, w, e, t);
    timespec later = TickTimeout(limit);
    *t = {later.tv_sec, later.tv_nsec / 1000};
    return real::select(n, r, w, e, t);
  };
  h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, Time t, const sigset_t* m) {
    if (!Sane(t) || Ns(*t) == 0) return real::pselect(n, r, w, e, t, m);
    timespec later = TickTimeout(*t);
    return real::pselect(n, r, w, e, &later, m);
  };
  h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
    timespec later = Sane(t) ? TickDeadline(t) : timespec{};
    return SendTo(o, b, n, p, Sane(t) ? &later : t);
  };
  h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
    timespec later = Sane(t) ? TickDeadline(t) : timespec{};
    return ReceiveFrom(o, b, n, p, Sane(t) ? &later : t);
  };
  h.sem_timedwait = [](sem_t* s, Time t) {
    timespec later = Sane(t) ? TickDeadline(t) : timespec{};
    return real::sem_timedwait(s, Sane(t) ? &later : t);
  };
  h.sem_clockwait = [](sem_t* s, clockid_t c, Time t) {
    timespec later = Sane(t) ? TickDeadline(t) : timespec{};
    return real::sem_clockwait(s, c, Sane(t) ? &later : t);
  };
}

const Row kVariants[] = {
    {.name = "wakeups_late_read_and_write",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.read.concurrent_readers"},
     .what = "A read or write that had to wait returns 100 ms late.",
     .arm =
         [](Hooks& h) {
           h.read = [](const Obj& o, void* b, size_t n) {
             return Late([&] { return real::read(o.fd, b, n); });
           };
           h.write = [](const Obj& o, const void* b, size_t n) {
             return Late([&] { return real::write(o.fd, b, n); });
           };
         }},
    {.name = "wakeups_late_fifo_open",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.nonblock_writer_meets_blocked_reader"},
     .what = "An open of a FIFO that had to wait returns 100 ms late.",
     .arm =
         [](Hooks& h) {
           h.open_fifo = [](int d, const char* p, int f, mode_t m) {
             return Late([&] { return real::openat(d, p, f, m); });
           };
         }},
    {.name = "wakeups_late_poll_and_select",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.timeout_object"},
     .what = "poll(), ppoll(), select() and pselect() that had to wait return 100 ms late.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             return Late([&] { return real::poll(p, n, ms); });
           };
           h.ppoll = [](pollfd* p, nfds_t n, Time t, const sigset_t* m) {
             return Late([&] { return real::ppoll(p, n, t, m); });
           };
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             return Late([&] { return real::select(n, r, w, e, t); });
           };
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, Time t, const sigset_t* m) {
             return Late([&] { return real::pselect(n, r, w, e, t, m); });
           };
         }},
    {.name = "wakeups_late_queues",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.waiters.unspecified_without_ps"},
     .what = "A send or receive that had to wait returns 100 ms late.",
     .arm =
         [](Hooks& h) {
           h.mq_send = [](const Obj& o, const char* b, size_t n, unsigned p, Time t) {
             return Late([&] { return SendTo(o, b, n, p, t); });
           };
           h.mq_receive = [](const Obj& o, char* b, size_t n, unsigned* p, Time t) {
             return Late([&] { return ReceiveFrom(o, b, n, p, t); });
           };
         }},
    {.name = "wakeups_late_semaphores",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_post.unblock_choice_without_ps"},
     .what = "A wait for a semaphore that had to wait returns 100 ms late.",
     .arm = EveryWait<[](sem_t* s, RealWait wait, clockid_t c, Time t) {
       return Late([&] { return wait(s, c, t); });
     }>},
    {.name = "mq_open_is_interrupted",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.error.eintr"},
     .observed = "calls interrupted",
     .what = "mq_open() fails with EINTR when a signal is caught meanwhile.",
     .arm = Vary<&Hooks::mq_open>::Fails<EINTR, QueueOpenInterrupted>},
    {.name = "mq_unlink_is_interrupted",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_unlink.error.eintr"},
     .observed = "calls interrupted",
     .what = "mq_unlink() fails with EINTR when a signal is caught meanwhile.",
     .arm = Vary<&Hooks::mq_unlink>::Fails<EINTR, UnlinkInterrupted>},
    {.name = "shm_open_is_interrupted",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.err.eintr"},
     .what = "shm_open() fails with EINTR when a signal is caught meanwhile.",
     .arm = Vary<&Hooks::shm_open>::Fails<EINTR, OpenInterrupted>},
    {.name = "ftruncate_is_interrupted",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"ftruncate.err.eintr"},
     .what = "ftruncate() fails with EINTR when a signal is caught meanwhile.",
     .arm = Vary<&Hooks::ftruncate>::Fails<EINTR, TruncateInterrupted>},
    {.name = "fifo_open_is_interrupted",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.eintr"},
     .what = "open() of a FIFO fails with EINTR when a signal is caught, waiting or not.",
     .arm = Vary<&Hooks::open_fifo>::Fails<EINTR, FifoOpenInterrupted>},
    {.name = "file_times_whole_seconds_pipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.unspecified_fields"},
     .what = "The times of files have whole seconds only.",
     .source = "ext3, many file systems of FreeBSD",
     .arm = StatTimes<WholeSeconds>},
    {.name = "file_times_whole_seconds_fifo",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.trunc_times"},
     .what = "The times of FIFOs have whole seconds only.",
     .source = "ext3, many file systems of FreeBSD",
     .arm = StatTimes<WholeSeconds>},
    {.name = "file_times_whole_seconds_shm",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.timestamps"},
     .what = "The times of shared memory objects have whole seconds only.",
     .arm = StatTimes<WholeSeconds>},
    {.name = "clock_coarse_pipe",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fstat.pipe.unspecified_fields"},
     .what = "Clocks, file times and time-outs have a resolution of 5 ms.",
     .arm = CoarseClock},
    {.name = "clock_coarse_fifo",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fifo.open.trunc_times"},
     .what = "Clocks, file times and time-outs have a resolution of 5 ms.",
     .arm = CoarseClock},
    {.name = "clock_coarse_poll",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.timeout_object"},
     .what = "Clocks, file times and time-outs have a resolution of 5 ms.",
     .arm = CoarseClock},
    {.name = "clock_coarse_shm",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"mmap.timestamps"},
     .what = "Clocks, file times and time-outs have a resolution of 5 ms.",
     .arm = CoarseClock},
    {.name = "clock_coarse_mqueue",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.waiters.unspecified_without_ps"},
     .what = "Clocks, file times and time-outs have a resolution of 5 ms.",
     .arm = CoarseClock},
    {.name = "clock_coarse_sem",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem_post.unblock_choice_without_ps"},
     .what = "Clocks and time-outs have a resolution of 5 ms.",
     .arm = CoarseClock},
    {.name = "sem_nsems_max_is_least",
     .role = Role::variant,
     .family = Family::sem,
     .clauses = {"sem.limit.nsems_max"},
     .what = "sysconf() says that {SEM_NSEMS_MAX} is 256; more may be there nevertheless.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int name) {
             return name == _SC_SEM_NSEMS_MAX ? Instead(256l) : real::sysconf(name);
           };
         }},
    {.name = "mq_open_max_is_least",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.attr_null_defaults"},
     .what = "sysconf() says that {MQ_OPEN_MAX} is 8; more may be open nevertheless.",
     .arm =
         [](Hooks& h) {
           h.sysconf = [](int name) {
             return name == _SC_MQ_OPEN_MAX ? Instead(8l) : real::sysconf(name);
           };
         }},
    {.name = "write_nonblocking_takes_pipe_buf",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.write.partial_amount"},
     .observed = "bytes_taken_when_empty",
     .what = "A non-blocking write of more than {PIPE_BUF} bytes takes that many at a time.",
     .arm =
         [](Hooks& h) {
           h.write = [](const Obj& o, const void* b, size_t n) {
             bool large = n > 4096 && Nonblocking(o) && CanWrite(o);
             return real::write(o.fd, b, large ? Instead(size_t{4096}) : n);
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
