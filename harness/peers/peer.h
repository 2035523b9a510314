// Peers: processes and threads that perform steps on request, so that a test can show what one
// call does to another that is blocked.
//
// ```cpp body
// Pipe p;
// SharedBuffer buffer(5);
// Peer reader;
// Call call = reader.start([&] { return CALL(read(p.rd(), buffer.data(), 5)); });
// EXPECT_THAT(call, Blocks());
// EXPECT_THAT(CALL(write(p.wr(), "hello", 5)), SucceedsWith(5));
// EXPECT_THAT(call.result(), SucceedsWith(5));
// ```
//
// A peer with state of its own is a script, whose steps its test releases one by one:
//
// ```cpp body
// const FifoNode fifo;
// SharedBuffer buffer(5);
// Peer peer([&](Peer::Self& self) {
//   Fd own(open(fifo.path(), O_RDONLY | O_NONBLOCK));
//   self.step([&] { return CALL(read(own, buffer.data(), 5)); });
//   self.step([&] { return CALL(close(own.release())); });
// });
// EXPECT_THAT(peer.next().result(), SucceedsWith(0));
// EXPECT_THAT(peer.next().result(), SucceedsWith(0));
// ```
//
// What a process writes to its own memory is not seen by its test: use Shared<T> or SharedBuffer.
// EXPECT_* in a peer is recorded (failures go to the arena). A forked peer has copies of all
// descriptors of its test: the last writer of a pipe is gone only when those copies are closed too
// (CloseAllExcept).
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/core/matchers.h"
#include "harness/peers/probe.h"

namespace ipcsuite {

// A value in memory that a test shares with its peers. T must be trivially destructible (atomics,
// plain structs). Lives as long as the test.
template <typename T>
class Shared {
 public:
  Shared() : value_(new (AllocateShared()) T()) {}
  T* get() const { return value_; }
  T& operator*() const { return *value_; }
  T* operator->() const { return value_; }

 private:
  static void* AllocateShared() {
    static_assert(std::is_trivially_destructible_v<T>);
    Slot* slot = CurrentSlot();
    void* memory = slot ? slot->Allocate(sizeof(T), alignof(T)) : nullptr;
    if (!memory) Unresolved("the test's shared memory is used up");
    return memory;
  }
  T* value_;
};

// Bytes that a test shares with its peers, zero at first.
class SharedBuffer {
 public:
  explicit SharedBuffer(std::size_t size);
  char* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::string str(std::size_t length) const { return std::string(data_, length); }

 private:
  char* data_;
  std::size_t size_;
};

namespace internal {
// What a peer's owner knows of it; shared by the peer and its call handles.
struct PeerState {
  Actor* actor = nullptr;
  pid_t pid = 0;  // 0: a thread of this process
  pthread_t thread{};
  bool joined = false;  // reaped or joined
  int wait_status = 0;
  bool one_shot = false;
  bool PollEnd();  // reaps or notices the end; true once ended
  bool AwaitEnd(nanoseconds limit);
};
}  // namespace internal

// One step of a peer, as its test sees it. A cheap handle, valid while the test runs.
class Call {
 public:
  Call() = default;
  // Waits until the step has returned, its peer has ended, or the call has been shown blocked for
  // `patience` without a break, or its thread asleep twice as long (Fate::kStillBlocked). A thread
  // that is still not shown asleep after five times as long may only be slow: the test ends as
  // UNRESOLVED. `patience` is nominal (harness/core/patience.h). Of a one-shot peer the end of the
  // process is awaited too, so that its descriptors are closed when this returns.
  CallResult result(nanoseconds patience) const;
  // The same of a call that something must have ended by now. One that only an event can end is
  // still blocked when its thread slept for one second, without running, while no other peer could
  // do anything: it was not woken. One that was woken later than 100 ms, though asleep all the
  // while, is recorded. Otherwise the patience is 3 s.
  CallResult result() const;
  // True when the step has returned already; does not wait.
  bool returned() const;
  // Waits until the call is shown blocked or ended (probe.h).
  ProbeResult probe(int fd = -1, nanoseconds patience = 10s) const;
  pid_t pid() const { return state_->actor->pid.load(); }
  pid_t tid() const { return state_->actor->tid.load(); }
  const Actor& actor() const { return *state_->actor; }
  // The call that the peer is in, or was last in, as written in the test.
  const char* text() const { return state_->actor->text ? state_->actor->text : ""; }
  // The number of the call that Blocks() last saw; StaysBlocked() compares with it.
  std::uint32_t& seen_seq() const { return *seen_seq_; }

