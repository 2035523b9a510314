// Platforms that the suite can be run on from here, and how each is started.
//
//   native                      this machine, as it is
//   user:UID                    this machine, as another user
//   libc:DIRECTORY              this kernel with the C library of a directory tree (a dynamic
//   build) emulator:PROGRAM            user-mode emulation (qemu-s390x, ...) of the program's
//   machine gvisor:systrap|ptrace|kvm,runsc=FILE
//                               gVisor's runsc (FILE: which; default: IPCSUITE_RUNSC, then PATH)
//   container:TRAIT,...         crun or runc; ContainerTraits() lists the traits
//   bwrap                       bubblewrap, unprivileged
//   vm:KERNEL,smp=2,mem=1024,uid=0,shm=size=1m,append=WORDS
//                               a kernel image in QEMU; the machine is that of the program file
//   uml:BINARY,mem=512          user-mode Linux
//   ssh:HOST                    another machine
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ipcsuite::platforms {

struct PlatformSpec {
  std::string text;                            // as the user wrote it
  std::string kind;                            // "vm"
  std::string target;                          // KERNEL, DIRECTORY, HOST, ...; of container: empty
  std::vector<std::string> traits;             // of container
  std::map<std::string, std::string> options;  // smp, mem, ...
};

// nullopt and one line in *error when it does not name a platform.
std::optional<PlatformSpec> ParsePlatform(const std::string& text, std::string* error);

// How to start the program there.
struct Launch {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  std::optional<int> uid;
};

// What is needed to prepare a launch.
struct LaunchInput {
  std::string program;            // the file to run there
  std::vector<std::string> args;  // its arguments
  std::string work_dir;           // an empty directory of ours, removed afterwards
};

// Prepares (bundle, initramfs) and says how to start. nullopt and one line in *error that names
// the missing tool and the package that provides it.
std::optional<Launch> Prepare(const PlatformSpec& spec, const LaunchInput& input,
                              std::string* error);

struct TraitHelp {
  const char* name;
  const char* help;
};
const std::vector<TraitHelp>& ContainerTraits();

// One line for each kind: whether it is available here, and what it needs.
std::vector<std::string> ListPlatforms();

// Absolute path of a command in PATH (and /usr/sbin); empty when there is none.
std::string FindCommand(const std::string& name);

namespace internal {
// container.cc
std::optional<Launch> PrepareContainer(const PlatformSpec& spec, const LaunchInput& input,
                                       std::string* error);
// machine.cc
std::optional<Launch> PrepareVm(const PlatformSpec& spec, const LaunchInput& input,
                                std::string* error);
std::optional<Launch> PrepareUml(const PlatformSpec& spec, const LaunchInput& input,
                                 std::string* error);
}  // namespace internal
}  // namespace ipcsuite::platforms
