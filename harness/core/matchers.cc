#include "harness/core/matchers.h"

namespace ipcsuite::internal {

bool Judge(const CallResult& result, Requirement requirement, bool held,
           testing::MatchResultListener* listener) {
  NoteChecks();
  requirement.held = held;
  NoteRequirement(result.trace, requirement);
  if (listener->IsInterested()) *listener << Describe(result);
  return held;
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
