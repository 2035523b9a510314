#include "harness/runner/runner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>
#include <vector>

#include "base/os/os.h"
#include "base/preamble.h"
#include "harness/core/context.h"
#include "harness/core/names.h"
#include "harness/core/patience.h"
#include "harness/peers/probe.h"
#include "harness/peers/reap.h"
#include "harness/runner/gate.h"
#include "harness/runner/scheduler.h"
#include "reports/results/json.h"

namespace ipcsuite {
namespace {

using internal::ResultFile;
using internal::Scheduler;

// True when every directory on the way, and the last one, lets other users pass.
bool OthersCanReach(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::path at = std::filesystem::absolute(directory, error); !error;
       at = at.parent_path()) {
    struct stat status {};
    if (stat(at.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) == 0) return false;
    if (at == at.parent_path()) return true;
  }
  return false;
}

// A directory for everything that the run makes; removed with all in it at the end.
class ScratchRoot {
 public:
  explicit ScratchRoot(RunHeader& header) {
    const char* const bases[] = {
        std::getenv("TEST_TMPDIR"), std::getenv("TMPDIR"), "/tmp", "/var/tmp", "/dev/shm", "."};
    // Tests with peers of other users need a place that others can reach: such places first.
    std::string tried;
    for (const bool for_all : {true, false}) {
      for (const char* base : bases) {
        if (!base || !*base || OthersCanReach(base) != for_all) continue;
        std::string path = std::string(base) + "/ipcsuite-XXXXXX";
        if (path.size() < sizeof header.scratch_root && mkdtemp(path.data())) {
          path_ = std::filesystem::absolute(path).string();
          std::snprintf(header.scratch_root, sizeof header.scratch_root, "%s", path_.c_str());
          return;
        }
        tried += (tried.empty() ? "" : ", ") + std::string(base);
      }
    }
    throw std::system_error(
        errno, std::generic_category(),
        "no writable place for scratch files (tried " + tried + "): set TMPDIR");
  }
  ~ScratchRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

 private:
  std::string path_;
};

// What a few tests side by side need at most.
constexpr int kRoomForSeveralTests = 32;

// Whether this many more processes are possible now. Under a lower limit (of the user or of a
// control group) tests that run side by side would take from one another the threads that the C
// library starts for notifications, and would see them lost.
bool CanStart(int count) {
  std::vector<pid_t> started;
  for (int i = 0; i < count; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      os::DieWithParent();
      for (;;) pause();
    }
    if (pid < 0) break;
    started.push_back(pid);
  }
  for (const pid_t pid : started) KillAndReap(pid);
  return static_cast<int>(started.size()) == count;
}

// For this many tests side by side, or for fewer where memory is short.
std::unique_ptr<Arena> LargestArena(int jobs) {
  for (;; jobs /= 2) {
    try {
      return std::unique_ptr<Arena>(Arena::Create(jobs));
    } catch (const std::system_error&) {
      if (jobs <= 1) throw;
    }
  }
}

std::unique_ptr<Arena> NewArena(const RunnerOptions& options) {
  int jobs = options.jobs > 0 ? options.jobs : 3 * std::max(2, os::AllowedCpuCount());
  if (!options.isolation || (options.jobs == 0 && !CanStart(kRoomForSeveralTests))) jobs = 1;
  std::unique_ptr<Arena> arena = LargestArena(std::min(jobs, 512));
  RunHeader& header = arena->header();
  header.seed = options.seed;
  header.issue = options.issue;
  header.allow_dangerous = options.allow_dangerous;
  header.start_ns = NowNs();
  std::string dirs;
  for (const std::string& dir : options.fifo_dirs) dirs += dir + "\n";
  if (dirs.size() >= sizeof header.fifo_dirs) {
    throw std::system_error(ENAMETOOLONG, std::generic_category(),
                            "the paths of --fifo-dir are too long together");
  }
  std::snprintf(header.fifo_dirs, sizeof header.fifo_dirs, "%s", dirs.c_str());
  // Start time and pid: two runs side by side never share a name.
  std::snprintf(header.run_id, sizeof header.run_id, "%llx%x",
                static_cast<unsigned long long>(header.start_ns) & 0xffffffff,
                static_cast<unsigned>(getpid()));
  return arena;
}

std::vector<report::TestRecord> ReadResults(const internal::ResultLog& log) {
  std::vector<report::TestRecord> records;
  std::map<std::string, std::size_t> index;
  std::string_view rest = log.lines();
  for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos;
       rest.remove_prefix(end + 1)) {
    auto record = report::TestFromJsonLine(rest.substr(0, end));
    if (!record) continue;
    const auto [it, fresh] = index.try_emplace(record->name, records.size());
    if (fresh) {
      records.push_back(std::move(*record));
    } else if (record->attempts > 1) {
      records[it->second] = std::move(*record);  // the summary of all attempts
    } else {
      internal::MergeAttempt(records[it->second], std::move(*record));
    }
  }
  return records;
}

volatile sig_atomic_t g_forward_to = 0;
void ForwardStop(int) {
  if (g_forward_to > 0) kill(static_cast<pid_t>(g_forward_to), SIGTERM);
}

