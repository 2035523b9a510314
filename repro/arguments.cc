#include "repro/arguments.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "harness/core/call.h"
#include "harness/core/trace_words.h"
#include "repro/steps.h"

namespace ipcsuite::repro {
namespace {

using K = ParameterKind;
constexpr std::size_t kBufferMax = 1u << 20;

const char* RemovalOf(Function function) {
  switch (function) {
    case Function::mq_open:
    case Function::mq_unlink: return "mq_unlink";
    case Function::shm_open:
    case Function::shm_unlink: return "shm_unlink";
    case Function::sem_open:
    case Function::sem_unlink: return "sem_unlink";
    default: return "unlink";
  }
}

class Writer {
 public:
  // `made`: the variable of what the call makes, if that is passed by its address.
  Writer(const TraceEntry& entry, Roles& roles, Needs& needs, std::string* why,
         const std::string& made)
      : entry_(entry), roles_(roles), needs_(needs), why_(why), made_(made) {}

  std::string Argument(int i, K kind) {
    if (kind >= K::kSemaphore) return roles_.Object(entry_.actor, kind, Word(i));
    if (IsResult(kind)) return Result(i, kind);
    if (kind == K::kFdSet) return FdSet(i);
    if (kind >= K::kString && kind < K::kSigval) return Pointee(i, kind);
    return NumberOf(i, kind);
  }

 private:
  std::string Refuse(const std::string& reason) {
    if (why_->empty()) *why_ = std::string(ShapeOf(entry_.function).name) + "() " + reason;
    return "0";
  }
  std::uint64_t Word(int i) const { return i < entry_.word_count ? entry_.word[i] : 0; }
  // Whether its pointers are bad ones, rather than good ones that a platform refuses.
  bool Faults() const {
    const Requirement& required = entry_.requirement;
    return entry_.failed && entry_.error == EFAULT &&
           (required.held || required.what == Requirement::kNone);
  }

  std::string NumberOf(int i, K kind) {
    const auto value = static_cast<std::int64_t>(Word(i));
    const int number = static_cast<int>(value);
    switch (kind) {
      case K::kFd:
      case K::kMqd: return roles_.Descriptor(entry_.actor, number);
      case K::kDirFd:
        return number == AT_FDCWD ? "AT_FDCWD" : roles_.Descriptor(entry_.actor, number);
      case K::kOpenFlags: {
        const bool opens = entry_.function != Function::sem_open && i > 0 &&
                           ShapeOf(entry_.function).parameters[i - 1].kind == K::kString;
        return opens ? OpenFlagsInC(number & ~kLargeFile) : OtherFlags(number);
      }
      case K::kMode: return OctalInC(static_cast<unsigned>(number));
      case K::kSignal: return SignalInC(number);
      case K::kCommand: return CommandInC(number);
      case K::kCommandArgument:
        if (Word(1) == F_SETFL) return OtherFlags(number & ~kLargeFile & ~O_ACCMODE);
        if (Word(i) > kBufferMax) return Refuse("with a lock");
        return std::to_string(number);
      case K::kProtection: return ProtectionInC(number);
      case K::kMapFlags: return MapFlagsInC(number);
      case K::kSyncFlags: return SyncFlagsInC(number);
      case K::kHow: return HowInC(number);
      case K::kWhence: return WhenceInC(number);
      case K::kAdvice: return AdviceInC(number);
      case K::kResource: return ResourceInC(number);
      case K::kClock: return ClockInC(number);
      case K::kPshared: return PsharedInC(number);
      case K::kMutexType: return MutexTypeInC(number);
      case K::kRobustness: return RobustnessInC(number);
      case K::kProtocol: return ProtocolInC(number);
      case K::kPid: {
        const std::string process = roles_.Process(entry_.actor, value);
        if (process == "pid[later]") return Refuse("to a process that began later");
        return process.empty() ? Refuse("to a process by its number") : process;
      }
      case K::kThread: {
        const int actor = roles_.ActorOfThread(Word(i));
        return actor < 0 ? Refuse("to a thread that is not a peer")
                         : "thread[" + std::to_string(actor) + "]";
      }
      case K::kPointer: {
        if (value == 0) return "NULL";
        const std::string mapped = roles_.Mapped(entry_.actor, Word(i));
        return mapped.empty() ? Refuse("of memory that the trace does not know") : mapped;
      }
      case K::kSigval: return "(union sigval){" + std::to_string(number) + "}";
      case K::kUnsigned: return std::to_string(Word(i)) + (Word(i) > INT32_MAX ? "u" : "");
      default:
        // A number that dup2() makes may be that of a descriptor which is known.
        return NamesItsCopy(entry_.function) && i == 1 ? roles_.Descriptor(entry_.actor, number)
                                                       : Integer(value);
    }
  }

