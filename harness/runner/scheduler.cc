#include "harness/runner/scheduler.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <random>
#include <system_error>

#include "base/os/os.h"
#include "base/preamble.h"
#include "harness/core/context.h"
#include "harness/core/names.h"
#include "harness/core/patience.h"
#include "harness/peers/probe.h"

namespace ipcsuite::internal {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// A call under test in the main thread that is shown blocked this long hangs: tests have peers for
// calls that should block.
constexpr nanoseconds kMainBlocked = 10s;
// Between two rounds of the scheduler; more, and the machine, or the scheduler, stood still.
constexpr std::int64_t kOversleptNs = 2 * kSecondNs;

volatile sig_atomic_t g_stop = 0;
void NoteStop(int) { g_stop = 1; }

std::string Hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

void WaitForAnySignal(std::int64_t timeout_ns) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  timespec timeout{static_cast<time_t>(timeout_ns / kSecondNs),
                   static_cast<long>(timeout_ns % kSecondNs)};
  sigtimedwait(&set, nullptr, &timeout);
}

}  // namespace

bool StopRequested() { return g_stop != 0; }

void InstallStopHandlers() {
  struct sigaction action {};
  action.sa_handler = NoteStop;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) sigaction(signal, &action, nullptr);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);  // taken by sigtimedwait
}

Scheduler::Scheduler(const RunnerOptions& options, std::vector<TestEntry> tests, Arena& arena,
                     ResultFile& file, const ResultCallback& on_result)
    : options_(options),
      tests_(std::move(tests)),
      arena_(arena),
      file_(file),
      on_result_(on_result),
      gate_(options, arena),
      jobs_(arena.header().slots),
      can_kill_(kill(getpid(), 0) == 0) {}

void Scheduler::Plan() {
  progress_.total = static_cast<int>(tests_.size()) * std::max(1, options_.repeat);
  std::vector<TestEntry> runnable;
  for (TestEntry& test : tests_) {
    std::optional<report::TestRecord> refused = gate_.Refuse(test);
    if (!refused) {
      runnable.push_back(std::move(test));
      continue;
    }
    refused->command = Command(refused->name, 0);
    progress_.total -= std::max(1, options_.repeat) - 1;
    ++progress_.done;
    file_.Append(*refused);
    if (on_result_) on_result_(*refused, progress_);
  }
  tests_ = std::move(runnable);
  FillRound(0);
}

std::string Scheduler::Command(const std::string& test, int attempt) const {
  return options_.launcher + " run --filter='" + test +
         "' --seed=" + Hex(options_.seed + static_cast<std::uint64_t>(attempt)) +
         (options_.issue == 8 ? "" : " --issue=" + std::to_string(options_.issue)) +
         (options_.allow_dangerous ? " --allow-dangerous" : "") +
         (options_.reproduce_with.empty() ? "" : " " + options_.reproduce_with);
}

