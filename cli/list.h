// `ipcsuite list`: what the suite knows, without running anything.
#pragma once

#include <string>

#include "spec/clause.h"

namespace ipcsuite::cli {

int ListMain(int argc, char** argv);

// "7", "8" or "7, 8".
std::string IssuesOf(const Clause& clause);

}  // namespace ipcsuite::cli
