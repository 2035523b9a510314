// A common start for steps that are to race.
#pragma once

#include <atomic>
#include <cstdint>

namespace ipcsuite {

// Lets a known number of processes and threads start something together. Lives in shared memory.
class StartLine {
 public:
  void Wait(unsigned participants);

 private:
  std::atomic<std::uint32_t> arrived_{0}, generation_{0};
};

}  // namespace ipcsuite
