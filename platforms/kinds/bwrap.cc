// bubblewrap: a sandbox of namespaces without privilege.
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

Result<Launch> PrepareBwrap(const PlatformSpec&, const LaunchInput& input) {
  Launch launch = Plain(input);
  launch.argv[0] = "/bin/ipcsuite";
  const std::vector<std::string> prefix = {FindCommand("bwrap"),
                                           "--unshare-all",
                                           "--die-with-parent",
                                           "--dev",
                                           "/dev",
                                           "--proc",
                                           "/proc",
                                           "--tmpfs",
                                           "/tmp",
                                           "--ro-bind",
                                           input.program,
                                           "/bin/ipcsuite"};
  launch.argv.insert(launch.argv.begin(), prefix.begin(), prefix.end());
  return launch;
}

const Row<PlatformKind> kBwrap({
    .name = "bwrap",
    .syntax = "bwrap",
    .help = "bubblewrap, without privilege",
    .needs_static = true,
    .missing = [] { return MissingCommand({"bwrap"}, "the package bubblewrap"); },
    .prepare = &PrepareBwrap,
});

}  // namespace
}  // namespace ipcsuite::platforms
