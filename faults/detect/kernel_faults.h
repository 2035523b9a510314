// The faults of a kernel: the rows that faults/kernel/build leaves beside the kernel that has them.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "faults/detect/library.h"

namespace ipcsuite::detect {

// The row of a fault: the lines "# key: value" that an edit script begins with (`text`); its name
// is that of the file without ".sed". An error of one line when a field is missing, unknown, or
// does not fit this build.
Result<Implementation> ParseKernelFault(const std::string& name, const std::string& text);

// All rows in this folder (NAME.sed), sorted by name.
Result<std::vector<Implementation>> LoadKernelFaults(const std::string& folder);

}  // namespace ipcsuite::detect
