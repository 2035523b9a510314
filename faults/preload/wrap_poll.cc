// poll, ppoll, select and pselect. A fault on readiness corrects the events of each descriptor
// (hooks.ready) for all four; a fault on one call replaces that call.
#include <pthread.h>

#include "faults/preload/wrap.h"

namespace faults {
namespace {

constexpr nfds_t kMost = 1024;

bool AnyUnderTest(const pollfd* p, nfds_t n) {
  if (!Active() || !p || n > kMost) return false;
  for (nfds_t i = 0; i < n; ++i) {
    if (ObjectOf(p[i].fd).stream()) return true;
  }
  // Only bad or negative descriptors, or none: still a call that a fault may be about.
  for (nfds_t i = 0; i < n; ++i) {
    if (p[i].fd >= 0 && ObjectOf(p[i].fd).kind != Kind::bad) return false;
  }
  return n > 0;
}

int Correct(pollfd* p, nfds_t n) {
  int count = 0;
  for (nfds_t i = 0; i < n; ++i) {
    Obj o = ObjectOf(p[i].fd);
    if (o.stream()) p[i].revents = hooks.ready(o, p[i].events, p[i].revents);
    count += p[i].revents != 0;
  }
  return count;
}

// Real readiness, corrected; then a real wait, corrected. `wait` is the call that the program made,
// so that it is blocked in what it called. When the correction takes away what woke the call, it
// goes on waiting: until its time-out, or as long as a hang lasts.
template <class Wait>
int CorrectedPoll(pollfd* p, nfds_t n, const timespec* timeout, Wait wait) {
  timespec zero{};
  int r = real::ppoll(p, n, &zero, nullptr);
  if (r < 0) return r;
  int count = Correct(p, n);
  if (count > 0 || (timeout && timeout->tv_sec == 0 && timeout->tv_nsec == 0)) return count;
  int64_t ms = timeout ? timeout->tv_sec * 1000ll + timeout->tv_nsec / 1000000 : -1;
  int64_t end = NowNs(CLOCK_MONOTONIC) + (ms < 0 ? StuckMs() : ms) * 1000000;
  if (r == 0) {
    int woken = wait();
    if (woken < 0) return woken;
    r = real::ppoll(p, n, &zero, nullptr);
    if (r < 0) return r;
    count = Correct(p, n);
    if (count > 0 || woken == 0) return count;
  }
  while (NowNs(CLOCK_MONOTONIC) < end) {
    PauseMs(2);
    r = real::ppoll(p, n, &zero, nullptr);
    if (r < 0) return r;
    if ((count = Correct(p, n)) > 0) return count;
  }
  return 0;
}

int DoPoll(pollfd* p, nfds_t n, int ms) {
  if (!AnyUnderTest(p, n)) return real::poll(p, n, ms);
  if (!hooks.ready) return hooks.poll(p, n, ms);
  timespec t{ms / 1000, ms % 1000 * 1000000l};
  return CorrectedPoll(p, n, ms < 0 ? nullptr : &t, [&] { return real::poll(p, n, ms); });
}

// A call with an invalid time-out fails, whatever is ready.
bool Valid(const timespec* t) {
  return !t || (t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

int DoPpoll(pollfd* p, nfds_t n, const timespec* t, const sigset_t* mask) {
  if (!AnyUnderTest(p, n)) return real::ppoll(p, n, t, mask);
  if (!hooks.ready || !Valid(t)) return hooks.ppoll(p, n, t, mask);
  return CorrectedPoll(p, n, t, [&] { return real::ppoll(p, n, t, mask); });
}

bool SetsUnderTest(int n, fd_set* r, fd_set* w, fd_set* e) {
  if (!Active()) return false;
  bool only_bad = true;
  for (int fd = 0; fd < n && fd < FD_SETSIZE; ++fd) {
    if (!((r && FD_ISSET(fd, r)) || (w && FD_ISSET(fd, w)) || (e && FD_ISSET(fd, e)))) continue;
    Obj o = ObjectOf(fd);
    if (o.stream()) return true;
    if (o.kind != Kind::bad) only_bad = false;
  }
  return only_bad && (r || w || e || n != 0);
}

// select() through poll(), for faults of readiness.
template <class Wait>
int CorrectedSelect(int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, Wait wait) {
  if (n < 0 || n > FD_SETSIZE) return wait(r, w, e);
  pollfd p[FD_SETSIZE];
  nfds_t count = 0;
  for (int fd = 0; fd < n; ++fd) {
    short events = 0;
    if (r && FD_ISSET(fd, r)) events |= POLLIN;
    if (w && FD_ISSET(fd, w)) events |= POLLOUT;
    if (e && FD_ISSET(fd, e)) events |= POLLPRI;
    if (events) p[count++] = {fd, events, 0};
  }
  int got = CorrectedPoll(p, count, t, [&] {
    fd_set a, b, c;
    if (r) a = *r;
    if (w) b = *w;
    if (e) c = *e;
    return wait(r ? &a : nullptr, w ? &b : nullptr, e ? &c : nullptr);
  });
  if (got < 0) return got;
  for (nfds_t i = 0; i < count; ++i) {
    if (p[i].revents & POLLNVAL) return Fail(EBADF);
  }
  int bits = 0;
  for (nfds_t i = 0; i < count; ++i) {
    auto keep = [&](fd_set* set, short asked, short any) {
      if (!(p[i].events & asked)) return;
      if (p[i].revents & any) {
        ++bits;
      } else {
        FD_CLR(p[i].fd, set);
      }
    };
    keep(r, POLLIN, POLLIN | POLLHUP | POLLERR);
    keep(w, POLLOUT, POLLOUT | POLLERR);
    keep(e, POLLPRI, POLLPRI);
  }
  return bits;
}

int DoSelect(int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
  if (!SetsUnderTest(n, r, w, e)) return real::select(n, r, w, e, t);
  timespec ts{};
  if (t) ts = {t->tv_sec, t->tv_usec < 0 ? -1 : static_cast<long>(t->tv_usec) % 1000000 * 1000};
  if (!hooks.ready || !Valid(&ts)) return hooks.select(n, r, w, e, t);
  if (t) ts.tv_sec += t->tv_usec / 1000000;
  return CorrectedSelect(n, r, w, e, t ? &ts : nullptr, [&](fd_set* a, fd_set* b, fd_set* c) {
    return real::select(n, a, b, c, t);
  });
}

int DoPselect(int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t, const sigset_t* mask) {
  if (!SetsUnderTest(n, r, w, e)) return real::pselect(n, r, w, e, t, mask);
  if (!hooks.ready || !Valid(t)) return hooks.pselect(n, r, w, e, t, mask);
  return CorrectedSelect(n, r, w, e, t, [&](fd_set* a, fd_set* b, fd_set* c) {
    return real::pselect(n, a, b, c, t, mask);
  });
}

}  // namespace
}  // namespace faults

using namespace faults;

IPC_WRAP(int, poll, pollfd* p, nfds_t n, int ms) { return DoPoll(p, n, ms); }
IPC_WRAP(int, __poll_chk, pollfd* p, nfds_t n, int ms, size_t room) {
  if (room / sizeof *p < n) __builtin_trap();
  return DoPoll(p, n, ms);
}
#if __SIZEOF_POINTER__ == 8
IPC_WRAP(int, ppoll, pollfd* p, nfds_t n, const timespec* t, const sigset_t* m) {
  return DoPpoll(p, n, t, m);
}
IPC_WRAP(int, __ppoll_chk, pollfd* p, nfds_t n, const timespec* t, const sigset_t* m, size_t room) {
  if (room / sizeof *p < n) __builtin_trap();
  return DoPpoll(p, n, t, m);
}
IPC_WRAP(int, select, int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
  return DoSelect(n, r, w, e, t);
}
IPC_WRAP(int, pselect, int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t,
         const sigset_t* m) {
  return DoPselect(n, r, w, e, t, m);
}
#else
IPC_WRAP(int, __ppoll_time64, pollfd* p, nfds_t n, const timespec* t, const sigset_t* m) {
  return DoPpoll(p, n, t, m);
}
IPC_WRAP(int, __ppoll64_chk, pollfd* p, nfds_t n, const timespec* t, const sigset_t* m,
         size_t room) {
  if (room / sizeof *p < n) __builtin_trap();
  return DoPpoll(p, n, t, m);
}
IPC_WRAP(int, __select64, int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
  return DoSelect(n, r, w, e, t);
}
IPC_WRAP(int, __select_time64, int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
  return DoSelect(n, r, w, e, t);
}
IPC_WRAP(int, __pselect64, int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t,
         const sigset_t* m) {
  return DoPselect(n, r, w, e, t, m);
}
IPC_WRAP(int, __pselect_time64, int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t,
         const sigset_t* m) {
  return DoPselect(n, r, w, e, t, m);
}
#endif
