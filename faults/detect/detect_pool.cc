#include "faults/detect/detect_pool.h"

#include <signal.h>

#include <thread>
#include <vector>

#include "base/os/os.h"

namespace ipcsuite::detect {

std::atomic<bool> stop{false};

void StopOnSignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    action.sa_handler = [](int) { stop = true; };
    sigaction(signal, &action, nullptr);
  }
}

int Jobs(const Options& options) {
  if (options.jobs) return options.jobs;
  return options.kernel.empty() ? 2 * os::AllowedCpuCount() : os::AllowedCpuCount();
}

void ForEachConcurrently(int jobs, std::size_t count,
                         const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < jobs; ++i) {
    workers.emplace_back([&] {
      for (std::size_t n; !stop && (n = next++) < count;) work(n);
    });
  }
  for (std::thread& worker : workers) worker.join();
}

}  // namespace ipcsuite::detect
