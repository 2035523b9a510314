// Many trials concurrently, until all are made or a signal asks to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>

#include "faults/detect/detect_options.h"

namespace ipcsuite::detect {

// Set by SIGINT, SIGTERM and SIGHUP once StopOnSignals() was called.
extern std::atomic<bool> stop;
void StopOnSignals();

// The number of concurrent trials: --jobs, or two for each CPU, since many trials wait; one for
// each CPU when each has a kernel of its own.
int Jobs(const Options& options);

// Calls `work` with 0 to count-1 from `jobs` threads; returns when all calls are over. After a stop
// no new one begins.
void ForEachConcurrently(int jobs, std::size_t count, const std::function<void(std::size_t)>& work);

class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace ipcsuite::detect
