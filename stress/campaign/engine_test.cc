// The engine on this machine: planted violations are caught, each workload runs without findings,
// each nemesis leaves its evidence.
#include <unistd.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "base/os/os.h"
#include "stress/campaign/campaign.h"
#include "stress/engine/nemesis.h"
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
  WorkloadInfo info = *FindRow<WorkloadInfo>("pipe");
  info.make = &Make<FaultyPipe>;
  return info;
}

SliceResult RunOnce(Context& context, const WorkloadInfo& info, Mode mode, nanoseconds measure,
                    const NemesisPlan& nemesis = {}, bool restart = true, std::uint64_t ops = 0) {
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
  options.spec.kills = nemesis.kills();
  options.spec.eintr_expected = nemesis.interrupts() && !restart;
  options.storm_restart = restart;
  options.nemesis = nemesis;
  for (int i = 0; i < options.spec.workers(); ++i) options.cpus.push_back(-1);
  options.warm_up = 10ms;
  options.measure = measure;
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
  for (const FindingRecord& f : result.findings)
    out += std::string(f.clause.id) + ": " + f.text + "\n";
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
      const SliceResult result = RunOnce(context, info, mode, 2s, {}, true, 500);
      EXPECT_TRUE(Has(result, kind))
          << static_cast<int>(fault) << ": " << ToString(kind) << " expected\n"
          << Text(result);
      EXPECT_GT(result.findings_total, 0u);
    }
    EXPECT_EQ(RunOnce(context, info, Mode::kRaw, 20ms).findings_total, 0u);
  }
  g_fault = Fault::kNone;
  const SliceResult good = RunOnce(context, info, Mode::kChecked, 2s, {}, true, 500);
  EXPECT_EQ(good.findings_total, 0u) << Text(good);
  EXPECT_EQ(good.audit.arrived, 500u);
}

// Everybody waits for a wake-up that never comes.
class Sleepers : public Workload {
 public:
  std::string Setup(const RunSpec&, Registry&, SharedRegion& region) override {
    word_ = region.Make<std::atomic<std::uint32_t>>();
    return "";
  }
  void Run(Worker& w) override {
    w.Enter(CallId::kFutexWait);
    while (word_->load() == 0) os::WaitOnWord(*word_, 0);
  }
  std::string Describe(const Shared&) override {
    return "the word is " + std::to_string(word_->load());
  }

 private:
  std::atomic<std::uint32_t>* word_ = nullptr;
};

TEST(Planted, LostWakeUpIsFoundWithTheStateOfTheObject) {
  Context context(10);
  WorkloadInfo info = *FindRow<WorkloadInfo>("pipe");
  info.make = &Make<Sleepers>;
  const SliceResult result = RunOnce(context, info, Mode::kChecked, 600s);
  ASSERT_EQ(result.findings.size(), 2u) << Text(result);
  for (const FindingRecord& finding : result.findings) {
    EXPECT_EQ(finding.kind, Kind::kStuck);
    EXPECT_EQ(finding.clause, info.loss_clause);
    EXPECT_NE(finding.text.find("its call: futex"), std::string::npos) << finding.text;
    EXPECT_NE(finding.text.find("the word is 0"), std::string::npos) << finding.text;
  }
}

// Repeats a slice until it has shown what is wanted, or found something: on a busy machine a
// process may not get its turn within one slice.
template <class Shown>
SliceResult Until(Shown shown, const std::function<SliceResult()>& slice) {
  SliceResult result;
  for (int attempt = 0; attempt < 100; ++attempt) {
    result = slice();
    if (shown(result) || result.findings_total != 0 || !result.unsupported.empty()) break;
  }
  return result;
}

class EveryWorkload : public testing::TestWithParam<const WorkloadInfo*> {};

TEST_P(EveryWorkload, RunsWithoutFindings) {
  Context context(2);
  const WorkloadInfo& info = *GetParam();
  for (const Mode mode : {Mode::kRaw, Mode::kChecked, Mode::kTimed}) {
    if (mode == Mode::kRaw && !info.has_raw) continue;
    if (mode == Mode::kTimed && info.sample_every == 0) continue;
    const SliceResult result = Until(
        [&](const SliceResult& r) {
          return r.messages_total > 0 && (mode == Mode::kRaw || r.checks > 0);
        },
        [&] { return RunOnce(context, info, mode, 50ms); });
    if (!result.unsupported.empty()) continue;
    EXPECT_EQ(result.findings_total, 0u) << Text(result);
    EXPECT_EQ(result.unresolved, "");
    EXPECT_GT(result.messages_total, 0u);
    if (mode == Mode::kRaw) continue;
    EXPECT_GT(result.checks, 0u);
    if (!info.uses_ledgers) continue;
    EXPECT_EQ(result.audit.arrived, result.audit.sent);
  }
  EXPECT_EQ(context.registry.Sweep(), 0) << "names were left behind";
}

// "pipe-writers" as the name of a test: "pipe_writers".
template <class T>
std::string RowName(const testing::TestParamInfo<const T*>& row) {
  std::string name = row.param->name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, EveryWorkload, testing::ValuesIn(AllRows<WorkloadInfo>()),
                         RowName<WorkloadInfo>);

NemesisPlan Alone(const char* name) {
  NemesisPlan plan;
  plan.Add(FindRow<NemesisInfo>(name));
  return plan;
}

