// What this program is.
#pragma once

#include <string>

namespace ipcsuite::cli {

// "1.0.0".
std::string ToolVersion();
// Commit of the build; empty when it was not stamped. Defined by //cli:commit for the command, and
// by
// //cli:no_commit for test targets, which a commit must not make out of date.
std::string BuildCommit();

}  // namespace ipcsuite::cli