void Scheduler::FillRound(int attempt) {
  round_ = attempt;
  std::vector<std::size_t> order(tests_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (options_.shuffle) {
    std::mt19937_64 random(options_.seed + static_cast<std::uint64_t>(attempt));
    std::shuffle(order.begin(), order.end(), random);
  }
  for (std::size_t i : order)
    (tests_[i].meta->exclusive ? exclusive_ : parallel_).push_back({i, attempt});
  if (attempt == 0 && !options_.resume_after.empty()) SkipTo(options_.resume_after);
}

void Scheduler::SkipTo(const std::string& last) {
  for (std::deque<Job>* jobs : {&parallel_, &exclusive_}) {
    while (!jobs->empty()) {
      const std::string skipped = tests_[jobs->front().test].name;
      jobs->pop_front();
      --progress_.total;
      if (skipped == last) return;
    }
  }
}

int Scheduler::FreeSlot() const {
  for (int slot = 0; slot < jobs_; ++slot) {
    if (std::none_of(active_.begin(), active_.end(),
                     [&](const Active& a) { return a.slot == slot; }))
      return slot;
  }
  return -1;
}

// Starts one more test if one may run now.
bool Scheduler::StartNext() {
  if (stop_) return false;
  if (parallel_.empty() && exclusive_.empty() && !tests_.empty() &&
      (round_ + 1 < options_.repeat || options_.repeat == 0)) {
    FillRound(round_ + 1);
  }
  if (!parallel_.empty()) {
    const bool alone = active_.size() == 1 && tests_[active_[0].job.test].meta->exclusive;
    if (alone || static_cast<int>(active_.size()) >= jobs_) return false;
    Start(parallel_.front());
    parallel_.pop_front();
    return true;
  }
  if (exclusive_.empty() || !active_.empty()) return false;
  Start(exclusive_.front());
  exclusive_.pop_front();
  return true;
}

void Scheduler::Start(Job job) {
  const TestEntry& test = tests_[job.test];
  Active active;
  active.job = job;
  active.slot = FreeSlot();
  active.started_ns = NowNs();
  active.deadline_ns = active.started_ns +
                       (options_.timeout_s ? std::chrono::seconds(options_.timeout_s)
                                           : Scaled(std::chrono::seconds(test.meta->timeout_s))) /
                           1ns;
  Slot& slot = arena_.slot(active.slot);
  slot.Reset();
  slot.seed = HashSeed(options_.seed + static_cast<std::uint64_t>(job.attempt), test.name);
  std::snprintf(slot.test, sizeof slot.test, "%s", test.name.c_str());
  if (options_.on_begin) options_.on_begin(test.name);
  const pid_t parent = getpid();
  active.pid = fork();
  if (active.pid < 0) {
    report::TestRecord record = Blank(test);
    record.verdict = report::Verdict::kUnresolved;
    record.reason =
        "can't start a process (" + ErrnoName(errno) + "): raise the limit on processes";
    Report(std::move(record), job.test);
    return;
  }
  if (active.pid == 0) {
    os::DieWithParent();
    if (getppid() != parent) _exit(125);
    setpgid(0, 0);
    TidyTestProcess();
    if (!can_kill_)
      alarm(1 + static_cast<unsigned>((active.deadline_ns - active.started_ns) / kSecondNs));
    RunTestBody(slot, test);
    _exit(0);
  }
  setpgid(active.pid, active.pid);  // whichever of the two comes first
  active_.push_back(std::move(active));
}

void Scheduler::Reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    // Other children are orphans of tests, which come to us as their subreaper.
    const auto it =
        std::find_if(active_.begin(), active_.end(), [&](const Active& a) { return a.pid == pid; });
    if (it == active_.end()) continue;
    Active active = std::move(*it);
    active_.erase(it);
    Finish(active, status);
  }
}

void Scheduler::Finish(Active& active, int wait_status) {
  Slot& slot = arena_.slot(active.slot);
  const TestEntry& test = tests_[active.job.test];
  if (!can_kill_ && WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGALRM)
    active.hung = true;
  Ending ending;
  ending.wait_status = wait_status;
  ending.hung = active.hung;
  ending.hung_in_call = active.hung_in_call;
  ending.states = std::move(active.states);
  const bool finished = slot.phase.load() == Slot::kFinished && !active.hung;
  // Ended but unreaped children of the test are orphans now: not left running.
  while (waitpid(-active.pid, nullptr, WNOHANG) > 0) {
  }
  if (kill(-active.pid, 0) == 0) {
    ending.leaked_process = finished;
    kill(-active.pid, SIGKILL);
    const Deadline end(2s);
    Backoff backoff;
    while (kill(-active.pid, 0) == 0 && !end.passed()) {
      waitpid(-active.pid, nullptr, WNOHANG);
      backoff.Pause();
    }
  }
  report::TestRecord record = Judge(slot, test, ending);
  if (options_.inspect) options_.inspect(slot, test, record);
  if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGBUS) ExcuseLackOfRoom(slot, record);
  record.start_ns = active.started_ns - arena_.header().start_ns;
  record.duration_ns = NowNs() - active.started_ns;
  record.command = Command(test.name, active.job.attempt);
  if (!finished) SweepInChild(slot);
  if (RetriesAlone(active.job, record)) return;
  Report(std::move(record), active.job.test);
}

// Memory that a full file system can't back ends its users with SIGBUS: nothing was shown about the
// platform when the suite's probe finds no room now.
void Scheduler::ExcuseLackOfRoom(Slot& slot, report::TestRecord& record) {
  if (!record.failures.empty()) return;
  SweepInChild(slot);
  const std::string lack = gate_.AskProbe(record.suite, slot);
  if (lack.empty()) return;
  record.verdict = report::Verdict::kUnresolved;
  record.reason += "; " + lack;
}

