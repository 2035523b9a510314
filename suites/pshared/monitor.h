// A monitor: a mutex, a condition variable and tokens that waiters take.
#pragma once

#include "suites/pshared/pshared.h"

namespace ipcsuite::pshared_suite {

struct Monitor {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int tokens;
};

// A monitor in memory of this kind.
class PlacedMonitor {
 public:
  explicit PlacedMonitor(Place place, const MutexKind& kind = {}, clockid_t clock = CLOCK_REALTIME)
      : placed_(place) {
    InitMutex(&placed_->mutex, kind);
    InitCond(&placed_->cond, clock);
  }
  // As the caller sees it.
  Monitor* get() const { return placed_.get(); }
  Monitor* operator->() const { return placed_.get(); }
  void Give(int tokens) const {
    Monitor* const own = get();
    Lock(&own->mutex);
    own->tokens += tokens;
    Unlock(&own->mutex);
  }
  int Tokens() const {
    Monitor* const own = get();
    Lock(&own->mutex);
    const int tokens = own->tokens;
    Unlock(&own->mutex);
    return tokens;
  }

 private:
  Placed<Monitor> placed_;
};

// Waits that way until there is a token, and takes it. The result is that of the last wait, or of
// a wait that failed.
inline CallResult TakeToken(Way way, Monitor* monitor) {
  Lock(&monitor->mutex);
  CallResult result = CALL(0);
  while (monitor->tokens == 0 && result.ok()) result = WaitBy(way, &monitor->cond, &monitor->mutex);
  if (result.ok()) --monitor->tokens;
  if (!result.failed_with(ENOTRECOVERABLE)) Unlock(&monitor->mutex);
  return result;
}

}  // namespace ipcsuite::pshared_suite
