#include "harness/core/matchers.h"

#include "base/text.h"
#include "harness/core/waits.h"

namespace ipcsuite::internal {

bool Judge(const CallResult& result, Requirement requirement, bool held,
           testing::MatchResultListener* listener) {
  NoteChecks();
  const std::string slept = held && MustNotWait(result) ? Sleep(result) : "";
  held = held && slept.empty();
  requirement.held = held;
  NoteRequirement(result.trace, requirement);
  if (!slept.empty()) Evidence("waited where it must not: " + Describe(result) + slept);
  if (listener->IsInterested()) *listener << Describe(result) << slept;
  return held;
}

std::string Sleep(const CallResult& result) {
  if (!Slept(result)) return "";
  return ", asleep for " + DurationText(nanoseconds(result.elapsed_ns()));
}

Requirement WithErrors(Requirement::What what, const std::vector<int>& errors) {
  Requirement requirement{.what = what};
  for (const int error : errors) {
    if (requirement.error_count < Requirement::kErrorsMax)
      requirement.errors[requirement.error_count++] = error;
  }
  return requirement;
}

}  // namespace ipcsuite::internal
