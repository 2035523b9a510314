#include "harness/core/call.h"

#include <csignal>
#include <cstring>

#include "base/os/os.h"
#include "harness/core/arena.h"
#include "harness/core/context.h"
#include "harness/core/waits.h"

namespace ipcsuite {
namespace {

struct Named {
  int number;
  const char* name;
};

#define N(x) \
  { x, #x }
// What POSIX names; where two names share a number on a platform the first one listed is shown.
constexpr Named kErrors[] = {
    N(E2BIG),     N(EACCES),          N(EADDRINUSE),   N(EAGAIN),     N(EBADF),   N(EBADMSG),
    N(EBUSY),     N(ECANCELED),       N(ECHILD),       N(EDEADLK),    N(EDOM),    N(EDQUOT),
    N(EEXIST),    N(EFAULT),          N(EFBIG),        N(EIDRM),      N(EILSEQ),  N(EINPROGRESS),
    N(EINTR),     N(EINVAL),          N(EIO),          N(EISDIR),     N(ELOOP),   N(EMFILE),
    N(EMLINK),    N(EMSGSIZE),        N(ENAMETOOLONG), N(ENFILE),     N(ENODEV),  N(ENOENT),
    N(ENOEXEC),   N(ENOLCK),          N(ENOMEM),       N(ENOSPC),     N(ENOSYS),  N(ENOTDIR),
    N(ENOTEMPTY), N(ENOTRECOVERABLE), N(ENOTSUP),      N(EOPNOTSUPP), N(ENOTTY),  N(ENXIO),
    N(EOVERFLOW), N(EOWNERDEAD),      N(EPERM),        N(EPIPE),      N(ERANGE),  N(EROFS),
    N(ESPIPE),    N(ESRCH),           N(ESTALE),       N(ETIMEDOUT),  N(ETXTBSY), N(EXDEV)};
constexpr Named kSignals[] = {
    N(SIGABRT), N(SIGALRM), N(SIGBUS),    N(SIGCHLD), N(SIGCONT), N(SIGFPE),  N(SIGHUP),
    N(SIGILL),  N(SIGINT),  N(SIGKILL),   N(SIGPIPE), N(SIGQUIT), N(SIGSEGV), N(SIGSTOP),
    N(SIGSYS),  N(SIGTERM), N(SIGTRAP),   N(SIGTSTP), N(SIGTTIN), N(SIGTTOU), N(SIGURG),
    N(SIGUSR1), N(SIGUSR2), N(SIGVTALRM), N(SIGXCPU), N(SIGXFSZ)};
#undef N

template <std::size_t n>
std::string NameOf(const Named (&table)[n], int number, const char* otherwise) {
  for (const Named& entry : table) {
    if (entry.number == number) return entry.name;
  }
  return std::string(otherwise) + " " + std::to_string(number);
}

}  // namespace

std::string ErrnoName(int error) {
  return error == 0 ? "no error" : NameOf(kErrors, error, "errno");
}
std::string SignalName(int signal) { return NameOf(kSignals, signal, "signal"); }

std::string Describe(const CallResult& result) {
  std::string text = *result.text ? result.text : "(no call)";
  const Slot* slot = CurrentSlot();
  const TraceEntry* entry = slot ? slot->trace.At(result.trace) : nullptr;
  if (const std::string with_values = entry ? DescribeArguments(*entry) : ""; !with_values.empty())
    text = with_values;
  switch (result.fate) {
    case Fate::kNone: return text + ": was not issued";
    case Fate::kStillBlocked: return text + ": still blocked";
    case Fate::kKilled: return text + ": its process was killed by " + SignalName(result.sig);
    case Fate::kExited: return text + ": its process exited in the call";
    case Fate::kCancelled: return text + ": its thread was cancelled in the call";
    case Fate::kReturned: break;
  }
  text += " = " + DescribeValue(entry, result.value);
  if (result.failed) text += " " + ErrnoName(result.error);
  const std::string stored = entry && !result.failed ? DescribeResults(*entry) : "";
  return stored.empty() ? text : text + ", " + stored;
}

std::ostream& operator<<(std::ostream& out, const CallResult& result) {
  return out << Describe(result);
}

namespace internal {

std::int64_t CallClockNs() { return NowNs(); }
std::int64_t CallSwitches() { return os::OwnVoluntarySwitches(); }

void CountSleeps(CallResult& result, std::int64_t switches_before) {
  if (switches_before < 0 || nanoseconds(result.elapsed_ns()) < kSleptAtLeast) return;
  result.sleeps = static_cast<std::int32_t>(os::OwnVoluntarySwitches() - switches_before);
}

std::uint32_t BeginCall(const char* text) {
  if (Slot* slot = CurrentSlot()) slot->calls.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t number = BeginTrace(text);
  Actor* actor = CurrentActor();
  if (!actor) return number;
  actor->text = text;
  actor->trace = number;
  actor->seq.fetch_add(1, std::memory_order_release);
  actor->state.store(Actor::kIssued, std::memory_order_release);
  return number;
}

void EndCall(const CallResult& result) {
  EndTrace(result.trace, result.value, result.error, result.failed);
  Actor* actor = CurrentActor();
  if (!actor) return;
  const int saved = errno;
  actor->last = result;
  actor->state.store(Actor::kReturned, std::memory_order_release);
  os::WakeWord(actor->state);
  errno = saved;
}

}  // namespace internal
}  // namespace ipcsuite