// What could not be set up beside other tests (limits on processes, queues, memory) may be possible
// alone: one more try, after all others.
bool Scheduler::RetriesAlone(const Job& job, const report::TestRecord& record) {
  if (record.verdict != report::Verdict::kUnresolved ||
      record.reason.find("killed by the watchdog") != std::string::npos)
    return false;
  if (jobs_ == 1 || tests_[job.test].meta->exclusive || stop_) return false;
  if (!retried_.insert({job.test, job.attempt}).second) return false;
  exclusive_.push_back(job);
  return true;
}

// In a child, since the interfaces that unlink may hang or crash here.
void Scheduler::SweepInChild(Slot& slot) {
  const pid_t child = fork();
  if (child == 0) {
    TidyTestProcess();
    alarm(5);
    SweepNames(slot);
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
}

void Scheduler::Report(report::TestRecord record, std::size_t test) {
  ++progress_.done;
  const bool red = IsRedOrUnresolved(record.verdict);
  const bool known = red && options_.expected && options_.expected(record);
  progress_.red += red;
  progress_.known += known;
  if (red && !known && options_.until_fail) stop_ = true;
  const bool repeating = options_.repeat != 1;
  const auto it = merged_.find(test);
  if (!repeating || it == merged_.end() || red) file_.Append(record);
  if (on_result_) on_result_(record, progress_);
  if (!repeating) return;
  if (it == merged_.end()) {
    merged_.emplace(test, std::move(record));
  } else {
    MergeAttempt(it->second, std::move(record));
  }
}

void Scheduler::WriteRepeatSummaries() {
  for (const auto& [test, record] : merged_) {
    if (record.attempts > 1) file_.Append(record);
  }
}

void Scheduler::End(Active& active, bool in_call) {
  active.hung = true;
  active.hung_in_call = in_call;
  active.states = DescribeProcesses(arena_.slot(active.slot), active.pid);
  kill(-active.pid, SIGKILL);
  kill(active.pid, SIGKILL);
}

void Scheduler::WatchForHangs(std::int64_t now) {
  for (Active& active : active_) {
    if (active.hung) continue;
    Actor& main_actor = arena_.slot(active.slot).actors[0];
    const bool in_call = main_actor.state.load() == Actor::kIssued;
    const std::uint32_t seq = main_actor.seq.load();
    // Asleep in the call, be it in another system call than expected: libraries emulate.
    const auto asleep = [&] {
      return IsShownBlocked(main_actor) ||
             os::ReadThreadState(main_actor.pid.load(), main_actor.tid.load()).state == 'S';
    };
    if (now - active.started_ns > 2 * kSecondNs && in_call && main_actor.pid.load() && asleep()) {
      if (active.main_since_ns == 0 || active.main_seq != seq)
        active.main_seq = seq, active.main_since_ns = now;
    } else {
      active.main_since_ns = 0;
    }
    const bool stuck =
        active.main_since_ns != 0 && now - active.main_since_ns > Scaled(kMainBlocked) / 1ns;
    if (stuck || now > active.deadline_ns) End(active, in_call && active.main_since_ns != 0);
  }
}

// While the machine stood still (a paused virtual machine, a closed laptop), or the scheduler got
// no CPU, no test had its time either.
void Scheduler::ForgiveStandstill(std::int64_t lost_ns) {
  for (Active& active : active_) {
    active.deadline_ns += lost_ns;
    if (active.main_since_ns != 0) active.main_since_ns += lost_ns;
  }
}

void Scheduler::StopAll() {
  for (Active& active : active_) {
    kill(-active.pid, SIGKILL);
    kill(active.pid, SIGKILL);
  }
  for (Active& active : active_) {
    waitpid(active.pid, nullptr, 0);
    SweepInChild(arena_.slot(active.slot));
  }
  active_.clear();
}

int Scheduler::Run() {
  Plan();
  std::int64_t next_watch = 0, last_round = NowNs();
  while (!StopRequested()) {
    while (StartNext()) {
    }
    if (active_.empty() && (stop_ || (parallel_.empty() && exclusive_.empty()))) break;
    const std::int64_t now = NowNs();
    if (now - last_round > kOversleptNs) ForgiveStandstill(now - last_round);
    last_round = now;
    if (now > next_watch) {
      WatchForHangs(now);
      next_watch = now + kSecondNs / 2;
    }
    if (!active_.empty()) WaitForAnySignal(kSecondNs / 4);
    Reap();
  }
  const bool interrupted = StopRequested();
  StopAll();
  WriteRepeatSummaries();
  return interrupted ? 1 : 0;
}

}  // namespace ipcsuite::internal
