// Faults of ppoll(), select() and pselect() themselves.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "faults/bank/banks.h"
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

const Fault kFaults[] = {
    {"ppoll_rounds_down", "poll", "medium", "ppoll.timespec",
     "ppoll() ignores the part of the time-out below 10 ms.", "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
         if (!t) return real::ppoll(p, n, t, m);
         timespec down{t->tv_sec, t->tv_nsec / 10000000 * 10000000};
         return real::ppoll(p, n, &down, m);
       };
     }},
    {"ppoll_ignores_seconds", "poll", "hard", "ppoll.timespec", "ppoll() looks at tv_nsec only.",
     "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
         if (!t) return real::ppoll(p, n, t, m);
         timespec part{0, t->tv_nsec};
         return real::ppoll(p, n, &part, m);
       };
     }},
    {"ppoll_null_timeout_is_zero", "poll", "easy", "ppoll.timespec poll.timeout_infinite",
     "ppoll() with a null time-out returns at once.", "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
         timespec zero{};
         return real::ppoll(p, n, t ? t : &zero, m);
       };
     }},
    {"ppoll_modifies_timeout", "poll", "medium", "ppoll.timespec",
     "ppoll() stores the time left in its const argument.", "the raw Linux system call",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
         int r = real::ppoll(p, n, t, m);
         if (t) *const_cast<timespec*>(t) = {};
         return r;
       };
     }},
    {"ppoll_ignores_mask", "poll", "easy", "ppoll.sigmask", "ppoll() ignores its signal mask.", "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask) {
         return real::ppoll(p, n, t, nullptr);
       };
     }},
    {"ppoll_keeps_mask", "poll", "medium", "ppoll.sigmask",
     "The mask given to ppoll() stays in force afterwards.", "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
         int r = real::ppoll(p, n, t, m);
         int saved = errno;
         if (m) pthread_sigmask(SIG_SETMASK, m, nullptr);
         errno = saved;
         return r;
       };
     }},
    {"ppoll_not_atomic", "poll", "hard", "ppoll.sigmask",
     "The mask is set before the wait starts: a pending signal is handled, then the call waits.",
     "",
     [](Hooks& h) {
       h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, Mask m) {
         return MaskAround(m, [&] { return real::ppoll(p, n, t, nullptr); });
       };
     }},
    {"select_leaves_sets_alone", "poll", "easy", "select.result_sets",
     "select() clears no bits of descriptors that are not ready.", "",
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
    {"select_timeout_leaves_sets", "poll", "medium", "select.result_sets select.timeouts",
     "When the time is over, the sets keep their bits.", "",
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
    {"select_counts_descriptors", "poll", "medium", "select.result_sets",
     "A descriptor that is ready in two sets is counted once.", "",
     SelectThen<([](int n, fd_set* r, fd_set* w, fd_set*, int got) {
       for (int fd = 0; fd < n && got > 0; ++fd) {
         if (r && w && FD_ISSET(fd, r) && FD_ISSET(fd, w)) --got;
       }
       return got;
     })>},
    {"select_returns_one", "poll", "medium", "select.result_sets",
     "select() returns 1 when anything is ready.", "",
     SelectThen<([](int, fd_set*, fd_set*, fd_set*, int got) { return got > 0 ? 1 : got; })>},
    {"select_highest_descriptor_left_out", "poll", "medium",
     "select.pipe.read_ready select.pipe.write_ready", "The descriptor nfds - 1 is not looked at.",
     "",
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
    {"select_failure_clears_sets", "poll", "medium", "select.failure_keeps_sets",
     "A select() that fails has cleared the sets.", "",
     SelectThen<([](int, fd_set* r, fd_set* w, fd_set* e, int got) {
       if (got == -1) {
         if (r) FD_ZERO(r);
         if (w) FD_ZERO(w);
         if (e) FD_ZERO(e);
       }
       return got;
     })>},
    {"select_closed_descriptor_ready", "poll", "easy", "select.ebadf",
     "A closed descriptor counts as ready instead of EBADF.", "",
     Edit<&Hooks::select>::Accept<EBADF, 1>},
    {"select_closed_descriptor_ignored_in_write_set", "poll", "medium", "select.ebadf",
     "A closed descriptor is noticed in the read set only.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         for (int fd = 3; w && fd < n && fd < FD_SETSIZE; ++fd) {
           if (FD_ISSET(fd, w) && ObjectOf(fd).kind == Kind::bad) FD_CLR(fd, w);
         }
         return real::select(n, r, w, e, t);
       };
     }},
    {"select_invalid_arguments_accepted", "poll", "easy", "select.einval",
     "A negative nfds or time-out is taken for 0.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         timeval zero{};
         bool bad = t && (t->tv_sec < 0 || t->tv_usec < 0);
         return real::select(n < 0 ? 0 : n, r, w, e, bad ? &zero : t);
       };
     }},
    {"pselect_invalid_nsec_accepted", "poll", "medium", "select.einval",
     "pselect() takes tv_nsec of a second or more.", "",
     [](Hooks& h) {
       h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
         timespec fixed{};
         if (t) fixed = {t->tv_sec, t->tv_nsec > 999999999 ? 999 : t->tv_nsec};
         return real::pselect(n, r, w, e, t ? &fixed : t, m);
       };
     }},
    {"select_timeout_early", "poll", "medium", "select.timeouts",
     "select() ignores the part of the time-out below 10 ms.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         if (!t) return real::select(n, r, w, e, t);
         timeval down{t->tv_sec, t->tv_usec / 10000 * 10000};
         if (down.tv_usec == t->tv_usec && down.tv_usec > 0) down.tv_usec -= 10000;
         return real::select(n, r, w, e, &down);
       };
     }},
    {"select_null_timeout_is_zero", "poll", "easy", "select.timeouts",
     "select() with a null time-out returns at once.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         timeval zero{};
         return real::select(n, r, w, e, t ? t : &zero);
       };
     }},
    {"select_zero_timeout_blocks", "poll", "easy", "select.timeouts",
     "select() with a time-out of 0 waits.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         if (t && t->tv_sec == 0 && t->tv_usec == 0 && !Ready(n, r, w)) Stuck();
         return real::select(n, r, w, e, t);
       };
     }},
    {"select_never_eintr", "poll", "medium", "select.eintr",
     "select() starts again after every signal handler.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         int got;
         do got = real::select(n, r, w, e, t);
         while (got == -1 && errno == EINTR);
         return got;
       };
     }},
    {"select_wakeup_lost", "poll", "medium", "select.pipe.read_ready select.pipe.write_ready",
     "A select() that has to wait does not notice what it waits for.", "",
     [](Hooks& h) {
       h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
         bool late = !Ready(n, r, w) && !(t && t->tv_sec == 0 && t->tv_usec == 0);
         int got = real::select(n, r, w, e, t);
         if (late && got > 0) Stuck();
         return got;
       };
     }},
    {"pselect_ignores_mask", "poll", "easy", "pselect.sigmask",
     "pselect() ignores its signal mask.", "",
     [](Hooks& h) {
       h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask) {
         return real::pselect(n, r, w, e, t, nullptr);
       };
     }},
    {"pselect_keeps_mask", "poll", "medium", "pselect.sigmask",
     "The mask given to pselect() stays in force afterwards.", "",
     [](Hooks& h) {
       h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
         int got = real::pselect(n, r, w, e, t, m);
         int saved = errno;
         if (m) pthread_sigmask(SIG_SETMASK, m, nullptr);
         errno = saved;
         return got;
       };
     }},
    {"pselect_not_atomic", "poll", "hard", "pselect.sigmask",
     "A signal that was pending is handled before the wait starts, and the call waits.",
     "glibc's emulation before Linux 2.6.16",
     [](Hooks& h) {
       h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Mask m) {
         return MaskAround(m, [&] { return real::pselect(n, r, w, e, t, nullptr); });
       };
     }},
};

}  // namespace

Bank SelectBank() { return BankOf(kFaults); }

}  // namespace faults