  // Without the mode of access: "O_NONBLOCK", "0".
  static std::string OtherFlags(int flags) {
    const std::string text = OpenFlagsInC(flags), access = "O_RDONLY | ";
    return flags == 0 ? "0" : text.starts_with(access) ? text.substr(access.size()) : text;
  }

  // INT64_MIN has no literal; others beyond int are wide enough by themselves.
  static std::string Integer(std::int64_t value) {
    return value == INT64_MIN ? "(-9223372036854775807 - 1)" : std::to_string(value);
  }

  // Also where a long has 32 bits.
  static std::string Long(std::int64_t value) {
    const bool wide = value > INT32_MAX || value < INT32_MIN;
    return (wide ? "(long)" : "") + Integer(value);
  }

  std::string Result(int i, K kind) {
    if (Word(i) == 0) return "NULL";
    if (Faults()) return "(void *)-1";
    switch (kind) {
      case K::kBytesOut:
        if (Word(i + 1) > kBufferMax && !entry_.failed) return Refuse("with a huge buffer");
        return Buffer(Word(i + 1));
      case K::kAttributesOut: return needs_.attributes = true, "&attr";
      case K::kStatOut: return needs_.status = true, "&st";
      case K::kUnsignedOut: return needs_.priority = true, "&prio";
      case K::kIntOut: return needs_.number = true, "&number";
      case K::kInfoOut: return needs_.info = true, "&info";
      case K::kEndsOut: return entry_.failed ? "(int[2]){0}" : made_;
      case K::kSigsetOut: return "&(sigset_t){0}";
      case K::kOpaqueOut:
        // Old actions and limits, which nobody looks at here.
        if (entry_.function == Function::sigaction) return "NULL";
        if (entry_.function == Function::readv) return Vectors(i, true);
        [[fallthrough]];
      default: return Refuse("with results that the trace does not hold");
    }
  }

  std::string Buffer(std::uint64_t bytes) {
    const auto wanted = std::clamp<std::size_t>(bytes, 1, kBufferMax);
    needs_.buffer_bytes = std::max(needs_.buffer_bytes, wanted);
    return "buf";
  }

  // "(struct iovec[]){{\"ab\", 2}, {\"c\", 1}}", or with parts of the buffer.
  std::string Vectors(int i, bool out) {
    const std::size_t count = Word(i + 1), head = count * sizeof(iovec);
    if (count == 0 || count > 3 || entry_.size[i] < head) return Refuse("with many buffers");
    std::string text;
    std::size_t at = head, begin = 0;
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t length = Take<iovec>(entry_, i, n * sizeof(iovec)).iov_len;
      if (length > 200 || (!out && at + length > entry_.size[i]))
        return Refuse("with long buffers");
      const std::string base =
          out ? Buffer(begin + length) + (begin > 0 ? " + " + std::to_string(begin) : "")
              : LiteralInC(CopyOf(entry_, i).substr(at, length));
      text += (n > 0 ? ", {" : "{") + base + ", " + std::to_string(length) + "}";
      at += length;
      begin += length;
    }
    return "(struct iovec[]){" + text + "}";
  }

  // "fds(0, (int[]){p1[0], -1})"
  std::string FdSet(int i) {
    if (Word(i) == 0) return "NULL";
    if (Word(0) > 64) return Refuse("with sets of more than 64 descriptors");
    if (entry_.size[i] == 0) return Faults() ? "(void *)-1" : Refuse("with unknown sets");
    const auto bits = Take<std::uint64_t>(entry_, i);
    std::string text = "fds(" + std::to_string(i - 1) + ", (int[]){";
    for (int fd = 0; fd < 64; ++fd) {
      if (bits >> fd & 1) text += roles_.Descriptor(entry_.actor, fd) + ", ";
    }
    return text + "-1})";
  }

