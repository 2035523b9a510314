// The figures that the stress part promises, measured in one run: pairs and medians, targets
// beside.
//
//   bazel run -c opt //stress:bench -- [SECONDS-PER-SLICE] [PAIRS] [SECTION...]
//
// Sections: raw (checked against raw), order (the same with several producers and consumers, whose
// order is decided), usual-policy (raw with wake-up preemption), ring, round-trip, semaphores,
// stress-ng, speeds, crowds; all of them by default.
//
// Exit status 0 when all targets are met, 1 when not. A machine that is busy otherwise misses them:
// the steal and the load are printed with the figures.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/args.h"
#include "base/os/os.h"
#include "base/text.h"
#include "stress/campaign/campaign.h"
#include "stress/campaign/report.h"

namespace ipcsuite::stress {
namespace {

int g_missed = 0;
nanoseconds g_slice = 300ms;
int g_pairs = 9;

void Row(const std::string& figure, double measured, double target, const std::string& note,
         bool at_most = false) {
  const bool met = at_most ? measured <= target : measured >= target;
  if (!met) ++g_missed;
  std::printf("%-44s %10.3f  %s %8.3f  %s  %s\n", figure.c_str(), measured,
              at_most ? "<=" : ">=", target, met ? "met   " : "MISSED", note.c_str());
  std::fflush(stdout);
}

Cell RunOne(const char* workload, std::size_t size, Placement placement, Policy policy,
            int producers = 0, int consumers = 0, int pairs = 0, int priorities = 1) {
  Options options;
  options.workloads = {FindRow<WorkloadInfo>(workload)};
  options.sizes = {size};
  options.placements = {placement};
  options.policy = policy;
  options.pairs = pairs > 0 ? pairs : g_pairs;
  options.producers = producers;
  options.consumers = consumers;
  options.priorities = priorities;
  options.seed = 1;
  options.time = g_slice * options.pairs * 3;
  CampaignResult result = RunCampaign(
      options, [](const Progress&) {}, [](const Cell&) {});
  if (result.cells.empty() || result.failed()) {
    std::printf("%s: FINDING\n%s\n", workload,
                result.cells.empty() ? "interrupted" : LineOf(result.cells[0]).c_str());
    std::exit(1);
  }
  return std::move(result.cells.front());
}

std::string Note(const Cell& cell) {
  double low = 10, high = 0;
  for (std::size_t i = 0; i < std::min(cell.raw.samples.size(), cell.checked.samples.size()); ++i) {
    const double ratio = cell.checked.samples[i] / cell.raw.samples[i];
    low = std::min(low, ratio);
    high = std::max(high, ratio);
  }
  // Processor time of both processes for each message: less moved by a busy machine than the rate.
  // How often they changed places tells whether both ran in the same regime.
  std::vector<double> cpu[3], switches[3];
  for (const SliceResult& slice : cell.slices) {
    const auto mode = static_cast<std::size_t>(slice.mode);
    cpu[mode].push_back(slice.usage.cpu_ns_per_message);
    switches[mode].push_back(slice.usage.voluntary_per_message +
                             slice.usage.involuntary_per_message);
  }
  char text[400];
  std::snprintf(text, sizeof text,
                "raw %s, checked %s, pairs %.2f to %.2f; CPU/message %.0f, %.0f, %.0f ns, "
                "switches/message %.3f, %.3f, %.3f (raw, checked, timed); %s",
                RateText(cell.raw).c_str(), RateText(cell.checked).c_str(), low, high,
                Median(cpu[0]), Median(cpu[1]), Median(cpu[2]), Median(switches[0]),
                Median(switches[1]), Median(switches[2]),
                cell.regimes.empty() ? "" : cell.regimes.front().c_str());
  return text;
}

// Under the usual policy the two loops switch at different rates (see Policy): shown beside,
// without being counted as missed.
void CheckedAgainstRaw(bool usual_policy) {
  const std::string policy = usual_policy ? ", usual policy" : "";
  std::printf("-- checked against raw, both processes on one core%s\n",
              usual_policy ? ", usual policy (for comparison, not counted)" : ", SCHED_BATCH");
  const int missed_before = g_missed;
  for (const char* workload : {"pipe", "fifo", "mq"}) {
    const bool queue = std::string(workload) == "mq";
    for (const std::size_t size : {8, 64, 512, 4096, 16384, 65536}) {
      if (queue && size > 8192) continue;
      const Cell cell = RunOne(workload, size, Placement::kSameCore,
                               usual_policy ? Policy::kOther : Policy::kAuto, 1, 1);
      const std::string name = std::string(workload) + " " + std::to_string(size) + " B" + policy;
      Row(name + ", checked / raw", cell.checked_of_raw, size <= 512 ? 0.90 : 0.85, Note(cell));
      Row(name + ", with latency / raw", cell.timed_of_raw, 0.82, "");
    }
  }
  if (usual_policy) g_missed = missed_before;
}

void Order() {
  std::printf("-- order decided, checked against raw, all processes on one core, SCHED_BATCH\n");
  const struct {
    const char* workload;
    int each, priorities;
  } cases[] = {{"mq", 1, 1}, {"mq", 2, 1}, {"mq", 2, 4}, {"pipe", 1, 1}, {"pipe-readers", 2, 1}};
  for (const auto& c : cases) {
    const Cell cell = RunOne(c.workload, 64, Placement::kSameCore, Policy::kAuto, c.each, c.each, 0,
                             c.priorities);
    const std::string each = std::to_string(c.each);
    Row(std::string(c.workload) + " " + each + " x " + each + ", " +
            Counted(c.priorities, "priority", "priorities") + ", checked / raw",
        cell.checked_of_raw, 0.85, Note(cell));
  }
}

void Rings() {
  std::printf("-- ring in shared memory, two cores\n");
  for (const std::size_t size : {64, 4096}) {
    const Cell cell = RunOne("ring", size, Placement::kSpread, Policy::kAuto);
    Row("ring " + std::to_string(size) + " B, checked / raw", cell.checked_of_raw,
        size == 64 ? 0.65 : 0.72, Note(cell));
  }
}

// Output of a command; empty when it can't be run.
std::string Output(const std::string& command) {
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "";
  std::string out;
  char buffer[4096];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  return pclose(pipe) == 0 ? out : "";
}

void RoundTrip() {
  std::printf("-- round trip over pipes on one core, beside `perf bench sched pipe`\n");
  std::vector<double> ours, theirs;
  for (int i = 0; i < 5; ++i) {
    const Cell cell = RunOne("pingpong-pipe", 8, Placement::kSameCore, Policy::kAuto, 1, 1, 1);
    ours.push_back(static_cast<double>(cell.latency.Percentile(50)) / 1e3);
    const std::string cpu = std::to_string(cell.cpus.front());
    const std::string out = Output("taskset -c " + cpu + " perf bench sched pipe -l 200000");
    const std::size_t at = out.find("usecs/op");
    if (at == std::string::npos) continue;
    const std::size_t line = out.rfind('\n', at);
    theirs.push_back(std::atof(out.c_str() + line + 1));
  }
  if (theirs.empty()) {
    std::printf("perf is not here: p50 %.2f us\n", Median(ours));
    return;
  }
  char note[128];
  std::snprintf(note, sizeof note, "p50 %.2f us, perf %.2f us per operation", Median(ours),
                Median(theirs));
  Row("round trip, p50 / perf bench", Median(ours) / Median(theirs), 1.05, note, true);
}

// Bogo operations per second of real time of one stressor, verified.
double StressNg(const std::string& stressor) {
  const std::string out = Output("stress-ng --taskset 0 --verify --metrics-brief -t 2 " + stressor);
  // stress-ng: metrc: [pid] pipe  ops  real  usr  sys  ops/s-real  ops/s-cpu
  const std::size_t dash = stressor.find("--") + 2;
  const std::string name = stressor.substr(dash, stressor.find(' ', dash) - dash);
  for (std::size_t at = 0; (at = out.find("] " + name + " ", at)) != std::string::npos; ++at) {
    double ops, real, user, system, rate;
    if (std::sscanf(out.c_str() + at + 2 + name.size(), "%lf %lf %lf %lf %lf", &ops, &real, &user,
                    &system, &rate) == 5) {
      return rate;
    }
  }
  return 0;
}

void BesideStressNg() {
  std::printf("-- beside stress-ng --verify on one core (medians of 5, in turn)\n");
  struct Case {
    const char* workload;
    std::size_t size;
    const char* stressor;
    double target;
  };
  for (const Case& c :
       {Case{"mq", 64, "--mq 1", 2.5}, Case{"pipe", 64, "--pipe 1 --pipe-data-size 64", 2.2},
        Case{"pipe", 512, "--pipe 1 --pipe-data-size 512", 1.8},
        Case{"pipe", 4096, "--pipe 1 --pipe-data-size 4096", 1.0}}) {
    std::vector<double> ours, theirs;
    for (int i = 0; i < 5; ++i) {
      ours.push_back(
          RunOne(c.workload, c.size, Placement::kSameCore, Policy::kAuto, 1, 1, 2).checked.median);
      if (const double rate = StressNg(c.stressor); rate > 0) theirs.push_back(rate);
    }
    if (theirs.empty()) {
      std::printf("stress-ng is not here\n");
      return;
    }
    char note[128];
    std::snprintf(note, sizeof note, "ours %.0f/s, stress-ng %.0f/s", Median(ours), Median(theirs));
    Row(std::string(c.workload) + " " + std::to_string(c.size) + " B, verified, ours / stress-ng",
        Median(ours) / Median(theirs), c.target, note);
  }
}

// Semaphores against their own raw loop; beside what other programs say of them.
void Semaphores() {
  std::printf("-- semaphores, checked against raw, all processes on one core\n");
  for (const char* workload : {"sem", "sem-pingpong", "sem-mutex", "sem-churn"}) {
    const Cell cell = RunOne(workload, 64, Placement::kSameCore, Policy::kAuto);
    Row(std::string(workload) + ", checked / raw", cell.checked_of_raw, 0.90, Note(cell));
    if (cell.latency.total() == 0) continue;
    std::printf("   round trip: p50 %.2f us, p99 %.2f us\n",
                static_cast<double>(cell.latency.Percentile(50)) / 1e3,
                static_cast<double>(cell.latency.Percentile(99)) / 1e3);
  }
  if (const double rate = StressNg("--sem 1"); rate > 0)
    std::printf("   beside: stress-ng --sem 1 on one core: %.0f operations/s\n", rate);
  const std::string futex = Output("taskset -c 0 perf bench futex wake -t 2 -w 1");
  for (std::size_t at = 0, end; at < futex.size(); at = end + 1) {
    end = std::min(futex.find('\n', at), futex.size());
    const std::string line = futex.substr(at, end - at);
    if (line.rfind("Wokeup", 0) == 0)
      std::printf("   beside: perf bench futex wake on one core: %s\n", line.c_str());
  }
}

void Speeds() {
  std::printf("-- speeds\n");
  Row("kills per second at 4096 B",
      RunOne("kill-write", 4096, Placement::kSpread, Policy::kAuto).checked.median, 2000, "");
  const Cell large = RunOne("kill-write", 16384, Placement::kSpread, Policy::kAuto);
  for (const auto& [key, value] : large.slices.back().facts)
    std::printf("   16384 B: %s: %s\n", key.c_str(), value.c_str());
  for (const char* test : {"litmus-mp", "litmus-sb", "litmus-sb-fence"}) {
    const Cell cell = RunOne(test, 8, Placement::kSpread, Policy::kAuto);
    Row(std::string(test) + ", outcomes per second / 1e6", cell.checked.median / 1e6, 3,
        cell.reason);
    for (const auto& [key, value] : cell.slices.back().facts)
      std::printf("   %s: %s\n", key.c_str(), value.c_str());
  }
}

void Crowds() {
  std::printf("-- crowds\n");
  const Cell many = RunOne("pipe", 64, Placement::kSpread, Policy::kAuto, 32, 32, 3);
  std::uint64_t memory = 0;
  double fairness = 0;
  for (const SliceResult& slice : many.slices) memory = std::max(memory, slice.memory_bytes);
  for (const SliceResult& slice : many.slices)
    fairness += slice.fairness / static_cast<double>(many.slices.size());
  Row("memory of 64 processes, MiB", static_cast<double>(memory) / 1048576, 128, LineOf(many),
      true);
  std::printf("   fairness (Jain) %.3f\n", fairness);
  const Cell over = RunOne("mq", 64, Placement::kSpread, Policy::kAuto, os::AllowedCpuCount() * 5,
                           os::AllowedCpuCount() * 5, 3);
  std::printf("   10 x oversubscribed: %s\n", LineOf(over).c_str());
}

int Main(int argc, char** argv) {
  CLI::App app("Measures the promised figures.", "bench");
  std::vector<std::string> chosen;
  AddDuration(app, "--slice", g_slice, "Duration of each slice; default: 300ms");
  app.add_option("--pairs", g_pairs, "Pairs of slices")->check(CLI::Range(1, 1000));
  app.add_option("sections", chosen, "raw, usual-policy, ring, ...; default: all");
  if (const int status = ParseArguments(app, argc - 1, argv + 1); status >= 0) return status;
  double load[3] = {};
  if (getloadavg(load, 3) < 1) load[0] = -1;
  std::printf("%s; load %.2f; %d pairs of %s\n", ThisMachine().Describe().c_str(), load[0], g_pairs,
              DurationText(g_slice).c_str());
  const struct {
    const char* name;
    void (*run)();
  } sections[] = {{"raw", [] { CheckedAgainstRaw(false); }},
                  {"order", Order},
                  {"usual-policy", [] { CheckedAgainstRaw(true); }},
                  {"ring", Rings},
                  {"round-trip", RoundTrip},
                  {"semaphores", Semaphores},
                  {"stress-ng", BesideStressNg},
                  {"speeds", Speeds},
                  {"crowds", Crowds}};
  for (const auto& section : sections) {
    const bool wanted = std::find(chosen.begin(), chosen.end(), section.name) != chosen.end();
    if (chosen.empty() || wanted) section.run();
  }
  std::printf("%d targets missed\n", g_missed);
  return g_missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ipcsuite::stress

int main(int argc, char** argv) { return ipcsuite::stress::Main(argc, argv); }
