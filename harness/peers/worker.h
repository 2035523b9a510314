// Workers: one step by a process or by a thread, for tests whose body is the same for both.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "harness/peers/peer.h"

namespace ipcsuite {

// A process or thread that performs one step. A process is killed when the object goes.
class Worker {
 public:
  Worker(bool process, std::function<CallResult()> step);
  const Call& call() const { return call_; }
  // Waits for the result of the step.
  CallResult result() const { return call_.result(); }
  CallResult result(nanoseconds patience) const { return call_.result(patience); }
  // To the process or the thread.
  void Signal(int signal);
  // Signals it until its call returns.
  CallResult Interrupt(int signal);

 private:
  std::optional<Peer> process_;
  std::optional<ThreadPeer> thread_;
  Call call_;
};

// Which of the calls have returned; waits until `count` have, 5 s at most.
std::vector<std::size_t> Returned(const std::vector<Call>& calls, std::size_t count);

}  // namespace ipcsuite
