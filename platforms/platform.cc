#include "platforms/platform.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

namespace ipcsuite::platforms {
namespace {

const char* const kKinds =
    "native, user:UID, libc:DIR, emulator:PROGRAM, gvisor:PLATFORM, container:TRAITS, bwrap, "
    "vm:KERNEL, uml:BINARY, ssh:HOST";

std::vector<std::string> Split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

std::nullopt_t Refuse(std::string* error, const std::string& line) {
  *error = line;
  return std::nullopt;
}

// The dynamic loader of a tree that holds a C library.
std::string FindLoader(const std::string& tree) {
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           tree, std::filesystem::directory_options::skip_permission_denied, error)) {
    const std::string name = entry.path().filename().string();
    if ((name.rfind("ld-linux", 0) == 0 || name.rfind("ld-musl", 0) == 0) &&
        entry.path().extension() != ".d")
      return entry.path().string();
  }
  return "";
}

// Directories of a tree that hold shared libraries, as a loader's search path.
std::string LibraryPath(const std::string& tree) {
  std::string path;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           tree, std::filesystem::directory_options::skip_permission_denied, error)) {
    if (!entry.is_directory(error)) continue;
    bool holds = false;
    for (const auto& file : std::filesystem::directory_iterator(entry.path(), error)) {
      if (file.path().filename().string().find(".so") != std::string::npos) holds = true;
    }
    if (holds) path += (path.empty() ? "" : ":") + entry.path().string();
  }
  return path;
}

Launch Plain(const LaunchInput& input) {
  Launch launch;
  launch.argv.push_back(input.program);
  launch.argv.insert(launch.argv.end(), input.args.begin(), input.args.end());
  return launch;
}

// The program under a loader or emulator: what it execs itself by must say so too.
Launch Under(std::vector<std::string> prefix, const LaunchInput& input) {
  Launch launch = Plain(input);
  std::string self;
  for (const std::string& word : prefix) self += word + "\n";
  launch.environment.emplace_back("IPCSUITE_SELF", self + input.program);
  launch.argv.insert(launch.argv.begin(), prefix.begin(), prefix.end());
  return launch;
}

std::optional<Launch> PrepareLibc(const PlatformSpec& spec, const LaunchInput& input,
                                  std::string* error) {
  const std::string loader = FindLoader(spec.target);
  if (loader.empty())
    return Refuse(error, "no dynamic loader (ld-linux*, ld-musl*) under " + spec.target +
                             ": unpack the libc's package there");
  return Under({loader, "--library-path", LibraryPath(spec.target)}, input);
}

