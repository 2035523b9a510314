// Another machine, by ssh.
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

Result<Launch> PrepareSsh(const PlatformSpec& spec, const LaunchInput& input) {
  // One connection: the program goes in by standard input, runs from a private place, and is
  // removed.
  std::string words;
  for (const std::string& arg : input.args) words += " '" + arg + "'";
  Launch launch;
  launch.argv = {"/bin/sh",
                 "-c",
                 "exec ssh -o BatchMode=yes \"$1\" 'd=$(mktemp -d) && cat > $d/ipcsuite && chmod "
                 "+x $d/ipcsuite && $d/ipcsuite" +
                     words + "; s=$?; rm -rf $d; exit $s' < \"$2\"",
                 "sh",
                 spec.target,
                 input.program};
  return launch;
}

const Row<PlatformKind> kSsh({
    .name = "ssh",
    .syntax = "ssh:HOST",
    .help = "another machine",
    .target = Target::kRequired,
    .at_in_target = true,
    .missing = [] { return MissingCommand({"ssh"}, "the package openssh-client"); },
    .prepare = &PrepareSsh,
});

}  // namespace
}  // namespace ipcsuite::platforms
