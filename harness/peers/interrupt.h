// Signals for a peer that is blocked in a call.
#pragma once

#include "harness/peers/peer.h"

namespace ipcsuite {

// Signals the peer's process (a thread peer: the thread) until its call has returned, and returns
// the result. Once is enough where the call was shown blocked; again and again closes the race
// between issuing a call and blocking in it where that can't be shown. Gives up when the
// patience is exhausted: the fate of the call is then that it is still blocked.
// `pace`: for how long, and how many looks at the call lie between two signals.
struct SignalPace {
  nanoseconds patience = 3s;
  int looks = 100;  // a fast return is the rule
};
CallResult Interrupt(Peer& peer, const Call& call, int signal, SignalPace pace = {});
CallResult Interrupt(ThreadPeer& peer, const Call& call, int signal, SignalPace pace = {});

// Waits until CountSignal has run `count` times in all in this test; false after 3 s.
bool AwaitSignalCount(int count);

}  // namespace ipcsuite
