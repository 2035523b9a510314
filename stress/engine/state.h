// What the processes of a run share: one anonymous shared mapping, made before fork.
//
// Every process writes only to its own pages (first touched by itself, after pinning: local to its
// NUMA node); the others read them seldom. Nothing on the hot path is written by two processes. All
// of it survives SIGKILL of any writer, so what a killed process had in hand is known.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "base/clock.h"
#include "spec/clause.h"
#include "stress/measure/histogram.h"
#include "stress/measure/message.h"

namespace ipcsuite::stress {

constexpr std::size_t kLine = 256;  // two lines of prefetch on x86, one line of s390x

// An anonymous shared mapping that is handed out piece by piece, each on pages of its own.
// Untouched pages cost nothing. Throws std::bad_alloc when the mapping is refused.
class SharedRegion {
 public:
  explicit SharedRegion(std::size_t bytes);
  ~SharedRegion();
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;

  void* Take(std::size_t bytes);
  template <class T>
  T* Make(std::size_t count = 1) {
    T* const first = static_cast<T*>(Take(sizeof(T) * count));
    for (std::size_t i = 0; i < count; ++i) new (first + i) T();
    return first;
  }
  // As Make for plain zeroed data, but doesn't touch the pages.
  template <class T>
  T* Zeroed(std::size_t count) {
    return static_cast<T*>(Take(sizeof(T) * count));
  }
  std::size_t used() const { return used_; }

 private:
  char* base_;
  std::size_t size_, used_ = 0, page_;
};

enum class Phase : std::uint32_t { kReady, kWarmUp, kMeasure, kStop, kDrained };

// Calls that a process notes before it makes them.
#define IPCSUITE_STRESS_CALLS(X)          \
  X(kNone, "none that it notes")          \
  X(kWrite, "write")                      \
  X(kRead, "read")                        \
  X(kMqSend, "mq_send")                   \
  X(kMqReceive, "mq_receive")             \
  X(kMqNotify, "mq_notify")               \
  X(kSigWait, "sigtimedwait")             \
  X(kOpen, "open")                        \
  X(kUnlink, "unlink")                    \
  X(kFtruncate, "ftruncate")              \
  X(kMmap, "mmap")                        \
  X(kLock, "pthread_mutex_lock")          \
  X(kUnlock, "unlocking")                 \
  X(kSpinLock, "pthread_spin_lock")       \
  X(kCondWait, "pthread_cond_wait")       \
  X(kReadLock, "pthread_rwlock_rdlock")   \
  X(kWriteLock, "pthread_rwlock_wrlock")  \
  X(kBarrierWait, "pthread_barrier_wait") \
  X(kFutexWait, "futex")                  \
  X(kSemWait, "sem_wait")                 \
  X(kSemPost, "sem_post")                 \
  X(kSpin, "spinning")                    \
  X(kPoll, "poll")

// What can be wrong.
#define IPCSUITE_STRESS_FINDINGS(X)          \
  X(kLost, "lost")                           \
  X(kDuplicated, "duplicated")               \
  X(kReordered, "out of order")              \
  X(kTorn, "torn")                           \
  X(kThinAir, "out of thin air")             \
  X(kPriorityInversion, "priority inverted") \
  X(kWrongErrno, "wrong errno")              \
  X(kPartialWrite, "partial write")          \
  X(kWrongLength, "wrong length")            \
  X(kSpuriousEintr, "spurious EINTR")        \
  X(kExclusion, "exclusion violated")        \
  X(kStaleData, "stale data")                \
  X(kNotifyLost, "notification lost")        \
  X(kNotifyExtra, "notification too many")   \
  X(kNotifyWrong, "notification wrong")      \
  X(kForbiddenOutcome, "forbidden outcome")  \
  X(kStuck, "stuck")                         \
  X(kNotRobust, "robustness violated")       \
  X(kLeftBehind, "left behind")              \
  X(kDied, "died")

#define IPCSUITE_STRESS_CONSTANT(constant, text) constant,
enum class CallId : std::uint32_t { IPCSUITE_STRESS_CALLS(IPCSUITE_STRESS_CONSTANT) };
enum class Kind : std::uint32_t { IPCSUITE_STRESS_FINDINGS(IPCSUITE_STRESS_CONSTANT) kCount };
#undef IPCSUITE_STRESS_CONSTANT
const char* ToString(CallId call);
const char* ToString(Kind kind);
constexpr int kKinds = static_cast<int>(Kind::kCount);

// One violation, as the process that saw it wrote it down.
struct Finding {
  Kind kind;
  ClauseRef clause;  // its text lies in the program: the same address in every process
  std::int32_t worker, pid;
  std::int64_t t_ns;            // CLOCK_MONOTONIC
  std::uint64_t got, expected;  // packed stamps where messages are concerned
  std::int32_t error;           // errno, or 0
  std::uint64_t offset;         // first wrong byte of a torn message
  char text[136];
  unsigned char sample[32];  // the bytes around `offset`
};

constexpr int kFindingsKept = 32;
constexpr int kGapsKept = 8192;

// A hole in a stream as its only consumer saw it: messages [from, to) did not come before `to`.
struct Gap {
  std::uint32_t stream;
  std::uint64_t from, to;
};

struct UsageMark {
  std::int64_t t_ns = 0, cpu_ns = 0;
  std::uint64_t count = 0, voluntary = 0, involuntary = 0, minor = 0, major = 0;
};

// Hot fields of one process: written by it alone.
struct alignas(kLine) WorkerHot {
  std::atomic<std::uint64_t> count{0};    // messages (or operations) done since the slice began
  std::atomic<std::uint64_t> in_hand{0};  // packed stamp + 1 of the message not yet accounted for
  std::atomic<CallId> in_call{CallId::kNone};
  std::atomic<std::uint64_t> eintr{0};
  std::atomic<std::uint64_t> checks{0};  // invariants checked beyond one for each message
};

struct alignas(kLine) WorkerCold {
  std::atomic<std::int32_t> pid{0};
  std::atomic<std::uint32_t> done{0};
  std::atomic<std::uint64_t> signals{0}, signals_in_call{0};  // caught by the storm's handler
  std::atomic<std::uint32_t> finding_count{0};
  std::atomic<std::uint64_t> by_kind[kKinds] = {};
  std::uint64_t teeth = 0;      // workload's own proof that something could be seen
  std::uint64_t extra[8] = {};  // workload's own counters (outcomes of a litmus test)
  UsageMark begin, end;
  Finding findings[kFindingsKept] = {};
};

struct alignas(kLine) Control {
  std::atomic<Phase> phase{Phase::kReady};
  std::atomic<std::int64_t> start_ns{0};  // when warm-up began: the origin of open-loop schedules
  alignas(kLine) std::atomic<std::uint32_t> generation{0};
};

}  // namespace ipcsuite::stress
