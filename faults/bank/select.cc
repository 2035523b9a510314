// Faults of ppoll(), select() and pselect() themselves.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "faults/preload/state.h"

namespace faults {
namespace {

using Mask = const sigset_t*;

// The mask is set, the call made without it, the mask restored: not atomic.
template <class Call>
int MaskAround(Mask mask, Call call) {
  sigset_t before;
  if (mask) pthread_sigmask(SIG_SETMASK, mask, &before);
  if (mask) PauseMs(5);
  int r = call();
  int saved = errno;
  if (mask) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = saved;
  return r;
}

bool Ready(int n, const fd_set* r, const fd_set* w) {
  for (int fd = 0; fd < n && fd < FD_SETSIZE; ++fd) {
    short events = static_cast<short>((r && FD_ISSET(fd, r) ? POLLIN : 0) |
                                      (w && FD_ISSET(fd, w) ? POLLOUT : 0));
    Obj o;
    o.fd = fd;
    if (events && Readiness(o, events)) return true;
  }
  return false;
}

// select() and pselect() with the result changed afterwards.
template <int (*Change)(int n, fd_set*, fd_set*, fd_set*, int result)>
void SelectThen(Hooks& h) {
  h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
    return Change(n, r, w, e, real::select(n, r, w, e, t));
  };
  h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
    return Change(n, r, w, e, real::pselect(n, r, w, e, t, m));
  };
}

void CopyBack(fd_set* to, const fd_set& from) {
  if (to) *to = from;
}

