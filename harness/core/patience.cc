#include "harness/core/patience.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <new>

#include "base/os/os.h"

namespace ipcsuite {
namespace {

constexpr nanoseconds kCountedBetweenLooks = 100ms;
constexpr double kScaleMax = 1000;
// An ordinary machine takes a twentieth of these.
constexpr nanoseconds kForkAtLeisure = 10ms;
constexpr nanoseconds kWakeUpAtLeisure = 2ms;
constexpr std::size_t kSamples = 5;

double g_scale = 1;

struct Bell {
  std::atomic<std::uint32_t> asked, answered;
};

// Time of one question and its answer between this process and a child, or of a fork with its exit
// (`bell` null); zero when no process can be started.
nanoseconds RoundTrip(Bell* bell) {
  std::int64_t start = NowNs();
  const pid_t child = fork();
  if (child < 0) return 0ns;
  if (child == 0) {
    if (bell) {
      bell->answered.store(1);
      os::WakeWord(bell->answered);
      while (bell->asked.load() == 0) os::WaitOnWord(bell->asked, 0, 100ms);
      bell->answered.store(2);
      os::WakeWord(bell->answered);
    }
    _exit(0);
  }
  std::int64_t end = 0;
  if (bell) {
    while (bell->answered.load() == 0) os::WaitOnWord(bell->answered, 0, 100ms);
    start = NowNs();
    bell->asked.store(1);
    os::WakeWord(bell->asked);
    while (bell->answered.load() == 1) os::WaitOnWord(bell->answered, 1, 100ms);
    end = NowNs();
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return nanoseconds((bell ? end : NowNs()) - start);
}

double Ratio(std::array<nanoseconds, kSamples>& times, nanoseconds leisure) {
  std::sort(times.begin(), times.end());
  return static_cast<double>(times[kSamples / 2].count()) / static_cast<double>(leisure.count());
}

}  // namespace

void SetTimeScale(double scale) { g_scale = std::clamp(scale, 1.0, kScaleMax); }
double TimeScale() { return g_scale; }

nanoseconds Scaled(nanoseconds nominal) {
  return nanoseconds(static_cast<std::int64_t>(static_cast<double>(nominal.count()) * g_scale));
}

double MeasureTimeScale() {
  void* memory =
      mmap(nullptr, sizeof(Bell), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  std::array<nanoseconds, kSamples> forks{}, wake_ups{};
  for (std::size_t i = 0; i < kSamples; ++i) {
    forks[i] = RoundTrip(nullptr);
    wake_ups[i] = RoundTrip(new (memory) Bell{});
  }
  munmap(memory, sizeof(Bell));
  return std::clamp(std::max(Ratio(forks, kForkAtLeisure), Ratio(wake_ups, kWakeUpAtLeisure)), 1.0,
                    kScaleMax);
}

nanoseconds AttendedTime::Look() {
  const std::int64_t now = NowNs();
  const auto nominal =
      nanoseconds(static_cast<std::int64_t>(static_cast<double>(now - last_ns_) / g_scale));
  attended_ += std::min(nominal, kCountedBetweenLooks);
  last_ns_ = now;
  return attended_;
}

}  // namespace ipcsuite
