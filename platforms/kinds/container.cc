// Containers by an OCI runtime (crun or runc), without a daemon: a bundle made of this program
// alone. Format: the OCI runtime specification, config.json.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "base/files.h"
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

json Mounts(const PlatformSpec& spec) {
  json mounts = json::array();
  const auto add = [&](const char* where, const char* type, json options) {
    mounts.push_back({{"destination", where},
                      {"type", type},
                      {"source", type},
                      {"options", std::move(options)}});
  };
  add("/proc", "proc", json::array());
  add("/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"});
  if (!spec.Has("noshm")) {
    json options = {"nosuid", "nodev", "mode=1777", "size=" + spec.Value("shm")};
    for (const char* flag : {"ro", "noexec"}) {
      if (spec.Has(std::string("shm") + flag)) options.push_back(flag);
    }
    add("/dev/shm", "tmpfs", options);
  }
  if (!spec.Has("nomqueue")) add("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"});
  add("/tmp", "tmpfs", {"mode=1777"});
  return mounts;
}

json Seccomp(const PlatformSpec& spec) {
  const std::string action = spec.Value("mq");  // enosys, eperm, kill
  json rule = {{"names", kMqCalls}};
  if (action == "kill") {
    rule["action"] = "SCMP_ACT_KILL_PROCESS";
  } else {
    rule["action"] = "SCMP_ACT_ERRNO";
    rule["errnoRet"] = action == "eperm" ? EPERM : ENOSYS;
  }
  return {{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", json::array({rule})}};
}

struct Rlimit {
  const char* key;
  const char* name;
};
constexpr Rlimit kRlimits[] = {{"msgqueue", "RLIMIT_MSGQUEUE"},
                               {"nofile", "RLIMIT_NOFILE"},
                               {"fsize", "RLIMIT_FSIZE"},
                               {"nproc", "RLIMIT_NPROC"}};

json Rlimits(const PlatformSpec& spec) {
  json limits = json::array();
  for (const Rlimit& limit : kRlimits) {
    if (const auto value = ParseBytes(spec.Value(limit.key)))
      limits.push_back({{"type", limit.name}, {"soft", *value}, {"hard", *value}});
  }
  return limits;
}

json Config(const PlatformSpec& spec, const LaunchInput& input) {
  json namespaces =
      json::array({{{"type", "pid"}}, {{"type", "mount"}}, {{"type", "uts"}}, {{"type", "ipc"}}});
  json linux_part = json::object();
  if (spec.Has("userns")) {
    namespaces.push_back({{"type", "user"}});
    const json map = json::array({{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}});
    linux_part["uidMappings"] = map;
    linux_part["gidMappings"] = map;
  }
  linux_part["namespaces"] = namespaces;
  if (!spec.Value("mq").empty()) linux_part["seccomp"] = Seccomp(spec);
  if (spec.Has("mqsmall")) {
    linux_part["sysctl"] = {{"fs.mqueue.msg_max", "4"},
                            {"fs.mqueue.msgsize_max", "128"},
                            {"fs.mqueue.queues_max", "2"},
                            {"fs.mqueue.msg_default", "4"},
                            {"fs.mqueue.msgsize_default", "128"}};
  }
  json resources = json::object();
  if (const auto pids = ParseBytes(spec.Value("pids"))) resources["pids"] = {{"limit", *pids}};
  if (const auto mem = ParseBytes(spec.Value("mem")))
    resources["memory"] = {{"limit", *mem}, {"swap", *mem}};
  linux_part["resources"] = resources;
  const bool plain_user = spec.Has("user");
  const json capabilities = plain_user || spec.Has("nocaps") ? json::array() : json(kCapabilities);
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
        {"rlimits", Rlimits(spec)},
        {"noNewPrivileges", true}}},
      {"root", {{"path", "rootfs"}, {"readonly", spec.Has("rofs")}}},
      {"hostname", "ipcsuite"},
      {"mounts", Mounts(spec)},
      {"linux", linux_part}};
}

const char* CheckMq(const std::string& value) {
  for (const char* action : {"enosys", "eperm", "kill"}) {
    if (value == action) return nullptr;
  }
  return "enosys, eperm or kill";
}

