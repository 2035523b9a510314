#include "stress/engine/conductor.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/os/os.h"
#include "stress/engine/nemesis.h"

namespace ipcsuite::stress {
namespace {

WorkerHot* g_hot = nullptr;  // of this process, for the handler
WorkerCold* g_cold = nullptr;

void OnStorm(int) {
  g_cold->signals.fetch_add(1, std::memory_order_relaxed);
  if (g_hot->in_call.load(std::memory_order_relaxed) != CallId::kNone) {
    g_cold->signals_in_call.fetch_add(1, std::memory_order_relaxed);
  }
}

void CatchStorm(bool restart) {
  struct sigaction action {};
  action.sa_handler = OnStorm;
  action.sa_flags = restart ? SA_RESTART : 0;
  sigemptyset(&action.sa_mask);
  sigaction(StormSignal(restart), &action, nullptr);
}

std::uint64_t BitsPerStream(const RunSpec& spec) {
  // At most 1 GiB of address space for all bitmaps; only touched pages cost memory.
  const std::uint64_t maps = static_cast<std::uint64_t>(spec.producers) * spec.priorities *
                             static_cast<std::uint64_t>(std::max(1, spec.consumers));
  const std::uint64_t bits =
      (std::uint64_t{1} << (sizeof(void*) > 4 ? 33 : 30)) / std::max<std::uint64_t>(1, maps);
  return std::clamp<std::uint64_t>(bits, 1 << 16, 1 << 28) / 64 * 64;
}

// Calls that the log of each process has room for; 0: numbers alone decide the order, or nobody
// asks for it.
std::uint32_t CallsLogged(const WorkloadInfo& info, const RunSpec& spec) {
  constexpr int kCallsMax = 1 << 18;  // of all processes: 6 MiB
  const bool open = spec.producers > 1 || spec.consumers > 1 || spec.priorities > 1;
  if (spec.mode == Mode::kRaw || info.order_clause.id.empty() || !open) return 0;
  return static_cast<std::uint32_t>(std::max(1024, kCallsMax / spec.workers()));
}

}  // namespace

Conductor::Conductor(Context& context, const SliceOptions& options)
    : context_(context), options_(options) {
  if (options_.spec.mode == Mode::kRaw) return;
  for (const NemesisInfo* info : options_.nemesis.nemeses) {
    if (info->work != nullptr) helpers_.push_back(info);
  }
}

Conductor::~Conductor() {
  KillEverybody();
  if (workload_) workload_->Teardown();
}

void Conductor::MakeShared() {
  // Strict overcommit, RLIMIT_AS or 32 bits may refuse the largest bitmaps: smaller ones leave more
  // messages to the fingerprint.
  for (std::uint64_t bits = BitsPerStream(options_.spec);; bits /= 16) {
    try {
      return MakeShared(bits);
    } catch (const std::bad_alloc&) {
      if (bits < (1 << 16)) throw;
      shared_ = Shared();
    }
  }
}

void Conductor::MakeShared(std::uint64_t bits) {
  const RunSpec& spec = options_.spec;
  const int workers = spec.workers();
  const int all = workers + static_cast<int>(helpers_.size());
  const std::size_t page = 65536;
  bits = bits / 64 * 64;
  const bool exclusive = options_.info->shape != Shape::kShared || spec.consumers == 1;
  const bool timed = spec.mode == Mode::kTimed;
  const auto slots =
      std::max<std::uint32_t>(1024, 16384u / static_cast<std::uint32_t>(spec.priorities));
  std::size_t bytes =
      32 * page + static_cast<std::size_t>(all) * 8 +
      static_cast<std::size_t>(all) * (2 * page + sizeof(WorkerHot) + sizeof(WorkerCold));
  bytes += static_cast<std::size_t>(all) * (sizeof(Histogram) + page);
  bytes += static_cast<std::size_t>(spec.consumers) *
           Ledger::Bytes(spec.producers, spec.priorities, exclusive, bits);
  bytes +=
      static_cast<std::size_t>(spec.producers) * (spec.priorities * (8 + slots * 8) + 2 * page);
  const std::uint32_t logged = CallsLogged(*options_.info, spec);
  if (logged != 0) bytes += static_cast<std::size_t>(workers) * OrderLog::Bytes(logged);
  bytes += std::size_t{64} << 20;  // what workloads take
  region_ = std::make_unique<SharedRegion>(bytes);
  shared_.control = region_->Make<Control>();
  shared_.ready = region_->Make<std::atomic<std::uint32_t>>(static_cast<std::size_t>(all));
  for (int i = 0; i < all; ++i) {
    // Not touched here: zeroed pages are valid states, and whoever touches them first gets them
    // near.
    shared_.hot.push_back(region_->Zeroed<WorkerHot>(1));
    shared_.cold.push_back(region_->Zeroed<WorkerCold>(1));
  }
  for (int i = 0; i < all; ++i) shared_.latency.push_back(region_->Zeroed<Histogram>(1));
  for (int i = 0; i < spec.producers; ++i) {
    shared_.sent.push_back(
        {region_->Zeroed<std::uint64_t>(static_cast<std::size_t>(spec.priorities))});
    TimeRing ring;
    if (timed) {
      ring.per_stream = slots;
      ring.slots = region_->Zeroed<std::atomic<std::int64_t>>(
          static_cast<std::size_t>(slots) * static_cast<std::size_t>(spec.priorities));
    }
    shared_.times.push_back(ring);
    shared_.sends.push_back(logged != 0 ? OrderLog(*region_, logged) : OrderLog());
  }
  for (int i = 0; i < spec.consumers; ++i) {
    shared_.ledgers.emplace_back(*region_, spec.producers, spec.priorities, exclusive, bits);
    shared_.receives.push_back(logged != 0 ? OrderLog(*region_, logged) : OrderLog());
  }
  shared_.cpus = options_.cpus;
  shared_.allowed = context_.allowed;
}

void Conductor::Child(int index, pid_t parent) {
  const int helper = index - options_.spec.workers();  // negative: a worker
  DieWithParent(parent);
  g_hot = shared_.hot[static_cast<std::size_t>(index)];
  g_cold = shared_.cold[static_cast<std::size_t>(index)];
  // Pinned before anything of its own is touched: the pages come from its NUMA node.
  if (helper < 0) PinSelf(shared_.cpus[static_cast<std::size_t>(index)], shared_.allowed);
  g_cold->pid.store(static_cast<std::int32_t>(getpid()));
  CatchStorm(true);
  CatchStorm(false);
  // The terminal's Ctrl-C is the parent's business: it stops the workers in order.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (options_.batch_policy) {
#ifdef SCHED_BATCH
    const sched_param parameters{};
    sched_setscheduler(0, SCHED_BATCH, &parameters);
#endif
  }
  {
    Worker worker(shared_, options_.spec, index);
    worker.WaitForStart();
    if (helper >= 0) {
      helpers_[static_cast<std::size_t>(helper)]->work(worker, context_.registry,
                                                       options_.allow_global);
    } else {
      workload_->Run(worker);
    }
    worker.Finish();
  }
  _exit(0);
}

