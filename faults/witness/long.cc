// Witnesses of bank_long.cc.
#include <sched.h>

#include "faults/witness/witness.h"

using namespace witness;

WITNESS(mq_tie_broken_from_fifth) {
  Queue q(8);
  for (const char* text : {"1", "2", "3", "4", "5"}) q.Send(text);
  for (int i = 0; i < 3; ++i) q.Receive();
  return q.Receive() == "5";
}
// The number of messages after one more than 4096 were sent and, but for the last, received.
static long After4096() {
  Queue q(4, 16, O_NONBLOCK);
  for (int i = 0; i < 4096; ++i) {
    if (i > 0) q.Receive();
    q.Send("x");
  }
  return q.Attr().mq_curmsgs;
}
WITNESS(mq_send_loses_every_4096th) { return After4096() == 0; }
WITNESS(mq_send_doubles_every_4096th) { return After4096() == 2; }
WITNESS(mq_order_lost_when_ring_wraps) {
  Queue q(4, 16, O_NONBLOCK);
  for (int i = 0; i < 99; ++i) q.Receive();
  q.Send("first"), q.Send("second");
  return q.Receive() == "second";
}
// One message after the other to a receiver that has taken the last, until it takes one no more.
WITNESS(mq_receive_wakeup_lost_once_in_1024) {
  Queue q(4, 16);
  Child receiver([&] {
    for (;;) q.Receive();
    return 0;
  });
  for (const int64_t end = NowNs() + kRaceNs; NowNs() < end;) {
    q.Send("x");
    // The message after the one with which a call hangs stays.
    for (const int64_t sent = NowNs(); q.Attr().mq_curmsgs > 0; sched_yield()) {
      if (NowNs() - sent > 1'000'000'000) return true;
    }
  }
  return false;
}
WITNESS(read_swaps_bytes_after_a_mebibyte) {
  Pipe p;
  std::vector<char> block(4096);
  for (int i = 0; i < 256; ++i) {
    write(p.w, block.data(), block.size());
    read(p.r, block.data(), block.size());
  }
  write(p.w, "ab", 2);
  read(p.r, block.data(), 2);
  return block[0] == 'b';
}
// Whether the bytes of a small write to a full pipe come out with others' between them.
static bool SmallWriteIsTorn() {
  Pipe p;
  p.Fill();
  const std::string large(100'000, 'L'), small(2000, 's');
  Child other([&] { return write(p.w, large.data(), large.size()) < 0; });
  Nap(20);
  Child writer([&] { return write(p.w, small.data(), small.size()) < 0; });
  Nap(20);
  const size_t total = 65536 + large.size() + small.size();
  std::string all;
  char bytes[4096];
  for (pollfd one{p.r, POLLIN, 0}; all.size() < total && poll(&one, 1, 500) == 1;) {
    const ssize_t n = read(p.r, bytes, sizeof bytes);
    all.append(bytes, static_cast<size_t>(n > 0 ? n : 0));
  }
  const size_t first = all.find('s');
  return first != std::string::npos && all.find_last_of('s') - first + 1 != small.size();
}
WITNESS(write_split_when_another_writes) {
  const int64_t end = NowNs() + kRaceNs;
  bool torn = false;
  while (!torn && NowNs() < end) torn = SmallWriteIsTorn();
  return torn;
}
WITNESS(shm_every_16th_growth_is_stale) {
  Shm s(1);
  for (int i = 2; i <= 17; ++i) ftruncate(s.fd, i);
  return s.Map(17)[16] != 0;
}
