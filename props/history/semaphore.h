// Histories of semaphores: the rules that one sweep decides, and the order of the search.
//
// Of the value at a moment two bounds are known: no less than initial + posts that ended - waits
// that began (and succeeded, or may have), no more than initial + posts that began - waits that
// ended. What was reported must lie between them at some moment of its call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "props/history/linearize.h"
#include "props/history/rules.h"

namespace ipcsuite::props {

// The operations of one semaphore that started at `initial`, by invoke ticket; `drained` as
// HistoryModel::drained.
std::vector<Violation> CheckSemaphoreRules(const std::vector<Op>& ops, std::uint64_t initial,
                                           bool drained, std::size_t max_violations = 16);

// The order in which the search tries the operations of a semaphore.
LinearizeOptions OrderOfTokens(const std::vector<Op>& ops);

}  // namespace ipcsuite::props
