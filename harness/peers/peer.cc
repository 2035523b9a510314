#include "harness/peers/peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/os/descriptors.h"
#include "base/os/os.h"
#include "base/text.h"
#include "harness/core/patience.h"
#include "harness/core/waits.h"

namespace ipcsuite {

SharedBuffer::SharedBuffer(std::size_t size) : data_(nullptr), size_(size) {
  Slot* slot = CurrentSlot();
  data_ = static_cast<char*>(slot ? slot->Allocate(size, 64) : nullptr);
  if (!data_) Unresolved("the test's shared memory is used up");
}

namespace {
// Its number in the trace.
std::uint64_t ActorNumber(const Actor* actor) {
  const Slot* slot = CurrentSlot();
  return slot ? ActorNumber(*slot, actor) : TraceEntry::kNobody;
}
}  // namespace

namespace internal {

bool PeerState::PollEnd() {
  if (joined) return true;
  if (pid == 0) return actor->ended.load(std::memory_order_acquire) != 0;
  int status = 0;
  const pid_t got = waitpid(pid, &status, WNOHANG);
  if (got == pid || (got < 0 && errno == ECHILD)) {
    joined = true;
    wait_status = got == pid ? status : 0;
    NoteTrace(TraceEntry::Kind::kEnded,
              {ActorNumber(actor), static_cast<std::uint64_t>(wait_status)});
    if (!actor->ended.load()) actor->ended.store(1);
  }
  return joined;
}

bool PeerState::AwaitEnd(nanoseconds limit) {
  Patience patience(limit);
  Backoff backoff;
  while (!PollEnd()) {
    if (patience.over()) return false;
    backoff.Pause();
  }
  return true;
}

bool ExplainProbe(const Call& call, const ProbeResult& probe,
                  testing::MatchResultListener* listener) {
  Slot* slot = CurrentSlot();
  switch (probe.what) {
    case Blocking::kShown:
      if (slot) slot->blocked.fetch_add(1);
      break;
    case Blocking::kInferred:
      if (slot) slot->blocked.fetch_add(1), slot->heuristic.fetch_add(1);
      break;
    case Blocking::kReturned:
    case Blocking::kEnded: *listener << Describe(call.result()); return false;
    case Blocking::kNotShown:
      Unresolved(std::string(call.text()) +
                 ": neither returned nor was shown to block: " + probe.evidence);
  }
  const bool again = call.seen_seq() == probe.seq;
  NoteTrace(again ? TraceEntry::Kind::kStaysBlocked : TraceEntry::Kind::kBlocked,
            {ActorNumber(&call.actor()), call.actor().trace}, probe.evidence);
  call.seen_seq() = probe.seq;
  const std::string line = "blocked: pid " + std::to_string(call.pid()) + " tid " +
                           std::to_string(call.tid()) + ", " + probe.evidence;
  Evidence(line);
  *listener << "which is " << line;
  return true;
}

}  // namespace internal

namespace {
// A call that returns soon needs no look at its thread.
constexpr nanoseconds kBeforeLooking = 20ms;
// A wake-up that takes longer is recorded.
constexpr nanoseconds kWokenInTime = 100ms;
// Of a thread that sleeps on though everything that could wake it has happened.
constexpr nanoseconds kNotWoken = 1s;

bool OnlyAnEventEnds(const Actor& actor) {
  const Slot* slot = CurrentSlot();
  return slot && EndsByEventsAlone(FunctionOf(actor.text), slot->trace.At(actor.trace));
}

// In coarse steps, so that runs can be compared.
void NoteLateness(const CallResult& result, nanoseconds slept) {
  const std::string function(FunctionOf(result.text));
  ObserveFact("late wake-up of " + function, slept > 500ms ? "by 0.5 to 1 s" : "by 0.1 to 0.5 s");
  Evidence(function + " slept for " + DurationText(slept) + " after what should have woken it");
}
}  // namespace

bool Call::returned() const {
  return state_->actor->steps_done.load(std::memory_order_acquire) > step_;
}

ProbeResult Call::probe(int fd, nanoseconds patience) const {
  state_->PollEnd();
  return ProbeBlocked(*state_->actor, step_, fd, patience);
}

CallResult Call::result(nanoseconds patience) const { return Await(patience, false); }
CallResult Call::result() const { return Await(3s, true); }

CallResult Call::Await(nanoseconds patience, bool must_be_woken) const {
  Actor& actor = *state_->actor;
  AttendedTime time;
  SleepWatch watch;
  nanoseconds slept_longest{0};
  CallResult outcome;
  outcome.text = actor.text ? actor.text : "";
  outcome.trace = actor.trace;
  for (;;) {
    const std::uint32_t done = actor.steps_done.load(std::memory_order_acquire);
    if (done > step_) {
      if (state_->one_shot) state_->AwaitEnd(patience);
      if (slept_longest > kWokenInTime) NoteLateness(actor.step[step_], slept_longest);
      return actor.step[step_];
    }
    if (state_->PollEnd()) {
      if (actor.steps_done.load(std::memory_order_acquire) > step_) continue;
      return OutcomeOfEnded();
    }
    WaitWhileEquals(actor.steps_done, done, 2ms);
    const nanoseconds now = time.Look();
    if (now < kBeforeLooking) continue;
    watch.Look(actor, now);
    outcome.text = actor.text ? actor.text : "";
    outcome.trace = actor.trace;
    bool not_woken = false;
    if (must_be_woken && watch.left_alone() > kWokenInTime && OnlyAnEventEnds(actor)) {
      slept_longest = std::max(slept_longest, watch.left_alone());
      not_woken = watch.left_alone() > kNotWoken;
    }
    if (not_woken || watch.blocked() > patience || watch.asleep() > 2 * patience) {
      outcome.fate = Fate::kStillBlocked;
      return outcome;
    }
    if (now > 5 * patience) {
      const os::ThreadState& state = watch.state();
      Unresolved(std::string(outcome.text) + ": did not return, and was not shown blocked: state " +
                 state.state + ", syscall " + state.raw.substr(0, state.raw.find('\n')));
    }
  }
}

CallResult Call::OutcomeOfEnded() const {
  const Actor& actor = *state_->actor;
  CallResult outcome;
  outcome.text = actor.text ? actor.text : "";
  outcome.trace = actor.trace;
  // The peer itself ended the test (Unsupported, Unresolved): there is no call to judge.
  if (actor.ended.load() == 1 && CurrentSlot() && CurrentSlot()->outcome.load() != 0)
    throw TestAbort();
  outcome.fate = state_->pid == 0 ? Fate::kCancelled : Fate::kExited;
  if (state_->pid != 0 && WIFSIGNALED(state_->wait_status)) {
    outcome.fate = Fate::kKilled;
    outcome.sig = WTERMSIG(state_->wait_status);
  }
  return outcome;
}

void PeerBase::Self::AwaitGo() {
  const std::uint32_t mine = actor_->steps_done.load();
  for (;;) {
    const std::uint32_t go = actor_->go.load(std::memory_order_acquire);
    if (go > mine) break;
    WaitWhileEquals(actor_->go, go, 100ms);
  }
  NoteTrace(TraceEntry::Kind::kStep);
}

void PeerBase::Self::Publish(const CallResult& result) {
  const std::uint32_t step = actor_->steps_done.load();
  if (step < Actor::kStepsMax) {
    actor_->step[step] = result;
    actor_->step_seq[step] = actor_->seq.load();
  }
  NoteTrace(TraceEntry::Kind::kStepDone);
  actor_->steps_done.store(step + 1, std::memory_order_release);
  os::WakeWord(actor_->steps_done);
}

Call PeerBase::next() {
  if (!state_) Unresolved("a peer without a script has no steps");
  if (released_ >= Actor::kStepsMax) Unresolved("a peer's script has too many steps");
  Call call = Handle(released_++);
  NoteTrace(TraceEntry::Kind::kRelease, {ActorNumber(state_->actor)});
  state_->actor->go.store(released_, std::memory_order_release);
  os::WakeWord(state_->actor->go);
  return call;
}

bool PeerBase::alive() { return state_ && !state_->PollEnd(); }

void PeerBase::RunScript(Actor* actor, const Script& script) {
  SetCurrentActor(actor);
  actor->tid.store(os::ThreadId());
  actor->pid.store(getpid());
  Self self(actor);
  try {
    script(self);
  } catch (const TestAbort&) {
  } catch (const std::exception& e) {
    RecordFailure("", "", 0, "no exception in a peer", e.what(),
                  std::string("exception in a peer: ") + e.what());
  }
  NoteTrace(TraceEntry::Kind::kEnd);
}

void Peer::Fork(Script script, bool one_shot) {
  if (state_) Kill();  // a peer used again is a new process
  released_ = 0;
  Slot* slot = CurrentSlot();
  Actor* actor = slot ? slot->NewActor() : nullptr;
  if (!actor) Unresolved("too many peers in one test");
  state_ = std::make_shared<internal::PeerState>();
  state_->actor = actor;
  state_->one_shot = one_shot;
  actor->text = "";
  NoteTrace(TraceEntry::Kind::kFork, {ActorNumber(actor), one_shot});
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    state_.reset();
    Unresolved("can't start a process (" + ErrnoName(errno) + "): raise the limit on processes");
  }
  if (child == 0) {
    os::DieWithParent();
    if (getppid() != parent) _exit(125);
    RunScript(actor, script);
    actor->ended.store(1);
    _exit(0);
  }
  state_->pid = child;
  actor->pid.store(child);
  if (!actor->tid.load()) actor->tid.store(child);
}