std::optional<Launch> PrepareGvisor(const PlatformSpec& spec, const LaunchInput& input,
                                    std::string* error) {
  const char* named = std::getenv("IPCSUITE_RUNSC");
  const auto option = spec.options.find("runsc");
  const std::string runsc = option != spec.options.end() ? option->second
                            : named                      ? named
                                                         : FindCommand("runsc");
  if (runsc.empty())
    return Refuse(error,
                  "gVisor's runsc is not in PATH: install the package runsc, or name it by "
                  "gvisor:PLATFORM,runsc=FILE");
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

std::optional<Launch> PrepareSsh(const PlatformSpec& spec, const LaunchInput& input,
                                 std::string* error) {
  if (FindCommand("ssh").empty())
    return Refuse(error, "ssh is not in PATH: install openssh-client");
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

std::optional<Launch> PrepareBwrap(const LaunchInput& input, std::string* error) {
  const std::string bwrap = FindCommand("bwrap");
  if (bwrap.empty()) return Refuse(error, "bwrap is not in PATH: install the package bubblewrap");
  Launch launch = Plain(input);
  launch.argv[0] = "/bin/ipcsuite";
  const std::vector<std::string> prefix = {bwrap,       "--unshare-all", "--die-with-parent",
                                           "--dev",     "/dev",          "--proc",
                                           "/proc",     "--tmpfs",       "/tmp",
                                           "--ro-bind", input.program,   "/bin/ipcsuite"};
  launch.argv.insert(launch.argv.begin(), prefix.begin(), prefix.end());
  return launch;
}

}  // namespace

std::string FindCommand(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& dir :
       Split(std::string(path ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin:/usr/local/bin", ':')) {
    const std::string candidate = dir + "/" + name;
    if (!dir.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::optional<PlatformSpec> ParsePlatform(const std::string& text, std::string* error) {
  PlatformSpec spec;
  spec.text = text;
  const std::size_t colon = text.find(':');
  spec.kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool bare = spec.kind == "native" || spec.kind == "bwrap";
  const bool wants_target = spec.kind == "user" || spec.kind == "libc" || spec.kind == "emulator" ||
                            spec.kind == "vm" || spec.kind == "uml" || spec.kind == "ssh";
  if (!bare && !wants_target && spec.kind != "gvisor" && spec.kind != "container") {
    return Refuse(error, "unknown platform '" + text + "': " + kKinds);
  }
  if (wants_target && rest.empty())
    return Refuse(error,
                  "platform '" + text + "' needs a value after the colon: " + std::string(kKinds));
  if (spec.kind == "container") {
    spec.traits = Split(rest.empty() ? "plain" : rest, ',');
    return spec;
  }
  const std::vector<std::string> parts = Split(rest, ',');
  if (!parts.empty()) spec.target = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string::npos)
      return Refuse(error, "platform '" + text + "': '" + parts[i] + "' is not key=value");
    spec.options[parts[i].substr(0, equals)] = parts[i].substr(equals + 1);
  }
  return spec;
}

std::optional<Launch> Prepare(const PlatformSpec& spec, const LaunchInput& input,
                              std::string* error) {
  if (spec.kind == "native") return Plain(input);
  if (spec.kind == "user") {
    Launch launch = Plain(input);
    launch.uid = std::atoi(spec.target.c_str());
    return launch;
  }
  if (spec.kind == "libc") return PrepareLibc(spec, input, error);
  if (spec.kind == "emulator") {
    const std::string emulator =
        spec.target.find('/') == std::string::npos ? FindCommand(spec.target) : spec.target;
    if (emulator.empty())
      return Refuse(error, spec.target + " is not in PATH: install the package qemu-user-static");
    return Under({emulator}, input);
  }
  if (spec.kind == "gvisor") return PrepareGvisor(spec, input, error);
  if (spec.kind == "container") return internal::PrepareContainer(spec, input, error);
  if (spec.kind == "bwrap") return PrepareBwrap(input, error);
  if (spec.kind == "vm") return internal::PrepareVm(spec, input, error);
  if (spec.kind == "uml") return internal::PrepareUml(spec, input, error);
  return PrepareSsh(spec, input, error);
}

std::vector<std::string> ListPlatforms() {
  std::vector<std::string> lines = {
      "native               available",
      "user:UID             available where this user may become UID",
      "libc:DIRECTORY       available (a tree with a dynamic loader and its libraries)"};
  const auto need = [&](std::string name, const std::vector<std::string>& commands,
                        const std::string& package) {
    name.resize(21, ' ');
    for (const std::string& command : commands) {
      if (const std::string path = FindCommand(command); !path.empty()) {
        lines.push_back(name + "available (" + path + ")");
        return;
      }
    }
    lines.push_back(name + "needs " + commands[0] + ": install " + package);
  };
  need("emulator:PROGRAM",
       {"qemu-s390x-static", "qemu-s390x", "qemu-aarch64-static", "qemu-aarch64"},
       "qemu-user-static");
  need("gvisor:PLATFORM", {"runsc"}, "runsc");
  need("container:TRAITS", {"crun", "runc"}, "crun");
  need("bwrap", {"bwrap"}, "bubblewrap");
  need("vm:KERNEL", {"qemu-system-x86_64", "qemu-system-aarch64", "qemu-system-s390x"},
       "qemu-system-x86 (or -arm, -misc)");
  need("uml:BINARY", {"linux.uml"}, "user-mode-linux (or name a binary)");
  need("ssh:HOST", {"ssh"}, "openssh-client");
  return lines;
}

}  // namespace ipcsuite::platforms
