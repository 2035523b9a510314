// The checker: decides a history. Rules in linear time first, then for a queue the construction of
// a linearization in one sweep (construct.h), then the search for one with the stuck check
// (linearize.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "props/history/history.h"
#include "props/history/rules.h"

namespace ipcsuite::props {

enum class HistoryVerdict : std::uint8_t {
  kValid,
  kInvalid,
  kUnresolved,  // the budget was used up, or the history is not one (`explanation` says why)
};

struct CheckOptions {
  std::uint64_t max_steps = 20'000'000;  // model steps of the search, for each object
  bool rules_only = false;               // linear time only: never kInvalid for what needs a search
};

struct CheckResult {
  HistoryVerdict verdict = HistoryVerdict::kValid;
  std::string reason;                  // kInvalid: name of the rule broken, "linearizability" or
                                       // "stuck"; kUnresolved: what was missing
  std::string explanation;             // a few lines for a person; empty when valid
  std::vector<Violation> violations;   // of the rules, indices into History::ops
  std::vector<std::size_t> offending;  // indices into History::ops to be marked in a drawing
  std::size_t objects = 0;
  std::size_t windows = 0;
  std::size_t ops = 0;
  std::uint64_t steps = 0;
};

CheckResult CheckHistory(const History& history, const CheckOptions& options = {});

// "valid", "invalid", "unresolved".
std::string_view Name(HistoryVerdict verdict);

}  // namespace ipcsuite::props
