// This machine, as it is.
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

const Row<PlatformKind> kNative({
    .name = "native",
    .syntax = "native",
    .help = "this machine, as it is",
    .prepare = [](const PlatformSpec&, const LaunchInput& input) -> Result<Launch> {
      return Plain(input);
    },
});

}  // namespace
}  // namespace ipcsuite::platforms
