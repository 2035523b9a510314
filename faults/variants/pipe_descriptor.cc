// Variants of making, closing and duplicating the descriptors of pipes, and of their flags.
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include <csignal>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

enum Use : uint32_t { kBlocked };

// A wait on one descriptor number of this process.
uint64_t Number(const Obj& o) {
  return static_cast<uint64_t>(getpid()) * 100003 + static_cast<uint64_t>(o.fd);
}
// A wait on one end of a pipe.
uint64_t End(const Obj& o) { return o.key() * 5 + static_cast<uint64_t>(AccessMode(o)); }

// A call that fails with Error when another thread kicks it.
template <uint64_t (*Key)(const Obj&), int Error, class Call>
ssize_t Kickable(const Obj& o, Call call) {
  Waiting wait(Key(o), kBlocked);
  ssize_t r = call();
  return r == -1 && errno == EINTR && wait.Kicked() ? Refuse(Error) : r;
}

template <uint64_t (*Key)(const Obj&), int Error>
void KickableCalls(Hooks& h) {
  UseKicks();
  h.read = [](const Obj& o, void* b, size_t n) {
    return Kickable<Key, Error>(o, [&] { return real::read(o.fd, b, n); });
  };
  h.write = [](const Obj& o, const void* b, size_t n) {
    return Kickable<Key, Error>(o, [&] { return real::write(o.fd, b, n); });
  };
}

bool OtherMode(const char* mode) {
  bool known = (mode[0] == 'r' || mode[0] == 'w') && (mode[1] == 0 || (mode[1] == 'e' && !mode[2]));
  return !known;
}

