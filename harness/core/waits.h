// Which calls may wait, and for what: for judging by state whether a call slept that must not, and
// whether one that should have been woken was not.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "harness/core/call.h"
#include "harness/core/trace.h"

namespace ipcsuite {

// A call that took less, in real time, is never said to have slept: locks of the system are short
// sleeps too, and a system may be slow to wake.
inline constexpr nanoseconds kSleptAtLeast = 200ms;

// The call went to sleep, and neither for a moment only nor because timers are late here: even a
// deadline that has passed may be served by a timer. False where sleeps are not counted. Takes half
// a second when the call took long.
bool Slept(const CallResult& result);

// A returned call whose outcome needed no wait: an error that is there from the start, a time-out
// of zero, a deadline that had passed when it began. (What the trace does not hold is not known.)
bool MustNotWait(const CallResult& result);

// True when a call of `function` waits for an event and has no time-out that would end it: it
// sleeps until somebody does something. `entry`: of the call in the trace; null when unknown.
bool EndsByEventsAlone(std::string_view function, const TraceEntry* entry);

// "::read(fd, b, 1)" -> "read".
std::string_view FunctionOf(std::string_view text);

}  // namespace ipcsuite