 private:
  friend class PeerBase;
  CallResult Await(nanoseconds patience, bool must_be_woken) const;
  CallResult OutcomeOfEnded() const;
  Call(std::shared_ptr<internal::PeerState> state, std::uint32_t step)
      : state_(std::move(state)), step_(step), seen_seq_(std::make_shared<std::uint32_t>(0)) {}
  std::shared_ptr<internal::PeerState> state_;
  std::uint32_t step_ = 0;
  std::shared_ptr<std::uint32_t> seen_seq_;
};
inline void PrintTo(const Call&, std::ostream* out) { *out << "a call in a peer"; }

class PeerBase {
 public:
  // The peer's own view, in its script.
  class Self {
   public:
    explicit Self(Actor* actor) : actor_(actor) {}
    // Waits until the test releases the step (next()), performs it and publishes its result: what
    // `f` returns if that is a CallResult, otherwise the last call that it made.
    template <typename F>
    void step(F&& f) {
      AwaitGo();
      if constexpr (std::is_same_v<std::invoke_result_t<F>, CallResult>) {
        Publish(f());
      } else {
        f();
        Publish(actor_->last);
      }
    }

   private:
    void AwaitGo();
    void Publish(const CallResult& result);
    Actor* actor_;
  };
  using Script = std::function<void(Self&)>;

  PeerBase(const PeerBase&) = delete;
  PeerBase& operator=(const PeerBase&) = delete;
  PeerBase(PeerBase&&) = default;

  // Releases the script's next step and returns its handle.
  Call next();
  // True while the peer has not ended.
  bool alive();
  pid_t pid() const { return state_->actor->pid.load(); }
  pid_t tid() const { return state_->actor->tid.load(); }
  Actor& actor() { return *state_->actor; }

 protected:
  PeerBase() = default;
  Call Handle(std::uint32_t step) { return Call(state_, step); }
  static void RunScript(Actor* actor, const Script& script);
  std::shared_ptr<internal::PeerState> state_;
  std::uint32_t released_ = 0;
};

// A forked process. Killed and reaped when the object goes.
class Peer : public PeerBase {
 public:
  Peer() = default;
  // Forks immediately; the script runs in the child, which exits with 0 at its end.
  explicit Peer(Script script) { Fork(std::move(script), false); }
  ~Peer();
  Peer(Peer&&) = default;

  // Forks now and performs `f` (returning CallResult, or void) in the child, which then exits.
  template <typename F>
  Call start(F f) {
    Fork([f = std::move(f)](Self& self) mutable { self.step(f); }, true);
    return next();
  }

  // Sends a signal; the result is that of kill(2).
  int Signal(int signal) { return kill_(signal); }
  // SIGKILL and reap.
  void Kill();
  // Stops the process and returns once it is shown stopped (waitpid WUNTRACED).
  void Stop();
  // SIGCONT, and returns once it is shown continued.
  void Continue();
  // Waits until the process has ended and returns its wait status; UNRESOLVED after 20 s of
  // nominal time.
  int Join();

 private:
  void Fork(Script script, bool one_shot);
  int kill_(int signal);
};

// A thread of the test's process. Joined (cancelled first, if it has not ended) when the object
// goes.
class ThreadPeer : public PeerBase {
 public:
  ThreadPeer() = default;
  explicit ThreadPeer(Script script) { Start(std::move(script)); }
  ~ThreadPeer();
  ThreadPeer(ThreadPeer&&) = default;

  template <typename F>
  Call start(F f) {
    Start([f = std::move(f)](Self& self) mutable { self.step(f); });
    return next();
  }
  pthread_t handle() const { return state_->thread; }
  void Join();

 private:
  void Start(Script script);
};

// In a peer: closes every descriptor from 3 up except these.
void CloseAllExcept(std::initializer_list<int> keep);

namespace internal {
// Notes the evidence; true when the probe showed (or inferred) that the call blocks. A call that
// neither returned nor was shown blocked may only be slow: the test ends as UNRESOLVED.
bool ExplainProbe(const Call& call, const ProbeResult& probe,
                  testing::MatchResultListener* listener);
}  // namespace internal

// The call is shown blocked (waits for that; a call that returns does not match).
MATCHER(Blocks, negation ? "does not block" : "blocks") {
  NoteChecks();
  const ProbeResult probe = arg.probe();
  return internal::ExplainProbe(arg, probe, result_listener);
}
// ... in a system call on this descriptor.
MATCHER_P(BlocksOn, fd, "blocks on descriptor " + std::to_string(fd)) {
  NoteChecks();
  const ProbeResult probe = arg.probe(fd);
  return internal::ExplainProbe(arg, probe, result_listener);
}
// The call that Blocks() saw is still the one that blocks: what was done in between did not end it.
MATCHER(StaysBlocked, negation ? "does not stay blocked" : "stays blocked in the same call") {
  NoteChecks();
  const std::uint32_t before = arg.seen_seq();
  const ProbeResult probe = arg.probe();
  if (!internal::ExplainProbe(arg, probe, result_listener)) return false;
  *result_listener << "; call " << probe.seq << ", was " << before;
  return before == probe.seq;
}

}  // namespace ipcsuite
