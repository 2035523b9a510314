// One operation on an IPC object, as a plain value: what was asked and what came of it.
//
// The same record serves the models (`Step` judges one), the engines (they issue one) and the
// histories (they hold many, in shared memory, so the type is trivially copyable). Which fields an
// operation uses is in the table of op.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace ipcsuite::props {

enum class Call : std::uint8_t {
  kNone = 0,
  // Message queues. object: the queue.
  kMqSend,          // value, priority, amount = length
  kMqTimedSend,     // same; far deadline unless kPastDeadline or kNearDeadline
  kMqReceive,       // value, priority; result = length
  kMqTimedReceive,  // same
  kMqCount,         // value = mq_curmsgs reported by mq_getattr
  kMqNotify,        // registers process `process`
  kMqUnnotify,      // mq_notify(q, NULL)
  kMqSignals,       // value = notifications that the process got since it last asked
  // Pipes and FIFOs. object: the pipe.
  kWrite,       // value = record id (its bytes follow from it), amount = bytes asked
  kRead,        // amount = bytes asked; the bytes read are pieces of records
  kCloseRead,   // the process closes its read end
  kCloseWrite,  // the process closes its write end
  kOpenRead,    // FIFO: the process opens a read end (non-blocking)
  kOpenWrite,   // FIFO: the process opens a write end (non-blocking)
  kPollIn,      // value = 1 when readable (POLLIN or POLLHUP), 0 when not
  kPollOut,     // value = 1 when POLLOUT is set
  // Semaphores. object: the semaphore.
  kSemWait,       // sem_wait, or sem_trywait with kNonblock
  kSemTryWait,    //
  kSemTimedWait,  // far deadline unless kPastDeadline or kNearDeadline
  kSemClockWait,  // same, on CLOCK_MONOTONIC
  kSemPost,       //
  kSemValue,      // value = what sem_getvalue stored, an int (Stored())
  // Mutexes. object: the mutex. EOWNERDEAD takes it too.
  kMutexLock,        // pthread_mutex_lock, or pthread_mutex_trylock with kNonblock
  kMutexTryLock,     //
  kMutexTimedLock,   // far deadline unless kPastDeadline or kNearDeadline
  kMutexUnlock,      //
  kMutexConsistent,  //
  // Condition variables, each with the mutex of the same number. object: both.
  kCondWait,       //
  kCondTimedWait,  // far deadline unless kPastDeadline or kNearDeadline
  kCondSignal,     //
  kCondBroadcast,  //
  // Read-write locks. object: the lock.
  kReadLock,        // pthread_rwlock_rdlock, or pthread_rwlock_tryrdlock with kNonblock
  kTryReadLock,     //
  kTimedReadLock,   // deadlines as above
  kWriteLock,       // pthread_rwlock_wrlock, or pthread_rwlock_trywrlock with kNonblock
  kTryWriteLock,    //
  kTimedWriteLock,  // deadlines as above
  kRwlockUnlock,    //
  // Barriers. object: the barrier.
  kBarrierWait,  // value = 1 when it returned PTHREAD_BARRIER_SERIAL_THREAD
  // Shared memory. object: name, descriptor slot or mapping slot, by call.
  kShmOpen,    // object = name, amount = descriptor slot, flags kCreate, kExclusive, kTruncate
  kShmUnlink,  // object = name
  kFtruncate,  // object = descriptor slot, amount = size
  kFstatSize,  // object = descriptor slot, value = size reported
  kCloseFd,    // object = descriptor slot
  kMmap,       // object = descriptor slot, priority = mapping slot, amount = page offset
  kMunmap,     // object = mapping slot
  kStore,      // object = mapping slot, amount = offset in it, value = byte
  kLoad,       // object = mapping slot, amount = offset in it, value = byte seen
  // Descriptors. process: which process; object: descriptor slot.
  kPipe,         // makes a pipe: read end in slot `object`, write end in slot `amount`
  kDup,          // duplicates slot `object` into slot `amount` (dup2 semantics)
  kClose,        // closes slot `object`
  kSetNonblock,  // object; value = 0 or 1
  kGetNonblock,  // object; value seen
  kSetCloexec,   // object; value = 0 or 1
  kGetCloexec,   // object; value seen
  kPutByte,      // writes one byte `value` through slot `object`
  kGetByte,      // reads one byte through slot `object`; value seen
  kFork,         // process `process` makes process `amount`
  kExit,         // process `process` ends
  kExecProbe,    // process execs; value = bit mask of slots open afterwards
  // Toy objects, for testing the checker.
  kToySet,   // value
  kToyGet,   // value seen
  kToyPush,  // value
  kToyPop,   // value seen
  kToyFlip,  // value seen: 0 or 1, both allowed
  kCallCount
};

