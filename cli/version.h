// What this program is.
#pragma once

#include <string>

namespace ipcsuite::cli {

// "1.0.0".
std::string ToolVersion();
// Commit of the build; empty when it was not stamped.
std::string BuildCommit();

}  // namespace ipcsuite::cli
