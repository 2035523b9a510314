#include "stress/campaign/stress.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>

#include "base/args.h"
#include "base/files.h"
#include "base/text.h"
#include "reports/environment/environment.h"
#include "reports/formats/report.h"
#include "reports/verdicts/catalogue.h"
#include "reports/verdicts/judge.h"
#include "stress/campaign/options.h"
#include "stress/campaign/plots.h"
#include "stress/campaign/report.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

int List() {
  for (const WorkloadInfo* const row : AllRows<WorkloadInfo>()) {
    const WorkloadInfo& info = *row;
    std::printf("%-16s %s\n", info.name, info.title);
    std::printf("  %s\n", info.explain);
    std::printf(
        "  sizes %zu to %zu bytes (default %zu); counts %s; %s%s\n", info.size_min, info.size_max,
        info.size_default, info.unit, info.has_raw ? "beside a raw loop" : "without a raw loop",
        info.kill_producer_upto + info.kill_consumer_upto != 0 ? "; killed by --nemesis kill" : "");
    std::printf("  clauses:");
    for (const ClauseRef clause : info.clauses) std::printf(" %s", std::string(clause.id).c_str());
    std::printf("\n\n");
  }
  std::printf("Topologies: none (not pinned), same-core, smt, cache, socket, spread, all.\n");
  std::printf("Nemeses:\n");
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>())
    std::printf("  %-10s %s\n", nemesis->name, nemesis->help);
  return 0;
}

// Live progress: one line that is rewritten on a terminal, one line every 5 s otherwise.
class Live {
 public:
  Live() : tty_(IsTerminal(STDERR_FILENO)) {}
  void operator()(const Progress& p) {
    if (!tty_ && p.elapsed_s - last_s_ < 5) return;
    last_s_ = p.elapsed_s;
    const double rate = p.slice_s > 0 ? static_cast<double>(p.messages) / p.slice_s : 0;
    char line[256];
    std::snprintf(line, sizeof line, "%s, %s: %.0f/s; %llu accounted for, %s; %.0f s left",
                  p.cell.c_str(), p.part.c_str(), rate,
                  static_cast<unsigned long long>(p.messages_all),
                  Counted(static_cast<std::int64_t>(p.findings), "finding").c_str(), p.left_s);
    std::fprintf(stderr, tty_ ? "\r\033[K%.*s" : "%.*s\n", 200, line);
    std::fflush(stderr);
  }
  void Clear() const {
    if (tty_) std::fputs("\r\033[K", stderr);
  }

 private:
  const bool tty_;
  double last_s_ = -5;
};

std::vector<report::ClauseRecord> ClaimedClauses(const std::vector<report::TestRecord>& tests) {
  std::set<std::string> claimed;
  for (const report::TestRecord& test : tests)
    claimed.insert(test.clauses.begin(), test.clauses.end());
  std::vector<report::ClauseRecord> clauses;
  for (report::ClauseRecord& clause : report::CatalogueClauses()) {
    if (claimed.count(clause.id) != 0) clauses.push_back(std::move(clause));
  }
  return clauses;
}

int Write(const StressOptions& options, const CampaignResult& result, const report::Run& run) {
  const auto written = report::WriteReports(run, options.formats, options.out);
  int status = written ? 0 : Complain(written.error());
  for (const Cell& cell : result.cells) {
    if (cell.latency.total() == 0) continue;
    std::string name = cell.name;
    std::replace(name.begin(), name.end(), '/', '_');
    const auto text = WriteFile(options.out + "/" + name + ".hgrm", cell.latency.ToHgrm(1000));
    if (!text) status = Complain(text.error());
  }
  if (status == 0) std::printf("Reports: %s\n", options.out.c_str());
  return status;
}

