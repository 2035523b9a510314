// Calls while the whole system may have no more files open. The limit has no private copy, so that
// only tests that are marked dangerous may use this.
#pragma once

#include <functional>

#include "harness/core/call.h"

namespace ipcsuite {

inline constexpr char kOutOfFilesDanger[] =
    "lowers the system's limit on open files for a moment: no other program can open one";

struct OutOfFiles {
  CallResult during, after;
};
// The results of the call in a process without privilege: while the system has no file left, and
// after it has again. UNSUPPORTED where the limit can't be changed.
OutOfFiles CallOutOfFiles(const std::function<CallResult()>& call);

}  // namespace ipcsuite
