#include "harness/peers/start_line.h"

#include <sched.h>

#include "base/os/os.h"
#include "harness/core/arena.h"

namespace ipcsuite {

void StartLine::Wait(unsigned participants) {
  const std::uint32_t round = generation_.load();
  if (arrived_.fetch_add(1) + 1 == participants) {
    arrived_.store(0);
    generation_.store(round + 1);
    os::WakeWord(generation_);
    return;
  }
  for (int i = 0; generation_.load() == round; ++i) {
    if (i < 100) {
      sched_yield();
    } else {
      WaitWhileEquals(generation_, round, 100ms);
    }
  }
}

}  // namespace ipcsuite
