// The engine on this machine: planted violations are caught, each nemesis leaves its evidence, and
// nothing is left behind whatever ends a run.
#include <mqueue.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "stress/campaign/campaign.h"
#include "stress/traffic/transport_pipe.h"

namespace ipcsuite::stress {
namespace {

enum class Fault { kNone, kDrop, kDouble, kSwap, kTear, kForeign, kShort, kTruncate };
Fault g_fault = Fault::kNone;

// A pipe whose write end misbehaves once, in the tenth message.
struct FaultyTransport : PipeTransport {
  static constexpr StreamClauses kClauses = kPipeClauses;
  int calls = 0;
  std::vector<unsigned char> held;

  template <Mode M>
  ssize_t Send(Worker& w, const unsigned char* bytes, std::size_t size, unsigned) {
    ++calls;
    if (g_fault == Fault::kSwap && calls == 10) {
      held.assign(bytes, bytes + size);
      return static_cast<ssize_t>(size);
    }
    if (calls != 10 || M == Mode::kRaw) {
      const ssize_t n = PipeTransport::Send<M>(w, bytes, size, 0);
      if (g_fault == Fault::kSwap && calls == 11) PipeTransport::Send<M>(w, held.data(), size, 0);
      return n;
    }
    std::vector<unsigned char> copy(bytes, bytes + size);
    switch (g_fault) {
      case Fault::kDrop: return static_cast<ssize_t>(size);
      case Fault::kDouble: PipeTransport::Send<M>(w, bytes, size, 0); break;
      case Fault::kTear: copy[size / 2] ^= 1; break;
      case Fault::kForeign: StoreWord(copy.data(), Stamp{3, 55, 0}.Pack()); break;
      case Fault::kShort: return static_cast<ssize_t>(size) - 1;
      case Fault::kTruncate:
        if (write(write_fd, bytes, size / 2) < 0) return -1;
        return static_cast<ssize_t>(size);
      default: break;
    }
    return PipeTransport::Send<M>(w, copy.data(), size, 0);
  }
};

class FaultyPipe : public Workload {
 public:
  ~FaultyPipe() override { Teardown(); }
  std::string Setup(const RunSpec&, Registry&, SharedRegion&) override {
    return pipe(fds_) == 0 ? "" : "pipe failed";
  }
  void Run(Worker& w) override {
    const bool produce = w.role == Role::kProducer;
    close(fds_[produce ? 0 : 1]);
    FaultyTransport transport;
    transport.read_fd = fds_[0];
    transport.write_fd = fds_[1];
    RunStream(w, transport);
  }
  void ProducersDone(const Shared&) override {
    close(fds_[1]);
    fds_[1] = -1;
  }
  void Teardown() override {
    for (int& fd : fds_) {
      if (fd >= 0) close(fd);
      fd = -1;
    }
  }

