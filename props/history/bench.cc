// Times of the checker on random right histories, and how many it decides.
//
//   bazel run -c opt //props/history:bench -- [--histories N] [--steps N]
//
// With --long N also a history of 64 processes with N operations each, in windows (windows.h): its
// parts are right histories that empty the queue, one after the other; and the same with one fault
// planted near the end, which must be found.
//
// Processor time, so that a busy machine changes little; the median of the histories of a row. All
// histories are right, so each that is not found valid is undecided: exit status 1.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "base/args.h"
#include "base/clock.h"
#include "props/history/check.h"
#include "props/history/generate.h"
#include "props/history/windows.h"

namespace ipcsuite::props {
namespace {

struct BenchRow {
  const char* object = "queue";
  std::size_t processes = 8, ops_per_process = 1000;
  std::uint64_t room = 10;  // queue: mq_maxmsg
  std::uint32_t priorities = 4;
  double kills = 0;
};

const BenchRow kRows[] = {
    {},
    {.processes = 16},
    {.processes = 24},
    {.processes = 32, .ops_per_process = 500},
    {.processes = 64},
    {.processes = 64, .room = 1},
    {.processes = 64, .room = 200},
    {.processes = 16, .ops_per_process = 5000, .room = 200},
    {.processes = 64, .priorities = 1},
    {.processes = 64, .priorities = 32'768},
    {.processes = 64, .kills = 0.0001},
    {.processes = 64, .ops_per_process = 10'000},
    {.object = "pipe"},
    {.object = "pipe", .processes = 64},
};

double CpuMs() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// Whether all were decided.
bool Measure(const BenchRow& row, int histories, const CheckOptions& check) {
  std::vector<double> ms;
  std::size_t ops = 0;
  int decided = 0;
  for (int i = 1; i <= histories; ++i) {
    GenerateOptions options;
    options.seed = static_cast<std::uint64_t>(i);
    options.processes = row.processes;
    options.ops_per_process = row.ops_per_process;
    options.max_messages = row.room;
    options.priorities = row.priorities;
    options.kills = row.kills;
    const bool pipe = std::string_view(row.object) == "pipe";
    const History history = pipe ? GeneratePipeHistory(options) : GenerateQueueHistory(options);
    ops += history.ops.size();
    const double from = CpuMs();
    decided += CheckHistory(history, check).verdict == HistoryVerdict::kValid;
    ms.push_back(CpuMs() - from);
  }
  std::sort(ms.begin(), ms.end());
  const double mean_ops = static_cast<double>(ops) / histories;
  const double median = ms[ms.size() / 2];
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%-6s %5zu x %-6zu %6llu %6u %8.4f  %3d of %-3d %9.1f %9.1f %8.0f %6ld\n", row.object,
              row.processes, row.ops_per_process, static_cast<unsigned long long>(row.room),
              row.priorities, row.kills, decided, histories, median, ms.back(),
              median * 1e6 / mean_ops, usage.ru_maxrss / 1024);
  std::fflush(stdout);
  return decided == histories;
}

double WallMs() { return static_cast<double>(NowNs()) / 1e6; }

// A right history that goes on for long, made of a few that are repeated.
class LongHistory {
 public:
  LongHistory() {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      GenerateOptions options;
      options.seed = seed;
      options.processes = 64;
      options.ops_per_process = 1000;
      parts_.push_back(GenerateQueueHistory(options));
      for (const Op& op : parts_.back().ops) {
        tickets_ = std::max({tickets_, op.invoke, op.ret});
        values_ = std::max(values_, op.value);
      }
    }
    spoilt_ = Mutate(parts_[0], Mutation::kPrioritySwap, 1).value();
  }
  const HistoryModel& model() const { return parts_[0].model; }
  // With `spoil` two receives near the end exchange what they got.
  CheckResult Check(std::uint64_t ops_per_process, bool spoil, std::size_t& largest) const {
    WindowedCheck check(model(), {});
    const std::uint64_t repeats = std::max<std::uint64_t>(1, ops_per_process / 1000);
    for (std::uint64_t i = 0; i < repeats; ++i) {
      const bool wrong = spoil && i + 1 == repeats;
      for (Op op : wrong ? spoilt_.ops : parts_[i % parts_.size()].ops) {
        op.invoke += i * tickets_;
        op.ret += i * tickets_;
        op.value += i * values_;
        check.Add(op);
      }
    }
    const CheckResult result = check.Finish();
    largest = check.largest();
    return result;
  }

 private:
  std::vector<History> parts_;
  History spoilt_;
  std::uint64_t tickets_ = 0, values_ = 0;
};

bool MeasureLong(std::uint64_t ops_per_process) {
  const LongHistory history;
  bool well = true;
  for (const bool spoil : {false, true}) {
    const double cpu = CpuMs(), wall = WallMs();
    std::size_t largest = 0;
    const CheckResult result = history.Check(ops_per_process, spoil, largest);
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "64 x %llu%s: %s %s; %zu operations, %zu windows of at most %zu; %.1f s, %.1f s of "
        "processor time, %ld MiB\n",
        static_cast<unsigned long long>(ops_per_process), spoil ? ", one fault" : "",
        std::string(Name(result.verdict)).c_str(), result.reason.c_str(), result.ops,
        result.windows, largest, (WallMs() - wall) / 1e3, (CpuMs() - cpu) / 1e3,
        usage.ru_maxrss / 1024);
    std::fflush(stdout);
    well = well && result.verdict == (spoil ? HistoryVerdict::kInvalid : HistoryVerdict::kValid);
  }
  return well;
}

int Main(int argc, char** argv) {
  int histories = 5;
  std::uint64_t ops_per_process = 0;
  CheckOptions check;
  CLI::App app("Times the history checker.", "bench");
  app.add_option("--histories", histories, "Histories of each row")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--long", ops_per_process,
                 "Only a history of 64 processes with so many operations each, in windows");
  app.add_option("--steps", check.max_steps, "Budget of the search")->capture_default_str();
  if (const int status = ParseArguments(app, argc - 1, argv + 1); status >= 0) return status;
  if (ops_per_process > 0) return MeasureLong(ops_per_process) ? 0 : 1;
  std::printf("%-6s %5s   %-6s %6s %6s %8s  %10s %9s %9s %8s %6s\n", "object", "procs", "ops",
              "room", "prios", "kills", "decided", "median ms", "max ms", "ns/op", "MiB");
  bool all = true;
  for (const BenchRow& row : kRows) all = Measure(row, histories, check) && all;
  return all ? 0 : 1;
}

}  // namespace
}  // namespace ipcsuite::props

int main(int argc, char** argv) { return ipcsuite::props::Main(argc, argv); }
