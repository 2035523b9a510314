#include "reports/results/model.h"

#include <algorithm>
#include <array>

namespace ipcsuite::report {
namespace {

constexpr std::array<std::string_view, kVerdictCount> kNames = {
    "PASS",     "OBSERVED", "FAIL",  "UNRESOLVED", "NOTINUSE", "UNSUPPORTED",
    "UNTESTED", "XFAIL",    "XPASS", "FLAKY",      "DISPUTED"};

// Strongest first; the comment at Merge() in the header says the same in words.
constexpr std::array<Verdict, kVerdictCount> kStrength = {
    Verdict::kFail,        Verdict::kXpass,    Verdict::kFlaky,    Verdict::kUnresolved,
    Verdict::kDisputed,    Verdict::kXfail,    Verdict::kObserved, Verdict::kPass,
    Verdict::kUnsupported, Verdict::kNotInUse, Verdict::kUntested};

}  // namespace

std::string_view ToString(Verdict verdict) {
  const auto index = static_cast<std::size_t>(verdict);
  return index < kNames.size() ? kNames[index] : std::string_view("UNTESTED");
}

std::optional<Verdict> VerdictFromString(std::string_view text) {
  const auto* found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Verdict>(found - kNames.begin());
}

bool IsRed(Verdict verdict) {
  return verdict == Verdict::kFail || verdict == Verdict::kXpass || verdict == Verdict::kFlaky;
}

bool IsGood(Verdict verdict) {
  return verdict == Verdict::kPass || verdict == Verdict::kObserved || verdict == Verdict::kXpass;
}

bool IsJudged(Verdict verdict) {
  return IsGood(verdict) || IsRed(verdict) || verdict == Verdict::kXfail ||
         verdict == Verdict::kDisputed;
}

Verdict Merge(Verdict a, Verdict b) {
  return *std::find_if(kStrength.begin(), kStrength.end(),
                       [&](Verdict v) { return v == a || v == b; });
}

}  // namespace ipcsuite::report