void Conductor::Spawn(int index) {
  Process& process = processes_[static_cast<std::size_t>(index)];
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) Child(index, parent);
  if (pid < 0) {
    result_.unresolved = "fork failed with errno " + std::to_string(errno) +
                         " (limits: RLIMIT_NPROC, pids of the cgroup, memory)";
    return;
  }
  process.pid = pid;
  process.alive = true;
  process.stopped = false;
  process.slot = context_.registry.Remember(pid);
}

void Conductor::Ended(int index, int status) {
  Process& process = processes_[static_cast<std::size_t>(index)];
  process.alive = false;
  context_.registry.Forget(process.slot);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  char text[160];
  std::snprintf(text, sizeof text, "process %d (worker %d) ended with %s %d; its call: %s",
                static_cast<int>(process.pid), index, WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                ToString(shared_.hot[static_cast<std::size_t>(index)]->in_call.load()));
  Find(Kind::kDied, {}, text);
}

void Conductor::Reap() {
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    int status = 0;
    if (processes_[i].alive && waitpid(processes_[i].pid, &status, WNOHANG) == processes_[i].pid) {
      Ended(static_cast<int>(i), status);
    }
  }
}

bool Conductor::AwaitKilled(int index) {
  Process& process = processes_[static_cast<std::size_t>(index)];
  int status = 0;
  while (waitpid(process.pid, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    Ended(index, status);
    return false;
  }
  process.alive = false;
  context_.registry.Forget(process.slot);
  return true;
}

bool Conductor::Alive(Role role) const {
  const int producers = options_.spec.producers;
  for (int i = 0; i < static_cast<int>(processes_.size()); ++i) {
    const bool mine =
        role == Role::kProducer ? i < producers : i >= producers && i < options_.spec.workers();
    if (mine && processes_[static_cast<std::size_t>(i)].alive) return true;
  }
  return false;
}

std::uint64_t Conductor::CountedBy(Role role) const {
  std::uint64_t sum = 0;
  for (int i = 0; i < options_.spec.workers(); ++i) {
    if ((i < options_.spec.producers) == (role == Role::kProducer)) {
      sum += shared_.hot[static_cast<std::size_t>(i)]->count.load(std::memory_order_relaxed);
    }
  }
  return sum;
}

bool Conductor::CountConsumers() const {
  return options_.info->shape != Shape::kAlike && options_.info->uses_ledgers;
}

std::uint64_t Conductor::CountedByAll() const {
  return CountedBy(Role::kProducer) + CountedBy(Role::kConsumer);
}

std::uint64_t Conductor::Counted() const {
  return CountedBy(CountConsumers() ? Role::kConsumer : Role::kProducer);
}

void Conductor::AwaitReady() {
  const Deadline patience(60s);
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    while (shared_.ready[i].load(std::memory_order_acquire) == 0 && processes_[i].alive) {
      if (patience.passed()) {
        result_.unresolved = "processes did not become ready within 60 s";
        return;
      }
      context_.Pause(1ms);
      Reap();
    }
  }
}