 private:
  int fds_[2] = {-1, -1};
};

WorkloadInfo FaultyInfo() {
  WorkloadInfo info = *FindWorkload("pipe");
  info.make = []() -> std::unique_ptr<Workload> { return std::make_unique<FaultyPipe>(); };
  return info;
}

SliceResult RunOnce(Context& context, const WorkloadInfo& info, Mode mode, double seconds,
                    NemesisPlan nemesis = {}, bool restart = true, std::uint64_t ops = 0) {
  SliceOptions options;
  options.info = &info;
  options.spec.size_bytes = info.size_default;
  options.spec.producers = info.producers;
  options.spec.consumers = info.consumers;
  options.spec.priorities = std::min(4, info.max_priorities);
  options.spec.sample_every = std::max(1u, info.sample_every);
  options.spec.mode = mode;
  options.spec.ops = ops;
  options.spec.seed = context.seed;
  options.spec.kills = nemesis.kill;
  options.spec.eintr_expected = nemesis.signal && !restart;
  options.storm_restart = restart;
  options.nemesis = nemesis;
  for (int i = 0; i < options.spec.workers(); ++i) options.cpus.push_back(-1);
  options.warm_up_s = 0.01;
  options.measure_s = seconds;
  return RunSlice(context, options);
}

bool Has(const SliceResult& result, Kind kind) {
  for (const FindingRecord& finding : result.findings) {
    if (finding.kind == kind) return true;
  }
  return false;
}

std::string Text(const SliceResult& result) {
  std::string out = result.unsupported + result.unresolved;
  for (const FindingRecord& f : result.findings) out += f.clause + ": " + f.text + "\n";
  return out;
}

TEST(Planted, EachViolationOfAStreamIsCaught) {
  Context context(1);
  const WorkloadInfo info = FaultyInfo();
  const std::pair<Fault, Kind> kCases[] = {
      {Fault::kDrop, Kind::kLost},       {Fault::kDouble, Kind::kDuplicated},
      {Fault::kSwap, Kind::kReordered},  {Fault::kTear, Kind::kTorn},
      {Fault::kForeign, Kind::kThinAir}, {Fault::kShort, Kind::kPartialWrite},
      {Fault::kTruncate, Kind::kTorn},
  };
  for (const auto& [fault, kind] : kCases) {
    g_fault = fault;
    for (const Mode mode : {Mode::kChecked, Mode::kTimed}) {
      const SliceResult result = RunOnce(context, info, mode, 2, {}, true, 500);
      EXPECT_TRUE(Has(result, kind))
          << static_cast<int>(fault) << ": " << ToString(kind) << " expected\n"
          << Text(result);
      EXPECT_GT(result.findings_total, 0u);
    }
    EXPECT_EQ(RunOnce(context, info, Mode::kRaw, 0.02).findings_total, 0u);
  }
  g_fault = Fault::kNone;
  const SliceResult good = RunOnce(context, info, Mode::kChecked, 2, {}, true, 500);
  EXPECT_EQ(good.findings_total, 0u) << Text(good);
  EXPECT_EQ(good.audit.arrived, 500u);
}

TEST(Engine, EveryWorkloadRunsWithoutFindings) {
  Context context(2);
  for (const WorkloadInfo& info : AllWorkloads()) {
    for (const Mode mode : {Mode::kRaw, Mode::kChecked, Mode::kTimed}) {
      if (mode == Mode::kRaw && !info.has_raw) continue;
      if (mode == Mode::kTimed && info.sample_every == 0) continue;
      // On a busy machine a process may not get its turn within a slice: until all have worked.
      SliceResult result;
      for (int attempt = 0; attempt < 100; ++attempt) {
        result = RunOnce(context, info, mode, 0.05);
        const bool worked = result.messages_total > 0 && (mode == Mode::kRaw || result.checks > 0);
        if (worked || result.findings_total != 0 || !result.unsupported.empty()) break;
      }
      if (!result.unsupported.empty()) continue;
      EXPECT_EQ(result.findings_total, 0u) << info.name << "\n" << Text(result);
      EXPECT_EQ(result.unresolved, "") << info.name;
      EXPECT_GT(result.messages_total, 0u) << info.name;
      if (mode == Mode::kRaw) continue;
      EXPECT_GT(result.checks, 0u) << info.name;
      if (!info.uses_ledgers) continue;
      EXPECT_EQ(result.audit.arrived, result.audit.sent) << info.name;
    }
  }
  EXPECT_EQ(context.registry.Sweep(), 0) << "names were left behind";
}

TEST(Nemesis, KillsLandInCallsAndNothingElseIsLost) {
  Context context(3);
  for (const char* name : {"pipe", "mq", "ring", "pipe-writers", "mutex"}) {
    SliceResult result;
    for (int attempt = 0; attempt < 20; ++attempt) {  // on a busy machine nobody may get a turn
      result = RunOnce(context, *FindWorkload(name), Mode::kChecked, 0.5,
                       {true, false, false, false, false});
      if (result.findings_total != 0 || result.event_counts[0] != 0 || !result.unsupported.empty())
        break;
    }
    if (!result.unsupported.empty()) continue;
    EXPECT_EQ(result.findings_total, 0u) << name << "\n" << Text(result);
    EXPECT_GT(result.event_counts[static_cast<int>(NemesisKind::kKill)], 0u) << name;
    EXPECT_LE(result.kills_in_call, result.event_counts[static_cast<int>(NemesisKind::kKill)]);
    EXPECT_FALSE(result.events.empty());
    EXPECT_LE(result.audit.excused_producer + result.audit.excused_consumer,
              result.event_counts[static_cast<int>(NemesisKind::kKill)]);
  }
}

TEST(Nemesis, StoppedProcessesGoOn) {
  Context context(4);
  const SliceResult result = RunOnce(context, *FindWorkload("pipe"), Mode::kChecked, 0.5,
                                     {false, true, false, false, false});
  EXPECT_EQ(result.findings_total, 0u) << Text(result);
  EXPECT_GT(result.event_counts[static_cast<int>(NemesisKind::kStop)], 0u);
}

TEST(Nemesis, StormWithoutRestartGivesEintrAndWithRestartNone) {
  Context context(5);
  for (const char* name : {"pingpong-pipe", "pingpong-mq"}) {
    SliceResult plain;
    for (int attempt = 0; attempt < 20; ++attempt) {
      plain = RunOnce(context, *FindWorkload(name), Mode::kChecked, 0.5,
                      {false, false, true, false, false}, false);
      if (plain.findings_total != 0 || plain.eintr != 0 || !plain.unsupported.empty()) break;
    }
    if (!plain.unsupported.empty()) continue;
    EXPECT_EQ(plain.findings_total, 0u) << Text(plain);
    EXPECT_GT(plain.signals_caught, 0u);
    EXPECT_GT(plain.eintr, 0u) << name;
    const SliceResult restart = RunOnce(context, *FindWorkload(name), Mode::kChecked, 0.5,
                                        {false, false, true, false, false}, true);
    EXPECT_EQ(restart.findings_total, 0u) << Text(restart);
    EXPECT_EQ(restart.eintr, 0u) << name;
  }
}

TEST(Nemesis, AffinityAndExhaustionDisturbNobody) {
  Context context(6);
  const SliceResult result =
      RunOnce(context, *FindWorkload("mq"), Mode::kChecked, 0.5, {false, false, false, true, true});
  EXPECT_EQ(result.findings_total, 0u) << Text(result);
  if (context.allowed.size() > 1 && result.unsupported.empty()) {
    EXPECT_GT(result.event_counts[static_cast<int>(NemesisKind::kAffinity)], 0u);
  }
}

TEST(Engine, OpenLoopCountsFromTheIntendedStart) {
  Context context(7);
  SliceOptions options;
  options.info = FindWorkload("pipe");
  options.spec.mode = Mode::kTimed;
  options.spec.rate_per_s = 2000;
  options.spec.seed = 1;
  options.cpus = {-1, -1};
  options.measure_s = 0.5;
  // Half a second with both processes stopped now and then: late messages must look late.
  options.nemesis.stop = true;
  const SliceResult result = RunSlice(context, options);
  EXPECT_EQ(result.findings_total, 0u) << Text(result);
  ASSERT_NE(result.latency, nullptr);
  EXPECT_GT(result.latency->total(), 0u);
  EXPECT_GE(result.latency->max(), 500'000u) << "a stop of a millisecond and more must show";
}

TEST(Engine, JainAndRegimes) {
  EXPECT_DOUBLE_EQ(Jain({5, 5, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(Jain({4, 0, 0, 0}), 0.25);
  EXPECT_EQ(NameRegime({1, 1}, 0.5, 1000), "same core");
  EXPECT_EQ(NameRegime({0, 1}, 0.01, 300), "cores busy (hardly any sleep)");
  EXPECT_EQ(NameRegime({0, 1}, 2.0, 60000), "sleeps on each message, woken from halt");
  EXPECT_EQ(NameRegime({0, 1}, 2.0, 4400), "sleeps on each message, idle cores polling");
}

TEST(Engine, SixtyFourProcessesOversubscribed) {
  Context context(8);
  WorkloadInfo info = *FindWorkload("pipe");
  info.producers = info.consumers = 32;
  const SliceResult result = RunOnce(context, info, Mode::kChecked, 0.5);
  EXPECT_EQ(result.findings_total, 0u) << Text(result);
  EXPECT_EQ(result.audit.arrived, result.audit.sent);
  EXPECT_EQ(result.workers.size(), 64u);
}

// ---- nothing is left behind
// ------------------------------------------------------------------------

struct Nest {
  std::atomic<std::int32_t> workers[64];
  std::atomic<std::uint32_t> running;
};

bool Gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

// Waits until `done`, a minute at most.
template <class Done>
bool Eventually(Done done) {
  const timespec tick{0, 5'000'000};
  sigset_t none;
  sigemptyset(&none);
  for (int i = 0; i < 12000; ++i) {
    if (done()) return true;
    sigtimedwait(&none, nullptr, &tick);
  }
  return done();
}

// Forks a run of the queue workload without end; returns its pid when it is at work.
pid_t StartRun(Nest* nest) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  Context context(9);
  SliceOptions options;
  options.info = FindWorkload("mq");
  options.spec.producers = options.spec.consumers = 2;
  options.cpus = {-1, -1, -1, -1};
  options.measure_s = 600;
  context.on_tick = [&](std::uint64_t messages, double) {
    if (messages > 0) nest->running.store(1);
  };
  RunSlice(context, options);
  _exit(context.interrupted() ? 0 : 3);
}

bool QueueExists(pid_t run, int n) {
  const std::string name = "/ipcsuite-stress-" + std::to_string(run) + "-" + std::to_string(n);
  const mqd_t queue = mq_open(name.c_str(), O_RDONLY);
  if (queue == static_cast<mqd_t>(-1)) return false;
  mq_close(queue);
  return true;
}

TEST(Cleanup, AfterSigkillOfTheParentNoNameAndNoProcessIsLeft) {
  SharedRegion region(1 << 20);
  auto* const nest = region.Make<Nest>();
  const pid_t run = StartRun(nest);
  ASSERT_GT(run, 0);
  ASSERT_TRUE(Eventually([&] { return nest->running.load() != 0; }));
  ASSERT_TRUE(QueueExists(run, 0));
  kill(run, SIGKILL);
  waitpid(run, nullptr, 0);
  EXPECT_TRUE(Eventually([&] { return !QueueExists(run, 0); }))
      << "the guardian didn't unlink the queue";
}

TEST(Cleanup, CtrlCEndsTheSliceInOrder) {
  SharedRegion region(1 << 20);
  auto* const nest = region.Make<Nest>();
  const pid_t run = StartRun(nest);
  ASSERT_GT(run, 0);
  ASSERT_TRUE(Eventually([&] { return nest->running.load() != 0; }));
  kill(run, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(run, &status, 0), run);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_FALSE(QueueExists(run, 0));
  EXPECT_TRUE(Gone(run));
}

}  // namespace
}  // namespace ipcsuite::stress
