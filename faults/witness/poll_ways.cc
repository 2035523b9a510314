// Witnesses of poll_ways.cc and poll_ends.cc.
#include <limits.h>
#include <sys/select.h>

#include <limits>

#include "faults/witness/witness.h"

using namespace witness;

namespace {

constexpr short kNormal = POLLRDNORM, kWriteNormal = POLLWRNORM;

int Wait(int fd, short events, int entries = 1) {
  std::vector<pollfd> all(static_cast<size_t>(entries), pollfd{fd, events, 0});
  return poll(all.data(), all.size(), -1) == entries ? 0 : 1;
}
// How a wait in a child ends that has had time to begin before `act`: 0, or -1 for a hang.
int Ended(const std::function<int()>& wait, const std::function<void()>& act) {
  Child waiter(wait);
  Nap(150);
  act();
  return waiter.Exit();
}
bool Hang(int end) { return end == -1; }
void WriteByte(Pipe& p) { write(p.w, "x", 1); }
// In the child: without the other end.
int WaitForHangUp(Pipe& p, short events) {
  close(p.w);
  return Wait(p.r, events);
}
bool DeafToData(short events) {
  Pipe p;
  return Hang(Ended([&] { return Wait(p.r, events); }, [&] { WriteByte(p); }));
}
bool DeafToRoom(short events) {
  Pipe p;
  p.Fill();
  return Hang(Ended([&] { return Wait(p.w, events); }, [&] { p.Drain(); }));
}
bool DeafToHangUp(short events) {
  Pipe p;
  return Hang(Ended([&] { return WaitForHangUp(p, events); },
                    [&] {
                      close(p.w);
                      p.w = dup(p.r);
                    }));
}
bool DeafAt(int number) {
  Pipe p;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int high = fcntl(p.r, F_DUPFD, number);
  const bool deaf = Hang(Ended([&] { return Wait(high, POLLIN); }, [&] { WriteByte(p); }));
  close(high);
  return deaf;
}
// Whether a wait that nothing may end is ended by this.
bool EndedBy(Pipe& p, bool writes, const std::function<void()>& act) {
  if (writes) p.Fill();
  Child waiter([&] { return Wait(writes ? p.w : p.r, writes ? POLLOUT : POLLIN); });
  Nap(150);
  act();
  return waiter.Exit(500) == 0;
}
void Nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

WITNESS(poll_rdnorm_alone_deaf) { return DeafToData(kNormal) && !DeafToData(POLLIN); }
WITNESS(poll_wrnorm_alone_deaf) { return DeafToRoom(kWriteNormal) && !DeafToRoom(POLLOUT); }
WITNESS(poll_priority_alone_deaf) { return DeafToHangUp(POLLPRI) && !DeafToHangUp(POLLIN); }
WITNESS(poll_nothing_asked_deaf) { return DeafToHangUp(0) && !DeafToHangUp(POLLIN); }
WITNESS(poll_reading_pair_deaf) { return DeafToData(POLLIN | kNormal) && !DeafToData(POLLIN); }
WITNESS(poll_writing_pair_deaf) {
  return DeafToRoom(POLLOUT | kWriteNormal) && !DeafToRoom(POLLOUT);
}
WITNESS(poll_above_63_deaf) { return DeafAt(64) && !DeafAt(63); }
WITNESS(poll_above_1023_deaf) { return DeafAt(1024) && !DeafAt(1023); }
WITNESS(poll_deaf_beside_a_writer) {
  Pipe p;
  p.Fill();
  Child writer([&] { return write(p.w, "x", 1) != 1; });
  Nap(100);
  return Hang(Ended([&] { return Wait(p.w, POLLOUT); }, [&] { p.Drain(), Nap(50), p.Drain(); }));
}
WITNESS(poll_deaf_beside_a_reader) {
  Pipe p;
  Child reader([&] {
    char byte;
    return read(p.r, &byte, 1) != 1;
  });
  Nap(100);
  return Hang(Ended([&] { return Wait(p.r, POLLIN); }, [&] { write(p.w, "xy", 2); }));
}
WITNESS(poll_duplicate_entry_unreported) {
  Pipe p;
  return Ended([&] { return Wait(p.r, POLLIN, 3); }, [&] { WriteByte(p); }) == 1;
}
WITNESS(poll_large_write_wakes_nobody) {
  Pipe p;
  Nonblocking(p.w);
  const std::string large(1 << 20, 'x');
  return Hang(
      Ended([&] { return Wait(p.r, POLLIN); }, [&] { write(p.w, large.data(), large.size()); }));
}
WITNESS(poll_empty_write_makes_deaf) {
  Pipe p;
  return Hang(Ended([&] { return Wait(p.r, POLLIN); }, [&] { write(p.w, "", 0), WriteByte(p); }));
}
WITNESS(poll_small_reads_wake_nobody) {
  Pipe p;
  p.Fill();
  return Hang(Ended([&] { return Wait(p.w, POLLOUT); },
                    [&] {
                      Nonblocking(p.r);
                      char page[4096];
                      while (read(p.r, page, sizeof page) > 0) {
                      }
                    }));
}
WITNESS(poll_rdwr_data_wakes_nobody) {
  Fifo f;
  return Hang(Ended([&] { return Wait(f.r, POLLIN); },
                    [&] { write(open(f.path.c_str(), O_RDWR | O_CLOEXEC), "x", 1); }));
}
WITNESS(poll_rdwr_hides_hang_up) {
  Fifo f;
  return Hang(Ended([&] { return close(f.w), Wait(f.r, POLLIN); },
                    [&] {
                      const int both = open(f.path.c_str(), O_RDWR | O_CLOEXEC);
                      close(f.w), close(both);
                      f.w = -1;
                    }));
}
WITNESS(poll_newest_waiter_forgotten) {
  Pipe p;
  Child first([&] { return Wait(p.r, POLLIN); });
  Nap(100);
  return Hang(Ended([&] { return Wait(p.r, POLLIN); }, [&] { WriteByte(p); }));
}

WITNESS(poll_ended_by_empty_write) {
  Pipe p;
  return EndedBy(p, false, [&] { write(p.w, "", 0); });
}
WITNESS(poll_ended_by_failed_write) {
  Pipe p;
  return EndedBy(p, true, [&] { Nonblocking(p.w), write(p.w, "x", 1); });
}
WITNESS(poll_ended_by_failed_read) {
  Pipe p;
  char byte;
  return EndedBy(p, false, [&] { Nonblocking(p.r), read(p.r, &byte, 1); });
}
WITNESS(poll_ended_by_empty_read) {
  Pipe p;
  return EndedBy(p, true, [&] { read(p.r, nullptr, 0); });
}
WITNESS(poll_ended_by_close_of_a_duplicate) {
  Pipe p;
  return EndedBy(p, false, [&] { close(dup(p.w)); });
}
WITNESS(poll_mask_stale_after_a_wait) {
  Pipe p;
  Child waiter([&] {
    char byte;
    pollfd e{p.r, POLLIN, 0};
    poll(&e, 1, -1);
    read(p.r, &byte, 1);
    return poll(&e, 1, 0);
  });
  Nap(150);
  WriteByte(p);
  return waiter.Exit() == 1;
}
WITNESS(ppoll_largest_time_out_is_zero) {
  return !Hangs([] {
    Pipe p;
    pollfd e{p.r, POLLIN, 0};
    const timespec largest{std::numeric_limits<time_t>::max(), 0};
    ppoll(&e, 1, &largest, nullptr);
  });
}
WITNESS(poll_largest_time_out_is_zero) {
  return !Hangs([] {
    Pipe p;
    pollfd e{p.r, POLLIN, 0};
    poll(&e, 1, INT_MAX);
  });
}
WITNESS(select_above_63_deaf) {
  Pipe p;
  const int high = fcntl(p.r, F_DUPFD, 64);
  const auto wait = [&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(high, &set);
    return select(high + 1, &set, nullptr, nullptr, nullptr) != 1;
  };
  const bool deaf = Hang(Ended(wait, [&] { WriteByte(p); }));
  close(high);
  return deaf;
}
