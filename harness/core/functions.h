// What the parameters of the traced functions mean: for copies of what they point to, for messages
// and for reproducers.
#pragma once

#include <cstdint>

#include "harness/core/traced.h"

namespace ipcsuite {

enum class ParameterKind : std::uint8_t {
  kNone,
  kInt,
  kUnsigned,
  kPointer,
  // Numbers with names.
  kFd,
  kDirFd,
  kMqd,
  kOpenFlags,
  kMode,
  kSignal,
  kPid,
  kThread,
  kCommand,  // of fcntl(), and its argument
  kCommandArgument,
  kProtection,
  kMapFlags,
  kSyncFlags,
  kHow,  // of sigprocmask()
  kWhence,
  kAdvice,
  kResource,
  kClock,
  kPshared,
  kMutexType,
  kRobustness,
  kProtocol,
  // What is read through a pointer.
  kString,    // a path or a name
  kBytesIn,   // as many as the next parameter says
  kDeadline,  // timespec; the copy is followed by the time of the call on the same clock
  kInterval,  // timespec
  kTimeval,   // timeval
  kAttributesIn,
  kEvent,  // sigevent
  kPolls,  // pollfd[], as many as the next parameter says; read and written
  kFdSet,  // read and written
  kSigsetIn,
  kActionIn,  // struct sigaction
  kVectorIn,  // iovec[], as many as the next parameter says
  kLimitIn,   // rlimit
  kSigval,    // by value
  // What is written through a pointer.
  kBytesOut,
  kAttributesOut,
  kIntOut,
  kUnsignedOut,
  kEndsOut,  // int[2]
  kSigsetOut,
  kInfoOut,  // siginfo_t
  kStatOut,
  kOpaqueOut,  // iovec[], sigaction, rlimit: not copied
  // Objects at an address.
  kSemaphore,
  kMutex,
  kCond,
  kRwlock,
  kBarrier,
  kSpin,
  kMutexAttributes,
  kCondAttributes,
  kRwlockAttributes,
  kBarrierAttributes,
};

struct Parameter {
  const char* name = "";  // in messages; empty: the value alone
  ParameterKind kind = ParameterKind::kNone;
};

// How a function reports an error.
enum class ErrorStyle : std::uint8_t { kMinusOne, kNumber, kSemFailed, kNever };

struct FunctionShape {
  static constexpr int kParametersMax = 6;
  Function function = Function::none;
  const char* name = "";
  ErrorStyle style = ErrorStyle::kMinusOne;
  Parameter parameters[kParametersMax] = {};

  int count() const {
    int n = 0;
    while (n < kParametersMax && parameters[n].kind != ParameterKind::kNone) ++n;
    return n;
  }
};

// Of Function::none: an empty one.
const FunctionShape& ShapeOf(Function function);

// Written by the function, and meaningful only once it succeeded.
bool IsResult(ParameterKind kind);
// How many bytes are copied of what a parameter of this kind points to; `next` is the word of the
// next parameter, `value` what the function returned. 0: none.
std::size_t CopiedBytes(ParameterKind kind, std::uint64_t next, std::int64_t value);

}  // namespace ipcsuite
