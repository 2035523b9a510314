// What one order of a test's calls does not show: a program that keeps that order would deviate on
// a platform that conforms.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/core/trace.h"

namespace ipcsuite::repro {

// What chance decides among these entries, in words; "" when the order says everything.
std::string WhatChanceDecides(const std::vector<const TraceEntry*>& entries);

// Of a test that failed: whether it went another way before, so that what a platform that conforms
// needs is not among the entries, in words; "" when it did not.
std::string WhatTheFailureCutsOff(const std::vector<const TraceEntry*>& entries,
                                  const std::map<const TraceEntry*, std::string>& compared);

}  // namespace ipcsuite::repro
