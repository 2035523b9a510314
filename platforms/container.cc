// Containers by an OCI runtime (crun or runc), without a daemon: a bundle made of this program
// alone. Format: the OCI runtime specification, config.json.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "platforms/platform.h"

namespace ipcsuite::platforms {
namespace {

using nlohmann::json;

// The usual capabilities of container runtimes.
const char* const kCapabilities[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};
const char* const kMqCalls[] = {
    "mq_open",   "mq_unlink",     "mq_timedsend",        "mq_timedreceive",
    "mq_notify", "mq_getsetattr", "mq_timedsend_time64", "mq_timedreceive_time64"};

// "64", "512k", "300m", "2g".
std::optional<long long> ParseCount(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const long long number = std::strtoll(text.c_str(), &end, 10);
  if (end == text.c_str() || number < 0 || errno != 0) return std::nullopt;
  const std::string unit = end;
  if (unit.empty()) return number;
  const std::size_t power = std::string("kmg").find(unit);
  if (unit.size() != 1 || power == std::string::npos) return std::nullopt;
  return number << (10 * (power + 1));
}

// A trait is a name, or a name with "=value".
class Traits {
 public:
  explicit Traits(const std::vector<std::string>& traits) : traits_(traits) {}
  bool has(const std::string& name) const {
    return std::count(traits_.begin(), traits_.end(), name) > 0;
  }
  std::string value(const std::string& name) const {
    for (const std::string& trait : traits_) {
      if (trait.rfind(name + "=", 0) == 0) return trait.substr(name.size() + 1);
    }
    return "";
  }

 private:
  const std::vector<std::string>& traits_;
};

json Mounts(const Traits& traits) {
  json mounts = json::array();
  const auto add = [&](const char* where, const char* type, json options) {
    mounts.push_back({{"destination", where},
                      {"type", type},
                      {"source", type},
                      {"options", std::move(options)}});
  };
  add("/proc", "proc", json::array());
  add("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"});
  if (!traits.has("noshm")) {
    const std::string size = traits.value("shm");
    json options = {"nosuid", "nodev", "mode=1777", "size=" + (size.empty() ? "65536k" : size)};
    for (const char* flag : {"ro", "noexec"}) {
      if (traits.has(std::string("shm") + flag)) options.push_back(flag);
    }
    add("/dev/shm", "tmpfs", options);
  }
  if (!traits.has("nomqueue")) add("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"});
  add("/tmp", "tmpfs", {"mode=1777"});
  return mounts;
}

