#include "cli/version.h"

namespace ipcsuite::cli {

std::string BuildCommit() { return ""; }

}  // namespace ipcsuite::cli
