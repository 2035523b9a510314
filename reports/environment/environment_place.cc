// Where the program runs: container, virtual machine, namespaces, sandbox, privileges.
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "reports/environment/environment_parts.h"

namespace ipcsuite::report::environment {
namespace {

bool Exists(const char* path) { return ::access(path, F_OK) == 0; }

bool Has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// gVisor answers uname with the same fixed text in every release.
bool IsGvisor() {
  utsname name{};
  if (::uname(&name) != 0) return false;
  return std::string(name.version) == "#1 SMP Sun Jan 10 15:06:54 PST 2016" ||
         Has(Slurp("/proc/version"), "gVisor");
}

std::string MachineKind() {
  const std::string cpu = Slurp("/proc/cpuinfo");
  if (Has(cpu, "User Mode Linux")) return "user-mode Linux";
  const std::string vendor = Slurp("/sys/class/dmi/id/sys_vendor");
  const std::string product = Slurp("/sys/class/dmi/id/product_name");
  const std::string hypervisor = Slurp("/sys/hypervisor/type");
  std::string text = vendor + (vendor.empty() || product.empty() ? "" : " ") + product;
  if (text.empty()) text = Slurp("/proc/device-tree/model");
  if (!hypervisor.empty()) text += (text.empty() ? "" : ", ") + hypervisor;
  if (Has(cpu, " hypervisor")) text += text.empty() ? "virtual" : " (virtual)";
  return text;
}

// Numbers that the kernel gives to its first namespaces.
std::string NamespaceText(const std::string& kind, const std::string& link) {
  struct Initial {
    const char* kind;
    const char* link;
  };
  static constexpr Initial kInitial[] = {{"ipc", "ipc:[4026531839]"},
                                         {"uts", "uts:[4026531838]"},
                                         {"user", "user:[4026531837]"},
                                         {"pid", "pid:[4026531836]"},
                                         {"cgroup", "cgroup:[4026531835]"}};
  for (const Initial& initial : kInitial) {
    if (kind == initial.kind) return link == initial.link ? "initial" : "own";
  }
  return "";
}

std::string ReadLink(const std::string& path) {
  char buffer[256];
  const ssize_t got = ::readlink(path.c_str(), buffer, sizeof buffer);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
}

void PutNamespaces(EnvironmentSection& section) {
  for (const char* kind : {"ipc", "mnt", "pid", "user", "net", "uts", "cgroup"}) {
    const std::string mine = ReadLink(std::string("/proc/self/ns/") + kind);
    if (mine.empty()) continue;
    std::string text = NamespaceText(kind, mine);
    const std::string first = ReadLink(std::string("/proc/1/ns/") + kind);
    if (!first.empty()) {
      text += (text.empty() ? "" : ", ") +
              std::string(first == mine ? "that of process 1" : "not that of process 1");
    }
    Put(section, std::string("namespace_") + kind, text.empty() ? mine : text);
  }
}

// Order is that of linux/capability.h: the bit is the index.
constexpr const char* kCapabilities[] = {"CAP_CHOWN",
                                         "CAP_DAC_OVERRIDE",
                                         "CAP_DAC_READ_SEARCH",
                                         "CAP_FOWNER",
                                         "CAP_FSETID",
                                         "CAP_KILL",
                                         "CAP_SETGID",
                                         "CAP_SETUID",
                                         "CAP_SETPCAP",
                                         "CAP_LINUX_IMMUTABLE",
                                         "CAP_NET_BIND_SERVICE",
                                         "CAP_NET_BROADCAST",
                                         "CAP_NET_ADMIN",
                                         "CAP_NET_RAW",
                                         "CAP_IPC_LOCK",
                                         "CAP_IPC_OWNER",
                                         "CAP_SYS_MODULE",
                                         "CAP_SYS_RAWIO",
                                         "CAP_SYS_CHROOT",
                                         "CAP_SYS_PTRACE",
                                         "CAP_SYS_PACCT",
                                         "CAP_SYS_ADMIN",
                                         "CAP_SYS_BOOT",
                                         "CAP_SYS_NICE",
                                         "CAP_SYS_RESOURCE",
                                         "CAP_SYS_TIME",
                                         "CAP_SYS_TTY_CONFIG",
                                         "CAP_MKNOD",
                                         "CAP_LEASE",
                                         "CAP_AUDIT_WRITE",
                                         "CAP_AUDIT_CONTROL",
                                         "CAP_SETFCAP",
                                         "CAP_MAC_OVERRIDE",
                                         "CAP_MAC_ADMIN",
                                         "CAP_SYSLOG",
                                         "CAP_WAKE_ALARM",
                                         "CAP_BLOCK_SUSPEND",
                                         "CAP_AUDIT_READ",
                                         "CAP_PERFMON",
                                         "CAP_BPF",
                                         "CAP_CHECKPOINT_RESTORE"};

std::string CapabilityNames(const std::string& hex) {
  if (hex.empty()) return "";
  const unsigned long long bits = std::strtoull(hex.c_str(), nullptr, 16);
  std::string names;
  for (std::size_t i = 0; i < std::size(kCapabilities); ++i) {
    if ((bits >> i & 1) != 0) names += (names.empty() ? "" : " ") + std::string(kCapabilities[i]);
  }
  return names.empty() ? "none" : names;
}

bool IsLayered(const std::string& mount) {
  for (const char* type : {"overlay", "aufs", "btrfs", "zfs", "fuse-overlayfs", "vfs"}) {
    if (mount.compare(0, std::string(type).size(), type) == 0) return true;
  }
  return false;
}

bool InOwnNamespaces() {
  for (const char* kind : {"pid", "ipc", "uts"}) {
    const std::string link = ReadLink(std::string("/proc/self/ns/") + kind);
    if (!link.empty() && NamespaceText(kind, link) == "own") return true;
  }
  return false;
}

// The program that translates another machine's system calls, when there is one: it hides itself in
// /proc/self, but not in /proc/thread-self.
std::string EmulatorProgram() {
  const std::string real = ReadLink("/proc/thread-self/exe");
  return real == ReadLink("/proc/self/exe") ? "" : real;
}

}  // namespace

std::string ContainerKind() {
  if (IsGvisor()) return "gvisor";
  if (Exists("/run/.containerenv")) return "podman";
  const bool own = InOwnNamespaces();
  // A virtual machine, or a namespace in it, may run from a container's image, mark included: then
  // the root is a plain file system and no layered one.
  if (Exists("/.dockerenv") && own) return IsLayered(MountOf("/")) ? "docker" : "unknown";
  if (const char* told = std::getenv("container"); told != nullptr && *told != '\0') return told;
  if (std::getenv("KUBERNETES_SERVICE_HOST") != nullptr) return "kubernetes";
  const std::string first = Slurp("/proc/1/environ");
  if (Has(first, "container=lxc")) return "lxc";
  if (Has(first, "container=systemd-nspawn")) return "systemd-nspawn";
  if (Has(first, "container=")) return "unknown";
  utsname name{};
  if (::uname(&name) == 0 && Has(name.release, "icrosoft")) return "wsl";
  const std::string groups = Slurp("/proc/1/cgroup");
  for (const char* kind : {"docker", "kubepods", "lxc", "libpod", "crio"}) {
    if (Has(groups, kind)) return kind;
  }
  return own ? "unknown" : "none";
}

EnvironmentSection Surroundings() {
  EnvironmentSection section{"Container, machine and sandbox", {}};
  Put(section, "container", ContainerKind());
  Put(section, "machine", MachineKind());
  const std::string emulator = EmulatorProgram();
  const std::string name = emulator.substr(emulator.rfind('/') + 1);
  Put(section, "emulator",
      emulator.empty()              ? "none"
      : name.rfind("qemu-", 0) == 0 ? "qemu-user"
                                    : name);
  Put(section, "emulator_program", emulator);
  PutNamespaces(section);
  const std::string status = Slurp("/proc/self/status");
  const std::string seccomp = LineValue(status, "Seccomp");
  Put(section, "seccomp",
      seccomp == "0"   ? "off"
      : seccomp == "1" ? "strict"
      : seccomp == "2" ? "filter"
                       : seccomp);
  Put(section, "no_new_privileges", LineValue(status, "NoNewPrivs"));
  Put(section, "confinement", Slurp("/proc/self/attr/current"));
  if (const char* preload = std::getenv("LD_PRELOAD")) Put(section, "LD_PRELOAD", preload);
  // Set by Bazel for every test; its sandbox shows in the namespaces above.
  if (std::getenv("TEST_WORKSPACE") != nullptr) Put(section, "started_by", "a Bazel test");
  std::string traced = LineValue(status, "TracerPid");
  if (traced != "0") Put(section, "traced_by_pid", traced);
  return section;
}

EnvironmentSection Privileges() {
  EnvironmentSection section{"User and privileges", {}};
  Put(section, "uid", std::to_string(::getuid()));
  if (::geteuid() != ::getuid()) Put(section, "effective_uid", std::to_string(::geteuid()));
  Put(section, "gid", std::to_string(::getgid()));
  const std::string status = Slurp("/proc/self/status");
  Put(section, "capabilities", CapabilityNames(LineValue(status, "CapEff")));
  Put(section, "capabilities_bounding_hex", LineValue(status, "CapBnd"));
  const std::string map = Slurp("/proc/self/uid_map");
  std::string flat;
  for (const std::string& word : Words(map)) flat += (flat.empty() ? "" : " ") + word;
  Put(section, "uid_map", flat);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mask));
  Put(section, "umask", text);
  return section;
}

}  // namespace ipcsuite::report::environment