json Seccomp(const Traits& traits) {
  const std::string action = traits.value("mq");  // enosys, eperm, kill
  json rule = {{"names", kMqCalls}};
  if (action == "kill") {
    rule["action"] = "SCMP_ACT_KILL_PROCESS";
  } else {
    rule["action"] = "SCMP_ACT_ERRNO";
    rule["errnoRet"] = action == "eperm" ? EPERM : ENOSYS;
  }
  return {{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", json::array({rule})}};
}

json Rlimits(const Traits& traits) {
  json limits = json::array();
  const std::pair<const char*, const char*> known[] = {{"msgqueue", "RLIMIT_MSGQUEUE"},
                                                       {"nofile", "RLIMIT_NOFILE"},
                                                       {"fsize", "RLIMIT_FSIZE"},
                                                       {"nproc", "RLIMIT_NPROC"}};
  for (const auto& [name, limit] : known) {
    if (const auto value = ParseCount(traits.value(name)))
      limits.push_back({{"type", limit}, {"soft", *value}, {"hard", *value}});
  }
  return limits;
}

json Config(const Traits& traits, const LaunchInput& input) {
  json namespaces =
      json::array({{{"type", "pid"}}, {{"type", "mount"}}, {{"type", "uts"}}, {{"type", "ipc"}}});
  json linux_part = json::object();
  if (traits.has("userns")) {
    namespaces.push_back({{"type", "user"}});
    const json map = json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}});
    linux_part["uidMappings"] = map;
    linux_part["gidMappings"] = map;
  }
  linux_part["namespaces"] = namespaces;
  if (!traits.value("mq").empty()) linux_part["seccomp"] = Seccomp(traits);
  if (traits.has("mqsmall")) {
    linux_part["sysctl"] = {{"fs.mqueue.msg_max", "4"},
                            {"fs.mqueue.msgsize_max", "128"},
                            {"fs.mqueue.queues_max", "2"},
                            {"fs.mqueue.msg_default", "4"},
                            {"fs.mqueue.msgsize_default", "128"}};
  }
  json resources = json::object();
  if (const auto pids = ParseCount(traits.value("pids"))) resources["pids"] = {{"limit", *pids}};
  if (const auto mem = ParseCount(traits.value("mem")))
    resources["memory"] = {{"limit", *mem}, {"swap", *mem}};
  linux_part["resources"] = resources;
  const bool plain_user = traits.has("user");
  const json capabilities =
      plain_user || traits.has("nocaps") ? json::array() : json(kCapabilities);
  const int uid = plain_user ? 1000 : 0;
  std::vector<std::string> args = {"/bin/ipcsuite"};
  args.insert(args.end(), input.args.begin(), input.args.end());
  return {
      {"ociVersion", "1.0.2"},
      {"process",
       {{"terminal", false},
        {"user", {{"uid", uid}, {"gid", uid}}},
        {"args", args},
        {"env", {"PATH=/bin", "TMPDIR=/tmp"}},
        {"cwd", "/"},
        {"capabilities",
         {{"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}}},
        {"rlimits", Rlimits(traits)},
        {"noNewPrivileges", true}}},
      {"root", {{"path", "rootfs"}, {"readonly", traits.has("rofs")}}},
      {"hostname", "ipcsuite"},
      {"mounts", Mounts(traits)},
      {"linux", linux_part}};
}

}  // namespace

const std::vector<TraitHelp>& ContainerTraits() {
  static const std::vector<TraitHelp> traits = {
      {"plain", "private IPC, pid and mount namespaces, 64 MiB /dev/shm, the usual capabilities"},
      {"user", "uid 1000, no capabilities"},
      {"nocaps", "root without any capability"},
      {"userns", "its own user namespace, root mapped to 100000"},
      {"shm=SIZE", "size of /dev/shm, 1m for example"},
      {"shmro", "/dev/shm read-only"},
      {"shmnoexec", "/dev/shm noexec"},
      {"noshm", "no /dev/shm"},
      {"nomqueue", "/dev/mqueue not mounted"},
      {"mqsmall", "fs.mqueue: msg_max 4, msgsize_max 128, queues_max 2"},
      {"mq=enosys|eperm|kill", "seccomp: what mq_* calls do"},
      {"rofs", "read-only root"},
      {"msgqueue=N, nofile=N, fsize=N, nproc=N", "resource limits"},
      {"pids=N, mem=SIZE", "control group limits"},
  };
  return traits;
}

namespace internal {

std::optional<Launch> PrepareContainer(const PlatformSpec& spec, const LaunchInput& input,
                                       std::string* error) {
  for (const std::string& trait : spec.traits) {
    const std::string name = trait.substr(0, trait.find('='));
    const bool known =
        std::any_of(ContainerTraits().begin(), ContainerTraits().end(), [&](const TraitHelp& help) {
          return (" " + std::string(help.name)).find(" " + name) != std::string::npos;
        });
    if (!known || name.empty()) {
      *error = "unknown container trait '" + trait + "': `ipcsuite on --list` names all";
      return std::nullopt;
    }
  }
  std::string runtime = FindCommand("crun");
  const bool crun = !runtime.empty();
  if (!crun) runtime = FindCommand("runc");
  if (runtime.empty()) {
    *error = "neither crun nor runc is in PATH: install the package crun";
    return std::nullopt;
  }
  const Traits traits(spec.traits);
  for (const char* name : {"pids", "mem", "msgqueue", "nofile", "fsize", "nproc"}) {
    if (!traits.value(name).empty() && !ParseCount(traits.value(name))) {
      *error = "container trait '" + std::string(name) + "=" + traits.value(name) +
               "' needs a number, 64, 512k, 300m or 2g for example";
      return std::nullopt;
    }
  }
  namespace fs = std::filesystem;
  const fs::path root = fs::path(input.work_dir) / "rootfs";
  for (const char* dir : {"bin", "dev", "proc", "sys", "tmp", "etc"})
    fs::create_directories(root / dir);
  fs::copy_file(input.program, root / "bin/ipcsuite", fs::copy_options::overwrite_existing);
  chmod((root / "bin/ipcsuite").c_str(), 0755);
  chmod(input.work_dir.c_str(), 0755);
  std::ofstream(input.work_dir + "/config.json") << Config(traits, input).dump(1);
  Launch launch;
  // crun refuses a host with both versions of control groups: it is shown version 1 alone.
  if (crun && fs::exists("/sys/fs/cgroup/unified") && !FindCommand("unshare").empty()) {
    launch.argv = {FindCommand("unshare"),
                   "-m",
                   "/bin/sh",
                   "-c",
                   "umount -l /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\"",
                   "sh"};
  }
  for (const std::string& word : {runtime, std::string("--root"), input.work_dir + "/state"})
    launch.argv.push_back(word);
  const bool limits = !traits.value("pids").empty() || !traits.value("mem").empty();
  if (crun)
    launch.argv.push_back(limits ? "--cgroup-manager=cgroupfs" : "--cgroup-manager=disabled");
  const std::vector<std::string> rest = {
      "run", "--bundle", input.work_dir,
      "ipcsuite-" + fs::path(input.work_dir).filename().string()};
  launch.argv.insert(launch.argv.end(), rest.begin(), rest.end());
  return launch;
}

}  // namespace internal
}  // namespace ipcsuite::platforms
