// What one order of a test's calls does not show: a program that keeps that order would deviate on
// a platform that conforms.
#pragma once

#include <string>
#include <vector>

#include "harness/core/trace.h"

namespace ipcsuite::repro {

// What chance decides among these entries, in words; "" when the order says everything.
std::string WhatChanceDecides(const std::vector<const TraceEntry*>& entries);

}  // namespace ipcsuite::repro
