// User-mode Linux: a kernel as a process of this machine.
#include "base/files.h"
#include "platforms/initramfs.h"
#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

Result<Launch> PrepareUml(const PlatformSpec& spec, const LaunchInput& input) {
  const std::string binary = FindCommand(spec.target);
  if (binary.empty())
    return Error{"no user-mode Linux " + spec.target +
                 ": install the package user-mode-linux, or name a binary"};
  const Result<std::string> program = ReadFile(input.program);
  if (!program) return Error{program.error()};
  const Result<std::string> initramfs = WriteInitramfs(spec, input, *program);
  if (!initramfs) return Error{initramfs.error()};
  Launch launch;
  launch.environment.emplace_back("TMPDIR", input.work_dir);
  launch.argv = {binary,
                 "mem=" + spec.Value("mem") + "M",
                 "initrd=" + *initramfs,
                 "uml_dir=" + input.work_dir + "/uml",
                 "con=null",
                 "con0=null,fd:1",
                 "quiet",
                 "panic=-1"};
  if (const std::string append = spec.Value("append"); !append.empty())
    launch.argv.push_back(append);
  return launch;
}

const Row<PlatformKind> kUml({
    .name = "uml",
    .syntax = "uml:BINARY",
    .help = "user-mode Linux, linux.uml for example",
    .target = Target::kRequired,
    .keys = GuestKeys("512"),
    .needs_static = true,
    .prepare = &PrepareUml,
});

}  // namespace
}  // namespace ipcsuite::platforms
