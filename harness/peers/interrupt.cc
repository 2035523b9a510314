#include "harness/peers/interrupt.h"

#include <pthread.h>
#include <signal.h>

#include "harness/objects/resources.h"

namespace ipcsuite {
namespace {

constexpr std::int64_t kPatienceNs = 3'000'000'000;

template <typename Send>
CallResult SignalUntilReturned(const Call& call, SignalPace pace, Send send) {
  const std::int64_t end = NowNs() + pace.patience_ns;
  Backoff backoff;
  while (!call.returned() && NowNs() < end) {
    send();
    for (int look = 0; look < pace.looks && !call.returned(); ++look) backoff.Pause();
  }
  return call.result(100'000'000);
}

}  // namespace

CallResult Interrupt(Peer& peer, const Call& call, int signal, SignalPace pace) {
  return SignalUntilReturned(call, pace, [&] { peer.Signal(signal); });
}

CallResult Interrupt(ThreadPeer& peer, const Call& call, int signal, SignalPace pace) {
  return SignalUntilReturned(call, pace, [&] {
    if (peer.alive()) pthread_kill(peer.handle(), signal);
  });
}

bool AwaitSignalCount(int count) {
  const std::int64_t end = NowNs() + kPatienceNs;
  Backoff backoff;
  while (SignalCount() < count) {
    if (NowNs() > end) return false;
    backoff.Pause();
  }
  return true;
}

}  // namespace ipcsuite
