// Calls under test: CALL(mq_send(q, "x", 1, 0)) performs the call and captures its value,
// errno, arguments and times immediately, and notes in the arena that it was issued and that it
// returned, so that another process can show that it is blocked. No retry on EINTR, ever.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <type_traits>

#include "harness/core/traced.h"

namespace ipcsuite {

// How a call ended, as far as its observer could see.
enum class Fate : std::uint8_t {
  kNone,  // no call was made
  kReturned,
  kStillBlocked,  // shown blocked in the call, or asleep in it, all through the observer's patience
  kKilled,        // its process was killed; `sig` says by what
  kExited,        // its process exited without returning from the call
  kCancelled,     // its thread was cancelled in the call
};

// The outcome of one call. Trivially copyable: it travels through the arena.
struct CallResult {
  std::int64_t value = -1;  // integers as they are, pointers as intptr_t
  std::int32_t error = 0;   // errno after the call, or what the call returned (CALL_ERRNO)
  Fate fate = Fate::kNone;
  bool failed = false;  // the value is the interface's error value
  std::int32_t sig = 0;
  const char* text = "";                  // the expression; static storage, valid across fork
  std::uint32_t trace = 0;                // its entry in the test's trace; 0: none
  std::int64_t start_ns = 0, end_ns = 0;  // CLOCK_MONOTONIC around the call
  std::int32_t sleeps = -1;  // how often its thread went to sleep in a call that took long

  bool returned() const { return fate == Fate::kReturned; }
  bool ok() const { return returned() && !failed; }
  bool failed_with(int e) const { return returned() && failed && error == e; }
  int fd() const { return static_cast<int>(value); }
  std::int64_t elapsed_ns() const { return end_ns - start_ns; }
};

// "EAGAIN"; unknown numbers as "errno 12345".
std::string ErrnoName(int error);
// "SIGBUS"; unknown numbers as "signal 70".
std::string SignalName(int signal);
// "read(fd=3, buf, 5) = -1 EAGAIN", "write(...) still blocked", "read(...): process killed by
// SIGKILL": with the values of the arguments where the trace has them, else as written in the test.
std::string Describe(const CallResult& result);
std::ostream& operator<<(std::ostream& out, const CallResult& result);
inline void PrintTo(const CallResult& result, std::ostream* out) { *out << result; }

namespace internal {

// Notes the call in this thread's actor, if it has one, and in the test's trace; returns its entry.
std::uint32_t BeginCall(const char* text);
void EndCall(const CallResult& result);
std::int64_t CallClockNs();
std::int64_t CallSwitches();
// Sets `sleeps` of a call that took long enough to have slept in.
void CountSleeps(CallResult& result, std::int64_t switches_before);

// Error values: -1 for integers and for MAP_FAILED and (sem_t*)-1; null for pointers to FILE and
// others is an error value only where the caller says so (CALL_NULL).
template <typename T>
std::int64_t ToValue(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(value));
  } else {
    return static_cast<std::int64_t>(value);
  }
}

enum class Convention { kMinusOne, kErrorNumber, kNull };

template <typename F>
CallResult Invoke(const char* text, Convention convention, F&& call) {
  CallResult result;
  result.text = text;
  result.trace = BeginCall(text);
  const std::int64_t switches = CallSwitches();
  result.start_ns = CallClockNs();
  errno = 0;
  if constexpr (std::is_void_v<std::invoke_result_t<F>>) {
    call();
    result.value = 0;
    result.error = errno;
  } else {
    auto value = call();
    result.error = errno;
    result.value = ToValue(value);
  }
  result.end_ns = CallClockNs();
  CountSleeps(result, switches);
  result.fate = Fate::kReturned;
  switch (convention) {
    case Convention::kMinusOne: result.failed = result.value == -1; break;
    case Convention::kNull: result.failed = result.value == 0; break;
    case Convention::kErrorNumber:
      result.error = static_cast<std::int32_t>(result.value);
      result.failed = result.value != 0;
      break;
  }
  EndCall(result);
  return result;
}

}  // namespace internal

// In `return (...)` the names of POSIX functions mean the objects of harness/core/traced.h.
#define IPC_INVOKE_(text, convention, ...)             \
  ::ipcsuite::internal::Invoke(text, convention, [&] { \
    using namespace ::ipcsuite::calls;                 \
    return (__VA_ARGS__);                              \
  })
// A call that reports an error by -1 (or MAP_FAILED) and errno.
#define CALL(...) \
  IPC_INVOKE_(#__VA_ARGS__, ::ipcsuite::internal::Convention::kMinusOne, __VA_ARGS__)
// A call that returns an error number (posix_fallocate, pthread_*): 0 is success.
#define CALL_ERRNO(...) \
  IPC_INVOKE_(#__VA_ARGS__, ::ipcsuite::internal::Convention::kErrorNumber, __VA_ARGS__)
// A call that reports an error by a null pointer and errno (fdopen, popen).
#define CALL_NULL(...) \
  IPC_INVOKE_(#__VA_ARGS__, ::ipcsuite::internal::Convention::kNull, __VA_ARGS__)

}  // namespace ipcsuite
