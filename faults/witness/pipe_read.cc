// Witnesses of bank_pipe_read.cc.
#include <pthread.h>
#include <sys/uio.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
std::string Read(int fd, size_t n) {
  std::string s(n, 0);
  ssize_t r = read(fd, s.data(), n);
  if (r < 0) return "!" + std::to_string(errno);
  s.resize(static_cast<size_t>(r));
  return s;
}
// What one read of n bytes returns in a child (errno + 100 is not possible: negative as 200).
int ReadIn(const Pipe& p, size_t n = 10) {
  close(p.w);
  char b[100];
  ssize_t r = read(p.r, b, n);
  return r < 0 ? 50 + errno % 50 : static_cast<int>(r);
}
// A thread blocked in read() is cancelled; 1 if that ended it.
int CancelReader(const Pipe& p) {
  static int fd;
  fd = p.r;
  pthread_t t;
  pthread_create(
      &t, nullptr,
      [](void*) -> void* {
        char c;
        read(fd, &c, 1);
        return nullptr;
      },
      nullptr);
  Nap(50);
  pthread_cancel(t);
  pthread_join(t, nullptr);
  return 1;
}
}  // namespace

WITNESS(read_swaps_last_bytes) {
  Pipe p;
  write(p.w, "ab", 2);
  return Read(p.r, 2) == "ba";
}
WITNESS(read_damages_byte_at_page_end) {
  Pipe p;
  std::string s;
  for (int i = 0; i < 8192; ++i) s += static_cast<char>(i);
  write(p.w, s.data(), s.size());
  return Read(p.r, s.size()) != s;
}
WITNESS(read_keeps_packets) {
  Pipe p;
  write(p.w, "ab", 2), write(p.w, "cd", 2);
  return Read(p.r, 1) == "a" && Read(p.r, 4) == "cd";
}
WITNESS(read_waits_for_full_count) {
  return Hangs([] {
    Pipe p;
    write(p.w, "ab", 2);
    Read(p.r, 4);
  });
}
WITNESS(read_stores_one_byte_too_many) {
  Pipe p;
  char b[3] = {'x', 'x', 'x'};
  write(p.w, "abc", 3);
  read(p.r, b, 2);
  return b[2] != 'x';
}
WITNESS(read_eof_fails) {
  Pipe p;
  close(p.w);
  return Read(p.r, 1) == "!" + std::to_string(EPIPE);
}
WITNESS(read_eof_nonblock_eagain) {
  Pipe p(O_NONBLOCK);
  close(p.w);
  return Read(p.r, 1) == "!" + std::to_string(EAGAIN);
}
WITNESS(read_last_close_discards_data) {
  Pipe p;
  write(p.w, "ab", 2);
  close(p.w);
  return Read(p.r, 2).empty();
}
WITNESS(read_last_close_discards_beyond_page) {
  Pipe p;
  write(p.w, std::string(10000, 'x').data(), 10000);
  close(p.w);
  size_t sum = 0;
  for (std::string s; !(s = Read(p.r, 4096)).empty();) sum += s.size();
  return sum < 10000;
}
WITNESS(read_empty_nonblock_returns_zero) {
  Pipe p(O_NONBLOCK);
  return Read(p.r, 1).empty();
}
WITNESS(read_empty_nonblock_blocks) {
  return Hangs([] { Read(Pipe(O_NONBLOCK).r, 1); });
}
WITNESS(read_nonblock_short_eagain) {
  Pipe p(O_NONBLOCK);
  write(p.w, "ab", 2);
  return Read(p.r, 4) == "!" + std::to_string(EAGAIN);
}
WITNESS(read_empty_returns_zero) {
  Pipe p;
  return Child([&] { return read(p.r, nullptr, 0), Read(p.r, 1).empty(); }).Exit(200) == 1;
}
WITNESS(read_ends_at_first_writer_close) {
  Pipe p;
  Child reader([&] { return ReadIn(p); });
  for (int i = 0; i < 40 && reader.Exit(20) == -1; ++i) close(dup(p.w));
  return reader.Exit(0) == 0;
}
WITNESS(read_eof_wakes_one_reader) {
  Pipe p;
  Child a([&] { return ReadIn(p); }), b([&] { return ReadIn(p); });
  Nap(200);
  close(p.w);
  return (a.Exit() == -1) != (b.Exit() == -1);
}
WITNESS(read_zero_consumes_byte) {
  Pipe p;
  write(p.w, "ab", 2);
  Read(p.r, 0);
  return Read(p.r, 2) == "b";
}
WITNESS(read_zero_blocks) {
  return Hangs([] { Read(Pipe().r, 0); });
}
WITNESS(read_zero_nonblock_eagain) { return Read(Pipe(O_NONBLOCK).r, 0)[0] == '!'; }
WITNESS(read_of_write_end_einval) { return Read(Pipe().w, 1) == "!" + std::to_string(EINVAL); }
WITNESS(read_never_eintr) {
  Pipe p;
  Child c([&] { return Handle(SIGUSR1), ReadIn(p); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(read_eintr_as_eof) {
  Pipe p;
  Child c([&] { return Handle(SIGUSR1), ReadIn(p); });
  Nap(100);
  return c.Pester(SIGUSR1) == 0;
}
WITNESS(read_eintr_despite_sa_restart) {
  Pipe p;
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), ReadIn(p); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == 50 + EINTR;
}
WITNESS(read_eintr_by_ignored_signal) {
  Pipe p;
  Child c([&] { return signal(SIGUSR1, SIG_IGN), ReadIn(p); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == 50 + EINTR;
}
WITNESS(read_eintr_by_stop_and_continue) {
  Pipe p;
  Child c([&] { return ReadIn(p); });
  Nap(100);
  kill(c.pid(), SIGSTOP);
  Nap(20);
  return c.Pester(SIGCONT, 500) == 50 + EINTR;
}
WITNESS(pread_on_pipe_reads) {
  Pipe p;
  char c;
  write(p.w, "x", 1);
  return pread(p.r, &c, 1, 0) == 1;
}
WITNESS(pread_on_pipe_einval) {
  char c;
  return Fails(pread(Pipe().r, &c, 1, 0), EINVAL);
}
WITNESS(readv_fills_backwards) {
  Pipe p;
  char a[1], b[1];
  iovec v[2] = {{a, 1}, {b, 1}};
  write(p.w, "xy", 2);
  return readv(p.r, v, 2) == 2 && a[0] == 'y';
}
WITNESS(readv_only_first_area) {
  Pipe p;
  char a[1], b[1];
  iovec v[2] = {{a, 1}, {b, 1}};
  write(p.w, "xy", 2);
  return readv(p.r, v, 2) == 1;
}
WITNESS(readv_skips_area_after_empty_one) {
  Pipe p;
  char a[1], b[1];
  iovec v[3] = {{a, 1}, {a, 0}, {b, 1}};
  write(p.w, "xy", 2);
  return readv(p.r, v, 3) == 1;
}
WITNESS(readv_overflow_takes_data) {
  Pipe p;
  char a[1];
  iovec v[2] = {{a, 1}, {a, static_cast<size_t>(__PTRDIFF_MAX__)}};
  write(p.w, "xy", 2);
  return readv(p.r, v, 2) == 1;
}
WITNESS(read_wakeup_lost) {
  Pipe p;
  Child c([&] { return ReadIn(p); });
  Nap(200);
  write(p.w, "x", 1);
  return c.Exit() == -1;
}
WITNESS(read_wakeup_lost_sometimes) {
  Pipe p;
  Child c([&] {
    for (int i = 0; i < 9; ++i) Read(p.r, 1);
    return 0;
  });
  for (int i = 0; i < 9; ++i) Nap(60), write(p.w, "x", 1);
  return c.Exit() == -1;
}
WITNESS(read_not_cancellation_point) {
  Pipe p;
  return Child([&] { return CancelReader(p); }).Exit() == -1;
}
