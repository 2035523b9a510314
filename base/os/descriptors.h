// The open descriptors of this process.
#pragma once

#include <vector>

namespace ipcsuite::os {

// Their numbers below `end`, ascending. /proc/self/fd lists them in a few calls; where it does not,
// each number is tried.
std::vector<int> OpenDescriptors(int end);

}  // namespace ipcsuite::os
