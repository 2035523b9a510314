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

std::string BuildCommit() {
#ifdef IPC_BUILD_COMMIT
  return IPC_BUILD_COMMIT;
#else
  return "";
#endif
}

}  // namespace ipcsuite::cli
