// Witnesses of bank_pipe_write.cc.
#include <limits.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "faults/witness/witness.h"

using namespace witness;

namespace {
std::string ReadAll(Pipe& p) {
  fcntl(p.r, F_SETFL, O_NONBLOCK);
  std::string all;
  char b[4096];
  for (ssize_t n; (n = read(p.r, b, sizeof b)) > 0;) all.append(b, static_cast<size_t>(n));
  return all;
}
const std::string kLarge(20000, 'z');
// Two children write records of `size` bytes of one letter; whether one was torn apart.
bool Torn(size_t size, bool vector = false, bool fill = false) {
  Pipe p;
  if (fill) {
    p.Fill();
    char b[1];
    for (int i = 0; i < 6000; ++i) read(p.r, b, 1);
  }
  auto body = [&](char letter) {
    std::string s(size, letter);
    iovec v[2] = {{s.data(), size / 2}, {s.data() + size / 2, size - size / 2}};
    for (int i = 0; i < 1500; ++i) {
      if (vector) {
        writev(p.w, v, 2);
      } else {
        write(p.w, s.data(), size);
      }
    }
    return 0;
  };
  Child a([&] { return body('a'); }), b([&] { return body('b'); });
  close(p.w);
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = read(p.r, buffer, sizeof buffer)) > 0;)
    all.append(buffer, static_cast<size_t>(n));
  size_t at = all.find_first_of("ab");
  for (; at != std::string::npos && at + size <= all.size(); at += size) {
    for (size_t i = 1; i < size; ++i) {
      if (all[at + i] != all[at]) return true;
    }
  }
  return false;
}
// A write of one byte to a full pipe in a child: 0 when it succeeded, its errno otherwise.
int WriteIn(Pipe& p, size_t n = 1) {
  close(p.r);
  return write(p.w, kLarge.data(), n) < 0 ? errno : 0;
}
// As above, with the read end kept so that the write does not fail.
int WriteBlocked(Pipe& p, size_t n = 1) { return write(p.w, kLarge.data(), n) < 0 ? errno : 0; }
int WriteBroken(int handler_flags = -1) {
  if (handler_flags >= 0) Handle(SIGPIPE, handler_flags);
  Pipe p;
  close(p.r);
  return write(p.w, "x", 1) < 0 ? errno : 0;
}
}  // namespace

