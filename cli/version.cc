#include "cli/version.h"

namespace ipcsuite::cli {

std::string ToolVersion() {
  std::string version = "1.0.0, C++ ";
  version += std::to_string(__cplusplus);
#ifdef __VERSION__
  version += ", compiler " __VERSION__;
#endif
#if defined(__OPTIMIZE__)
  version += ", optimized";
#endif
  return version;
}

}  // namespace ipcsuite::cli