  std::string Bytes(int i) {
    const std::uint64_t length = Word(i + 1);
    const std::string_view bytes = CopyOf(entry_, i);
    if (length == 0) return "\"\"";
    if (Word(i) == 0) return "NULL";
    if (bytes.empty()) return "(void *)-1";
    if (bytes.size() == length) return LiteralInC(bytes);
    if (length > kBufferMax) return Refuse("with a huge buffer");
    needs_.bytes_are_known = false;
    needs_.zeroes_bytes = std::max<std::size_t>(needs_.zeroes_bytes, length);
    return "zeroes";
  }

  std::string Pointee(int i, K kind) {
    if (Word(i) == 0) return kind != K::kBytesIn ? "NULL" : Bytes(i);
    if (Faults() && entry_.size[i] == 0) return "(void *)-1";
    const auto fields = [](std::int64_t a, std::int64_t b) {
      return Long(a) + ", " + Long(b) + "}";
    };
    switch (kind) {
      case K::kString: {
        constexpr std::size_t kCopied = 110;
        if (entry_.size[i] >= kCopied) return Refuse("with a long name");
        return roles_.Name(CopyOf(entry_, i), RemovalOf(entry_.function));
      }
      case K::kBytesIn: return Bytes(i);
      case K::kDeadline: return Deadline(i);
      case K::kInterval: {
        const auto time = Take<timespec>(entry_, i);
        return "&(struct timespec){" + fields(time.tv_sec, time.tv_nsec);
      }
      case K::kTimeval: {
        const auto time = Take<timeval>(entry_, i);
        return "&(struct timeval){" + fields(time.tv_sec, time.tv_usec);
      }
      case K::kAttributesIn: {
        const auto field = [&](int n) { return Long(Take<long>(entry_, i, n * sizeof(long))); };
        if (entry_.function == Function::mq_setattr)
          return "&(struct mq_attr){.mq_flags = " + field(0) + "}";
        return "&(struct mq_attr){.mq_maxmsg = " + field(1) + ", .mq_msgsize = " + field(2) + "}";
      }
      case K::kEvent: return Event(i);
      case K::kPolls: return Polls(i);
      case K::kSigsetIn: return SetOf(Take<std::uint64_t>(entry_, i));
      case K::kActionIn: return Action(i);
      case K::kLimitIn:
        return Take<rlim_t>(entry_, i) == RLIM_INFINITY ? "RLIM_INFINITY"
                                                        : std::to_string(Take<rlim_t>(entry_, i));
      case K::kVectorIn: return Vectors(i, false);
      default: return Refuse("with memory that the trace does not know");
    }
  }

