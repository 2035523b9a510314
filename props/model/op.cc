#include "props/model/op.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <utility>

namespace ipcsuite::props {
namespace {

// How the arguments and the value of a call are written.
enum class Shape : std::uint8_t {
  kPlain,
  kMessageIn,
  kMessageOut,
  kValueIn,
  kValueOut,
  kIntOut,
  kBytes
};

struct CallInfo {
  Call call;
  const char* name;
  char object;  // letter of the object in the text
  Shape shape;
};

constexpr std::array<CallInfo, static_cast<std::size_t>(Call::kCallCount)> kCalls = {{
    {Call::kNone, "none", 'o', Shape::kPlain},
    {Call::kMqSend, "mq_send", 'q', Shape::kMessageIn},
    {Call::kMqTimedSend, "mq_timedsend", 'q', Shape::kMessageIn},
    {Call::kMqReceive, "mq_receive", 'q', Shape::kMessageOut},
    {Call::kMqTimedReceive, "mq_timedreceive", 'q', Shape::kMessageOut},
    {Call::kMqCount, "mq_curmsgs", 'q', Shape::kValueOut},
    {Call::kMqNotify, "mq_notify", 'q', Shape::kPlain},
    {Call::kMqUnnotify, "mq_notify_null", 'q', Shape::kPlain},
    {Call::kMqSignals, "notifications", 'q', Shape::kValueOut},
    {Call::kWrite, "write", 'p', Shape::kBytes},
    {Call::kRead, "read", 'p', Shape::kBytes},
    {Call::kCloseRead, "close_read_end", 'p', Shape::kPlain},
    {Call::kCloseWrite, "close_write_end", 'p', Shape::kPlain},
    {Call::kOpenRead, "open_read_end", 'p', Shape::kPlain},
    {Call::kOpenWrite, "open_write_end", 'p', Shape::kPlain},
    {Call::kPollIn, "poll_in", 'p', Shape::kValueOut},
    {Call::kPollOut, "poll_out", 'p', Shape::kValueOut},
    {Call::kSemWait, "sem_wait", 's', Shape::kPlain},
    {Call::kSemTryWait, "sem_trywait", 's', Shape::kPlain},
    {Call::kSemTimedWait, "sem_timedwait", 's', Shape::kPlain},
    {Call::kSemClockWait, "sem_clockwait", 's', Shape::kPlain},
    {Call::kSemPost, "sem_post", 's', Shape::kPlain},
    {Call::kSemValue, "sem_getvalue", 's', Shape::kIntOut},
    {Call::kMutexLock, "pthread_mutex_lock", 'm', Shape::kPlain},
    {Call::kMutexTryLock, "pthread_mutex_trylock", 'm', Shape::kPlain},
    {Call::kMutexTimedLock, "pthread_mutex_timedlock", 'm', Shape::kPlain},
    {Call::kMutexUnlock, "pthread_mutex_unlock", 'm', Shape::kPlain},
    {Call::kMutexConsistent, "pthread_mutex_consistent", 'm', Shape::kPlain},
    {Call::kCondWait, "pthread_cond_wait", 'c', Shape::kPlain},
    {Call::kCondTimedWait, "pthread_cond_timedwait", 'c', Shape::kPlain},
    {Call::kCondSignal, "pthread_cond_signal", 'c', Shape::kPlain},
    {Call::kCondBroadcast, "pthread_cond_broadcast", 'c', Shape::kPlain},
    {Call::kReadLock, "pthread_rwlock_rdlock", 'l', Shape::kPlain},
    {Call::kTryReadLock, "pthread_rwlock_tryrdlock", 'l', Shape::kPlain},
    {Call::kTimedReadLock, "pthread_rwlock_timedrdlock", 'l', Shape::kPlain},
    {Call::kWriteLock, "pthread_rwlock_wrlock", 'l', Shape::kPlain},
    {Call::kTryWriteLock, "pthread_rwlock_trywrlock", 'l', Shape::kPlain},
    {Call::kTimedWriteLock, "pthread_rwlock_timedwrlock", 'l', Shape::kPlain},
    {Call::kRwlockUnlock, "pthread_rwlock_unlock", 'l', Shape::kPlain},
    {Call::kBarrierWait, "pthread_barrier_wait", 'b', Shape::kValueOut},
    {Call::kShmOpen, "shm_open", 'n', Shape::kBytes},
    {Call::kShmUnlink, "shm_unlink", 'n', Shape::kPlain},
    {Call::kFtruncate, "ftruncate", 'd', Shape::kBytes},
    {Call::kFstatSize, "fstat_size", 'd', Shape::kValueOut},
    {Call::kCloseFd, "close_fd", 'd', Shape::kPlain},
    {Call::kMmap, "mmap", 'd', Shape::kBytes},
    {Call::kMunmap, "munmap", 'm', Shape::kPlain},
    {Call::kStore, "store", 'm', Shape::kValueIn},
    {Call::kLoad, "load", 'm', Shape::kValueOut},
    {Call::kPipe, "pipe", 'd', Shape::kBytes},
    {Call::kDup, "dup2", 'd', Shape::kBytes},
    {Call::kClose, "close", 'd', Shape::kPlain},
    {Call::kSetNonblock, "set_nonblock", 'd', Shape::kValueIn},
    {Call::kGetNonblock, "get_nonblock", 'd', Shape::kValueOut},
    {Call::kSetCloexec, "set_cloexec", 'd', Shape::kValueIn},
    {Call::kGetCloexec, "get_cloexec", 'd', Shape::kValueOut},
    {Call::kPutByte, "put_byte", 'd', Shape::kValueIn},
    {Call::kGetByte, "get_byte", 'd', Shape::kValueOut},
    {Call::kFork, "fork", 'd', Shape::kBytes},
    {Call::kExit, "exit", 'd', Shape::kPlain},
    {Call::kExecProbe, "exec_probe", 'd', Shape::kValueOut},
    {Call::kToySet, "set", 'x', Shape::kValueIn},
    {Call::kToyGet, "get", 'x', Shape::kValueOut},
    {Call::kToyPush, "push", 'x', Shape::kValueIn},
    {Call::kToyPop, "pop", 'x', Shape::kValueOut},
    {Call::kToyFlip, "flip", 'x', Shape::kValueOut},
}};

const CallInfo& Info(Call call) {
  const auto at = static_cast<std::size_t>(call);
  return kCalls[at < kCalls.size() ? at : 0];
}

// Each table entry stands at the index of its call.
constexpr bool InOrder() {
  for (std::size_t i = 0; i < kCalls.size(); ++i) {
    if (static_cast<std::size_t>(kCalls[i].call) != i) return false;
  }
  return true;
}
static_assert(InOrder());

constexpr std::array<const char*, 4> kFates = {"returned", "blocked", "killed", "unknown"};

constexpr std::array<std::pair<OpFlag, const char*>, 11> kFlags = {{
    {kNonblock, "nonblock"},
    {kPastDeadline, "past"},
    {kNearDeadline, "near"},
    {kCreate, "creat"},
    {kExclusive, "excl"},
    {kTruncate, "trunc"},
    {kReadOnly, "rdonly"},
    {kPrivate, "private"},
    {kViaPoll, "poll first"},
    {kGather, "iovec"},
    {kStamped, "stamped"},
}};

// Errors that operations of the models end with, by name, since numbers differ between systems.
constexpr std::pair<int, const char*> kErrors[] = {
    {0, "0"},
    {EAGAIN, "EAGAIN"},
    {EINTR, "EINTR"},
    {EPIPE, "EPIPE"},
    {EBADF, "EBADF"},
    {EINVAL, "EINVAL"},
    {EBUSY, "EBUSY"},
    {ETIMEDOUT, "ETIMEDOUT"},
    {EEXIST, "EEXIST"},
    {ENOENT, "ENOENT"},
    {EMFILE, "EMFILE"},
    {ENFILE, "ENFILE"},
    {ENOSPC, "ENOSPC"},
    {EMSGSIZE, "EMSGSIZE"},
    {ENXIO, "ENXIO"},
    {ENOSYS, "ENOSYS"},
    {EACCES, "EACCES"},
    {ENOMEM, "ENOMEM"},
    {EPERM, "EPERM"},
    {EIO, "EIO"},
    {EOVERFLOW, "EOVERFLOW"},
    {EDEADLK, "EDEADLK"},
    {EOWNERDEAD, "EOWNERDEAD"},
    {ENOTRECOVERABLE, "ENOTRECOVERABLE"},
};

std::string Arguments(const Op& op, const CallInfo& info) {
  std::string text = fmt::format("{}{}", info.object, op.object);
  switch (info.shape) {
    case Shape::kMessageIn: text += fmt::format(", v{}, prio {}", op.value, op.priority); break;
    case Shape::kValueIn: text += fmt::format(", {}", op.value); break;
    case Shape::kBytes:
      if (op.call == Call::kWrite) text += fmt::format(", v{}", op.value);
      if (op.call == Call::kMmap) text += fmt::format(", m{}", op.priority);
      text += fmt::format(", {}", op.amount);
      break;
    default:
      if (op.call == Call::kLoad) text += fmt::format(", {}", op.amount);
      break;
  }
  if (op.call == Call::kStore) text += fmt::format(" at {}", op.amount);
  for (const auto& [flag, name] : kFlags) {
    if (op.Has(flag)) text += fmt::format(", {}", name);
  }
  return text;
}

}  // namespace

std::string_view Name(Call call) { return Info(call).name; }

std::optional<Call> CallFromName(std::string_view name) {
  for (const CallInfo& info : kCalls) {
    if (name == info.name) return info.call;
  }
  return std::nullopt;
}

std::string_view Name(Fate fate) { return kFates[static_cast<std::size_t>(fate) % kFates.size()]; }

std::optional<Fate> FateFromName(std::string_view name) {
  for (std::size_t i = 0; i < kFates.size(); ++i) {
    if (name == kFates[i]) return static_cast<Fate>(i);
  }
  return std::nullopt;
}

std::string ErrorName(int error) {
  for (const auto& [number, name] : kErrors) {
    if (number == error) return name;
  }
  return fmt::format("errno {}", error);
}

std::optional<int> ErrorFromName(std::string_view name) {
  for (const auto& [number, text] : kErrors) {
    if (name == text) return number;
  }
  return std::nullopt;
}

std::string Describe(const Op& op) {
  const CallInfo& info = Info(op.call);
  std::string text = fmt::format("p{}  {}({})", op.process, info.name, Arguments(op, info));
  if (!op.Returned()) return text + " " + std::string(Name(op.fate));
  if (!op.Ok()) return text + " fails with " + ErrorName(op.error);
  if (info.shape == Shape::kMessageOut) {
    return text + fmt::format(" -> v{}, prio {}", op.value, op.priority);
  }
  if (info.shape == Shape::kValueOut) return text + fmt::format(" -> {}", op.value);
  if (info.shape == Shape::kIntOut) return text + fmt::format(" -> {}", Stored(op));
  return text + fmt::format(" = {}", op.result);
}

}  // namespace ipcsuite::props
