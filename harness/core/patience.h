// Patience: how long the harness waits before it gives up. It is counted in nominal time, which a
// slow machine stretches (the time scale of the run) and in which a wait between two looks counts
// for 100 ms at most: while the whole machine, or only the observer, stood still, nobody had a
// chance to do what is waited for.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace ipcsuite {

// How many times as long as on an ordinary machine things take here; 1 unless set. Processes that
// are forked later inherit it.
void SetTimeScale(double scale);
double TimeScale();
// Measures it: how long a fork with its exit, and a wake-up between two processes, take, against
// twenty times what they take on an ordinary machine; between 1 and 1,000. 1 where no process can
// be started.
double MeasureTimeScale();
// A nominal time in real time.
nanoseconds Scaled(nanoseconds nominal);

// Nominal time since its construction, as far as somebody looked.
class AttendedTime {
 public:
  AttendedTime() : last_ns_(NowNs()) {}
  // To be called once in each round of a polling loop.
  nanoseconds Look();

 private:
  std::int64_t last_ns_;
  nanoseconds attended_{0};
};

// The end of a polling loop: `limit` is nominal time.
class Patience {
 public:
  explicit Patience(nanoseconds limit) : limit_(limit) {}
  // To be called once in each round.
  bool over() { return time_.Look() >= limit_; }

 private:
  AttendedTime time_;
  nanoseconds limit_;
};

}  // namespace ipcsuite