// Waits for the scheduler. A signal that asks to stop is passed on: the scheduler ends the run in
// good order, and the caller writes the report of what was measured.
int AwaitScheduler(pid_t scheduler) {
  constexpr int kStops[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction forward {
  }, old[3];
  forward.sa_handler = ForwardStop;
  g_forward_to = scheduler;
  for (int i = 0; i < 3; ++i) sigaction(kStops[i], &forward, &old[i]);
  int status = 0;
  while (waitpid(scheduler, &status, 0) < 0 && errno == EINTR) {
  }
  for (int i = 0; i < 3; ++i) sigaction(kStops[i], &old[i], nullptr);
  g_forward_to = 0;
  return status;
}

void SweepEverything(Arena& arena) {
  const pid_t child = fork();
  if (child == 0) {
    TidyTestProcess();
    alarm(10);
    for (int i = 0; i < arena.header().slots; ++i) SweepNames(arena.slot(i));
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
}

[[noreturn]] void RunScheduler(const RunnerOptions& options, std::vector<TestEntry> tests,
                               Arena& arena, ResultFile& file, const ResultCallback& on_result,
                               pid_t parent) {
  os::DieWithParent(SIGTERM);
  os::AdoptOrphans();
  internal::InstallStopHandlers();
  if (getppid() != parent) _exit(1);
  Scheduler scheduler(options, std::move(tests), arena, file, on_result);
  const int status = scheduler.Run();
  if (getppid() != parent) {  // nobody else is left to tidy up
    std::error_code ignored;
    std::filesystem::remove_all(arena.header().scratch_root, ignored);
  }
  std::fflush(nullptr);
  _exit(file.problem().empty() ? status : 2);
}

// --no-isolation: for debuggers. One after the other in this process; what a test breaks stays
// broken.
std::vector<report::TestRecord> RunInProcess(const RunnerOptions& options,
                                             const std::vector<TestEntry>& tests, Arena& arena,
                                             ResultFile& file, const ResultCallback& on_result) {
  std::vector<report::TestRecord> records;
  Progress progress;
  progress.total = static_cast<int>(tests.size());
  internal::Gate gate(options, arena);
  for (const TestEntry& test : tests) {
    if (auto refused = gate.Refuse(test)) {
      ++progress.done;
      file.Append(*refused);
      if (on_result) on_result(*refused, progress);
      records.push_back(std::move(*refused));
      continue;
    }
    TidyTestProcess();
    Slot& slot = arena.slot(0);
    slot.Reset();
    slot.seed = HashSeed(options.seed, test.name);
    const std::int64_t start = NowNs();
    internal::RunTestBody(slot, test);
    SetCurrentSlot(nullptr);
    report::TestRecord record = internal::Judge(slot, test, {});
    if (options.inspect) options.inspect(slot, test, record);
    record.start_ns = start - arena.header().start_ns;
    record.duration_ns = NowNs() - start;
    ++progress.done;
    const bool red = internal::IsRedOrUnresolved(record.verdict);
    const bool known = red && options.expected && options.expected(record);
    progress.red += red;
    progress.known += known;
    const bool stops = red && !known && options.until_fail;
    file.Append(record);
    if (on_result) on_result(record, progress);
    records.push_back(std::move(record));
    if (stops) break;
  }
  return records;
}

}  // namespace

RunnerOutcome RunTests(const RunnerOptions& options, const ResultCallback& on_result) {
  RunnerOutcome outcome;
  std::unique_ptr<Arena> arena = NewArena(options);
  SetCurrentRun(&arena->header());
  ScratchRoot scratch(arena->header());
  internal::PrepareGoogleTest();
  SetTimeScale(options.time_scale > 0 ? options.time_scale : MeasureTimeScale());
  outcome.time_scale = TimeScale();
  SelfTestProbe(arena->header());
  const auto mode = static_cast<ProbeMode>(arena->header().probe_mode.load());
  outcome.probe = ToString(mode);
  outcome.probe_downgraded = mode != ProbeMode::kSyscall;
  if (*arena->header().probe_why)
    outcome.probe += " (" + std::string(arena->header().probe_why) + ")";
  std::vector<TestEntry> tests = SelectTests(options);
  std::string preface = options.results_header.empty() ? "" : options.results_header + "\n";
  for (const report::TestRecord& record : options.done) {
    std::erase_if(tests, [&](const TestEntry& test) { return test.name == record.name; });
    preface += report::ToJsonLine(record) + "\n";
  }

  const std::string& path = options.results_path;
  internal::ResultLog log(tests.size());
  ResultFile file(path, path.empty() ? "" : preface, log);
  if (!options.isolation) {
    outcome.tests = RunInProcess(options, tests, *arena, file, on_result);
  } else {
    std::fflush(nullptr);
    const pid_t parent = getpid();
    const pid_t scheduler = fork();
    if (scheduler < 0)
      throw std::system_error(errno, std::generic_category(), "can't start a process");
    if (scheduler == 0) RunScheduler(options, std::move(tests), *arena, file, on_result, parent);
    const int status = AwaitScheduler(scheduler);
    if (WIFSIGNALED(status)) {
      outcome.interrupted = "the scheduler was killed by " + SignalName(WTERMSIG(status));
    } else if (WEXITSTATUS(status) == 2) {
      outcome.interrupted = "results could not be written to " + path +
                            ": free some space, or name another place with --out";
    } else if (WEXITSTATUS(status) != 0) {
      outcome.interrupted = "interrupted by a signal";
    }
    if (!outcome.interrupted.empty()) SweepEverything(*arena);
    outcome.tests = ReadResults(log);
    if (log.lost() > 0 && outcome.interrupted.empty()) {
      outcome.interrupted = std::to_string(log.lost()) + " results did not fit into memory" +
                            (path.empty() ? "" : ": `ipcsuite report " + path + "` has them");
    }
  }
  outcome.tests.insert(outcome.tests.begin(), options.done.begin(), options.done.end());
  outcome.duration_ns = NowNs() - arena->header().start_ns;
  SetCurrentRun(nullptr);
  return outcome;
}

}  // namespace ipcsuite