  std::string Deadline(int i) {
    const auto time = Take<timespec>(entry_, i), now = Take<timespec>(entry_, i, sizeof(timespec));
    constexpr time_t kNear = 1'000'000;  // seconds; what is further away was chosen as such
    const bool near = time.tv_sec > now.tv_sec - kNear && time.tv_sec < now.tv_sec + kNear;
    const bool valid = time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000;
    // What was chosen is a round number; the call came a moment later.
    std::int64_t ms = (time.tv_sec - now.tv_sec) * 1000;
    if (valid) ms += (time.tv_nsec - now.tv_nsec) / 1'000'000;
    const std::int64_t unit = ms > 10'000 ? 1000 : 10;
    if (ms > 0) ms = (ms + unit - 1) / unit * unit;
    // What must happen before has more time on a busy machine.
    const bool succeeds = !entry_.failed && entry_.ended != 0 && entry_.value != ETIMEDOUT &&
                          entry_.value != EOWNERDEAD;
    if (ms > 0 && succeeds) ms = std::max<std::int64_t>(ms, 60'000);
    if (near && !valid)
      return "&(struct timespec){time(NULL) + " + std::to_string(ms / 1000) + ", " +
             Long(time.tv_nsec) + "}";
    if (!valid || !near)
      return "&(struct timespec){" + Long(time.tv_sec) + ", " + Long(time.tv_nsec) + "}";
    constexpr time_t kUptimeMax = 1'000'000'000;  // the time of day is later
    return std::string("at(") +
           ClockInC(now.tv_sec < kUptimeMax ? CLOCK_MONOTONIC : CLOCK_REALTIME) + ", " +
           std::to_string(ms) + ")";
  }

  std::string SetOf(std::uint64_t bits) {
    std::string text = "sigs((int[]){";
    for (int signal = 1; signal <= 64; ++signal) {
      if (bits >> (signal - 1) & 1) text += SignalInC(signal) + ", ";
    }
    return text + "0})";
  }

  std::string Event(int i) {
    sigevent event{};
    std::memcpy(&event, entry_.memory + entry_.at[i],
                std::min<std::size_t>(sizeof event, entry_.size[i]));
    if (event.sigev_notify == SIGEV_NONE) return "&(struct sigevent){.sigev_notify = SIGEV_NONE}";
    if (event.sigev_notify != SIGEV_SIGNAL) return Refuse("with a function to be notified by");
    return "&(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = " +
           SignalInC(event.sigev_signo) + ", .sigev_value = {" +
           std::to_string(event.sigev_value.sival_int) + "}}";
  }

  std::string Polls(int i) {
    if (entry_.size[i] != Word(i + 1) * sizeof(pollfd)) return Refuse("with many descriptors");
    needs_.polls = true;
    std::string text;
    for (std::size_t at = 0; at < entry_.size[i]; at += sizeof(pollfd)) {
      const auto one = Take<pollfd>(entry_, i, at);
      text += (at > 0 ? ", {" : "{") + roles_.Descriptor(entry_.actor, one.fd) + ", " +
              PollBitsInC(one.events) + ", 0}";
    }
    return "polls = (struct pollfd[4]){" + text + "}";
  }

  std::string Action(int i) {
    struct sigaction action {};
    std::memcpy(&action, entry_.memory + entry_.at[i],
                std::min<std::size_t>(sizeof action, entry_.size[i]));
    std::string handler = "on_signal";
    if (action.sa_handler == SIG_IGN) handler = "SIG_IGN";
    if (action.sa_handler == SIG_DFL) handler = "SIG_DFL";
    std::string flags;
    if (action.sa_flags & SA_RESTART) flags = ", .sa_flags = SA_RESTART";
    return "&(struct sigaction){.sa_handler = " + handler + flags + "}";
  }

  static constexpr int kLargeFile = 0100000;  // which F_GETFL shows and nobody sets
  const TraceEntry& entry_;
  Roles& roles_;
  Needs& needs_;
  std::string* why_;
  const std::string& made_;
};

bool Makes(Function function) { return function == Function::pipe || function == Function::pipe2; }

// "signal(SIGPIPE, SIG_IGN)"; "" when a handler is set.
std::string SignalCall(const TraceEntry& entry) {
  struct sigaction action {};
  std::memcpy(&action, entry.memory + entry.at[1],
              std::min<std::size_t>(sizeof action, entry.size[1]));
  const bool ignores = action.sa_handler == SIG_IGN;
  if (entry.word[1] == 0 || (!ignores && action.sa_handler != SIG_DFL)) return "";
  return "signal(" + SignalInC(static_cast<int>(entry.word[0])) + ", " +
         (ignores ? "SIG_IGN)" : "SIG_DFL)");
}

}  // namespace

std::string CallInC(const TraceEntry& entry, Roles& roles, Needs& needs, std::string* why) {
  if (entry.function == Function::sigaction && IsRaw(entry)) {
    if (const std::string text = SignalCall(entry); !text.empty()) return text;
  }
  const FunctionShape& shape = ShapeOf(entry.function);
  const bool made_now = !entry.failed && entry.ended != 0;
  std::string made;
  if (made_now && Makes(entry.function)) made = roles.Define(entry);
  Writer writer(entry, roles, needs, why, made);
  std::string text =
      std::string(entry.function == Function::setrlimit ? "limit" : shape.name) + "(";
  for (int i = 0; i < entry.word_count && shape.parameters[i].kind != K::kNone; ++i)
    text += (i > 0 ? ", " : "") + writer.Argument(i, shape.parameters[i].kind);
  text += ")";
  if (!made_now) return text;
  if (entry.function == Function::close || entry.function == Function::mq_close)
    roles.Close(entry.actor, static_cast<int>(entry.word[0]));
  if (entry.function == Function::munmap) roles.Unmap(entry.actor, entry.word[0]);
  if (made.empty() && !(made = roles.Define(entry)).empty()) text = made + " = " + text;
  return text;
}

}  // namespace ipcsuite::repro
