// Witnesses of bank_poll.cc and bank_select.cc.
#include <pthread.h>
#include <sys/select.h>

#include <algorithm>
#include <cstdint>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
// poll() of one descriptor with no time: its events, or -1.
int Events(int fd, short events, int ms = 0) {
  pollfd p{fd, events, 0};
  return poll(&p, 1, ms) < 0 ? -1 : p.revents;
}
struct Set {
  explicit Set(std::initializer_list<int> fds = {}) {
    FD_ZERO(&set);
    for (int fd : fds) FD_SET(fd, &set);
  }
  bool Has(int fd) { return FD_ISSET(fd, &set); }
  fd_set set;
};
timeval kNow{0, 0};
// The shortest of a few times that the call takes: a busy machine only makes them longer.
int64_t ElapsedUs(const std::function<void()>& f) {
  int64_t least = INT64_MAX;
  for (int i = 0; i < 5; ++i) {
    int64_t start = NowNs();
    f();
    least = std::min(least, NowNs() - start);
  }
  return least / 1000;
}
sigset_t Only(int signo) {
  sigset_t s;
  sigemptyset(&s);
  if (signo) sigaddset(&s, signo);
  return s;
}
void Block(int signo) {
  sigset_t s = Only(signo);
  sigprocmask(SIG_BLOCK, &s, nullptr);
}
bool Blocked(int signo) {
  sigset_t s;
  sigprocmask(SIG_BLOCK, nullptr, &s);
  return sigismember(&s, signo);
}
// A number that is closed and not beyond what the kernel looks at.
int ClosedLow() {
  int fd = dup(0);
  close(fd);
  return fd;
}
}  // namespace

