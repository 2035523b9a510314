// Time: one monotonic clock, durations as std::chrono, deadlines, the pause of a polling loop.
#pragma once

#include <time.h>

#include <chrono>
#include <cstdint>

namespace ipcsuite {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

// CLOCK_MONOTONIC in ns: what is recorded and compared between processes.
inline std::int64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// A point on the monotonic clock after which patience has run out.
class Deadline {
 public:
  explicit Deadline(nanoseconds patience) : end_ns_(NowNs() + patience.count()) {}
  bool passed() const { return NowNs() >= end_ns_; }
  // What is left; zero once it has passed.
  nanoseconds left() const;

 private:
  std::int64_t end_ns_;
};

// For calls that take a timespec; negative durations keep tv_nsec in range.
timespec ToTimespec(nanoseconds duration);
nanoseconds FromTimespec(const timespec& time);

// A short pause of a polling loop: yields first, then naps that grow to 0.2 ms.
class Backoff {
 public:
  void Pause();

 private:
  int round_ = 0;
};

}  // namespace ipcsuite