WITNESS(write_loses_last_byte) {
  Pipe p;
  write(p.w, "ab", 2);
  return ReadAll(p) == "a";
}
WITNESS(write_not_atomic) { return Torn(100); }
WITNESS(write_atomic_to_512_only) { return Torn(1000); }
WITNESS(write_exact_pipe_buf_not_atomic) {
  return Torn(static_cast<size_t>(fpathconf(Pipe().w, _PC_PIPE_BUF)));
}
WITNESS(write_not_atomic_when_nearly_full) { return Torn(3000); }
WITNESS(writev_not_atomic) { return Torn(1000, true); }
WITNESS(writev_gathers_backwards) {
  Pipe p;
  char a[] = "x", b[] = "y";
  iovec v[2] = {{a, 1}, {b, 1}};
  writev(p.w, v, 2);
  return ReadAll(p) == "yx";
}
WITNESS(write_blocking_partial) {
  Pipe p;
  std::string s(1 << 20, 'x');
  Child c([&] { return write(p.w, s.data(), s.size()) < static_cast<ssize_t>(s.size()); });
  return c.Exit(1000) == 1;
}
WITNESS(write_full_blocking_eagain) {
  Pipe p;
  p.Fill();
  return Child([&] { return WriteBlocked(p); }).Exit(300) == EAGAIN;
}
WITNESS(write_full_blocking_returns_zero) {
  Pipe p;
  p.Fill();
  return Child([&] { return WriteBlocked(p); }).Exit(300) == 0;
}
WITNESS(write_small_partial) {
  Pipe p(O_NONBLOCK);
  for (int i = fcntl(p.w, F_GETPIPE_SZ) / 4096; i > 1; --i) write(p.w, kLarge.data(), 4096);
  write(p.w, "x", 1);
  ssize_t r = write(p.w, kLarge.data(), 4096);
  return r > 0 && r < 4096;
}
WITNESS(write_nonblock_blocks) {
  return Hangs([] {
    Pipe p;
    fcntl(p.w, F_SETFL, O_NONBLOCK);
    while (write(p.w, kLarge.data(), 4096) > 0) {
    }
  });
}
WITNESS(write_nonblock_needs_empty_pipe) {
  Pipe p(O_NONBLOCK);
  size_t sum = 0, size = static_cast<size_t>(fcntl(p.w, F_GETPIPE_SZ));
  for (ssize_t n; (n = write(p.w, kLarge.data(), 4096)) > 0;) sum += static_cast<size_t>(n);
  return sum < size;
}
WITNESS(write_nonblock_nonempty_eagain) {
  Pipe p(O_NONBLOCK);
  write(p.w, "x", 1);
  return Fails(write(p.w, kLarge.data(), 4096), EAGAIN);
}
WITNESS(write_full_nonblock_returns_zero) {
  Pipe p;
  p.Fill();
  fcntl(p.w, F_SETFL, O_NONBLOCK);
  return write(p.w, "x", 1) == 0;
}
WITNESS(write_large_nonblock_all_or_nothing) {
  Pipe p(O_NONBLOCK);
  return Fails(write(p.w, std::string(1 << 20, 'x').data(), 1 << 20), EAGAIN);
}
WITNESS(write_large_nonblock_too_little) {
  Pipe p(O_NONBLOCK);
  return write(p.w, kLarge.data(), 8192) == 100;
}
WITNESS(write_large_nonblock_full_zero) {
  Pipe p;
  p.Fill();
  fcntl(p.w, F_SETFL, O_NONBLOCK);
  return write(p.w, kLarge.data(), 8192) == 0 && Fails(write(p.w, "x", 1), EAGAIN);
}
WITNESS(write_large_nonblock_wrong_count) {
  Pipe p(O_NONBLOCK);
  ssize_t r = write(p.w, std::string(1 << 20, 'x').data(), 1 << 20);
  return r > static_cast<ssize_t>(ReadAll(p).size());
}
WITNESS(write_epipe_as_eio) {
  signal(SIGPIPE, SIG_IGN);
  return WriteBroken() == EIO;
}
WITNESS(write_without_reader_succeeds) {
  signal(SIGPIPE, SIG_IGN);
  return WriteBroken() == 0;
}
WITNESS(write_no_sigpipe) { return WriteBroken(0) == EPIPE && caught == 0; }
WITNESS(sigpipe_to_process) {
  Handle(SIGPIPE);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_t t;
  // The thread that writes blocks SIGPIPE: the signal stays pending for it alone.
  pthread_create(
      &t, nullptr,
      [](void*) -> void* {
        sigset_t mine;
        sigemptyset(&mine);
        sigaddset(&mine, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &mine, nullptr);
        WriteBroken();
        return nullptr;
      },
      nullptr);
  pthread_join(t, nullptr);
  Nap(20);
  return caught > 0;
}
WITNESS(sigpipe_ignored_hides_epipe) {
  signal(SIGPIPE, SIG_IGN);
  return WriteBroken() == 0;
}
WITNESS(sigpipe_handled_gives_eintr) { return WriteBroken(0) == EINTR; }
WITNESS(sigpipe_dropped_when_blocked) {
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  int e = WriteBroken();
  sigpending(&pending);
  return e == EPIPE && !sigismember(&pending, SIGPIPE);
}
WITNESS(write_not_released_by_reader_close) {
  signal(SIGPIPE, SIG_IGN);
  Pipe p;
  p.Fill();
  Child c([&] { return WriteIn(p); });
  Nap(200);
  close(p.r);
  return c.Exit() == -1;
}
WITNESS(write_to_read_end_eacces) { return Fails(write(Pipe().r, "x", 1), EACCES); }
WITNESS(write_never_eintr) {
  Pipe p;
  p.Fill();
  Child c([&] { return Handle(SIGUSR1), WriteBlocked(p); });
  Nap(100);
  return c.Pester(SIGUSR1) == -1;
}
WITNESS(write_partial_reported_as_eintr) {
  Pipe p;
  std::string s(1 << 20, 'x');
  Child c([&] { return Handle(SIGUSR1), write(p.w, s.data(), s.size()) < 0 ? errno : 0; });
  Nap(200);
  return c.Pester(SIGUSR1) == EINTR;
}
WITNESS(write_eintr_despite_sa_restart) {
  Pipe p;
  p.Fill();
  Child c([&] { return Handle(SIGUSR1, SA_RESTART), WriteBlocked(p); });
  Nap(100);
  return c.Pester(SIGUSR1, 500) == EINTR;
}
WITNESS(write_eintr_by_stop_and_continue) {
  Pipe p;
  p.Fill();
  Child c([&] { return WriteBlocked(p); });
  Nap(100);
  kill(c.pid(), SIGSTOP);
  Nap(20);
  return c.Pester(SIGCONT, 500) == EINTR;
}
WITNESS(pwrite_on_pipe_writes) { return pwrite(Pipe().w, "x", 1, 0) == 1; }
WITNESS(write_wakeup_lost) {
  Pipe p;
  p.Fill();
  Child c([&] { return WriteBlocked(p); });
  Nap(200);
  p.Drain();
  return c.Exit() == -1;
}
WITNESS(write_wakeup_lost_sometimes) {
  Pipe p;
  Child c([&] {
    for (int i = 0; i < 40; ++i) WriteBlocked(p, 16384);
    return 0;
  });
  char b[16384];
  for (int i = 0; i < 400; ++i) {
    Nap(5);
    int there = 0;
    ioctl(p.r, FIONREAD, &there);
    if (there > 0) read(p.r, b, sizeof b);
  }
  return c.Exit(100) == -1;
}
WITNESS(write_duplicates_a_record) {
  Pipe p;
  for (int i = 0; i < 64; ++i) write(p.w, "x", 1);
  return ReadAll(p).size() == 65;
}
WITNESS(write_large_repeats_page) {
  Pipe p;
  std::string s(200000, 'x');
  Child c([&] { return write(p.w, s.data(), s.size()) != 200000; });
  close(p.w);
  std::string all;
  char b[4096];
  for (ssize_t n; (n = read(p.r, b, sizeof b)) > 0;) all.append(b, static_cast<size_t>(n));
  return all != s;
}