int Peer::kill_(int signal) {
  if (!state_ || state_->PollEnd()) {
    errno = ESRCH;
    return -1;
  }
  NoteTrace(TraceEntry::Kind::kSignal,
            {ActorNumber(state_->actor), static_cast<std::uint64_t>(signal)});
  return kill(state_->pid, signal);
}

void Peer::Kill() {
  if (!state_) return;
  // Where it can't be killed it ends with its test.
  if (kill_(SIGKILL) == 0 || errno == ESRCH) state_->AwaitEnd(10s);
}

void Peer::Stop() {
  if (kill_(SIGSTOP) != 0) Unresolved("can't stop a peer: it has ended");
  int status = 0;
  if (waitpid(state_->pid, &status, WUNTRACED) != state_->pid || !WIFSTOPPED(status)) {
    Unresolved("a peer could not be stopped");
  }
}

void Peer::Continue() {
  if (kill_(SIGCONT) != 0) Unresolved("can't continue a peer: it has ended");
  int status = 0;
  if (waitpid(state_->pid, &status, WCONTINUED) != state_->pid)
    Unresolved("a peer could not be continued");
  if (!WIFCONTINUED(status)) {
    state_->joined = true;
    state_->wait_status = status;
  }
}

int Peer::Join() {
  if (!state_ || !state_->AwaitEnd(20s)) Unresolved("a peer did not end");
  return state_->wait_status;
}

