// This machine, as another user.
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

const Row<PlatformKind> kUser({
    .name = "user",
    .syntax = "user:NAME|UID",
    .help = "this machine, as another user",
    .target = Target::kRequired,
    .check = [](const PlatformSpec& spec) -> std::string {
      const Result<User> user = FindUser(spec.target);
      return user ? "" : user.error();
    },
    .prepare = [](const PlatformSpec& spec, const LaunchInput& input) -> Result<Launch> {
      const Result<User> user = FindUser(spec.target);
      if (!user) return Error{user.error()};
      Launch launch = Plain(input);
      launch.user = *user;
      return launch;
    },
});

}  // namespace
}  // namespace ipcsuite::platforms
