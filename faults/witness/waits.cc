// Witnesses of late.cc and repeat.cc.
#include <sys/select.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {

// How long something takes, in ms.
int64_t MsOf(const std::function<void()>& f) {
  const int64_t start = NowNs();
  f();
  return (NowNs() - start) / 1'000'000;
}
bool Naps(const std::function<void()>& f) { return MsOf(f) >= 250; }

int OpenIn(const Fifo& f, int flags) { return open(f.path.c_str(), flags) < 0 ? errno : 0; }
int Open(const Fifo& f, int flags) { return open(f.path.c_str(), flags | O_CLOEXEC); }
int ReadOne(Pipe& p) {
  char byte;
  return read(p.r, &byte, 1) == 1 ? 0 : 1;
}
int Lowest() {
  const int fd = dup(0);
  close(fd);
  return fd;
}
bool Leaks(const std::function<void()>& call) {
  const int before = Lowest();
  for (int i = 0; i < 20; ++i) call();
  return Lowest() != before;
}

}  // namespace

// ---- late ----

WITNESS(read_woken_late) {
  Pipe p;
  Child reader([&] { return ReadOne(p); });
  Nap(100);
  write(p.w, "x", 1);
  return reader.Exit() == -1;
}
WITNESS(write_woken_late) {
  Pipe p;
  p.Fill();
  Child writer([&] { return write(p.w, "x", 1) != 1; });
  Nap(100);
  p.Drain();
  return writer.Exit() == -1;
}
WITNESS(read_sleeps_before_eagain) {
  Pipe p(O_NONBLOCK);
  return Naps([&] { ReadOne(p); });
}
WITNESS(write_sleeps_before_eagain) {
  Pipe p(O_NONBLOCK);
  while (write(p.w, "0123456789abcdef", 16) > 0) {
  }
  return Naps([&] { write(p.w, "x", 1); });
}
WITNESS(read_sleeps_beside_data) {
  Pipe p;
  char b[8];
  write(p.w, "ab", 2);
  return Naps([&] { read(p.r, b, sizeof b); });
}
WITNESS(write_sleeps_beside_room) {
  Pipe p(O_NONBLOCK);
  write(p.w, "a", 1);
  return Naps([&] { write(p.w, "b", 1); });
}
WITNESS(fifo_open_reader_woken_late) {
  Fifo f(false);
  Child reader([&] { return OpenIn(f, O_RDONLY); });
  Nap(100);
  f.w = Open(f, O_WRONLY | O_NONBLOCK);
  return reader.Exit() == -1;
}
WITNESS(fifo_open_writer_woken_late) {
  Fifo f(false);
  Child writer([&] { return OpenIn(f, O_WRONLY); });
  Nap(100);
  f.r = Open(f, O_RDONLY | O_NONBLOCK);
  return writer.Exit() == -1;
}
WITNESS(fifo_open_sleeps_before_enxio) {
  Fifo f(false);
  return Naps([&] { Open(f, O_WRONLY | O_NONBLOCK); });
}
WITNESS(fifo_open_nonblock_sleeps) {
  Fifo f(false);
  return Naps([&] { f.r = Open(f, O_RDONLY | O_NONBLOCK); });
}
WITNESS(poll_woken_late) {
  Pipe p;
  Child waiter([&] {
    pollfd e{p.r, POLLIN, 0};
    return poll(&e, 1, -1) != 1;
  });
  Nap(100);
  write(p.w, "x", 1);
  return waiter.Exit() == -1;
}
WITNESS(select_woken_late) {
  Pipe p;
  Child waiter([&] {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p.r, &set);
    return select(p.r + 1, &set, nullptr, nullptr, nullptr) != 1;
  });
  Nap(100);
  write(p.w, "x", 1);
  return waiter.Exit() == -1;
}
WITNESS(poll_zero_sleeps) {
  Pipe p;
  pollfd e{p.r, POLLIN, 0};
  return Naps([&] { poll(&e, 1, 0); });
}
WITNESS(ppoll_zero_sleeps) {
  Pipe p;
  pollfd e{p.r, POLLIN, 0};
  const timespec zero{};
  return Naps([&] { ppoll(&e, 1, &zero, nullptr); });
}
WITNESS(pselect_zero_sleeps) {
  Pipe p;
  fd_set set;
  FD_ZERO(&set);
  FD_SET(p.r, &set);
  const timespec zero{};
  return Naps([&] { pselect(p.r + 1, &set, nullptr, nullptr, &zero, nullptr); });
}
WITNESS(mq_receive_woken_late) {
  Queue q;
  Child receiver([&] { return q.Receive() != "x"; });
  Nap(100);
  q.Send("x");
  return receiver.Exit() == -1;
}
WITNESS(mq_send_woken_late) {
  Queue q;
  q.Fill();
  Child sender([&] { return q.Send("x"); });
  Nap(100);
  q.Receive();
  return sender.Exit() == -1;
}
WITNESS(mq_receive_sleeps_before_eagain) {
  Queue q(4, 16, O_NONBLOCK);
  return Naps([&] { q.Receive(); });
}
WITNESS(mq_past_deadline_sleeps) {
  Queue q;
  char b[16];
  const timespec past{1, 0};
  return Naps([&] { mq_timedreceive(q.q, b, sizeof b, nullptr, &past); });
}

// ---- again and again ----

WITNESS(read_eagain_leaks_descriptors) {
  Pipe p(O_NONBLOCK);
  return Leaks([&] { ReadOne(p); });
}
WITNESS(write_eagain_leaks_descriptors) {
  Pipe p;
  p.Fill();
  fcntl(p.w, F_SETFL, O_NONBLOCK);
  return Leaks([&] { write(p.w, "x", 1); });
}
WITNESS(write_epipe_leaks_descriptors) {
  Pipe p;
  signal(SIGPIPE, SIG_IGN);
  close(p.r);
  p.r = -1;
  const int holds_the_number = dup(0);
  const bool leaks = Leaks([&] { write(p.w, "x", 1); });
  close(holds_the_number);
  return leaks;
}
WITNESS(read_fails_after_1000_failures) {
  Pipe p(O_NONBLOCK);
  for (int i = 0; i < 1001; ++i) ReadOne(p);
  write(p.w, "ab", 2);
  char b[2];
  return read(p.r, b, 2) == 1;
}
WITNESS(write_refused_after_1000_failures) {
  Pipe p;
  p.Fill();
  fcntl(p.w, F_SETFL, O_NONBLOCK);
  for (int i = 0; i < 1001; ++i) write(p.w, "x", 1);
  p.Drain();
  return Fails(write(p.w, "x", 1), EAGAIN);
}
WITNESS(pipes_run_out) {
  for (int i = 0; i < 1001; ++i) {
    int ends[2];
    if (pipe(ends) != 0) return errno == ENFILE;
    close(ends[0]), close(ends[1]);
  }
  return false;
}
WITNESS(fifo_open_enxio_leaks_descriptors) {
  Fifo f(false);
  return Leaks([&] { Open(f, O_WRONLY | O_NONBLOCK); });
}
WITNESS(mkfifo_eexist_leaks_descriptors) {
  Fifo f(false);
  return Leaks([&] { mkfifo(f.path.c_str(), 0600); });
}
WITNESS(poll_time_outs_leak_descriptors) {
  Pipe p;
  pollfd e{p.r, POLLIN, 0};
  return Leaks([&] { poll(&e, 1, 0); });
}