const Row kVariants[] = {
    {.name = "pipe2_ignores_unknown_flags",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe2.invalid_flag"},
     .observed = "O_CREAT",
     .what = "pipe2() ignores flags that it does not know.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             if (flags & ~(O_CLOEXEC | O_NONBLOCK)) Differ();
             return real::pipe2(p, flags & (O_CLOEXEC | O_NONBLOCK));
           };
         }},
    {.name = "pipe_write_end_has_lower_number",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.create.fd_order"},
     .observed = "lower_number",
     .what = "The write end gets the lower of the two numbers.",
     .arm =
         [](Hooks& h) {
           h.pipe2 = [](int* p, int flags) {
             int r = real::pipe2(p, flags);
             if (r != 0 || p[0] > p[1]) return r;
             int saved = errno;
             int high = real::fcntl(p[0], F_DUPFD_CLOEXEC, 200l);
             if (high < 0) {
               errno = saved;
               return r;
             }
             real::dup3(p[1], p[0], flags & O_CLOEXEC);
             real::dup3(high, p[1], flags & O_CLOEXEC);
             // pipe() is not a cancellation point, close() is one.
             int before = 0;
             pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
             real::close(high);
             pthread_setcancelstate(before, nullptr);
             int low = p[0];
             p[0] = p[1];
             p[1] = low;
             return Instead(0);
           };
         }},
    {.name = "dup3_ignores_unknown_flags",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"dup3.invalid_flag"},
     .observed = "O_NONBLOCK",
     .what = "dup3() ignores flags that it does not know.",
     .arm =
         [](Hooks& h) {
           h.dup3 = [](const Obj& a, const Obj& b, int flags) {
             if (flags & ~O_CLOEXEC) Differ();
             return real::dup3(a.fd, b.fd, flags & O_CLOEXEC);
           };
         }},
    {.name = "dupfd_at_limit_is_emfile",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"pipe.error_precedence"},
     .what = "F_DUPFD with the limit of descriptors as its argument fails with EMFILE.",
     .source = "gVisor",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             bool duplicates = c == F_DUPFD || c == F_DUPFD_CLOEXEC;
             if (r == -1 && errno == EINVAL && duplicates && static_cast<int>(a) > 0)
               Refuse(EMFILE);
             return r;
           };
         }},
    {.name = "getfd_reports_more_flags",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fcntl.getfl.extra_bits"},
     .what = "F_GETFD reports flags besides FD_CLOEXEC.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             return c == F_GETFD && r >= 0 ? Instead(r | 0x40) : r;
           };
         }},
    {.name = "getfl_reports_more_flags",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fcntl.getfl.extra_bits"},
     .observed = "read_end",
     .what = "F_GETFL reports flags that no header names.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, c == F_SETFL ? a & ~0x10000000l : a);
             return c == F_GETFL && r >= 0 && o.stream() ? Instead(r | 0x10000000) : r;
           };
         }},
    {.name = "getfl_without_largefile",
     .role = Role::variant,
     .family = Family::fifo,
     .clauses = {"fcntl.getfl.extra_bits"},
     .observed = "write_end",
     .what = "F_GETFL of a FIFO reports no O_LARGEFILE.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             return c == F_GETFL && r >= 0 && (r & 0x8000) ? Instead(r & ~0x8000) : r;
           };
         }},
    {.name = "pipe_locks_refused",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fcntl.locks_and_owner"},
     .observed = "read_lock_of_read_end",
     .what = "Record locks on pipes and FIFOs fail with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             bool lock = c == F_SETLK || c == F_SETLKW || c == F_GETLK;
             return lock && o.stream() ? Refuse(EINVAL) : real::fcntl(o.fd, c, a);
           };
         }},
    {.name = "pipe_owner_refused",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fcntl.locks_and_owner"},
     .observed = "getown",
     .what = "F_GETOWN and F_SETOWN work on sockets only and fail with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             bool owner = c == F_GETOWN || c == F_SETOWN;
             return owner && o.stream() ? Refuse(EINVAL) : real::fcntl(o.fd, c, a);
           };
         }},
    {.name = "setfl_wakes_blocked_call",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"fcntl.setfl.during_blocked_call"},
     .observed = "blocked_read",
     .what = "Setting O_NONBLOCK ends a blocked call on the same description with EAGAIN.",
     .arm =
         [](Hooks& h) {
           KickableCalls<End, EAGAIN>(h);
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             if (r == 0 && c == F_SETFL && (a & O_NONBLOCK)) Kick(End(o), kBlocked, true);
             return r;
           };
         }},
    {.name = "close_wakes_blocked_call",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"close.pipe.while_thread_blocked"},
     .observed = "read",
     .what = "close() ends a call of another thread that is blocked on the descriptor with EBADF.",
     .source = "Solaris",
     .arm =
         [](Hooks& h) {
           KickableCalls<Number, EBADF>(h);
           h.close = [](const Obj& o) {
             int r = real::close(o.fd);
             if (r == 0) Kick(Number(o), kBlocked, true);
             return r;
           };
         }},
    {.name = "close_eintr_keeps_descriptor",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"close.eintr.issue8"},
     .observed = "close_under_signals",
     .what = "close() that is interrupted fails with EINTR and leaves the descriptor open.",
     .source = "HP-UX",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             return o.stream() && SignalNow() ? Refuse(EINTR) : real::close(o.fd);
           };
         }},
    {.name = "close_einprogress_frees_descriptor",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"close.eintr.issue8"},
     .observed = "close_under_signals",
     .what = "close() that is interrupted closes the descriptor and fails with EINPROGRESS.",
     .arm =
         [](Hooks& h) {
           h.close = [](const Obj& o) {
             bool interrupted = o.stream() && SignalNow();
             int r = real::close(o.fd);
             return r == 0 && interrupted ? Refuse(EINPROGRESS) : r;
           };
         }},
    {.name = "popen_mode_first_letter_only",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"popen.mode_values"},
     .observed = "rw",
     .what = "popen() looks at the first letter of the mode only.",
     .arm =
         [](Hooks& h) {
           h.popen = [](const char* command, const char* mode) {
             if (!OtherMode(mode) || (mode[0] != 'r' && mode[0] != 'w')) {
               return real::popen(command, mode);
             }
             return real::popen(command, Instead(mode[0] == 'r' ? "r" : "w"));
           };
         }},
    {.name = "popen_other_modes_read",
     .role = Role::variant,
     .family = Family::pipe,
     .clauses = {"popen.mode_values"},
     .observed = "x",
     .what = "popen() with a mode that is neither of writing reads.",
     .arm =
         [](Hooks& h) {
           h.popen = [](const char* command, const char* mode) {
             return real::popen(command, OtherMode(mode) ? Instead("r") : mode);
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
