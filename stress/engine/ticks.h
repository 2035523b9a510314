// A clock that is cheap enough to be read twice for each message.
//
// Where the kernel itself keeps time by the invariant time-stamp counter (x86) or by the generic
// timer (ARMv8), the counter is read directly; elsewhere CLOCK_MONOTONIC. Ticks become nanoseconds
// with one multiplication. The counters of all processors agree wherever the kernel uses them as
// its clock: Linux drops the time-stamp counter as its clock source when one processor reads less
// than another one has read before, and ARMv8 demands one system counter for all.
#pragma once

#include <cstdint>

#include "stress/engine/state.h"

namespace ipcsuite::stress {

struct TickClock {
  bool counter = false;  // false: ticks are nanoseconds
  double ns_per_tick = 1;
};

// Measured once (some milliseconds) when first asked for; before fork, so that all processes agree.
const TickClock& Clock();
extern TickClock g_tick_clock;

inline std::int64_t Ticks() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (g_tick_clock.counter) return static_cast<std::int64_t>(__builtin_ia32_rdtsc());
#elif defined(__aarch64__) && defined(__GNUC__)
  if (g_tick_clock.counter) {
    std::int64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
  }
#endif
  return NowNs();
}
// As Ticks(), but read after all that the caller did before has taken effect: no earlier moment
// than the end of a call that has returned.
inline std::int64_t OrderedTicks() {
#if defined(__x86_64__) && defined(__GNUC__)
  if (g_tick_clock.counter) {
    unsigned cpu;
    return static_cast<std::int64_t>(__builtin_ia32_rdtscp(&cpu));
  }
#elif defined(__aarch64__) && defined(__GNUC__)
  if (g_tick_clock.counter) __asm__ volatile("isb" ::: "memory");
#endif
  return Ticks();
}
inline std::int64_t TicksToNs(std::int64_t ticks) {
  return static_cast<std::int64_t>(static_cast<double>(ticks) * g_tick_clock.ns_per_tick);
}

}  // namespace ipcsuite::stress