// How an operation ended.
enum class Fate : std::uint8_t {
  kReturned = 0,  // result and error are known
  kBlocked,       // shown blocked when the history ended: it has had no effect
  kKilled,        // its process was killed inside the call: it may or may not have had its effect
  kUnknown,       // not returned, and nobody knows why: treated as kKilled
};

// Bits of Op::flags.
enum OpFlag : std::uint16_t {
  kNonblock = 1 << 0,
  kPastDeadline = 1 << 1,
  kNearDeadline = 1 << 2,
  kCreate = 1 << 3,
  kExclusive = 1 << 4,
  kTruncate = 1 << 5,
  kReadOnly = 1 << 6,
  kPrivate = 1 << 7,   // MAP_PRIVATE
  kViaPoll = 1 << 8,   // asked by poll first, then without blocking
  kGather = 1 << 9,    // writev or readv instead of write or read
  kStamped = 1 << 10,  // the record begins with its number and length
};

// No error: result is a success. Errors are errno values of this platform.
struct Op {
  Call call = Call::kNone;
  Fate fate = Fate::kReturned;
  std::uint16_t flags = 0;
  std::uint16_t process = 0;
  std::uint16_t reserved = 0;
  std::uint32_t object = 0;
  std::uint32_t priority = 0;
  std::uint64_t value = 0;
  std::uint64_t amount = 0;
  std::int64_t result = 0;
  std::int32_t error = 0;
  // Pieces of records that a read returned: a range of History::pieces.
  std::uint32_t piece_count = 0;
  std::uint64_t piece_begin = 0;
  // Order: tickets of one counter shared by all processes, taken before the call and after it, so
  // that ret < invoke of another proves that the one ended before the other began. 0 = none.
  std::uint64_t invoke = 0;
  std::uint64_t ret = 0;
  // Times for the drawing only (CLOCK_MONOTONIC); no verdict depends on them.
  std::int64_t invoke_ns = 0;
  std::int64_t return_ns = 0;
  // Timed calls that ended with ETIMEDOUT: deadline minus CLOCK_REALTIME after the return. Above
  // zero: the call ended too early.
  std::int64_t early_ns = 0;

  bool Has(OpFlag flag) const { return (flags & flag) != 0; }
  bool Returned() const { return fate == Fate::kReturned; }
  bool Optional() const { return fate == Fate::kKilled || fate == Fate::kUnknown; }
  bool Ok() const { return error == 0; }
};
static_assert(std::is_trivially_copyable_v<Op>);

// `length` bytes of record `record`, from byte `offset` of it.
struct Piece {
  std::uint64_t record = 0;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  friend bool operator==(const Piece&, const Piece&) = default;
};
static_assert(std::is_trivially_copyable_v<Piece>);

// "mq_send", ... ; the names of the history file.
std::string_view Name(Call call);
std::optional<Call> CallFromName(std::string_view name);
std::string_view Name(Fate fate);
std::optional<Fate> FateFromName(std::string_view name);

// mq_send, mq_timedsend
inline bool IsSend(Call call) { return call == Call::kMqSend || call == Call::kMqTimedSend; }
// mq_receive, mq_timedreceive
inline bool IsReceive(Call call) {
  return call == Call::kMqReceive || call == Call::kMqTimedReceive;
}

// The ways to wait for a semaphore.
inline bool IsSemWait(Call call) { return call >= Call::kSemWait && call <= Call::kSemClockWait; }
// The ways to take a mutex.
inline bool IsMutexLock(Call call) {
  return call >= Call::kMutexLock && call <= Call::kMutexTimedLock;
}
inline bool IsCondWait(Call call) {
  return call == Call::kCondWait || call == Call::kCondTimedWait;
}
// The ways to take a read-write lock.
inline bool IsReadLock(Call call) {
  return call >= Call::kReadLock && call <= Call::kTimedReadLock;
}
inline bool IsWriteLock(Call call) {
  return call >= Call::kWriteLock && call <= Call::kTimedWriteLock;
}
// It never waits for a lock.
inline bool IsTry(const Op& op) {
  return op.Has(kNonblock) || op.call == Call::kMutexTryLock || op.call == Call::kTryReadLock ||
         op.call == Call::kTryWriteLock;
}

// What sem_getvalue() stored: negative where waiters are counted.
inline std::int64_t Stored(const Op& op) { return static_cast<std::int64_t>(op.value); }

// One line that a person can read: "p2  mq_send(q0, v17, prio 3) = 0", "p0  mq_receive(q0)
// blocked".
std::string Describe(const Op& op);

// "EAGAIN", or the number where the name is not known.
std::string ErrorName(int error);
std::optional<int> ErrorFromName(std::string_view name);

}  // namespace ipcsuite::props
