#include "reports/environment/environment.h"

#include <time.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif
#if defined(__linux__)
#include <link.h>
#endif

#include "reports/environment/environment_parts.h"

namespace ipcsuite::report {
namespace environment {

std::string Slurp(const std::string& path) {
  // O_NONBLOCK: a FIFO or a device in an odd place must not make the report wait.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return "";
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while (text.size() < 65536 && (got = ::read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(fd);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\0')) {
    text.pop_back();
  }
  return text;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  constexpr std::string_view kBlank = " \t\n";
  while (true) {
    const auto start = text.find_first_not_of(kBlank);
    if (start == std::string_view::npos) return words;
    text.remove_prefix(start);
    const auto end = std::min(text.find_first_of(kBlank), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string LineValue(std::string_view text, std::string_view key) {
  for (const std::string& line : Lines(text)) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const auto rest = line.find_first_not_of(" \t", key.size());
    if (rest == std::string::npos || line[rest] != ':') continue;
    const auto value = line.find_first_not_of(" \t", rest + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

void Put(EnvironmentSection& section, const std::string& key, std::string value) {
  if (!value.empty()) section.facts.emplace_back(key, std::move(value));
}

EnvironmentSection Kernel() {
  EnvironmentSection section{"Kernel", {}};
  utsname name{};
  if (::uname(&name) != 0) return section;
  Put(section, "os", name.sysname);
  Put(section, "kernel", name.release);
  Put(section, "kernel_build", name.version);
  Put(section, "arch", name.machine);
  for (const std::string& line : Lines(Slurp("/etc/os-release"))) {
    if (line.compare(0, 12, "PRETTY_NAME=") != 0) continue;
    std::string pretty = line.substr(12);
    std::erase(pretty, '"');
    Put(section, "distribution", pretty);
  }
  Put(section, "security_modules", Slurp("/sys/kernel/security/lsm"));
  Put(section, "realtime", Slurp("/sys/kernel/realtime"));
  return section;
}

#if defined(__linux__) && !defined(__GLIBC__)
// musl has no call that tells its version, but the library holds it as a text of its own: "1.2.3".
// It is looked for where it was loaded: a program can be given to another loader than its own.
static std::string MuslVersion() {
  struct Search {
    bool program_passed = false;  // it comes first, and has versions of its own
    std::string version;
  } found;
  const auto search = [](dl_phdr_info* info, std::size_t, void* result) {
    Search& so_far = *static_cast<Search*>(result);
    if (!std::exchange(so_far.program_passed, true)) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& part = info->dlpi_phdr[i];
      if (part.p_type != PT_LOAD || !(part.p_flags & PF_R)) continue;
      const std::string_view text(reinterpret_cast<const char*>(info->dlpi_addr + part.p_vaddr),
                                  part.p_filesz);
      const std::string_view start("\0001.", 3);
      for (auto at = text.find(start); at != text.npos; at = text.find(start, at + 1)) {
        const auto word = text.substr(at + 1, text.find('\0', at + 1) - at - 1);
        if (word.size() >= 5 && word.size() <= 9 &&
            word.find_first_not_of("0123456789.") == word.npos) {
          so_far.version = word;
          return 1;
        }
      }
    }
    return 0;
  };
  ::dl_iterate_phdr(search, &found);
  return found.version;
}
#endif

// Whether the program names no dynamic loader. (AT_BASE does not tell: it is 0 too for a program
// that was given to its loader by hand.)
static bool IsStatic() {
#if defined(__linux__)
  bool interpreted = false;
  const auto first = [](dl_phdr_info* info, std::size_t, void* result) {
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      if (info->dlpi_phdr[i].p_type == PT_INTERP) *static_cast<bool*>(result) = true;
    }
    return 1;  // the program comes first
  };
  ::dl_iterate_phdr(first, &interpreted);
  return !interpreted;
#else
  return false;
#endif
}

// Where a named semaphore shows up: tried with one, since nothing says so.
static std::string SemaphoreNames() {
  const std::string name = "/ipcsuite-card-" + std::to_string(::getpid());
  sem_t* const sem = ::sem_open(name.c_str(), O_CREAT | O_EXCL, 0600, 0);
  if (sem == SEM_FAILED) return std::string("none: ") + std::strerror(errno);
  const bool in_shm = ::access(("/dev/shm/sem." + name.substr(1)).c_str(), F_OK) == 0;
  ::sem_close(sem);
  ::sem_unlink(name.c_str());
  return in_shm ? "/dev/shm/sem.NAME" : "not in /dev/shm";
}

EnvironmentSection CLibrary() {
  EnvironmentSection section{"C library", {}};
#if defined(__GLIBC__)
  Put(section, "libc", "glibc");
  Put(section, "libc_version", ::gnu_get_libc_version());
#elif defined(__linux__)
  Put(section, "libc", "musl");
  Put(section, "libc_version", IsStatic() ? "" : MuslVersion());
#endif
  Put(section, "bits", std::to_string(8 * sizeof(void*)));
  Put(section, "linked", IsStatic() ? "statically" : "dynamically");
  const auto option = [&](const char* key, int name_of_option) {
    errno = 0;
    const long value = ::sysconf(name_of_option);
    Put(section, key, value != -1 ? std::to_string(value) : errno == 0 ? "none" : "unknown");
  };
  option("POSIX_VERSION", _SC_VERSION);
  option("POSIX_MESSAGE_PASSING", _SC_MESSAGE_PASSING);
  option("POSIX_SHARED_MEMORY_OBJECTS", _SC_SHARED_MEMORY_OBJECTS);
  option("POSIX_PRIORITY_SCHEDULING", _SC_PRIORITY_SCHEDULING);
  option("POSIX_TIMEOUTS", _SC_TIMEOUTS);
  option("PAGE_SIZE", _SC_PAGESIZE);
  option("OPEN_MAX", _SC_OPEN_MAX);
  option("MQ_OPEN_MAX", _SC_MQ_OPEN_MAX);
  option("MQ_PRIO_MAX", _SC_MQ_PRIO_MAX);
  option("SEM_NSEMS_MAX", _SC_SEM_NSEMS_MAX);
  option("SEM_VALUE_MAX", _SC_SEM_VALUE_MAX);
  Put(section, "named_semaphores", SemaphoreNames());
  option("POSIX_THREAD_PROCESS_SHARED", _SC_THREAD_PROCESS_SHARED);
  option("POSIX_BARRIERS", _SC_BARRIERS);
  option("POSIX_SPIN_LOCKS", _SC_SPIN_LOCKS);
  option("POSIX_THREAD_PRIO_INHERIT", _SC_THREAD_PRIO_INHERIT);
  option("POSIX_THREAD_PRIO_PROTECT", _SC_THREAD_PRIO_PROTECT);
  Put(section, "PIPE_BUF", std::to_string(::pathconf("/", _PC_PIPE_BUF)));
  Put(section, "off_t_bits", std::to_string(sizeof(off_t) * CHAR_BIT));
  Put(section, "time_t_bits", std::to_string(sizeof(time_t) * CHAR_BIT));
  const unsigned probe = 1;
  unsigned char first = 0;
  std::memcpy(&first, &probe, 1);
  Put(section, "byte_order", first == 1 ? "little endian" : "big endian");
  return section;
}

EnvironmentSection Limits() {
  EnvironmentSection section{"Resource limits (soft / hard)", {}};
  struct Limit {
    const char* name;
    int resource;
  };
  static constexpr Limit kLimits[] = {
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_STACK", RLIMIT_STACK},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
#if defined(__linux__)
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
#endif
  };
  const auto text = [](rlim_t value) {
    return value == RLIM_INFINITY ? std::string("unlimited") : std::to_string(value);
  };
  for (const Limit& limit : kLimits) {
    rlimit value{};
    // glibc types the first argument as an enumeration, musl as int.
    if (::getrlimit(static_cast<decltype(RLIMIT_NOFILE)>(limit.resource), &value) != 0) continue;
    Put(section, limit.name, text(value.rlim_cur) + " / " + text(value.rlim_max));
  }
  return section;
}

EnvironmentSection IpcSettings() {
  EnvironmentSection section{"Kernel settings", {}};
  static constexpr const char* kSettings[] = {"fs.mqueue.queues_max",
                                              "fs.mqueue.msg_max",
                                              "fs.mqueue.msgsize_max",
                                              "fs.mqueue.msg_default",
                                              "fs.mqueue.msgsize_default",
                                              "fs.pipe-max-size",
                                              "fs.pipe-user-pages-soft",
                                              "fs.pipe-user-pages-hard",
                                              "fs.file-max",
                                              "fs.nr_open",
                                              "fs.protected_fifos",
                                              "fs.protected_regular",
                                              "kernel.pid_max",
                                              "kernel.threads-max",
                                              "kernel.yama.ptrace_scope",
                                              "vm.overcommit_memory",
                                              "kernel.sched_rt_runtime_us"};
  for (std::string name : kSettings) {
    std::string path = "/proc/sys/" + name;
    for (char& c : path) {
      if (c == '.') c = '/';
    }
    Put(section, name, Slurp(path));
  }
  return section;
}

EnvironmentSection Build(const std::string& commit) {
  EnvironmentSection section{"Build of ipcsuite", {}};
  Put(section, "commit", commit);
#if defined(__clang__)
  Put(section, "compiler", "clang " __VERSION__);
#else
  Put(section, "compiler", "gcc " __VERSION__);
#endif
  std::string flags = "C++ " + std::to_string(__cplusplus);
#if defined(__OPTIMIZE__)
  flags += ", optimized";
#else
  flags += ", not optimized";
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(IPC_SANITIZER_ASAN)
  flags += ", address sanitizer";
#endif
#if defined(__SANITIZE_THREAD__) || defined(IPC_SANITIZER_TSAN)
  flags += ", thread sanitizer";
#endif
#if defined(IPC_SANITIZER_UBSAN)
  flags += ", undefined-behaviour sanitizer";
#endif
  Put(section, "flags", flags);
  if (const char* const sources = std::getenv("IPCSUITE_SOURCES")) Put(section, "sources", sources);
  return section;
}

}  // namespace environment

std::vector<EnvironmentSection> CollectEnvironment(const std::string& commit) {
  using namespace environment;
  std::vector<EnvironmentSection> sections = {
      Kernel(),      CLibrary(),    Surroundings(), Privileges(),   Limits(),
      IpcSettings(), FileSystems(), Processors(),   ClockAndLoad(), Build(commit)};
  std::erase_if(sections, [](const EnvironmentSection& s) { return s.facts.empty(); });
  return sections;
}

std::string HostName() {
  utsname name{};
  return ::uname(&name) == 0 && name.nodename[0] != '\0' ? name.nodename : "unknown";
}

std::string UtcNow() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace ipcsuite::report
