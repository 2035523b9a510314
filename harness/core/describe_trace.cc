// Entries of the trace in words.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "base/text.h"
#include "harness/core/call.h"
#include "harness/core/functions.h"
#include "harness/core/trace.h"
#include "harness/core/trace_words.h"

namespace ipcsuite {
namespace {

using K = ParameterKind;
using Kind = TraceEntry::Kind;

std::string_view CopyOf(const TraceEntry& entry, int i) {
  return {entry.memory + entry.at[i], entry.size[i]};
}

// The copied value, or a zero one.
template <typename T>
T Take(const TraceEntry& entry, int i, std::size_t offset = 0) {
  T value{};
  if (offset < entry.size[i])
    std::memcpy(&value, entry.memory + entry.at[i] + offset,
                std::min(sizeof value, entry.size[i] - offset));
  return value;
}

std::string Bytes(const TraceEntry& entry, int i, std::uint64_t length) {
  constexpr std::size_t kShown = 16;
  const std::string_view bytes = CopyOf(entry, i);
  if (bytes.empty() && length > 0) return "unreadable";
  std::string text = LiteralInC(bytes.substr(0, kShown));
  if (length > kShown) text += ".." + std::to_string(length);
  return text;
}

// "now-1s", or as it is where it is not a time.
std::string Deadline(const TraceEntry& entry, int i) {
  const auto time = Take<timespec>(entry, i), now = Take<timespec>(entry, i, sizeof(timespec));
  if (time.tv_nsec < 0 || time.tv_nsec >= 1'000'000'000 || now.tv_sec == 0 || time.tv_sec < 1000)
    return "{" + std::to_string(time.tv_sec) + ", " + std::to_string(time.tv_nsec) + "}";
  const std::int64_t ms =
      ((time.tv_sec - now.tv_sec) * 1'000'000'000 + (time.tv_nsec - now.tv_nsec)) / 1'000'000;
  const std::int64_t near = ms >= 0 ? ms + 1 : ms;  // the call began a moment before
  return std::string(ms < 0 ? "now-" : "now+") +
         DurationText(std::chrono::milliseconds(near < 0 ? -near : near));
}

std::string Set(std::uint64_t bits, bool signals) {
  std::string text;
  for (int i = 0; i < 64; ++i) {
    if (!(bits >> i & 1)) continue;
    text += (text.empty() ? "" : " ") + (signals ? SignalInC(i + 1) : std::to_string(i));
  }
  return "{" + text + "}";
}

std::string Event(const TraceEntry& entry, int i) {
  sigevent event{};
  std::memcpy(&event, entry.memory + entry.at[i],
              std::min<std::size_t>(sizeof event, entry.size[i]));
  switch (event.sigev_notify) {
    case SIGEV_NONE: return "{SIGEV_NONE}";
    case SIGEV_SIGNAL:
      return "{SIGEV_SIGNAL, " + SignalInC(event.sigev_signo) +
             ", value=" + std::to_string(event.sigev_value.sival_int) + "}";
    case SIGEV_THREAD: return "{SIGEV_THREAD}";
    default: return "{notify=" + std::to_string(event.sigev_notify) + "}";
  }
}

std::string Attributes(const TraceEntry& entry, int i) {
  const auto field = [&](int n) { return std::to_string(Take<long>(entry, i, n * sizeof(long))); };
  return "{flags=" + field(0) + " maxmsg=" + field(1) + " msgsize=" + field(2) +
         " curmsgs=" + field(3) + "}";
}

std::string Polls(const TraceEntry& entry, int i, bool results) {
  std::string text;
  for (std::size_t at = 0; at + sizeof(pollfd) <= entry.size[i]; at += sizeof(pollfd)) {
    const auto one = Take<pollfd>(entry, i, at);
    text += (text.empty() ? "" : ", ") + ("{" + std::to_string(one.fd)) + ", " +
            PollBitsInC(results ? one.revents : one.events) + "}";
  }
  return "{" + text + "}";
}

// What a caught signal said of itself.
std::string Info(const TraceEntry& entry, int i) {
  siginfo_t info{};
  std::memcpy(&info, entry.memory + entry.at[i], std::min<std::size_t>(sizeof info, entry.size[i]));
  std::string code = std::to_string(info.si_code);
  if (info.si_code == SI_USER) code = "SI_USER";
  if (info.si_code == SI_QUEUE) code = "SI_QUEUE";
  if (info.si_code == SI_MESGQ) code = "SI_MESGQ";
  if (info.si_code == SI_TIMER) code = "SI_TIMER";
  return "info={" + SignalInC(info.si_signo) + ", " + code +
         ", pid=" + std::to_string(info.si_pid) +
         ", value=" + std::to_string(info.si_value.sival_int) + "}";
}

std::string Address(std::uint64_t word) {
  return word == 0 ? "NULL" : word == UINT64_MAX ? "-1" : Hex(word);
}

// What a pointer leads to that the function reads.
std::string Pointee(const TraceEntry& entry, int i, K kind, std::uint64_t next) {
  if (entry.word[i] == 0) return "NULL";
  if (entry.size[i] == 0 && kind != K::kBytesIn) return Address(entry.word[i]);
  switch (kind) {
    case K::kString: return Bytes(entry, i, 0);
    case K::kBytesIn: return next == 0 ? "\"\"" : Bytes(entry, i, next);
    case K::kDeadline: return Deadline(entry, i);
    case K::kInterval: {
      const auto time = Take<timespec>(entry, i);
      return "{" + std::to_string(time.tv_sec) + ", " + std::to_string(time.tv_nsec) + "}";
    }
    case K::kTimeval: {
      const auto time = Take<timeval>(entry, i);
      return "{" + std::to_string(time.tv_sec) + ", " + std::to_string(time.tv_usec) + "}";
    }
    case K::kAttributesIn: return Attributes(entry, i);
    case K::kEvent: return Event(entry, i);
    case K::kPolls: return Polls(entry, i, false);
    case K::kFdSet: return Set(Take<std::uint64_t>(entry, i), false);
    case K::kSigsetIn: return Set(Take<std::uint64_t>(entry, i), true);
    case K::kLimitIn: return std::to_string(Take<rlim_t>(entry, i));
    default: return Address(entry.word[i]);
  }
}

// A number that has a name; anything else as it is.
std::string NumberOf(const TraceEntry& entry, int i, K kind) {
  const auto value = static_cast<int>(entry.word[i]);
  if (kind >= K::kSemaphore) return Address(entry.word[i]);
  switch (kind) {
    case K::kDirFd: return value == AT_FDCWD ? "AT_FDCWD" : std::to_string(value);
    case K::kOpenFlags: return OpenFlagsInC(value);
    case K::kMode: return OctalInC(static_cast<unsigned>(value));
    case K::kSignal: return SignalInC(value);
    case K::kCommand: return CommandInC(value);
    case K::kCommandArgument:
      return static_cast<int>(entry.word[1]) == F_SETFL ? OpenFlagsInC(value)
                                                        : std::to_string(value);
    case K::kProtection: return ProtectionInC(value);
    case K::kMapFlags: return MapFlagsInC(value);
    case K::kSyncFlags: return SyncFlagsInC(value);
    case K::kHow: return HowInC(value);
    case K::kWhence: return WhenceInC(value);
    case K::kAdvice: return AdviceInC(value);
    case K::kResource: return ResourceInC(value);
    case K::kUnsigned: return std::to_string(entry.word[i]);
    case K::kInt: return std::to_string(static_cast<std::int64_t>(entry.word[i]));
    case K::kClock: return ClockInC(value);
    case K::kPshared: return PsharedInC(value);
    case K::kMutexType: return MutexTypeInC(value);
    case K::kRobustness: return RobustnessInC(value);
    case K::kProtocol: return ProtocolInC(value);
    case K::kPointer:
    case K::kThread: return Address(entry.word[i]);
    case K::kSigval: return std::to_string(value);
    default: return std::to_string(value);
  }
}

std::string Argument(const TraceEntry& entry, int i, const Parameter& parameter) {
  const std::uint64_t next = i + 1 < entry.word_count ? entry.word[i + 1] : 0;
  std::string text;
  if (IsResult(parameter.kind)) {
    text = entry.word[i] == 0 ? "NULL" : "out";
  } else if (parameter.kind >= K::kString && parameter.kind < K::kSigval) {
    text = Pointee(entry, i, parameter.kind, next);
  } else {
    text = NumberOf(entry, i, parameter.kind);
  }
  return *parameter.name ? std::string(parameter.name) + "=" + text : text;
}

// What the traced function in a CALL returned, as far as there was room for it.
std::int64_t InnerValue(const TraceEntry& entry) {
  return entry.word_count < TraceEntry::kWords
             ? static_cast<std::int64_t>(entry.word[TraceEntry::kWords - 1])
             : entry.value;
}

// Whether the expression in the test is one call: "read(...)", or "maker.make(...)" whose value is
// that of the one traced function in it.
bool IsPlainCall(const TraceEntry& entry, const FunctionShape& shape) {
  if (entry.kind == Kind::kRaw) return true;
  const std::string_view text = entry.text;
  const std::size_t open = text.find('(');
  if (open == text.npos || !text.ends_with(")")) return false;
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0 && i + 1 < text.size()) return false;
  }
  if (text.substr(0, open) == shape.name) return true;
  const bool one = entry.captures == 1 && (entry.ended == 0 || InnerValue(entry) == entry.value);
  return one && text.substr(open) != "()" && text.find('<') > open;
}

std::string Who(std::uint64_t actor) {
  if (actor == TraceEntry::kNobody) return "a thread";
  return actor == 0 ? "test" : "peer " + std::to_string(actor);
}

std::string DescribeCall(const TraceEntry& entry) {
  const std::string arguments = DescribeArguments(entry);
  std::string text = arguments.empty() ? std::string(entry.text) : arguments;
  if (entry.ended == 0) return text + " ...";
  text += " = " + DescribeValue(&entry, entry.value);
  if (entry.failed) return text + " " + ErrnoName(entry.error);
  const std::string results = DescribeResults(entry);
  return results.empty() ? text : text + ", " + results;
}

// Empty: it says nothing of the test.
std::string DescribeEvent(const TraceEntry& entry) {
  const auto word = [&](int i) { return i < entry.word_count ? entry.word[i] : 0; };
  switch (entry.kind) {
    case Kind::kCall:
    case Kind::kRaw: return DescribeCall(entry);
    case Kind::kFork: return "starts " + Who(word(0)) + ", a process";
    case Kind::kThread: return "starts " + Who(word(0)) + ", a thread";
    case Kind::kBlocked:
    case Kind::kStaysBlocked:
      return "sees " + Who(word(0)) + (entry.kind == Kind::kBlocked ? "" : " still") +
             " blocked: " + std::string(CopyOf(entry, 0));
    case Kind::kSignal:
      return "sends " + SignalInC(static_cast<int>(word(1))) + " to " + Who(word(0));
    case Kind::kFill:
      return "fills descriptor " + std::to_string(word(0)) + ": " + std::to_string(word(1)) +
             " bytes";
    case Kind::kDrain:
      return "drains descriptor " + std::to_string(word(0)) + ": " + std::to_string(word(1)) +
             " bytes";
    case Kind::kCloseExcept: {
      std::string kept;
      for (int i = 0; i < entry.word_count; ++i) kept += " " + std::to_string(entry.word[i]);
      return "closes every descriptor from 3 up except" + (kept.empty() ? " none" : kept);
    }
    case Kind::kBecome:
    case Kind::kFullTable:
    case Kind::kOther: return std::string(CopyOf(entry, 0));
    case Kind::kFailedCheck: return "";  // its message says more
    case Kind::kEnded: return "sees the end of " + Who(word(0));
    default: return "";
  }
}

}  // namespace

std::string DescribeArguments(const TraceEntry& entry) {
  const FunctionShape& shape = ShapeOf(entry.function);
  if (shape.function == Function::none || !IsPlainCall(entry, shape)) return "";
  std::string text = std::string(shape.name) + "(";
  for (int i = 0; i < entry.word_count && shape.parameters[i].kind != K::kNone; ++i)
    text += (i > 0 ? ", " : "") + Argument(entry, i, shape.parameters[i]);
  return text + ")";
}

std::string DescribeValue(const TraceEntry* entry, std::int64_t value) {
  const Function function = entry ? entry->function : Function::none;
  const bool address = function == Function::mmap || function == Function::sem_open;
  return address && value != -1 ? Hex(static_cast<std::uint64_t>(value)) : std::to_string(value);
}

std::string DescribeResults(const TraceEntry& entry) {
  const FunctionShape& shape = ShapeOf(entry.function);
  std::vector<std::string> parts;
  for (int i = 0; i < entry.word_count; ++i) {
    if (!(entry.written >> i & 1)) continue;
    const Parameter& parameter = shape.parameters[i];
    const std::string name = *parameter.name ? std::string(parameter.name) + "=" : "";
    switch (parameter.kind) {
      case K::kBytesOut:
        parts.push_back(Bytes(entry, i, static_cast<std::uint64_t>(entry.value)));
        break;
      case K::kAttributesOut: parts.push_back(name + Attributes(entry, i)); break;
      case K::kIntOut:
      case K::kUnsignedOut: parts.push_back(name + std::to_string(Take<int>(entry, i))); break;
      case K::kEndsOut:
        parts.push_back("{" + std::to_string(Take<int>(entry, i)) + ", " +
                        std::to_string(Take<int>(entry, i, sizeof(int))) + "}");
        break;
      case K::kSigsetOut: parts.push_back(Set(Take<std::uint64_t>(entry, i), true)); break;
      case K::kInfoOut: parts.push_back(Info(entry, i)); break;
      case K::kPolls: parts.push_back("revents=" + Polls(entry, i, true)); break;
      case K::kFdSet:
        parts.push_back(name + Set(Take<std::uint64_t>(entry, i, sizeof(std::uint64_t)), false));
        break;
      default: break;
    }
  }
  return Join(parts, ", ");
}

std::vector<std::string> DescribeTrace(const Trace& trace, std::size_t count) {
  std::vector<std::string> before, after;  // the first failed check
  const std::uint32_t failed = trace.failed_at.load();
  for (const TraceEntry* entry : EntriesOf(trace)) {
    const std::string what = DescribeEvent(*entry);
    if (what.empty()) continue;
    const bool later = failed > 0 && entry->number.load() > failed;
    (later ? after : before).push_back(Who(entry->actor) + ": " + what);
  }
  const auto keep_last = [](std::vector<std::string>& lines, std::size_t n) {
    const std::size_t out = lines.size() > n ? lines.size() - n : 0;
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(out));
    return out;
  };
  const std::size_t last = std::max(count / 3, count - std::min(count, before.size()));
  const std::size_t skipped = keep_last(after, last);
  keep_last(before, count - std::min(count, after.size()));
  if (!after.empty()) {
    before.push_back(
        "the first check that fails" +
        (skipped == 0
             ? std::string()
             : "; " + Counted(static_cast<std::int64_t>(skipped), "later step") + " left out"));
  }
  before.insert(before.end(), after.begin(), after.end());
  return before;
}

}  // namespace ipcsuite
