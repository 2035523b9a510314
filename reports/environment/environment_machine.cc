// What the program runs on: file systems, processors, memory, clock, load.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <set>
#include <utility>

#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "reports/environment/environment_parts.h"

namespace ipcsuite::report::environment {
namespace {

std::string Bytes(unsigned long long n) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  double value = static_cast<double>(n);
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value,
                units[unit]);
  return text;
}

void PutFileSystem(EnvironmentSection& section, const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) {
    Put(section, path, "absent");
    return;
  }
  std::string text = MountOf(path);
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) == 0 && status.f_blocks > 0) {
    const auto unit = static_cast<unsigned long long>(status.f_frsize);
    text += (text.empty() ? "" : "; ") + Bytes(unit * status.f_bavail) + " free of " +
            Bytes(unit * status.f_blocks);
  }
  if (::access(path.c_str(), W_OK) != 0) text += "; not writable";
  Put(section, path, text.empty() ? "present" : text);
}

std::string Cpu(int n, const char* file) {
  return Slurp("/sys/devices/system/cpu/cpu" + std::to_string(n) + "/" + file);
}

std::string Caches() {
  std::string text;
  for (int i = 0; i < 8; ++i) {
    const std::string at = "cache/index" + std::to_string(i) + "/";
    const std::string level = Cpu(0, (at + "level").c_str());
    if (level.empty()) break;
    const std::string type = Cpu(0, (at + "type").c_str());
    text += (text.empty() ? "" : ", ") + std::string("L") + level +
            (type == "Data"          ? "d"
             : type == "Instruction" ? "i"
                                     : "") +
            " " + Cpu(0, (at + "size").c_str());
  }
  return text;
}

std::string ModelName() {
  const std::string info = Slurp("/proc/cpuinfo");
  for (const char* key : {"model name", "Model", "cpu model", "uarch", "cpu", "machine"}) {
    std::string value = LineValue(info, key);
    if (!value.empty()) return value;
  }
  return "";
}

std::string Resolution(clockid_t clock) {
  timespec resolution{};
  if (::clock_getres(clock, &resolution) != 0) return "";
  return std::to_string(resolution.tv_sec * 1'000'000'000LL + resolution.tv_nsec) + " ns";
}

}  // namespace

std::string MountOf(const std::string& path) {
  std::string best, found;  // of mounts on the same point the last is on top
  for (const std::string& line : Lines(Slurp("/proc/self/mountinfo"))) {
    const auto words = Words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 3) continue;
    const std::string& point = words[4];
    const bool holds = path == point || point == "/" ||
                       (path.size() > point.size() && path.compare(0, point.size(), point) == 0 &&
                        path[point.size()] == '/');
    if (!holds || point.size() < best.size()) continue;
    best = point;
    const std::string super = words.end() - dash > 3 ? *(dash + 3) : "";
    found = *(dash + 1) + " on " + point + ", " + words[5] + (super.empty() ? "" : ", " + super);
  }
  return found;
}

EnvironmentSection FileSystems() {
  EnvironmentSection section{"File systems", {}};
  PutFileSystem(section, "/dev/shm");
  PutFileSystem(section, "/dev/mqueue");
  const char* temporary = std::getenv("TMPDIR");
  PutFileSystem(section, temporary != nullptr && *temporary != '\0' ? temporary : "/tmp");
  Put(section, "/proc", MountOf("/proc"));
  return section;
}

EnvironmentSection Processors() {
  EnvironmentSection section{"Processors and memory", {}};
  Put(section, "model", ModelName());
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  Put(section, "processors_online", std::to_string(online));
#if defined(__linux__)
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    Put(section, "processors_allowed", std::to_string(CPU_COUNT(&allowed)));
  }
#endif
  std::set<std::string> sockets;
  std::set<std::pair<std::string, std::string>> cores;
  for (int n = 0; n < 4096; ++n) {
    const std::string core = Cpu(n, "topology/core_id");
    if (core.empty()) {
      if (n >= online) break;
      continue;
    }
    const std::string socket = Cpu(n, "topology/physical_package_id");
    sockets.insert(socket);
    cores.insert({socket, core});
  }
  if (!cores.empty()) {
    Put(section, "topology",
        std::to_string(sockets.size()) + " socket(s), " + std::to_string(cores.size()) +
            " core(s)");
  }
  Put(section, "caches", Caches());
  Put(section, "numa_nodes", Slurp("/sys/devices/system/node/online"));
  Put(section, "frequency_governor", Cpu(0, "cpufreq/scaling_governor"));
  Put(section, "cgroup_cpu_max", Slurp("/sys/fs/cgroup/cpu.max"));
  Put(section, "cgroup_memory_max", Slurp("/sys/fs/cgroup/memory.max"));
  const std::string memory = Slurp("/proc/meminfo");
  Put(section, "memory_total", LineValue(memory, "MemTotal"));
  Put(section, "memory_available", LineValue(memory, "MemAvailable"));
  return section;
}

EnvironmentSection ClockAndLoad() {
  EnvironmentSection section{"Clock and load", {}};
  Put(section, "clock_source",
      Slurp("/sys/devices/system/clocksource/clocksource0/current_clocksource"));
  Put(section, "resolution_monotonic", Resolution(CLOCK_MONOTONIC));
  Put(section, "resolution_realtime", Resolution(CLOCK_REALTIME));
  Put(section, "timer_slack_ns", Slurp("/proc/self/timerslack_ns"));
  Put(section, "load_average", Slurp("/proc/loadavg"));
  return section;
}

}  // namespace ipcsuite::report::environment