std::uint64_t ActsOf(const SliceResult& result, const char* name) {
  const auto it = result.tallies.find(FindRow<NemesisInfo>(name));
  return it == result.tallies.end() ? 0 : it->second.acts;
}

class EveryNemesis : public testing::TestWithParam<const NemesisInfo*> {};

// Over a transport of the kernel that is known to be good: pipes.
TEST_P(EveryNemesis, LeavesEvidenceAndDisturbsNothing) {
  Context context(3);
  const NemesisInfo& nemesis = *GetParam();
  SliceOptions options;
  options.info = FindRow<WorkloadInfo>("pipe");
  if (nemesis.applies != nullptr && !nemesis.applies(options, context.allowed))
    GTEST_SKIP() << nemesis.name << " has nothing to act on here";
  const SliceResult result =
      Until([&](const SliceResult& r) { return ActsOf(r, nemesis.name) != 0; },
            [&] {
              return RunOnce(context, *FindRow<WorkloadInfo>("pipe"), Mode::kChecked, 300ms,
                             Alone(nemesis.name));
            });
  EXPECT_EQ(result.findings_total, 0u) << Text(result);
  EXPECT_GT(ActsOf(result, nemesis.name), 0u);
  EXPECT_EQ(result.events.empty(), nemesis.act == nullptr);
}

INSTANTIATE_TEST_SUITE_P(All, EveryNemesis, testing::ValuesIn(AllRows<NemesisInfo>()),
                         RowName<NemesisInfo>);

TEST(Nemeses, NamesAndMarksAreUnique) {
  std::set<std::string> words;
  for (const NemesisInfo* nemesis : AllRows<NemesisInfo>()) {
    EXPECT_TRUE(words.insert(nemesis->counted).second) << nemesis->counted;
    for (const NemesisMark& mark : {nemesis->mark, nemesis->end_mark}) {
      if (mark.name == nullptr) continue;
      EXPECT_TRUE(words.insert(std::string(1, mark.letter)).second) << mark.letter;
    }
    EXPECT_EQ(nemesis->act != nullptr, nemesis->period.count() > 0) << nemesis->name;
    EXPECT_EQ(nemesis->work != nullptr, nemesis->collect != nullptr) << nemesis->name;
  }
}

// Not over robust mutexes: this judges the engine, not the platform's hand-over after a kill.
TEST(Nemesis, KillsLandInCallsAndNothingElseIsLost) {
  Context context(3);
  for (const char* name : {"pipe", "mq", "ring", "pipe-writers"}) {
    const SliceResult result = Until([](const SliceResult& r) { return ActsOf(r, "kill") != 0; },
                                     [&] {
                                       return RunOnce(context, *FindRow<WorkloadInfo>(name),
                                                      Mode::kChecked, 500ms, Alone("kill"));
                                     });
    if (!result.unsupported.empty()) continue;
    EXPECT_EQ(result.findings_total, 0u) << name << "\n" << Text(result);
    const NemesisTally tally = result.tallies.at(FindRow<NemesisInfo>("kill"));
    EXPECT_GT(tally.acts, 0u) << name;
    EXPECT_LE(tally.in_call, tally.acts);
    EXPECT_FALSE(result.events.empty());
    EXPECT_LE(result.audit.excused_producer + result.audit.excused_consumer, tally.acts);
  }
}

TEST(Nemesis, StormWithoutRestartGivesEintrAndWithRestartNone) {
  Context context(5);
  for (const char* name : {"pingpong-pipe", "pingpong-mq"}) {
    const WorkloadInfo& info = *FindRow<WorkloadInfo>(name);
    const SliceResult plain = Until(
        [](const SliceResult& r) { return r.eintr != 0; },
        [&] { return RunOnce(context, info, Mode::kChecked, 500ms, Alone("signal"), false); });
    if (!plain.unsupported.empty()) continue;
    EXPECT_EQ(plain.findings_total, 0u) << Text(plain);
    EXPECT_GT(plain.signals_caught, 0u);
    EXPECT_GT(plain.eintr, 0u) << name;
    const SliceResult restart =
        RunOnce(context, info, Mode::kChecked, 500ms, Alone("signal"), true);
    EXPECT_EQ(restart.findings_total, 0u) << Text(restart);
    EXPECT_EQ(restart.eintr, 0u) << name;
  }
}

TEST(Engine, OpenLoopCountsFromTheIntendedStart) {
  Context context(7);
  SliceOptions options;
  options.info = FindRow<WorkloadInfo>("pipe");
  options.spec.mode = Mode::kTimed;
  options.spec.rate_per_s = 2000;
  options.spec.seed = 1;
  options.cpus = {-1, -1};
  options.measure = 500ms;
  // Half a second with both processes stopped now and then: late messages must look late.
  options.nemesis = Alone("stop");
  const SliceResult result = Until(
      [](const SliceResult& r) { return ActsOf(r, "stop") != 0 && r.latency->max() >= 500'000u; },
      [&] { return RunSlice(context, options); });
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
  WorkloadInfo info = *FindRow<WorkloadInfo>("pipe");
  info.producers = info.consumers = 32;
  const SliceResult result = RunOnce(context, info, Mode::kChecked, 500ms);
  EXPECT_EQ(result.findings_total, 0u) << Text(result);
  EXPECT_EQ(result.audit.arrived, result.audit.sent);
  EXPECT_EQ(result.workers.size(), 64u);
}

}  // namespace
}  // namespace ipcsuite::stress