const Row kFaults[] = {
    {.name = "ppoll_rounds_down",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.timespec"},
     .what = "ppoll() ignores the part of the time-out below 10 ms.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
             if (!t) return real::ppoll(p, n, t, m);
             timespec down{t->tv_sec, t->tv_nsec / 10000000 * 10000000};
             return real::ppoll(p, n, &down, m);
           };
         }},
    {.name = "ppoll_ignores_seconds",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"ppoll.timespec"},
     .what = "ppoll() looks at tv_nsec only.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
             if (!t) return real::ppoll(p, n, t, m);
             timespec part{0, t->tv_nsec};
             return real::ppoll(p, n, &part, m);
           };
         }},
    {.name = "ppoll_null_timeout_is_zero",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"ppoll.timespec", "poll.timeout_infinite"},
     .what = "ppoll() with a null time-out returns immediately.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
             timespec zero{};
             return real::ppoll(p, n, t ? t : &zero, m);
           };
         }},
    {.name = "ppoll_modifies_timeout",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.timespec"},
     .what = "ppoll() stores the time left in its const argument.",
     .source = "the raw Linux system call",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
             int r = real::ppoll(p, n, t, m);
             if (t) *const_cast<timespec*>(t) = {};
             return r;
           };
         }},
    {.name = "ppoll_ignores_mask",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"ppoll.sigmask"},
     .what = "ppoll() ignores its signal mask.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask) {
             return real::ppoll(p, n, t, nullptr);
           };
         }},
    {.name = "ppoll_keeps_mask",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"ppoll.sigmask"},
     .what = "The mask given to ppoll() stays in force afterwards.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
             int r = real::ppoll(p, n, t, m);
             int saved = errno;
             if (m) pthread_sigmask(SIG_SETMASK, m, nullptr);
             errno = saved;
             return r;
           };
         }},
    {.name = "ppoll_not_atomic",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"ppoll.sigmask"},
     .what = "The mask is set before the wait starts: a pending signal is handled, then the call "
             "waits.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
             return MaskAround(m, [&] { return real::ppoll(p, n, t, nullptr); });
           };
         }},
    {.name = "select_leaves_sets_alone",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"select.result_sets"},
     .what = "select() clears no bits of descriptors that are not ready.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             fd_set a, b, c;
             if (r) a = *r;
             if (w) b = *w;
             if (e) c = *e;
             int got = real::select(n, r, w, e, t);
             CopyBack(r, a), CopyBack(w, b), CopyBack(e, c);
             return got;
           };
         }},
    {.name = "select_timeout_leaves_sets",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.result_sets", "select.timeouts"},
     .what = "When the time-out expires, the sets keep their bits.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             fd_set a, b, c;
             if (r) a = *r;
             if (w) b = *w;
             if (e) c = *e;
             int got = real::select(n, r, w, e, t);
             if (got == 0) CopyBack(r, a), CopyBack(w, b), CopyBack(e, c);
             return got;
           };
         }},
    {.name = "select_counts_descriptors",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.result_sets"},
     .what = "A descriptor that is ready in two sets is counted once.",
     .arm = SelectThen<([](int n, fd_set* r, fd_set* w, fd_set*, int got) {
       for (int fd = 0; fd < n && got > 0; ++fd) {
         if (r && w && FD_ISSET(fd, r) && FD_ISSET(fd, w)) --got;
       }
       return got;
     })>},
    {.name = "select_returns_one",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.result_sets"},
     .what = "select() returns 1 when anything is ready.",
     .arm =
         SelectThen<([](int, fd_set*, fd_set*, fd_set*, int got) { return got > 0 ? 1 : got; })>},
    {.name = "select_highest_descriptor_left_out",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.pipe.read_ready", "select.pipe.write_ready"},
     .what = "The descriptor nfds - 1 is not looked at.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             if (n > 3 && n <= FD_SETSIZE) {
               for (fd_set* s : {r, w, e}) {
                 if (s) FD_CLR(n - 1, s);
               }
             }
             return real::select(n, r, w, e, t);
           };
         }},
    {.name = "select_failure_clears_sets",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.failure_keeps_sets"},
     .what = "A select() that fails has cleared the sets.",
     .arm = SelectThen<([](int, fd_set* r, fd_set* w, fd_set* e, int got) {
       if (got == -1) {
         if (r) FD_ZERO(r);
         if (w) FD_ZERO(w);
         if (e) FD_ZERO(e);
       }
       return got;
     })>},
    {.name = "select_closed_descriptor_ready",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"select.ebadf"},
     .what = "A closed descriptor counts as ready instead of EBADF.",
     .arm = Edit<&Hooks::select>::Accept<EBADF, 1>},
    {.name = "select_closed_descriptor_ignored_in_write_set",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.ebadf"},
     .what = "A closed descriptor is noticed in the read set only.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             for (int fd = 3; w && fd < n && fd < FD_SETSIZE; ++fd) {
               if (FD_ISSET(fd, w) && ObjectOf(fd).kind == Kind::bad) FD_CLR(fd, w);
             }
             return real::select(n, r, w, e, t);
           };
         }},
    {.name = "select_invalid_arguments_accepted",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"select.einval"},
     .what = "A negative nfds or time-out is taken for 0.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             timeval zero{};
             bool bad = t && (t->tv_sec < 0 || t->tv_usec < 0);
             return real::select(n < 0 ? 0 : n, r, w, e, bad ? &zero : t);
           };
         }},
    {.name = "pselect_invalid_nsec_accepted",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.einval"},
     .what = "pselect() takes tv_nsec of a second or more.",
     .arm =
         [](Hooks& h) {
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
             timespec fixed{};
             if (t) fixed = {t->tv_sec, t->tv_nsec > 999999999 ? 999 : t->tv_nsec};
             return real::pselect(n, r, w, e, t ? &fixed : t, m);
           };
         }},
    {.name = "select_timeout_early",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.timeouts"},
     .what = "select() ignores the part of the time-out below 10 ms.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             if (!t) return real::select(n, r, w, e, t);
             timeval down{t->tv_sec, t->tv_usec / 10000 * 10000};
             if (down.tv_usec == t->tv_usec && down.tv_usec > 0) down.tv_usec -= 10000;
             return real::select(n, r, w, e, &down);
           };
         }},
    {.name = "select_null_timeout_is_zero",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"select.timeouts"},
     .what = "select() with a null time-out returns immediately.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             timeval zero{};
             return real::select(n, r, w, e, t ? t : &zero);
           };
         }},
    {.name = "select_zero_timeout_blocks",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"select.timeouts"},
     .what = "select() with a time-out of 0 waits.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             if (t && t->tv_sec == 0 && t->tv_usec == 0 && !Ready(n, r, w)) Stuck();
             return real::select(n, r, w, e, t);
           };
         }},
    {.name = "select_never_eintr",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.eintr"},
     .what = "select() starts again after every signal handler.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             int got;
             do got = real::select(n, r, w, e, t);
             while (got == -1 && errno == EINTR);
             return got;
           };
         }},
    {.name = "select_wakeup_lost",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"select.pipe.read_ready", "select.pipe.write_ready"},
     .what = "A select() that has to wait does not notice what it waits for.",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             bool late = !Ready(n, r, w) && !(t && t->tv_sec == 0 && t->tv_usec == 0);
             int got = real::select(n, r, w, e, t);
             if (late && got > 0) Stuck();
             return got;
           };
         }},
    {.name = "pselect_ignores_mask",
     .family = Family::poll,
     .difficulty = Difficulty::easy,
     .clauses = {"pselect.sigmask"},
     .what = "pselect() ignores its signal mask.",
     .arm =
         [](Hooks& h) {
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask) {
             return real::pselect(n, r, w, e, t, nullptr);
           };
         }},
    {.name = "pselect_keeps_mask",
     .family = Family::poll,
     .difficulty = Difficulty::medium,
     .clauses = {"pselect.sigmask"},
     .what = "The mask given to pselect() stays in force afterwards.",
     .arm =
         [](Hooks& h) {
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
             int got = real::pselect(n, r, w, e, t, m);
             int saved = errno;
             if (m) pthread_sigmask(SIG_SETMASK, m, nullptr);
             errno = saved;
             return got;
           };
         }},
    {.name = "pselect_not_atomic",
     .family = Family::poll,
     .difficulty = Difficulty::hard,
     .clauses = {"pselect.sigmask"},
     .what = "A signal that was pending is handled before the wait starts, and the call waits.",
     .source = "glibc's emulation before Linux 2.6.16",
     .arm =
         [](Hooks& h) {
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
             return MaskAround(m, [&] { return real::pselect(n, r, w, e, t, nullptr); });
           };
         }},
};
FAULTS_REGISTER(kFaults);

}  // namespace
}  // namespace faults
