// gVisor: runsc.
#include <stdlib.h>

#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

const char* CheckFile(const std::string& value) {
  return FindCommand(value).empty() ? "an executable file" : nullptr;
}

Result<Launch> PrepareGvisor(const PlatformSpec& spec, const LaunchInput& input) {
  std::string runsc = spec.Value("runsc");
  if (const char* const named = std::getenv("IPCSUITE_RUNSC"); runsc.empty() && named != nullptr)
    runsc = named;
  if (runsc.empty()) runsc = FindCommand("runsc");
  if (runsc.empty())
    return Error{"runsc is not in PATH: install the package runsc, or name it by " + spec.text +
                 ",runsc=FILE"};
  Launch launch = Plain(input);
  const std::vector<std::string> prefix = {
      runsc,
      "--root=" + input.work_dir,
      "--network=none",
      "--platform=" + (spec.target.empty() ? std::string("systrap") : spec.target),
      "--ignore-cgroups",
      "do"};
  launch.argv.insert(launch.argv.begin(), prefix.begin(), prefix.end());
  return launch;
}

const Row<PlatformKind> kGvisor({
    .name = "gvisor",
    .syntax = "gvisor:PLATFORM",
    .help = "gVisor's runsc on systrap, ptrace or kvm",
    .target = Target::kOptional,
    .keys = {{.name = "runsc",
              .value = "FILE",
              .help = "which runsc; otherwise $IPCSUITE_RUNSC, then PATH",
              .check = &CheckFile}},
    .check = [](const PlatformSpec& spec) -> std::string {
      for (const char* known : {"", "systrap", "ptrace", "kvm"}) {
        if (spec.target == known) return "";
      }
      return "gVisor's platforms are systrap, ptrace and kvm";
    },
    .prepare = &PrepareGvisor,
});

}  // namespace
}  // namespace ipcsuite::platforms
