// What the generator provides to clause.cc; not for others.
#pragma once

#include <cstdint>
#include <span>

#include "spec/clause.h"

namespace ipcsuite::tables {

std::span<const Clause> Clauses();
// Positions in Clauses() in the order of their ids, for binary search.
std::span<const std::uint16_t> ClausesById();
std::span<const Regression> Regressions();
std::span<const std::uint16_t> RegressionsById();

}  // namespace ipcsuite::tables
