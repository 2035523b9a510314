// Signals for a peer that is blocked in a call.
#pragma once

#include "harness/peer.h"

namespace ipcsuite {

// Signals the peer's process (a thread peer: the thread) until its call has returned, and returns
// the result. Once is enough where the call was shown blocked; again and again closes the race
// between issuing a call and blocking in it where that can't be shown. Gives up after 3 s: the fate
// of the call is then that it is still blocked.
CallResult Interrupt(Peer& peer, const Call& call, int signal);
CallResult Interrupt(ThreadPeer& peer, const Call& call, int signal);

// Waits until CountSignal has run `count` times in all in this test; false after 3 s.
bool AwaitSignalCount(int count);

}  // namespace ipcsuite