void SayScaling(const CampaignResult& result) {
  for (const ScalingCurve& curve : result.curves) {
    std::printf("scaling  %-16s %s:", curve.operation.c_str(),
                curve.shared_object ? "one object " : "own objects");
    for (std::size_t i = 0; i < curve.points.size(); ++i) {
      std::printf(" %s %s;", curve.where[i].c_str(),
                  RateText(MakeSpread(curve.points[i].samples)).c_str());
    }
    if (curve.fit) {
      std::printf(" sigma %.4f (%.4f to %.4f), kappa %.6f (%.6f to %.6f)\n", curve.fit->sigma.value,
                  curve.fit->sigma.low, curve.fit->sigma.high, curve.fit->kappa.value,
                  curve.fit->kappa.low, curve.fit->kappa.high);
    } else {
      std::printf(" %.2f times (too few points for a fit)\n", curve.ratio);
    }
  }
}

std::string PrepareOut(const StressOptions& options) {
  if (options.out.empty()) return "";
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error)
    return "can't make " + options.out + ": " + error.message() +
           "; name a writable place with --out";
  if (access(options.out.c_str(), W_OK) != 0) {
    return "can't write to " + options.out + ": name a writable place with --out";
  }
  return "";
}

}  // namespace

int StressMain(int argc, char** argv) {
  StressOptions options;
  if (const int status = ParseStressOptions(argc, argv, &options); status >= 0) return status;
  if (options.list) return List();
  if (const std::string error = PrepareOut(options); !error.empty()) return Complain(error);
  const auto judge = report::Judge::Load(options.judging);
  if (!judge) return Complain(judge.error());
  report::Run run;
  run.label = report::HostName();
  run.started = report::UtcNow();
  run.command_line = "ipcsuite stress";
  for (int i = 0; i < argc; ++i) run.command_line += std::string(" ") + argv[i];
  run.seed = options.campaign.seed;
  run.environment = report::CollectEnvironment("");
  std::printf("ipcsuite stress: seed %llu, %s\n",
              static_cast<unsigned long long>(options.campaign.seed),
              ThisMachine().Describe().c_str());
  std::fflush(stdout);
  Live live;
  CampaignResult result;
  try {
    result = RunCampaign(
        options.campaign, [&](const Progress& p) { live(p); },
        [&](const Cell& cell) {
          live.Clear();
          run.tests.push_back(RecordOf(cell, options.campaign.seed));
          const report::TestRecord& record = run.tests.back();
          const bool known = judge->Expects(record, run.environment);
          std::printf("%s\n", LineOf(cell, known).c_str());
          report::TestRecord shown = record;
          if (known) shown.verdict = report::Verdict::kXfail;
          if (!shown.failures.empty())
            std::printf("%s\n", report::TextFinding(shown, {}, false).c_str());
          std::fflush(stdout);
        });
  } catch (const std::bad_alloc&) {
    return Complain("no memory for the shared state (limits: RLIMIT_AS, cgroup memory)");
  }
  live.Clear();
  SayScaling(result);
  if (options.campaign.commute) std::fputs(CommuteText(result.commute).c_str(), stdout);
  run.interrupted = result.interrupted.empty() ? "" : "interrupted by a signal";
  run.duration_ns = static_cast<std::int64_t>(result.seconds * 1e9);
  run.stress_json = DocumentOf(result);
  auto clauses = ClaimedClauses(run.tests);
  run = judge->Apply(std::move(run), std::move(clauses));
  int status = judge->ExitStatus(run);
  if (result.left_behind != 0)
    std::printf("removed %s left behind\n", Counted(result.left_behind, "name").c_str());
  if (options.campaign.workloads.empty()) {
    // Only calls that commute were asked for, which judge nothing.
    status = run.interrupted.empty() && result.commute.note.empty() ? 0 : 3;
  } else {
    std::printf("%s\n", run.summary.sentence.c_str());
  }
  if (!options.out.empty()) status = std::max(status, Write(options, result, run));
  return status;
}

}  // namespace ipcsuite::stress
