#include "harness/peers/interrupt.h"

#include <pthread.h>
#include <signal.h>

#include "harness/core/patience.h"
#include "harness/objects/resources.h"

namespace ipcsuite {
namespace {

constexpr nanoseconds kPatience = 3s;

template <typename Send>
CallResult SignalUntilReturned(const Call& call, SignalPace pace, Send send) {
  Patience patience(pace.patience);
  Backoff backoff;
  while (!call.returned() && !patience.over()) {
    send();
    for (int look = 0; look < pace.looks && !call.returned(); ++look) backoff.Pause();
  }
  return call.result(100ms);
}

}  // namespace

CallResult Interrupt(Peer& peer, const Call& call, int signal, SignalPace pace) {
  return SignalUntilReturned(call, pace, [&] { peer.Signal(signal); });
}

CallResult Interrupt(ThreadPeer& peer, const Call& call, int signal, SignalPace pace) {
  return SignalUntilReturned(call, pace, [&] {
    if (peer.alive()) calls::pthread_kill(peer.handle(), signal);
  });
}

bool AwaitSignalCount(int count) {
  Patience patience(kPatience);
  Backoff backoff;
  while (SignalCount() < count) {
    if (patience.over()) return false;
    backoff.Pause();
  }
  return true;
}

}  // namespace ipcsuite
