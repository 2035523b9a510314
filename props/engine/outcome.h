// How targets note what came of a call, and the deadlines of timed ones.
#pragma once

#include <time.h>

#include <cerrno>
#include <cstdint>

#include "base/clock.h"
#include "harness/core/call.h"
#include "props/model/op.h"

namespace ipcsuite::props {

inline void NoteOutcome(Op& op, const CallResult& result) {
  op.result = result.value;
  op.error = result.failed ? result.error : 0;
  op.fate = Fate::kReturned;
}

inline std::int64_t ClockNs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The absolute deadline that the flags of a timed call stand for: an hour ahead unless they say
// otherwise.
inline std::int64_t DeadlineNs(const Op& op, clockid_t clock = CLOCK_REALTIME) {
  const std::int64_t now = ClockNs(clock);
  if (op.Has(kPastDeadline)) return now - 1'000'000'000;
  if (op.Has(kNearDeadline))
    return now + 200'000 + static_cast<std::int64_t>(op.value % 8) * 100'000;
  return now + std::int64_t{3600} * 1'000'000'000;
}

// After a timed call: how much too early it timed out.
inline void NoteTimeout(Op& op, std::int64_t deadline_ns, clockid_t clock = CLOCK_REALTIME) {
  if (op.error == ETIMEDOUT) op.early_ns = deadline_ns - ClockNs(clock);
}

}  // namespace ipcsuite::props