WITNESS(poll_no_pollin) {
  Pipe p;
  write(p.w, "ab", 2);
  return Events(p.r, POLLIN) == 0;
}
WITNESS(poll_pollin_needs_two_bytes) {
  Pipe p;
  write(p.w, "a", 1);
  return Events(p.r, POLLIN) == 0;
}
WITNESS(poll_pollin_when_empty) {
  Pipe p;
  return Events(p.r, POLLIN) == POLLIN;
}
WITNESS(poll_reports_unrequested) {
  Pipe p;
  return Events(p.w, POLLIN) != 0;
}
WITNESS(poll_no_pollout) {
  Pipe p;
  return Events(p.w, POLLOUT) == 0;
}
WITNESS(poll_pollout_when_full) {
  Pipe p;
  p.Fill();
  return Events(p.w, POLLOUT) == POLLOUT;
}
WITNESS(poll_no_hup) {
  Pipe p;
  close(p.w);
  return !(Events(p.r, POLLIN) & POLLHUP);
}
WITNESS(poll_hup_only_when_requested) {
  Pipe p;
  close(p.w);
  return !(Events(p.r, 0) & POLLHUP);
}
WITNESS(poll_hup_while_writer) {
  Pipe p;
  return Events(p.r, POLLIN) & POLLHUP;
}
WITNESS(poll_hup_hides_data) {
  Pipe p;
  write(p.w, "a", 1);
  close(p.w);
  return Events(p.r, POLLIN) == POLLHUP;
}
WITNESS(poll_hup_after_data_only) {
  Pipe p;
  write(p.w, "a", 1);
  close(p.w);
  return Events(p.r, POLLIN) == POLLIN;
}
WITNESS(poll_fifo_hup_before_writer) {
  Fifo f(false);
  return Events(open(f.path.c_str(), O_RDONLY | O_NONBLOCK), POLLIN) & POLLHUP;
}
WITNESS(poll_fifo_hup_sticky) {
  Fifo f;
  close(f.w);
  Events(f.r, POLLIN);
  f.w = open(f.path.c_str(), O_WRONLY);
  return Events(f.r, POLLIN) & POLLHUP;
}
WITNESS(poll_fifo_hup_outlives_readers) {
  Fifo f;
  close(f.w);
  Events(f.r, POLLIN);
  close(f.r);
  f.r = open(f.path.c_str(), O_RDONLY | O_NONBLOCK);
  return Events(f.r, POLLIN) & POLLHUP;
}
WITNESS(poll_hup_with_pollout) {
  Pipe p;
  close(p.r);
  int e = Events(p.w, POLLOUT);
  return (e & POLLHUP) && (e & POLLOUT);
}
WITNESS(poll_no_err_without_reader) {
  Pipe p;
  close(p.r);
  return !(Events(p.w, POLLOUT) & POLLERR);
}
WITNESS(poll_err_only_when_requested) {
  Pipe p;
  close(p.r);
  return Events(p.w, 0) == 0;
}
WITNESS(poll_err_when_full) {
  Pipe p;
  p.Fill();
  return Events(p.w, POLLOUT) & POLLERR;
}
WITNESS(poll_closed_descriptor_fails) { return Events(900, POLLIN) == -1; }
WITNESS(poll_closed_descriptor_skipped) { return Events(900, POLLIN) == 0; }
WITNESS(poll_negative_descriptor_pollnval) { return Events(-1, POLLIN) == POLLNVAL; }
WITNESS(poll_negative_descriptor_keeps_revents) {
  pollfd p{-1, POLLIN, 77};
  poll(&p, 1, 0);
  return p.revents == 77;
}
WITNESS(poll_modifies_events) {
  Pipe p;
  pollfd one{p.w, POLLOUT, 0};
  poll(&one, 1, 0);
  return one.events == 0;
}
WITNESS(poll_counts_bits) {
  Pipe p;
  write(p.w, "a", 1);
  close(p.w);
  pollfd one{p.r, POLLIN, 0};
  return poll(&one, 1, 0) == 2;
}
WITNESS(poll_count_leaves_out_errors) {
  Pipe p;
  pollfd two[2] = {{900, POLLIN, 0}, {p.w, POLLOUT, 0}};
  return poll(two, 2, 0) == 1;
}
WITNESS(poll_reports_first_only) {
  Pipe p, q;
  pollfd two[2] = {{p.w, POLLOUT, 0}, {q.w, POLLOUT, 0}};
  return poll(two, 2, 0) == 1;
}
WITNESS(poll_timeout_early) {
  Pipe p;
  return ElapsedUs([&] { Events(p.r, POLLIN, 39); }) < 38000;
}
WITNESS(poll_timeout_slightly_early) {
  Pipe p;
  for (int i = 0; i < 10; ++i) {
    if (ElapsedUs([&] { Events(p.r, POLLIN, 10); }) < 10000) return true;
  }
  return false;
}
WITNESS(poll_timeout_never_ends) {
  return Hangs([] { Events(Pipe().r, POLLIN, 10), Events(Pipe().r, POLLIN, 10); });
}
WITNESS(poll_infinite_returns_at_once) {
  Pipe p;
  return Child([&] { return Events(p.r, POLLIN, -1); }).Exit(300) == 0;
}
WITNESS(poll_wakeup_lost_on_room) {
  Pipe p;
  p.Fill();
  Child c([&] { return Events(p.w, POLLOUT, -1); });
  Nap(200);
  p.Drain();
  return c.Exit() == -1;
}
WITNESS(poll_wakeup_lost_on_hangup) {
  Pipe p;
  Child c([&] { return close(p.w), Events(p.r, POLLIN, -1); });
  Nap(200);
  close(p.w);
  return c.Exit() == -1;
}
WITNESS(poll_depends_on_nonblock) {
  Pipe p(O_NONBLOCK);
  return Events(p.r, POLLIN) == POLLIN;
}
WITNESS(poll_never_eintr) {
  Pipe p;
  Child c([&] { return Handle(SIGUSR1), Events(p.r, POLLIN, -1); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(poll_eintr_as_timeout) {
  Pipe p;
  Child c([&] { return Handle(SIGUSR1), Events(p.r, POLLIN, -1) & 127; });
  Nap(100);
  return c.Pester(SIGUSR1) == 0;
}
WITNESS(poll_too_many_entries_accepted) {
  return Child([] {
           LimitDescriptors(10);
           std::vector<pollfd> many(100, pollfd{-1, POLLIN, 0});
           return poll(many.data(), many.size(), 0) == 0;
         }).Exit() == 1;
}

WITNESS(ppoll_rounds_down) {
  Pipe p;
  pollfd one{p.r, POLLIN, 0};
  timespec t{0, 39000000};
  return ElapsedUs([&] { ppoll(&one, 1, &t, nullptr); }) < 38000;
}
WITNESS(ppoll_ignores_seconds) {
  Pipe p;
  pollfd one{p.r, POLLIN, 0};
  timespec t{1, 0};
  return ElapsedUs([&] { ppoll(&one, 1, &t, nullptr); }) < 900000;
}
WITNESS(ppoll_null_timeout_is_zero) {
  Pipe p;
  pollfd one{p.r, POLLIN, 0};
  return Child([&] { return ppoll(&one, 1, nullptr, nullptr); }).Exit(300) == 0;
}
WITNESS(ppoll_modifies_timeout) {
  Pipe p;
  pollfd one{p.w, POLLOUT, 0};
  timespec t{7, 0};
  ppoll(&one, 1, &t, nullptr);
  return t.tv_sec == 0;
}
WITNESS(ppoll_ignores_mask) {
  Pipe p;
  pollfd one{p.r, POLLIN, 0};
  Handle(SIGUSR1);
  Block(SIGUSR1);
  raise(SIGUSR1);
  timespec t{0, 50000000};
  sigset_t none = Only(0);
  return ppoll(&one, 1, &t, &none) == 0;
}
WITNESS(ppoll_keeps_mask) {
  Pipe p;
  pollfd one{p.w, POLLOUT, 0};
  sigset_t set = Only(SIGUSR1);
  timespec t{};
  ppoll(&one, 1, &t, &set);
  return Blocked(SIGUSR1);
}
WITNESS(ppoll_not_atomic) {
  Pipe p;
  pollfd one{p.r, POLLIN, 0};
  Handle(SIGUSR1);
  Block(SIGUSR1);
  raise(SIGUSR1);
  timespec t{0, 50000000};
  sigset_t none = Only(0);
  return ppoll(&one, 1, &t, &none) == 0 && caught == 1;
}
WITNESS(select_leaves_sets_alone) {
  Pipe p;
  Set r({p.r});
  timeval t = kNow;
  select(p.r + 1, &r.set, nullptr, nullptr, &t);
  return r.Has(p.r);
}
WITNESS(select_timeout_leaves_sets) {
  Pipe p, q;
  Set r({p.r}), w({q.w});
  timeval t = kNow;
  select(q.w + 1, &r.set, &w.set, nullptr, &t);
  bool fine = !r.Has(p.r);
  Set again({p.r});
  t = kNow;
  select(p.r + 1, &again.set, nullptr, nullptr, &t);
  return fine && again.Has(p.r);
}
WITNESS(select_counts_descriptors) {
  Fifo f(false);
  int fd = open(f.path.c_str(), O_RDWR | O_NONBLOCK);
  write(fd, "x", 1);
  Set r({fd}), w({fd});
  timeval t = kNow;
  return select(fd + 1, &r.set, &w.set, nullptr, &t) == 1 && r.Has(fd) && w.Has(fd);
}
WITNESS(select_returns_one) {
  Pipe p, q;
  Set w({p.w, q.w});
  timeval t = kNow;
  return select(q.w + 1, nullptr, &w.set, nullptr, &t) == 1 && w.Has(p.w) && w.Has(q.w);
}
WITNESS(select_highest_descriptor_left_out) {
  Pipe p;
  Set w({p.w});
  timeval t = kNow;
  return select(p.w + 1, nullptr, &w.set, nullptr, &t) == 0;
}
WITNESS(select_failure_clears_sets) {
  Pipe p;
  int bad = ClosedLow();
  Set r({p.r, bad});
  timeval t = kNow;
  return select(bad + 1, &r.set, nullptr, nullptr, &t) == -1 && !r.Has(p.r);
}
WITNESS(select_closed_descriptor_ready) {
  int bad = ClosedLow();
  Set r({bad});
  timeval t = kNow;
  return select(bad + 1, &r.set, nullptr, nullptr, &t) == 1;
}
WITNESS(select_closed_descriptor_ignored_in_write_set) {
  Pipe p;
  int bad = ClosedLow();
  Set w({bad, p.w});
  timeval t = kNow;
  return select(bad + 1, nullptr, &w.set, nullptr, &t) == 1;
}
WITNESS(select_invalid_arguments_accepted) {
  Pipe p;
  Set r({p.r});
  timeval t{-1, 0};
  return select(p.r + 1, &r.set, nullptr, nullptr, &t) == 0;
}
WITNESS(pselect_invalid_nsec_accepted) {
  Pipe p;
  Set r({p.r});
  timespec t{0, 1000000000};
  return pselect(p.r + 1, &r.set, nullptr, nullptr, &t, nullptr) == 0;
}
WITNESS(select_timeout_early) {
  Pipe p;
  return ElapsedUs([&] {
           Set again({p.r});
           timeval t{0, 39000};
           select(p.r + 1, &again.set, nullptr, nullptr, &t);
         }) < 38000;
}
WITNESS(select_null_timeout_is_zero) {
  Pipe p;
  Set r({p.r});
  return Child([&] { return select(p.r + 1, &r.set, nullptr, nullptr, nullptr); }).Exit(300) == 0;
}
WITNESS(select_zero_timeout_blocks) {
  return Hangs([] {
    Pipe p;
    Set r({p.r});
    timeval t = kNow;
    select(p.r + 1, &r.set, nullptr, nullptr, &t);
  });
}
WITNESS(select_never_eintr) {
  Pipe p;
  Child c([&] {
    Handle(SIGUSR1);
    Set r({p.r});
    return select(p.r + 1, &r.set, nullptr, nullptr, nullptr) & 1;
  });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(select_wakeup_lost) {
  Pipe p;
  Child c([&] {
    Set r({p.r});
    return select(p.r + 1, &r.set, nullptr, nullptr, nullptr);
  });
  Nap(200);
  write(p.w, "x", 1);
  return c.Exit() == -1;
}
WITNESS(pselect_ignores_mask) {
  Pipe p;
  Set r({p.r});
  Handle(SIGUSR1);
  Block(SIGUSR1);
  raise(SIGUSR1);
  timespec t{0, 50000000};
  sigset_t none = Only(0);
  return pselect(p.r + 1, &r.set, nullptr, nullptr, &t, &none) == 0 && caught == 0;
}
WITNESS(pselect_keeps_mask) {
  Pipe p;
  Set w({p.w});
  sigset_t set = Only(SIGUSR1);
  timespec t{};
  pselect(p.w + 1, nullptr, &w.set, nullptr, &t, &set);
  return Blocked(SIGUSR1);
}
WITNESS(pselect_not_atomic) {
  Pipe p;
  Set r({p.r});
  Handle(SIGUSR1);
  Block(SIGUSR1);
  raise(SIGUSR1);
  timespec t{0, 50000000};
  sigset_t none = Only(0);
  return pselect(p.r + 1, &r.set, nullptr, nullptr, &t, &none) == 0 && caught == 1;
}
