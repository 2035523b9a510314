// GoogleTest matchers on the outcome of a call.
//
// ```cpp body
// const Pipe p(PipeKind::kPipe, O_NONBLOCK);
// char byte;
// EXPECT_THAT(CALL(read(p.rd(), &byte, 1)), Fails(EAGAIN));
// EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
// ```
//
// Each evaluation counts as a check: a test that evaluates none is UNTESTED.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/call.h"
#include "harness/core/context.h"

namespace ipcsuite {

namespace internal {
// A check of the harness: counts, explains, and leaves in the trace what was required of the call.
bool Judge(const CallResult& result, Requirement requirement, bool held,
           testing::MatchResultListener* listener);
// ", asleep for 300 ms" of a call that slept; else empty.
std::string Sleep(const CallResult& result);
inline std::string ErrnoNames(const std::vector<int>& errors) {
  std::string text;
  for (int error : errors) text += (text.empty() ? "" : " or ") + ErrnoName(error);
  return text;
}
Requirement WithErrors(Requirement::What what, const std::vector<int>& errors);
}  // namespace internal

MATCHER(Succeeds, negation ? "does not succeed" : "succeeds") {
  return internal::Judge(arg, {.what = Requirement::kSucceeds}, arg.ok(), result_listener);
}

// The call succeeds and returns `value` (a count, 0, ...).
MATCHER_P(SucceedsWith, value,
          (negation ? "does not return " : "succeeds with ") + testing::PrintToString(value)) {
  return internal::Judge(
      arg, {.what = Requirement::kReturns, .value = static_cast<std::int64_t>(value)},
      arg.ok() && arg.value == static_cast<std::int64_t>(value), result_listener);
}

MATCHER_P(Fails, error, (negation ? "does not fail with " : "fails with ") + ErrnoName(error)) {
  return internal::Judge(arg, internal::WithErrors(Requirement::kFails, {error}),
                         arg.failed_with(error), result_listener);
}

MATCHER_P(FailsWithAnyOfList, errors,
          (negation ? "does not fail with " : "fails with ") + internal::ErrnoNames(errors)) {
  return internal::Judge(
      arg, internal::WithErrors(Requirement::kFails, errors),
      arg.returned() && arg.failed && std::count(errors.begin(), errors.end(), arg.error) > 0,
      result_listener);
}
template <typename... E>
auto FailsWithAnyOf(E... errors) {
  return FailsWithAnyOfList(std::vector<int>{errors...});
}

// For clauses that leave the outcome open: success, or one of the errors.
MATCHER_P(SucceedsOrFailsWithList, errors,
          "succeeds or fails with " + internal::ErrnoNames(errors)) {
  return internal::Judge(
      arg, internal::WithErrors(Requirement::kMayFail, errors),
      arg.ok() || (arg.returned() && std::count(errors.begin(), errors.end(), arg.error) > 0),
      result_listener);
}
template <typename... E>
auto SucceedsOrFailsWith(E... errors) {
  return SucceedsOrFailsWithList(std::vector<int>{errors...});
}

// The call did not sleep where it must not: with O_NONBLOCK, with data or room there. (Calls with a
// time-out of zero or a deadline in the past, and errors that need no wait, are judged so by every
// matcher.) Where sleeps are not counted, nothing is decided.
MATCHER(DoesNotWait, negation ? "waits" : "does not wait") {
  NoteChecks();
  *result_listener << Describe(arg) << internal::Sleep(arg);
  return arg.returned() && internal::Sleep(arg).empty();
}

// Killed in the call by this signal.
MATCHER_P(DiesBy, signal, (negation ? "is not killed by " : "is killed by ") + SignalName(signal)) {
  return internal::Judge(arg, {.what = Requirement::kDies, .value = signal},
                         arg.fate == Fate::kKilled && arg.sig == signal, result_listener);
}

// Its thread was cancelled inside the call.
MATCHER(IsCancelled, negation ? "is not cancelled" : "is cancelled in the call") {
  return internal::Judge(arg, {.what = Requirement::kIsCancelled}, arg.fate == Fate::kCancelled,
                         result_listener);
}

}  // namespace ipcsuite
