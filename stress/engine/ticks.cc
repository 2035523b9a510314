#include "stress/engine/ticks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

#include <cstdint>
#include <fstream>
#include <string>

namespace ipcsuite::stress {

TickClock g_tick_clock;

namespace {

// Whether the processor has a counter that can be read in order with what comes before.
bool HasCounter() {
#if defined(__x86_64__) && defined(__GNUC__)
  constexpr unsigned kExtended = 0x80000001u, kRdtscp = 1u << 27;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(kExtended, &a, &b, &c, &d) != 0 && (d & kRdtscp) != 0;
#elif defined(__aarch64__) && defined(__GNUC__)
  return true;
#else
  return false;
#endif
}

// A pair of readings taken close together: the tightest of several.
void Pair(std::int64_t* ticks, std::int64_t* ns) {
  std::int64_t best = INT64_MAX;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t before = NowNs();
    const std::int64_t now = Ticks();
    const std::int64_t after = NowNs();
    if (after - before < best) {
      best = after - before;
      *ticks = now;
      *ns = before + (after - before) / 2;
    }
  }
}

bool KernelTrustsCounter() {
  std::ifstream in("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string name;
  in >> name;
  return name == "tsc" || name == "arch_sys_counter";
}

}  // namespace

const TickClock& Clock() {
  static const bool measured = [] {
    if (!HasCounter() || !KernelTrustsCounter()) return true;
    g_tick_clock.counter = true;
    std::int64_t ticks0 = 0, ns0 = 0, ticks1 = 0, ns1 = 0;
    Pair(&ticks0, &ns0);
    while (NowNs() - ns0 < 20'000'000) {
    }
    Pair(&ticks1, &ns1);
    if (ticks1 > ticks0) {
      g_tick_clock.ns_per_tick =
          static_cast<double>(ns1 - ns0) / static_cast<double>(ticks1 - ticks0);
    } else {
      g_tick_clock = TickClock();
    }
    return true;
  }();
  (void)measured;
  return g_tick_clock;
}

}  // namespace ipcsuite::stress
