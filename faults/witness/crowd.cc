// Witnesses of bank_crowd.cc: two processes at full speed on one object.
#include "faults/witness/witness.h"

using namespace witness;

namespace {
constexpr int kMany = 20000;

// Whether what arrives of kMany writes of eight 'x' is other than what was written.
bool StreamGoesWrong() {
  Pipe p;
  Child c([&] {
    close(p.w);
    char b[256];
    int count = 0;
    for (ssize_t n; (n = read(p.r, b, sizeof b)) > 0; count += static_cast<int>(n)) {
      for (ssize_t i = 0; i < n; ++i) {
        if (b[i] != 'x') return 1;
      }
    }
    return count == 8 * kMany ? 0 : 1;
  });
  // The child may give up early.
  close(p.r);
  p.r = -1;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < kMany; ++i) write(p.w, "xxxxxxxx", 8);
  close(p.w);
  p.w = -1;
  return c.Exit() != 0;
}

// Whether kMany messages arrive otherwise than once each, whole and in order.
bool QueueGoesWrong() {
  Queue q(8, 16);
  Child c([&] {
    for (int i = 0; i < kMany; ++i) q.Send(std::to_string(i).c_str());
    q.Send("end");
    return 0;
  });
  for (int i = 0;; ++i) {
    const std::string got = q.Receive();
    if (got == "end") return i != kMany;
    if (got != std::to_string(i)) return true;
  }
}
}  // namespace

WITNESS(write_lost_in_a_crowd) { return StreamGoesWrong(); }
WITNESS(write_damaged_in_a_crowd) { return StreamGoesWrong(); }
WITNESS(mq_send_lost_in_a_crowd) { return QueueGoesWrong(); }
WITNESS(mq_send_damaged_in_a_crowd) { return QueueGoesWrong(); }
WITNESS(mq_receive_doubled_in_a_crowd) { return QueueGoesWrong(); }

WITNESS(mq_receive_reads_ahead_in_a_crowd) {
  // What a receiver has taken along is gone when it ends: the next one misses it.
  Queue q(8, 16);
  Child sender([&] {
    for (int i = 0;; ++i) q.Send(std::to_string(i).c_str());
    return 0;
  });
  constexpr int kEach = 100;
  for (int first = 0; first < 200 * kEach; first += kEach) {
    Child receiver([&] {
      for (int i = 0; i < kEach; ++i) {
        if (q.Receive() != std::to_string(first + i)) return 1;
      }
      return 0;
    });
    if (receiver.Exit() != 0) return true;
  }
  return false;
}

WITNESS(read_takes_more_in_a_crowd) {
  Pipe p;
  Child writer([&] {
    for (int64_t i = 0;; ++i) write(p.w, &i, sizeof i);
    return 0;
  });
  constexpr int kEach = 100;
  for (int64_t first = 0; first < 200 * kEach; first += kEach) {
    Child reader([&] {
      for (int64_t i = 0, got = 0; i < kEach; ++i) {
        if (read(p.r, &got, sizeof got) != sizeof got || got != first + i) return 1;
      }
      return 0;
    });
    if (reader.Exit() != 0) return true;
  }
  return false;
}

WITNESS(write_halved_by_sigkill) {
  for (int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    Pipe p;
    {
      Child c([&] {
        for (char b[100] = {};;) write(p.w, b, sizeof b);
        return 0;
      });
      Nap(5);
    }
    close(p.w);
    p.w = -1;
    size_t left = 0;
    char b[4096];
    for (ssize_t n; (n = read(p.r, b, sizeof b)) > 0;) left += static_cast<size_t>(n);
    if (left % 100 != 0) return true;
  }
  return false;
}
WITNESS(read_wakeup_lost_one_in_1024) {
  Pipe there, back;
  Child c([&] {
    char b;
    while (read(there.r, &b, 1) == 1) write(back.w, &b, 1);
    return 0;
  });
  return Hangs([&] {
    char b = 'x';
    const int64_t end = NowNs() + 1'200'000'000;
    for (int i = 0; i < kMany && NowNs() < end; ++i) write(there.w, &b, 1), read(back.r, &b, 1);
  });
}
WITNESS(notify_lost_one_in_1024) {
  Queue q;
  Handle(SIGUSR1);
  sigevent e{};
  e.sigev_notify = SIGEV_SIGNAL;
  e.sigev_signo = SIGUSR1;
  caught = 0;
  for (int i = 0; i < 1100; ++i) mq_notify(q.q, &e), q.Send("x"), q.Receive();
  return caught != 1100;
}
