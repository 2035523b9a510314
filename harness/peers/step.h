// Steps that may end in a fault: SIGBUS beyond the end of an object, SIGSEGV by protection, death
// by SIGPIPE. The step runs in a child; what ended it is returned, with the code and the address
// that the system reported.
#pragma once

#include <gmock/gmock.h>

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "harness/core/call.h"
#include "harness/core/context.h"

namespace ipcsuite {

struct StepOutcome {
  enum End { kCompleted, kFaulted, kKilled, kExited, kHung };
  End end = kHung;
  int signal = 0;              // of kFaulted (caught with siginfo) and kKilled (default action)
  int code = 0;                // si_code of kFaulted
  std::uintptr_t address = 0;  // si_addr of kFaulted
  int exit_status = 0;         // of kExited
  std::int64_t value = 0;      // what the step returned, of kCompleted
};
std::string Describe(const StepOutcome& outcome);
inline void PrintTo(const StepOutcome& outcome, std::ostream* out) { *out << Describe(outcome); }

// Runs `step` in a forked child with handlers for SIGBUS and SIGSEGV that note signal, code and
// address and end the child. Returns after at most `patience` (kHung, the child is killed). What
// the step stores in private memory is lost; a step that ends by TestAbort is kExited. Needs no
// running test.
StepOutcome RunStep(const std::function<std::int64_t()>& step, nanoseconds patience = 10s);
// The same, with default dispositions: a fault kills (and leaves no core file).
StepOutcome RunStepUnhandled(const std::function<std::int64_t()>& step, nanoseconds patience = 10s);

// A step that touches `address` (reads the byte, or writes `*write`).
StepOutcome ReadByte(const volatile char* address);
StepOutcome WriteByte(volatile char* address, char value);

// Whether the system reports where a fault of this signal was. POSIX leaves that open ("the value
// of si_addr may be inaccurate"): machines may report the page alone, emulators nothing useful.
// Tried in a child, remembered.
bool FaultAddressIsReported(int signal);
// True when the reported address is that one, or that of its page, or none is reported.
bool FaultAddressAgrees(int signal, std::uintptr_t reported, std::uintptr_t wanted);

MATCHER(Completes, negation ? "does not complete" : "completes without a fault") {
  NoteChecks();
  *result_listener << Describe(arg);
  return arg.end == StepOutcome::kCompleted;
}
MATCHER_P(CompletesWith, value, "completes with " + std::to_string(static_cast<long long>(value))) {
  NoteChecks();
  *result_listener << Describe(arg);
  return arg.end == StepOutcome::kCompleted && arg.value == static_cast<std::int64_t>(value);
}
MATCHER_P(FaultsWith, signal, "faults with " + SignalName(signal)) {
  NoteChecks();
  *result_listener << Describe(arg);
  return arg.end == StepOutcome::kFaulted && arg.signal == signal;
}
MATCHER_P2(FaultsWithAt, signal, address,
           "faults with " + SignalName(signal) + " at that address") {
  NoteChecks();
  *result_listener << Describe(arg);
  return arg.end == StepOutcome::kFaulted && arg.signal == signal &&
         FaultAddressAgrees(signal, arg.address, reinterpret_cast<std::uintptr_t>(address));
}
MATCHER_P(IsKilledBy, signal, "is killed by " + SignalName(signal)) {
  NoteChecks();
  *result_listener << Describe(arg);
  return arg.end == StepOutcome::kKilled && arg.signal == signal;
}

}  // namespace ipcsuite