void Conductor::RunPhase(Phase phase, nanoseconds duration) {
  shared_.control->phase.store(phase, std::memory_order_release);
  shared_.control->generation.fetch_add(1);
  os::WakeWord(shared_.control->generation);
  const std::int64_t end = NowNs() + duration.count();
  while (!deadlocked_ && !starved_) {
    const std::int64_t now = NowNs();
    if (now >= end || context_.interrupted()) break;
    std::int64_t next = std::min(end, now + 250'000'000);
    if (nemeses_) next = std::min(next, nemeses_->Act(now));
    if (now - last_tick_ns_ >= 250'000'000 && context_.on_tick) {
      last_tick_ns_ = now;
      context_.on_tick(Counted(), static_cast<double>(now - start_ns_) / 1e9);
    }
    context_.Pause(nanoseconds(std::max<std::int64_t>(1000, next - NowNs())));
    Reap();
    if (Deadlocked()) {
      Stuck(Role::kProducer);
      Stuck(Role::kConsumer);
      deadlocked_ = true;
      return;
    }
    // With --ops all may have ended before the time is over; a finding may have ended some.
    if (!Alive(Role::kProducer)) break;
  }
}

void Conductor::ContinueStopped() {
  for (Process& process : processes_) {
    if (process.alive && process.stopped) kill(process.pid, SIGCONT);
    process.stopped = false;
  }
}

void Conductor::KillEverybody() {
  for (Process& process : processes_) {
    if (!process.alive) continue;
    kill(process.pid, SIGKILL);
    while (waitpid(process.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    process.alive = false;
    context_.registry.Forget(process.slot);
  }
}

void Conductor::Find(const FindingRecord& finding) {
  result_.findings_total += finding.count;
  if (result_.findings.size() < 64) result_.findings.push_back(finding);
}

SliceResult Conductor::Run() {
  result_.mode = options_.spec.mode;
  try {
    MakeShared();
  } catch (const std::bad_alloc&) {
    result_.unresolved = "no memory for the shared state (limits: RLIMIT_AS, cgroup memory)";
    return std::move(result_);
  }
  workload_ = options_.info->make();
  result_.unsupported = workload_->Setup(options_.spec, context_.registry, *region_);
  if (!result_.unsupported.empty()) return std::move(result_);
  processes_.resize(static_cast<std::size_t>(options_.spec.workers()) + helpers_.size());
  for (int i = 0; i < static_cast<int>(processes_.size()); ++i) Spawn(i);
  if (result_.unresolved.empty()) AwaitReady();
  if (!result_.unresolved.empty()) return std::move(result_);
  if (options_.nemesis.any()) {
    nemeses_ = std::make_unique<NemesisDriver>(*this, options_.nemesis, options_.spec.seed);
  }
  start_ns_ = last_tick_ns_ = NowNs();
  shared_.control->start_ns.store(start_ns_);
  RunPhase(Phase::kWarmUp, options_.warm_up);
  for (const WorkerHot* hot : shared_.hot) begin_counts_.push_back(hot->count.load());
  measure_begin_ns_ = NowNs();
  const os::MachineTicks before = os::ReadMachineTicks();
  RunPhase(Phase::kMeasure, options_.measure);
  for (const WorkerHot* hot : shared_.hot) end_counts_.push_back(hot->count.load());
  measure_end_ns_ = NowNs();
  const os::MachineTicks after = os::ReadMachineTicks();
  if (after.total > before.total) {
    result_.usage.steal_fraction = static_cast<double>(after.steal - before.steal) /
                                   static_cast<double>(after.total - before.total);
  }
  if (options_.keep_memory) {
    result_.memory_bytes = os::MemoryOf(getpid());
    for (const Process& process : processes_) {
      if (process.alive) result_.memory_bytes += os::MemoryOf(process.pid);
    }
  }
  if (nemeses_) nemeses_->Cease();
  shared_.control->phase.store(Phase::kStop, std::memory_order_release);
  bool ended = !deadlocked_ && Drain(Role::kProducer);
  if (ended) {
    shared_.control->phase.store(Phase::kDrained, std::memory_order_release);
    workload_->ProducersDone(shared_);
    ended = Drain(Role::kConsumer);
  }
  // Helpers look at the phase after each round, and remove their names.
  const Deadline patience(4s);
  for (auto helper = processes_.begin() + options_.spec.workers(); helper != processes_.end();
       ++helper) {
    while (helper->alive && !patience.passed()) {
      context_.Pause(2ms);
      Reap();
    }
  }
  KillEverybody();
  RunOrder();  // first: what it finds has its proof with it
  Collect();
  if (ended) RunAudit();
  workload_->Teardown();
  return std::move(result_);
}

SliceResult RunSlice(Context& context, const SliceOptions& options) {
  return Conductor(context, options).Run();
}

}  // namespace ipcsuite::stress