std::vector<PlatformKey> Keys() {
  std::vector<PlatformKey> keys = {
      {.name = "plain",
       .help = "private IPC, pid and mount namespaces, the usual capabilities; always so"},
      {.name = "user", .help = "uid 1000, no capabilities"},
      {.name = "nocaps", .help = "root without any capability"},
      {.name = "userns", .help = "its own user namespace, root mapped to 100000"},
      {.name = "shm",
       .value = "SIZE",
       .help = "size of /dev/shm",
       .otherwise = "64m",
       .check = &CheckBytes},
      {.name = "shmro", .help = "/dev/shm read-only"},
      {.name = "shmnoexec", .help = "/dev/shm noexec"},
      {.name = "noshm", .help = "no /dev/shm"},
      {.name = "nomqueue", .help = "/dev/mqueue not mounted"},
      {.name = "mqsmall", .help = "fs.mqueue: msg_max 4, msgsize_max 128, queues_max 2"},
      {.name = "mq",
       .value = "ACTION",
       .help = "seccomp: what mq_* calls do (enosys, eperm, kill)",
       .check = &CheckMq},
      {.name = "rofs", .help = "read-only root"},
      {.name = "pids", .value = "N", .help = "control group: processes", .check = &CheckBytes},
      {.name = "mem", .value = "SIZE", .help = "control group: memory", .check = &CheckBytes},
  };
  for (const Rlimit& limit : kRlimits) {
    keys.push_back({.name = limit.key, .value = "N", .help = limit.name, .check = &CheckBytes});
  }
  return keys;
}

std::string Runtime() {
  const std::string crun = FindCommand("crun");
  return crun.empty() ? FindCommand("runc") : crun;
}

Result<std::string> WriteBundle(const PlatformSpec& spec, const LaunchInput& input) {
  namespace fs = std::filesystem;
  const fs::path root = fs::path(input.work_dir) / "rootfs";
  std::error_code error;
  for (const char* dir : {"bin", "dev", "proc", "sys", "tmp", "etc"})
    fs::create_directories(root / dir, error);
  fs::copy_file(input.program, root / "bin/ipcsuite", fs::copy_options::overwrite_existing, error);
  if (error)
    return Error{"can't copy the program to " + root.string() + ": " + error.message() +
                 ": free some space, or set TMPDIR"};
  chmod((root / "bin/ipcsuite").c_str(), 0755);
  chmod(input.work_dir.c_str(), 0755);
  const std::string path = input.work_dir + "/config.json";
  const auto written = WriteFile(path, Config(spec, input).dump(1));
  if (!written) return Error{written.error()};
  return path;
}

Result<Launch> PrepareContainer(const PlatformSpec& spec, const LaunchInput& input) {
  const std::string runtime = Runtime();
  const bool crun = std::filesystem::path(runtime).filename() == "crun";
  if (const Result<std::string> bundle = WriteBundle(spec, input); !bundle)
    return Error{bundle.error()};
  Launch launch;
  // crun refuses a host with both versions of control groups: it is shown version 1 alone.
  if (crun && access("/sys/fs/cgroup/unified", F_OK) == 0 && !FindCommand("unshare").empty()) {
    launch.argv = {FindCommand("unshare"),
                   "-m",
                   "/bin/sh",
                   "-c",
                   "umount -l /sys/fs/cgroup/unified 2>/dev/null; exec \"$@\"",
                   "sh"};
  }
  for (const std::string& word : {runtime, std::string("--root"), input.work_dir + "/state"})
    launch.argv.push_back(word);
  const bool limits = spec.Has("pids") || spec.Has("mem");
  if (crun)
    launch.argv.push_back(limits ? "--cgroup-manager=cgroupfs" : "--cgroup-manager=disabled");
  const std::vector<std::string> rest = {
      "run", "--bundle", input.work_dir,
      "ipcsuite-" + std::filesystem::path(input.work_dir).filename().string()};
  launch.argv.insert(launch.argv.end(), rest.begin(), rest.end());
  return launch;
}

const Row<PlatformKind> kContainer({
    .name = "container",
    .syntax = "container:KEY,...",
    .help = "crun or runc, without a daemon",
    .keys = Keys(),
    .needs_static = true,
    .missing =
        [] {
          return MissingCommand({"crun", "runc"}, "the package crun");
        },
    .prepare = &PrepareContainer,
});

}  // namespace
}  // namespace ipcsuite::platforms
