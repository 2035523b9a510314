// Which workers were killed, over the processes that followed each other in one place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "stress/engine/state.h"

namespace ipcsuite::stress {

class Lives {
 public:
  void Make(SharedRegion& region, int workers) {
    workers_ = workers;
    lives_ = region.Make<Life>(static_cast<std::size_t>(workers));
  }
  // In a worker's process.
  void Begin(int index) { lives_[index].killed += lives_[index].running.exchange(1); }
  void End(int index) { lives_[index].running = 0; }
  // All have ended: how many processes did not come to their end.
  std::int64_t Killed() const {
    std::int64_t killed = 0;
    for (int i = 0; i < workers_; ++i) killed += lives_[i].killed + lives_[i].running;
    return killed;
  }

 private:
  struct alignas(kLine) Life {
    std::atomic<std::int32_t> running, killed;
  };
  Life* lives_ = nullptr;
  int workers_ = 0;
};

}  // namespace ipcsuite::stress
