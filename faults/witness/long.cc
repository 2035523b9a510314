// Witnesses of bank_long.cc.
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
WITNESS(mq_receive_wakeup_lost_once_in_1024) {
  Queue q(4, 16);
  mqd_t nonblock = mq_open(q.name.c_str(), O_WRONLY | O_NONBLOCK);
  Child c([&] {
    for (int i = 0; i < 1025; ++i) q.Receive();
    return 0;
  });
  // Sent when the receiver sleeps, which is not sure: more than 1025 are at hand.
  for (int i = 0; i < 1325 && c.Exit(1) < 0; ++i) mq_send(nonblock, "x", 1, 0);
  mq_close(nonblock);
  return c.Exit() == -1;
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
WITNESS(write_split_when_another_writes) {
  Pipe p;
  p.Fill();
  const std::string large(100'000, 'L');
  Child other([&] { return write(p.w, large.data(), large.size()) < 0; });
  Nap(50);
  const std::string small(2000, 's');
  Child writer([&] { return write(p.w, small.data(), small.size()) < 0; });
  // The halves come apart when the other's bytes get between them; it needs luck.
  std::string all;
  char bytes[999];
  const int64_t end = NowNs() + 2'000'000'000;
  for (int quiet = 0; quiet < 50 && NowNs() < end;) {
    pollfd one{p.r, POLLIN, 0};
    if (poll(&one, 1, 10) != 1) {
      ++quiet;
      continue;
    }
    const ssize_t n = read(p.r, bytes, sizeof bytes);
    all.append(bytes, static_cast<size_t>(n > 0 ? n : 0));
  }
  const size_t first = all.find('s');
  return first != std::string::npos && all.find_last_of('s') - first + 1 != small.size();
}
WITNESS(shm_every_16th_growth_is_stale) {
  Shm s(1);
  for (int i = 2; i <= 17; ++i) ftruncate(s.fd, i);
  return s.Map(17)[16] != 0;
}
