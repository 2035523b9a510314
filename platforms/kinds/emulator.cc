// User-mode emulation of the machine that the program was built for.
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

constexpr char kPackage[] = "the package qemu-user-static";

Result<Launch> PrepareEmulator(const PlatformSpec& spec, const LaunchInput& input) {
  const std::string emulator = FindCommand(spec.target);
  if (emulator.empty()) return Error{spec.target + " is not in PATH: install " + kPackage};
  return Under({emulator}, input);
}

const Row<PlatformKind> kEmulator({
    .name = "emulator",
    .syntax = "emulator:PROGRAM",
    .help = "user-mode emulation, qemu-s390x-static for example",
    .target = Target::kRequired,
    .prepare = &PrepareEmulator,
});

}  // namespace
}  // namespace ipcsuite::platforms
