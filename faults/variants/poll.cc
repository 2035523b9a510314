// Variants of readiness, and of poll(), ppoll(), select() and pselect() themselves.
#include <fcntl.h>
#include <sys/select.h>

#include "faults/preload/streams.h"
#include "faults/variants/vary.h"

namespace faults {
namespace {

// Corrects the events of a descriptor for all four calls. `Events` gives what is asked for and what
// the system below reports.
template <short (*Change)(const Obj&, short events, short revents)>
void ReadyAs(Hooks& h) {
  h.ready = [](const Obj& o, short events, short revents) {
    short changed = Change(o, events, revents);
    if (changed != revents) Differ();
    return changed;
  };
}

short Bits(int bits) { return static_cast<short>(bits); }

// select() and pselect() that add descriptors under test to the set of exceptional conditions once
// the call below has returned.
bool Exceptional(int n, const fd_set* asked, fd_set* set, bool (*is)(const Obj&)) {
  bool any = false;
  for (int fd = 0; fd < n && fd < FD_SETSIZE; ++fd) {
    if (!FD_ISSET(fd, asked) || FD_ISSET(fd, set)) continue;
    Obj o = ObjectOf(fd);
    if (!o.stream() || !is(o)) continue;
    FD_SET(fd, set);
    any = true;
  }
  return any;
}
template <bool (*Is)(const Obj&)>
void ExceptionalWhere(Hooks& h) {
  h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
    if (!e) return real::select(n, r, w, e, t);
    fd_set asked = *e, none = *e;
    FD_ZERO(&none);
    timeval zero{};
    bool now = Exceptional(n, &asked, &none, Is);
    int result = real::select(n, r, w, e, now ? &zero : t);
    if (result < 0) return result;
    if (Exceptional(n, &asked, e, Is)) Differ();
    int count = 0;
    for (int fd = 0; fd < n && fd < FD_SETSIZE; ++fd) {
      count += (r && FD_ISSET(fd, r)) + (w && FD_ISSET(fd, w)) + FD_ISSET(fd, e);
    }
    return count;
  };
}
bool HungUp(const Obj& o) { return CanRead(o) && (Readiness(o, POLLIN) & POLLHUP); }
bool Broken(const Obj& o) { return CanWrite(o) && !HasReader(o); }
bool HasData(const Obj& o) { return CanRead(o) && Available(o) > 0; }

// The call again after handlers that all restart, until the time given is over.
template <class Call>
int Restarted(int64_t ns, Call call) {
  int64_t end = NowNs(CLOCK_MONOTONIC) + ns;
  for (int64_t left = ns;; left = end - NowNs(CLOCK_MONOTONIC)) {
    int r = call(ns < 0 ? -1 : left > 0 ? left : 0);
    if (r != -1 || errno != EINTR || !AllHandlersRestart()) return r;
    Differ();
  }
}
timespec Span(int64_t ns) {
  return {static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
}
int64_t Ns(const timespec& t) { return t.tv_sec * int64_t{1000000000} + t.tv_nsec; }
bool Sane(const timespec* t) {
  return t && t->tv_sec >= 0 && t->tv_sec < 1000000 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

const Row kVariants[] = {
    {.name = "poll_in_at_end_of_file",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"poll.pipe.pollin_at_eof"},
     .observed = "revents_at_end_of_file",
     .what = "POLLIN accompanies POLLHUP at the end of a file.",
     .source = "FreeBSD, macOS, illumos",
     .arm = ReadyAs<[](const Obj&, short events, short revents) {
       return revents & POLLHUP ? Bits(revents | (events & (POLLIN | POLLRDNORM))) : revents;
     }>},
    {.name = "poll_reports_writable_band",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"poll.pipe.priority_data"},
     .observed = "band_bits_of_write_end_with_room",
     .what = "POLLWRBAND is reported where POLLOUT is.",
     .source = "Solaris",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short events, short revents) {
             if (!(events & POLLWRBAND) || !CanWrite(o)) return revents;
             if (!(Readiness(o, POLLOUT) & POLLOUT)) return revents;
             return Instead(Bits(revents | POLLWRBAND));
           };
         }},
    {.name = "poll_reports_readable_band",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"poll.pipe.priority_data"},
     .observed = "band_bits_of_read_end_with_data",
     .what = "POLLRDBAND is reported where POLLIN is.",
     .arm =
         [](Hooks& h) {
           h.ready = [](const Obj& o, short events, short revents) {
             if (!(events & POLLRDBAND) || !HasData(o)) return revents;
             return Instead(Bits(revents | POLLRDBAND));
           };
         }},
    {.name = "poll_out_needs_half_the_room",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"poll.pipe.pollout_threshold"},
     .observed = "room_when_called_writable_bytes",
     .what = "A pipe is writable when half of what it holds is free.",
     .arm = ReadyAs<[](const Obj& o, short events, short revents) {
       bool wants = events & (POLLOUT | POLLWRNORM);
       bool little = wants && CanWrite(o) && HasReader(o) && Room(o) < Capacity(o) / 2;
       return little ? Bits(revents & ~(POLLOUT | POLLWRNORM)) : revents;
     }>},
    {.name = "select_exceptional_at_end_of_file",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.pipe.exceptional"},
     .observed = "exceptional_read_end_hung_up",
     .what = "select() calls the end of a file an exceptional condition.",
     .arm = ExceptionalWhere<HungUp>},
    {.name = "select_exceptional_without_reader",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.pipe.exceptional"},
     .observed = "exceptional_write_end_without_reader",
     .what = "select() calls a write end without a reader an exceptional condition.",
     .arm = ExceptionalWhere<Broken>},
    {.name = "select_exceptional_with_data",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.pipe.exceptional"},
     .observed = "exceptional_read_end_with_data",
     .what = "select() calls data in a pipe an exceptional condition.",
     .arm = ExceptionalWhere<HasData>},
    {.name = "select_keeps_timeval",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.timeout_object"},
     .observed = "select_changes_timeval_when_ready",
     .what = "select() does not change its time-out.",
     .source = "FreeBSD, macOS, illumos",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             timeval copy{};
             if (t) copy = Instead(*t);
             return real::select(n, r, w, e, t ? &copy : nullptr);
           };
         }},
    {.name = "select_million_microseconds_einval",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.timeval_range"},
     .observed = "select_with_a_million_microseconds",
     .what = "select() with a million microseconds or more fails with EINVAL.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             return t && t->tv_usec >= 1000000 ? Refuse(EINVAL) : real::select(n, r, w, e, t);
           };
         }},
    {.name = "poll_restarts",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"poll.sa_restart"},
     .observed = "Poll_interrupted_with_sa_restart",
     .what = "poll() goes on after a handler with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.poll = [](pollfd* p, nfds_t n, int ms) {
             return Restarted(ms * int64_t{1000000}, [&](int64_t left) {
               return real::poll(p, n, ms < 0 ? ms : static_cast<int>((left + 999999) / 1000000));
             });
           };
         }},
    {.name = "ppoll_restarts",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"ppoll.sa_restart"},
     .observed = "Ppoll_interrupted_with_sa_restart",
     .what = "ppoll() goes on after a handler with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.ppoll = [](pollfd* p, nfds_t n, const timespec* t, const sigset_t* mask) {
             if (t && !Sane(t)) return real::ppoll(p, n, t, mask);
             return Restarted(t ? Ns(*t) : -1, [&](int64_t left) {
               timespec span = Span(left < 0 ? 0 : left);
               return real::ppoll(p, n, t ? &span : nullptr, mask);
             });
           };
         }},
    {.name = "select_restarts",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.sa_restart"},
     .observed = "Select_interrupted_with_sa_restart",
     .what = "select() goes on after a handler with SA_RESTART.",
     .source = "4.2BSD",
     .arm =
         [](Hooks& h) {
           h.select = [](int n, fd_set* r, fd_set* w, fd_set* e, timeval* t) {
             timespec limit{};
             if (t) limit = {t->tv_sec, static_cast<long>(t->tv_usec) * 1000};
             if (t && !Sane(&limit)) return real::select(n, r, w, e, t);
             return Restarted(t ? Ns(limit) : -1, [&](int64_t left) {
               if (t) *t = {static_cast<time_t>(left / 1000000000), left % 1000000000 / 1000};
               return real::select(n, r, w, e, t);
             });
           };
         }},
    {.name = "pselect_restarts",
     .role = Role::variant,
     .family = Family::poll,
     .clauses = {"select.sa_restart"},
     .observed = "Pselect_interrupted_with_sa_restart",
     .what = "pselect() goes on after a handler with SA_RESTART.",
     .arm =
         [](Hooks& h) {
           h.pselect = [](int n, fd_set* r, fd_set* w, fd_set* e, const timespec* t,
                          const sigset_t* mask) {
             if (t && !Sane(t)) return real::pselect(n, r, w, e, t, mask);
             return Restarted(t ? Ns(*t) : -1, [&](int64_t left) {
               timespec span = Span(left < 0 ? 0 : left);
               return real::pselect(n, r, w, e, t ? &span : nullptr, mask);
             });
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