Peer::~Peer() {
  if (state_) Kill();
}

namespace {

// Enough for a step; the usual 8 MiB are too much for a small address space. 0: the default.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStackBytes = 0;
#else
constexpr std::size_t kStackBytes = std::size_t{512} << 10;
#endif

int CreateThread(pthread_t* thread, void* (*run)(void*), void* argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // The least depends on the processor.
  const auto least = static_cast<std::size_t>(std::max(sysconf(_SC_THREAD_STACK_MIN), 0L));
  if (kStackBytes > 0) pthread_attr_setstacksize(&attributes, std::max(kStackBytes, least));
  const int error = pthread_create(thread, &attributes, run, argument);
  pthread_attr_destroy(&attributes);
  return error;
}

struct ThreadStart {
  Actor* actor;
  PeerBase::Script script;
  void (*run)(Actor*, const PeerBase::Script&);
};

// Also runs when the thread is cancelled (by unwinding in glibc, by the handler list in musl).
void MarkUnwound(void* actor) {
  static_cast<Actor*>(actor)->ended.store(2, std::memory_order_release);
}

void* ThreadMain(void* argument) {
  auto* start = static_cast<ThreadStart*>(argument);
  Actor* actor = start->actor;
  // Not destroyed on cancellation under musl, which does not unwind: kept reachable on purpose.
  PeerBase::Script script = std::move(start->script);
  auto run = start->run;
  delete start;
  pthread_cleanup_push(MarkUnwound, actor);
  run(actor, script);
  pthread_cleanup_pop(0);
  actor->ended.store(1, std::memory_order_release);
  return nullptr;
}

}  // namespace

void ThreadPeer::Start(Script script) {
  if (state_) Join();
  released_ = 0;
  Slot* slot = CurrentSlot();
  Actor* actor = slot ? slot->NewActor() : nullptr;
  if (!actor) Unresolved("too many peers in one test");
  state_ = std::make_shared<internal::PeerState>();
  state_->actor = actor;
  actor->text = "";
  TraceEntry* started = NoteTrace(TraceEntry::Kind::kThread, {ActorNumber(actor), 0});
  auto* start = new ThreadStart{actor, std::move(script), &PeerBase::RunScript};
  const int error = CreateThread(&state_->thread, ThreadMain, start);
  if (error != 0) {
    delete start;
    state_.reset();
    Unresolved("can't start a thread (" + ErrnoName(error) + "): raise the limit on processes");
  }
  if (started) started->word[1] = internal::ToWord(state_->thread);
}

void ThreadPeer::Join() {
  if (!state_ || state_->joined) return;
  if (!state_->AwaitEnd(20s)) Unresolved("a thread did not end");
  pthread_join(state_->thread, nullptr);
  state_->joined = true;
}

ThreadPeer::~ThreadPeer() {
  if (!state_ || state_->joined) return;
  if (!state_->actor->ended.load()) {
    pthread_cancel(state_->thread);
    if (!state_->AwaitEnd(5s)) return;  // the process ends soon; joining would hang
  }
  pthread_join(state_->thread, nullptr);
}

void CloseAllExcept(std::initializer_list<int> keep) {
  if (TraceEntry* entry = NoteTrace(TraceEntry::Kind::kCloseExcept)) {
    for (const int fd : keep) {
      if (entry->word_count < TraceEntry::kWords)
        entry->word[entry->word_count++] = static_cast<std::uint64_t>(fd);
    }
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const int last = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 4096));
  for (const int fd : os::OpenDescriptors(last)) {
    if (fd > 2 && std::find(keep.begin(), keep.end(), fd) == keep.end()) close(fd);
  }
}

}  // namespace ipcsuite
