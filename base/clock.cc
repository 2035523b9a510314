#include "base/clock.h"

#include <sched.h>

#include <algorithm>

namespace ipcsuite {

nanoseconds Deadline::left() const {
  return nanoseconds(std::max<std::int64_t>(0, end_ns_ - NowNs()));
}

timespec ToTimespec(nanoseconds duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((duration - seconds).count())};
}

nanoseconds FromTimespec(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

void Backoff::Pause() {
  if (++round_ < 40) {
    sched_yield();
    return;
  }
  const timespec nap{0, std::min<long>(200'000, 10'000L * (round_ - 39))};
  nanosleep(&nap, nullptr);  // sleep-ok: back-off of a polling loop, no verdict depends on it
}

}  // namespace ipcsuite
